"""Replicas that speak HTTP/1.1 only."""

import asyncio
import contextlib

import pytest

from seldon_core.errors import UnreachableError, UnsupportedError, UpstreamError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.oip_binary import LENGTH_HEADER
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaAddress
from seldon_core.transport.upstreams import open_upstreams
from tests.support.hop import REPLICA, body_of, rest_call, rpc_call, steered
from tests.support.stream_fakes import Given

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Asked(asyncio.Protocol):
    """A connection that is answered with bytes."""

    def __init__(self, server):
        self.server = server
        self.received = b""
        self.is_lost = False

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.append(self)

    def data_received(self, data):
        self.received += data
        if self.server.answer and self.received.endswith(self.server.until):
            self.received, self.server.last = b"", self.received
            for piece in self.server.answer:
                self.transport.write(piece)
            if self.server.closes:
                self.transport.close()

    def connection_lost(self, error):
        self.is_lost = True


class PlainServer:
    def __init__(self, answer, until=b"}", closes=False):
        self.answer, self.until, self.closes = answer, until, closes
        self.connections, self.last = [], b""


def with_server(test, *answer, budget=None, **options):
    async def whole():
        server = PlainServer(answer, **options)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Asked(server), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        try:
            async with open_upstreams(budget or InFlightBytes(1 << 30)) as upstreams:
                await test(upstreams.open(REPLICA, ReplicaAddress("127.0.0.1", port, 1)), server)
        finally:
            listener.close()
            for connection in server.connections:
                connection.transport.abort()
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(whole(), timeout=20))


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.001)


def test_a_connection_is_kept_for_the_next_request():
    async def test(handler, server):
        for _ in range(3):
            reply = await handler.infer(rest_call())
            assert (body_of(reply), reply.response.content_type) == (b"{}", b"application/json")
        assert len(server.connections) == 1
        head, _, body = server.last.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /v2/models/iris_1/infer HTTP/1.1"
        assert b"content-length: 2" in lines
        assert b"seldon-internal-model: iris_1" in lines
        assert body == b"{}"

    with_server(test, OK)


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK],
        [
            CHUNKED,
            b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        ],
        [OK[:20], OK[20:-1], OK[-1:]],
    ],
    ids=["continue", "chunked", "pieces"],
)
def test_an_answer_comes_as(answer):
    async def test(handler, server):
        for _ in range(2):
            assert body_of(await handler.infer(rest_call())) == b"{}"
        assert len(server.connections) == 1

    with_server(test, *answer)


@pytest.mark.parametrize("length", [b"x", b"-1", b"3", b"9" * 5000, b""])
def test_a_wrong_length_of_its_json_is_an_error(length):
    async def test(handler, server):
        with pytest.raises(UpstreamError, match=r"inference-header-content-length .* of 2 bytes"):
            await handler.infer(rest_call())

    with_server(test, OK.replace(b"\r\n\r\n", b"\r\n%b: %b\r\n\r\n" % (LENGTH_HEADER, length)))


def test_the_length_of_its_json_is_passed_on():
    async def test(handler, server):
        reply = await handler.infer(rest_call())
        assert reply.response.json_length == 1

    with_server(test, OK.replace(b"\r\n\r\n", b"\r\n%b: 1\r\n\r\n" % LENGTH_HEADER))


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"content-type", b"connection: close\r\nx"),
        b"HTTP/1.0 200 OK\r\n\r\n{}",
    ],
    ids=["close", "until the end"],
)
def test_a_connection_that_the_peer_closes_is_not_used_again(answer):
    async def test(handler, server):
        for _ in range(2):
            assert body_of(await handler.infer(rest_call())) == b"{}"
            await until(lambda: server.connections[-1].is_lost)
        assert len(server.connections) == 2

    with_server(test, answer, closes=True)


def test_calls_at_once_have_a_connection_each():
    async def test(handler, server):
        await asyncio.gather(*(handler.infer(rest_call()) for _ in range(5)))
        assert len(server.connections) > 1

    with_server(test, OK)


def test_large_bodies_pass_both_ways():
    size = 8 << 20
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size

    async def test(handler, server):
        reply = await handler.infer(rest_call(bytes(size) + b"}"))
        (whole,) = reply.response.parts
        assert len(whole) == size

    with_server(test, head, bytes(size))


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        ([b"no HTTP at all\r\n\r\n"], UpstreamError, "no HTTP"),
        ([OK[:-1]], UpstreamError, "before its answer was complete"),
        ([b""], UnreachableError, "before it answered"),
    ],
    ids=["no HTTP", "half", "nothing"],
)
def test_what_is_no_answer_is_an_upstream_error(answer, error, text):
    async def test(handler, server):
        with pytest.raises(error, match=text) as caught:
            await handler.infer(rest_call())
        assert type(caught.value) is error

    with_server(test, *answer, closes=True)


def test_what_nobody_has_asked_for_closes_the_connection():
    async def test(handler, server):
        await handler.infer(rest_call())
        server.connections[0].transport.write(OK)
        await until(lambda: server.connections[0].is_lost)
        assert body_of(await handler.infer(rest_call())) == b"{}"

    with_server(test, OK)


def test_who_leaves_closes_his_connection():
    async def test(handler, server):
        call = asyncio.ensure_future(handler.infer(rest_call()))
        await until(lambda: server.connections and server.connections[0].received)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        await until(lambda: server.connections[0].is_lost)

    with_server(test)


def test_a_replica_that_leaves_closes_its_connections_when_they_are_idle():
    async def test(handler, server):
        await handler.infer(rest_call())
        handler.leave()
        await until(lambda: server.connections[0].is_lost)

    with_server(test, OK)


def test_a_replica_of_another_kind_is_asked_for_no_stream():
    async def test(handler, server):
        with pytest.raises(UnsupportedError):
            await anext(handler.stream(rpc_call(verb=Verb.STREAM_INFER), Given()))
        assert not server.connections

    with_server(test, OK)


def test_grpc_goes_to_its_own_port_with_the_name_in_the_message():
    def answer(peer, stream_id):
        peer.head(stream_id, (b"content-type", b"application/grpc"))
        peer.h2.send_data(stream_id, b"\0\0\0\0\2ok")
        peer.h2.send_trailers(stream_id, [(b"grpc-status", b"0")])
        peer.flush()

    async def test():
        async with steered(answer) as server, open_upstreams(InFlightBytes(1 << 30)) as upstreams:
            handler = upstreams.open(REPLICA, ReplicaAddress("127.0.0.1", 1, server.port))
            assert body_of(await handler.infer(rpc_call(b"\x0a\x04iris"))) == b"ok"
            assert server.peers[0].bodies[1] == b"\0\0\0\0\x0e\x0a\x04iris\x0a\x06iris_1"

    asyncio.run(asyncio.wait_for(test(), timeout=20))
