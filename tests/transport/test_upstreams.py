"""The replicas that a process calls."""

import asyncio
import subprocess
import sys

from seldon_core.transport import upstreams as module
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.upstreams import open_upstreams
from tests.support.hop import REPLICA, address_of, rest_call, steered


def test_replicas_that_have_left_are_forgotten(monkeypatch):
    monkeypatch.setattr(module, "_VISIT_S", 0.01)

    async def test():
        async with (
            steered(lambda peer, stream_id: peer.answer(stream_id)) as server,
            open_upstreams(InFlightBytes(1 << 30)) as upstreams,
        ):
            first = upstreams.open(REPLICA, address_of(server.port))
            upstreams.open(REPLICA, address_of(server.port, is_ours=False))
            await first.infer(rest_call())
            assert len(upstreams._links) == 3
            first.leave()
            await server.until(lambda: len(upstreams._links) == 2)
            await server.until(lambda: server.peers[0].is_lost)

    asyncio.run(test())


def test_the_end_closes_every_connection():
    async def test():
        async with steered(lambda peer, stream_id: peer.answer(stream_id)) as server:
            async with open_upstreams(InFlightBytes(1 << 30)) as upstreams:
                await upstreams.open(REPLICA, address_of(server.port)).infer(rest_call())
            await server.until(lambda: server.peers[0].is_lost)

    asyncio.run(test())


def test_nothing_of_it_is_loaded_before_there_is_a_replica():
    code = (
        "import sys, seldon_core.transport.upstreams; "
        "sys.exit('seldon_core.transport.http2_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
