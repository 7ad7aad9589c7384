"""Connections to one address: made when needed, given up in order."""

import asyncio
import contextlib
import socket

import pytest

from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import UnreachableError
from seldon_core.transport import links as links_module
from seldon_core.transport.http2_links import Http2Links
from tests.support.hop import free_port, steered
from tests.transport.test_http2_links import HEAD, Deaf


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=20))


def links_to(tasks, port, host="127.0.0.1"):
    return Http2Links(host, port, "peer", tasks, memoryview(bytearray(1 << 16)), pings=False)


def test_who_asks_meanwhile_waits_for_the_same_connection():
    async def test():
        async with steered() as server, open_tasks("test") as tasks:
            links = links_to(tasks, server.port)
            found = await asyncio.gather(*(links.open() for _ in range(5)))
            assert len(set(found)) == 1
            links.abort()

    run(test)


def test_who_stops_waiting_harms_no_other():
    async def test():
        async with steered() as server, open_tasks("test") as tasks:
            links = links_to(tasks, server.port)
            one, other = (asyncio.ensure_future(links.open()) for _ in range(2))
            await asyncio.sleep(0)
            one.cancel()
            assert (await other).is_open
            links.abort()

    run(test)


def test_after_a_refusal_calls_fail_at_once_for_a_moment():
    async def test():
        port = free_port()
        async with open_tasks("test") as tasks:
            links = links_to(tasks, port)
            with pytest.raises(UnreachableError, match="peer cannot be reached"):
                await links.open()
            async with steered(port=port) as server:
                with pytest.raises(UnreachableError):
                    await links.open()
                assert not server.peers
                while not server.peers:
                    with contextlib.suppress(UnreachableError):
                        assert (await links.open()).is_open
                    await asyncio.sleep(0)
                links.abort()

    run(test)


def test_who_has_nobody_else_to_ask_waits_for_the_next_attempt():
    async def test():
        port = free_port()
        async with open_tasks("test") as tasks:
            links = links_to(tasks, port)
            with pytest.raises(UnreachableError, match="peer cannot be reached"):
                await links.open(waits=True)
            async with steered(port=port):
                await asyncio.sleep(links_module._LONGEST_PAUSE_S)
                assert (await links.open(waits=True)).is_open
                links.abort()

    run(test)


@pytest.mark.parametrize("host", ["a..b", "a" * 300, "a\0b"], ids=["empty", "long", "zero"])
def test_a_host_that_can_be_no_name_is_an_error_of_the_call_alone(host):
    async def test():
        async with open_tasks("test") as tasks:
            with pytest.raises(UnreachableError, match="peer cannot be reached"):
                await links_to(tasks, 1, host).open()

    run(test)


def test_a_process_that_takes_connections_and_says_nothing_is_not_connected(monkeypatch):
    async def test():
        monkeypatch.setattr(links_module, "CONNECT_S", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with open_tasks("test") as tasks:
                links = links_to(tasks, silent.getsockname()[1])
                with pytest.raises(UnreachableError, match="within") as caught:
                    await links.open()
                assert not caught.value.was_sent

    run(test)


def test_a_connection_that_ends_as_it_is_made_has_not_taken_the_call():
    async def test():
        async with steered(refuses=True) as server, open_tasks("test") as tasks:
            with pytest.raises(UnreachableError, match="closed at once") as caught:
                await links_to(tasks, server.port).open()
            assert not caught.value.was_sent
            assert len(server.peers) == 1

    run(test)


def test_what_leaves_connects_no_more_and_closes_when_its_calls_are_answered():
    async def test():
        async with steered() as server, open_tasks("test") as tasks:
            links = links_to(tasks, server.port)
            client = await links.open()
            client.request(HEAD, (), Deaf())
            peer = await server.asked()
            links.leave()
            assert links.ready() is None
            assert not links.is_done
            with pytest.raises(UnreachableError, match="not connected any more"):
                await links.open()
            peer.answer(1)
            await server.until(lambda: peer.is_lost)
            links.visit(0.0)
            assert links.is_done

    run(test)


def test_calls_on_a_connection_that_leaves_do_not_wait_for_a_silent_peer():
    async def test():
        async with steered() as server, open_tasks("test") as tasks:
            links = links_to(tasks, server.port)
            links.ask_for_life()
            client = await links.open()
            lost = []
            receiver = Deaf()
            receiver.on_lost = lost.append
            client.request(HEAD, (), receiver)
            peer = await server.asked()
            links.leave()
            peer.transport.pause_reading()
            now = asyncio.get_running_loop().time()
            links.visit(now + 3)
            links.visit(now + 9)
            assert "no sign of life" in str(lost[0])

    run(test)


def test_a_connection_that_comes_too_late_is_closed():
    async def test():
        async with steered() as server, open_tasks("test") as tasks:
            links = links_to(tasks, server.port)
            waiting = asyncio.ensure_future(links.open())
            await asyncio.sleep(0)
            links.leave()
            with pytest.raises(UnreachableError):
                await waiting
            await server.until(lambda: not server.peers or server.peers[0].is_lost)

    run(test)
