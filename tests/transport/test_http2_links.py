"""Connections of HTTP/2 to one address; `test_links` has what is the same for HTTP/1.1."""

import asyncio

import ngh2
import pytest

from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import OverloadedError
from seldon_core.transport.http2_links import MOST_CONNECTIONS, Http2Links
from tests.support.hop import steered

HEAD = [
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":path", b"/"),
    (b":authority", b"a"),
]
ONE_STREAM = {ngh2.Setting.MAX_CONCURRENT_STREAMS: 1}


class Deaf:
    """A receiver that takes nothing in."""

    def on_head(self, headers, has_ended):
        pass

    def on_data(self, data, has_ended):
        return True

    def on_trailers(self, headers):
        pass

    def on_lost(self, error):
        pass

    def on_room(self):
        pass


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=20))


def with_links(test, **settings):
    async def whole():
        async with steered(**settings) as server, open_tasks("test") as tasks:
            receive = memoryview(bytearray(1 << 16))
            links = Http2Links("127.0.0.1", server.port, "peer", tasks, receive, pings=False)
            try:
                await test(links, server)
            finally:
                links.abort()

    run(whole)


def test_another_connection_is_made_when_one_has_as_many_calls_as_it_takes():
    async def test(links, server):
        first = await links.open()
        first.request(HEAD, (), Deaf())
        await server.asked()
        await server.until(lambda: not first.has_room)
        second = await links.open()
        assert second is not first
        assert links.ready() is second

    with_links(test, settings=ONE_STREAM)


def test_there_is_a_bound_on_connections():
    async def test(links, server):
        for number in range(MOST_CONNECTIONS):
            client = await links.open()
            client.request(HEAD, (), Deaf())
            await server.until(lambda: not client.has_room)  # noqa: B023 - called at once
            assert number < MOST_CONNECTIONS
        with pytest.raises(OverloadedError, match="as many calls under way"):
            await links.open()

    with_links(test, settings=ONE_STREAM)


def test_pings_can_be_asked_for_later():
    async def test(links, server):
        client = await links.open()
        links.ask_for_life()
        assert client.pings
        client.visit(asyncio.get_running_loop().time() + 6)
        await server.until(
            lambda: [one for one in server.peers[0].events if type(one) is ngh2.PingReceived]
        )

    with_links(test)
