"""Streaming gRPC calls over real sockets, by grpcio and a client of frames."""

import asyncio
import contextlib
import gzip
import time
import zlib

import grpc
import ngh2
import pytest
import uvloop

from seldon_core.transport.conversing import peer_name
from seldon_core.transport.http2 import STREAM_WINDOW
from seldon_core.transport.listener import listen
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import MIB, ListenerSettings
from tests.support.http2_peer import EchoHttp, call_headers, connected, framed, serving
from tests.support.talks import Talks

OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def run(test):
    """Run on uvloop, as the server does, within 30 seconds."""

    async def bounded():
        async with asyncio.timeout(30):
            await test()

    uvloop.run(bounded())


@contextlib.asynccontextmanager
async def talking(talks=None, settings=None):
    """Serve conversations; afterwards none of them is left, nor a byte in the budget."""
    talks = talks or Talks()
    async with serving(settings, conversations=talks) as server:
        yield server, talks
    await server.until(lambda: not server.shared.conversing)
    assert talks.running == 0
    assert server.shared.budget.used == 0


def channel(server):
    return grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=OPTIONS)


def messages_of(answer):
    """Return the messages in a body."""
    body, messages = bytes(answer.body), []
    while body:
        size = 5 + int.from_bytes(body[1:5], "big")
        messages.append(body[5:size])
        body = body[size:]
    return messages


async def read_until(client, holds):
    client.flush()
    while not holds():
        await client.read()


async def status_of(call):
    return (await call.code()).value[0], await call.details()


def test_grpcio_gets_every_answer_of_a_server_stream_and_its_status():
    async def test():
        async with talking() as (server, talks), channel(server) as peer:
            call = peer.unary_stream("/t/three")(b"hi", metadata=[("x-a", "1")])
            assert [message async for message in call] == [b"hi-0", b"hi-1", b"hi-2"]
            assert await status_of(call) == (0, "")
            headers, who, deadline = talks.calls[0]
            assert headers[b"x-a"] == b"1"
            assert who.startswith("127.0.0.1:")
            assert deadline == float("inf")

    run(test)


def test_grpcio_talks_to_and_fro():
    async def test():
        async with talking() as (server, _), channel(server) as peer:
            call = peer.stream_stream("/t/echo")()
            for size in (0, 1, 100, 20_000, 300_000, 6 * MIB):
                await call.write(bytes(size))
                assert len(await call.read()) == size
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            assert await status_of(call) == (0, "")

    run(test)


def test_a_unary_call_beside_conversations_is_answered_by_its_connections_front():
    async def test():
        async with talking() as (server, _), channel(server) as peer:
            call = peer.stream_stream("/t/echo")()
            await call.write(b"x")
            assert await call.read() == b"x"
            answer = await peer.unary_unary("/other")(b"hi")
            assert answer.startswith(b"127.0.0.1:")
            assert answer.endswith(b" hi")
            call.cancel()

    run(test)


def test_the_headers_come_before_there_is_a_message():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/wait"), end=False)
            await read_until(client, lambda: client.answers[stream].headers)
            assert not client.answers[stream].is_closed
            talks.go.set()
            (answer,) = await client.finish([stream])
            assert messages_of(answer) == [b"gone on"]
            assert answer.status == 0
            assert answer.reset == 0  # as the client has not ended its side

    run(test)


@pytest.mark.parametrize(
    ("method", "code", "text"),
    [
        ("refuse", 9, "not this way: ü"),
        ("broken", 13, "internal error; the server's log has more"),
        ("cancelled", 13, "internal error; the server's log has more"),
    ],
)
def test_a_call_that_fails_at_once_is_answered_by_its_status_alone(method, code, text):
    async def test():
        async with talking() as (server, _), connected(server) as client:
            answer = await client.call(call_headers(path=b"/t/" + method.encode()), framed(b""))
            assert answer.status == code
            assert not answer.trailers
            async with channel(server) as peer:
                call = peer.unary_stream(f"/t/{method}")(b"")
                assert await call.read() is grpc.aio.EOF
                assert await status_of(call) == (code, text)

    run(test)


@pytest.mark.parametrize(
    ("method", "code", "text"),
    [
        ("refuse_late", 8, "too much"),
        ("broken_late", 13, "internal error; the server's log has more"),
    ],
)
def test_a_call_that_fails_later_is_ended_by_its_status(method, code, text):
    async def test():
        async with talking() as (server, _), channel(server) as peer:
            call = peer.unary_stream(f"/t/{method}")(b"")
            assert await call.read() == b"one"
            with pytest.raises(grpc.aio.AioRpcError):
                await call.read()
            assert await status_of(call) == (code, text)

    run(test)


def test_a_handler_without_answers_ends_well():
    async def test():
        async with talking() as (server, _), channel(server) as peer:
            call = peer.unary_stream("/t/silent")(b"")
            assert await call.read() is grpc.aio.EOF
            assert await status_of(call) == (0, "")

    run(test)


