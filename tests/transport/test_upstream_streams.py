"""Streams on the hop: slow ones, broken ones, and those that are left."""

import asyncio

import pytest

from seldon_core.errors import (
    NotFoundError,
    NotReadyError,
    RelayedError,
    UnreachableError,
    UpstreamError,
)
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import Encoded, Payload
from seldon_core.protocol.oip_grpc import CONTENT_TYPE
from seldon_core.protocol.relay_stream import relayed_message
from tests.support.hop import remote, rest_call, rpc_call, steered
from tests.support.http2_peer import framed
from tests.support.stream_fakes import Given, Spoken

GRPC = (b"content-type", b"application/grpc")


def payload(body=b"x"):
    return Payload(None, body)


def answer(text=b"y", is_final=True):
    return framed(
        b"".join(relayed_message(Encoded(CONTENT_TYPE, (text,)), None, is_final=is_final))
    )


def with_peer(test, **options):
    async def whole():
        async with steered(**options) as server, remote(server.port) as handler:
            await test(handler, server)

    asyncio.run(asyncio.wait_for(whole(), timeout=20))


def talk_to(handler, messages):
    return handler.stream(rpc_call(verb=Verb.STREAM_INFER), messages)


async def opened(server):
    """The peer that a stream was opened to, its head already sent."""
    peer = await server.until(lambda: server.peers and server.peers[0].requests and server.peers[0])
    peer.head(1, GRPC)
    return peer


def text_of(reply):
    return b"".join(reply.outcome.parts)


def test_headers_of_a_stream():
    async def test(handler, server):
        replies = talk_to(handler, Given())
        waiting = asyncio.ensure_future(anext(replies, None))
        peer = await opened(server)
        head = peer.requests[1]
        assert head[b":path"] == b"/inference.GRPCInferenceService/ModelStreamInfer"
        assert head[b"seldon-internal-model"] == head[b"seldon-model"] == b"iris_1"
        assert head[b"x-seldon-stream-format"] == b"relayed"
        peer.h2.send_trailers(1, [(b"grpc-status", b"0")])
        peer.flush()
        assert await waiting is None

    with_peer(test)


def test_several_answers_to_a_message_are_its_own():
    async def test(handler, server):
        first, second = payload(), payload()
        replies = talk_to(handler, Given(first, second))
        waiting = asyncio.ensure_future(anext(replies))
        peer = await opened(server)
        await server.asked()
        peer.data(1, answer(b"1", is_final=False) + answer(b"2") + answer(b"3"))
        found = [await waiting, await anext(replies), await anext(replies)]
        assert [(text_of(each), each.is_final) for each in found] == [
            (b"1", False),
            (b"2", True),
            (b"3", True),
        ]
        assert [each.payload for each in found] == [first, first, second]
        await replies.aclose()
        await server.until(lambda: peer.resets)

    with_peer(test)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        pytest.param(answer() * 2, UpstreamError, id="more answers than messages"),
        pytest.param(framed(b"no answer"), UpstreamError, id="no answer"),
        pytest.param(b"\1\0\0\0\0", UpstreamError, id="compressed"),
    ],
)
def test_what_a_replica_must_not_say(sent, error):
    async def test(handler, server):
        replies = talk_to(handler, Given(payload()))
        waiting = asyncio.ensure_future(anext(replies))
        peer = await opened(server)
        await server.asked()
        peer.data(1, sent)
        await asyncio.wait([waiting])
        with pytest.raises(error):
            await (waiting if waiting.exception() else anext(replies))

    with_peer(test)


@pytest.mark.parametrize(
    ("code", "error"),
    [(b"5", NotReadyError), (b"3", RelayedError), (b"14", UnreachableError)],
)
def test_how_a_stream_ends_is_passed_on(code, error):
    async def test(handler, server):
        waiting = asyncio.ensure_future(anext(talk_to(handler, Given(payload()))))
        peer = await opened(server)
        peer.h2.send_trailers(1, [(b"grpc-status", code), (b"grpc-message", b"why")])
        peer.flush()
        with pytest.raises(error, match="why"):
            await waiting

    with_peer(test)


def test_a_stream_to_nobody_is_unreachable():
    async def test(handler, server):
        server.listener.close()
        with pytest.raises(UnreachableError):
            await anext(talk_to(handler, Given(payload())))

    with_peer(test)


def test_a_stream_whose_replica_is_lost_raises():
    async def test(handler, server):
        replies = talk_to(handler, Given(payload()))
        waiting = asyncio.ensure_future(anext(replies))
        (await opened(server)).transport.abort()
        with pytest.raises(UpstreamError):
            await waiting

    with_peer(test)


def test_no_more_is_taken_than_a_replica_reads():
    async def test(handler, server):
        big, messages = bytes(1 << 20), Spoken()
        messages.say(*(payload(big) for _ in range(64)))
        waiting = asyncio.ensure_future(anext(talk_to(handler, messages)))
        peer = await server.until(lambda: server.peers and server.peers[0])
        peer.transport.pause_reading()
        await asyncio.sleep(0.1)
        assert messages.taken < 16
        waiting.cancel()
        await asyncio.wait([waiting])

    with_peer(test)


def test_no_more_events_come_than_are_taken():
    async def test(handler, server):
        call = rest_call(b"{}", verb=Verb.GENERATE_STREAM)
        replies = handler.stream(call, Given(call.payload))
        waiting = asyncio.ensure_future(anext(replies))
        peer = await server.asked()
        assert peer.requests[1][b":path"] == b"/v2/models/iris_1/generate_stream"
        peer.head(1)
        event = b"data: " + bytes(64 << 10) + b"\n\n"
        for _ in range(200):
            peer.data(1, event)
        await waiting
        await asyncio.sleep(0.1)
        assert peer.h2.queued_body_size() > 4 << 20
        count = 1
        while count < 200:
            assert len(text_of(await anext(replies))) == 64 << 10
            count += 1
        peer.data(1, b"", end=True)
        assert await anext(replies, None) is None

    with_peer(test)


def test_events_in_pieces_and_an_end_by_trailers():
    async def test(handler, server):
        call = rest_call(b"{}", verb=Verb.INFER_STREAM)
        replies = handler.stream(call, Given(call.payload))
        waiting = asyncio.ensure_future(anext(replies))
        peer = await server.asked()
        peer.head(1)
        peer.data(1, b"da")
        peer.data(1, b"ta: {}\n")
        peer.data(1, b"\ndata: 1\n\ndata:")
        peer.data(1, b" 2")
        peer.data(1, b"3\n\n")
        assert text_of(await waiting) == b"{}"
        assert text_of(await anext(replies)) == b"1"
        assert text_of(await anext(replies)) == b"23"
        peer.h2.send_trailers(1, [(b"x-end", b"1")])
        peer.flush()
        assert await anext(replies, None) is None

    with_peer(test)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        pytest.param(lambda peer: peer.head(1, status=b"500", end=True), RelayedError, id="head"),
        pytest.param(
            lambda peer: peer.answer(1, b'{"error":"model \'iris_1\' not found"}', b"404"),
            NotFoundError,
            id="not found",
        ),
        pytest.param(lambda peer: peer.transport.abort(), UnreachableError, id="lost"),
    ],
)
def test_events_that_do_not_come_are_an_error(end, error):
    async def test(handler, server):
        call = rest_call(b"{}", verb=Verb.INFER_STREAM)
        waiting = asyncio.ensure_future(anext(handler.stream(call, Given(call.payload))))
        end(await server.asked())
        with pytest.raises(error):
            await waiting

    with_peer(test)