def test_the_deadline_ends_a_call():
    async def test():
        async with talking() as (server, talks), channel(server) as peer:
            call = peer.unary_stream("/t/wait")(b"", timeout=0.2)
            with pytest.raises(grpc.aio.AioRpcError):
                await call.read()
            assert (await call.code()) is grpc.StatusCode.DEADLINE_EXCEEDED
        async with talking() as (server, talks), connected(server) as client:
            for timeout, begun in ((b"200m", 1), (b"0m", 1)):
                headers = call_headers((b"grpc-timeout", timeout), path=b"/t/wait")
                answer = await client.call(headers, framed(b""))
                assert answer.status == 4
                assert talks.begun == begun
            assert server.shared.counters.timeouts == 2

    run(test)


def test_framing_that_cannot_be_honoured_is_refused_before_the_handler_is_asked():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            headers = call_headers((b"grpc-encoding", b"br"), path=b"/t/echo")
            assert (await client.call(headers, framed(b""))).status == 12
            assert talks.begun == 0

    run(test)


@pytest.mark.parametrize(
    ("extra", "pieces", "code", "text"),
    [
        ((), [framed(bytes(1001))], 8, b"1001 bytes; at most 1000"),
        ((), [framed(b"", flag=1)], 13, b"grpc-encoding names nothing"),
        ((), [framed(b"", flag=2)], 13, b"flag is 2"),
        ((), [framed(b"abc")[:3]], 13, b"prefix ends after 3 of 5"),
        ((), [framed(b"abc")[:7]], 13, b"ends after 2 of 3 bytes"),
        (((b"grpc-encoding", b"gzip"),), [framed(b"no gzip", flag=1)], 13, b"not compressed"),
        (
            ((b"grpc-encoding", b"gzip"),),
            [framed(gzip.compress(bytes(1001)), flag=1)],
            8,
            b"1000",
        ),
    ],
    ids=["too long", "unnamed", "flag", "prefix", "cut", "not gzip", "inflates"],
)
def test_what_is_no_message_ends_the_call(extra, pieces, code, text):
    async def test():
        settings = ListenerSettings(body_bytes=1000)
        async with talking(settings=settings) as (server, _), connected(server) as client:
            headers = call_headers(*extra, path=b"/t/echo")
            answer = await client.call(headers, framed(b"fine"), *pieces)
            assert messages_of(answer) == [b"fine"]
            assert answer.status == code
            assert text in dict(answer.trailers)[b"grpc-message"]

    run(test)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [(b"gzip", gzip.compress(b"hello")), (b"deflate", zlib.compress(b"hello"))],
    ids=["gzip", "deflate"],
)
def test_compressed_messages_are_taken(encoding, packed):
    async def test():
        async with talking() as (server, _), connected(server) as client:
            headers = call_headers((b"grpc-encoding", encoding), path=b"/t/echo")
            answer = await client.call(headers, framed(packed, flag=1), framed(b"plain"))
            assert messages_of(answer) == [b"hello", b"plain"]
            assert answer.status == 0

    run(test)


def test_messages_arrive_whatever_pieces_they_come_in():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            sent = [bytes([index]) * index for index in range(40)]
            data = b"".join(map(framed, sent))
            stream = client.request(call_headers(path=b"/t/echo"), end=False)
            for index in range(0, len(data), 3):
                client.h2.send_data(stream, data[index : index + 3])
                client.flush()
                if index % 5 == 0:
                    await asyncio.sleep(0)
            client.h2.end_stream(stream)
            (answer,) = await client.finish([stream])
            assert messages_of(answer) == sent

    run(test)


def test_a_client_that_floods_is_stopped_until_the_handler_reads():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/deaf"), end=False)
            client.h2.send_data(stream, framed(bytes(995)) * 10_000, end_stream=True)  # 10 MB
            await read_until(client, lambda: client.answers[stream].body)
            client.flush()
            while client.h2.stream_remote_window_size(stream):
                await asyncio.sleep(0)
                client.flush()
            await server.until(lambda: server.shared.budget.used == STREAM_WINDOW)
            assert client.h2.queued_body_size() == 10_000_000 - STREAM_WINDOW
            talks.go.set()
            (answer,) = await client.finish([stream])
            assert messages_of(answer) == [b"hello", b"10000"]

    run(test)


def test_a_handler_is_not_asked_for_more_than_its_client_takes():
    async def test():
        async with talking() as (server, talks), connected(server, receive_buffer=4096) as client:
            talks.size = 60_000  # the client's window is 65,535
            stream = client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.asked == 2)
            await asyncio.sleep(0.1)
            assert talks.asked == 2
            assert server.shared.budget.used == 60_005
            while len(client.answers[stream].body) < 1_000_000:
                await client.read()
                client.h2.acknowledge_received_data(0, stream)
            assert talks.asked >= 16

    run(test)
