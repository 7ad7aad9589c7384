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

from seldon_core.protocol.status import GRPC_CODES
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversing import Conversations
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.heads import Head
from seldon_core.transport.http2_frames import STREAM_WINDOW
from seldon_core.transport.listener import listen
from seldon_core.transport.sending import Sender
from seldon_core.transport.settings import KIB, MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_engine import RecordingEngine
from tests.support.http2_peer import Client, EchoHttp, call_headers, connected, framed, serving
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
    async with serving(settings, talks) as server:
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
                with pytest.raises(grpc.aio.AioRpcError):
                    await call.read()
                assert await status_of(call) == (code, text)
            assert server.shared.refusals.counts == {("grpc", GRPC_CODES[code]): 2}

    run(test)


@pytest.mark.parametrize(
    ("method", "code", "text"),
    [
        ("refuse_late", 8, "too much"),
        ("broken_late", 13, "internal error; the server's log has more"),
    ],
)
def test_a_call_that_fails_later_is_ended_by_its_status(method, code, text, caplog):
    async def test():
        async with talking() as (server, _), channel(server) as peer:
            call = peer.unary_stream(f"/t/{method}")(b"")
            assert await call.read() == b"one"
            with pytest.raises(grpc.aio.AioRpcError):
                await call.read()
            assert await status_of(call) == (code, text)
            assert server.shared.refusals.counts == {("grpc", GRPC_CODES[code]): 1}
            assert ("lack of room" in caplog.text) == (code == 8)

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
            server.shared.sweeper._visitors = tuple  # once a second would be too late
            for timeout, begun in ((b"200m", 1), (b"0m", 1)):
                headers = call_headers((b"grpc-timeout", timeout), path=b"/t/wait")
                answer = await client.call(headers, framed(b""))
                assert answer.status == 4
                assert talks.begun == begun
            assert server.shared.counters.timeouts == 2
            assert server.shared.refusals.counts == {("grpc", "DeadlineExceeded"): 2}

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
        async with talking() as (server, _), connected(server) as client:
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
            assert server.shared.budget.used == 60_005 + 5  # and the message not asked for
            while len(client.answers[stream].body) < 1_000_000:
                await client.read()
            assert talks.asked >= 16

    run(test)


def test_a_message_larger_than_every_buffer_is_sent_as_the_client_takes_it():
    async def test():
        async with talking() as (server, talks), channel(server) as peer:
            talks.size = 3 * MIB
            call = peer.unary_stream("/t/flood")(b"")
            for _ in range(5):
                assert len(await call.read()) == 3 * MIB
            call.cancel()
            await server.until(lambda: not talks.running)
            assert talks.asked < 12

    run(test)


@pytest.mark.parametrize("size", [60_000, 1_000_000], ids=["whole", "within a message"])
def test_a_client_that_does_not_read_is_dropped(size, caplog):
    async def test():
        async with (
            talking(Talks(write_timeout_s=0.1)) as (server, talks),
            connected(server) as client,
        ):
            talks.size = size
            stream = client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.begun == 1 and not talks.running)
            assert server.shared.counters.timeouts == 1
            assert server.shared.budget.used == 0
            (answer,) = await client.finish([stream])
            if size == 60_000:
                assert [len(message) for message in messages_of(answer)] == [size] * 2
                assert answer.status == 0
            else:
                assert answer.reset == ngh2.ErrorCode.CANCEL
            assert server.shared.refusals.counts == {}  # it is told as if there were no more to say
        (record,) = caplog.records
        assert "does not read method=/t/flood peer=127.0.0.1" in record.getMessage()
        assert "timeout_s=0.1 others=0" in record.getMessage()

    run(test)


def test_of_clients_that_do_not_read_one_a_second_is_logged(caplog):
    async def test():
        async with (
            talking(Talks(write_timeout_s=0.05)) as (server, talks),
            connected(server) as client,
        ):
            talks.size = 1_000_000
            for _ in range(3):
                client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.begun == 3 and not talks.running)
            assert server.shared.counters.timeouts == 3
            assert len(caplog.records) == 1
            server.shared.drops.logged_at -= 1.0  # as if a second had passed
            client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.begun == 4 and not talks.running)
            assert "others=2" in caplog.records[1].getMessage()

    run(test)


def test_a_client_that_does_not_read_is_told_that_it_has_not_heard_all():
    async def test():
        talks = Talks(write_timeout_s=0.1, opens_at_once=False, ends_at_once=False)
        async with talking(talks) as (server, _), connected(server) as client:
            talks.size = 60_000
            stream = client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.begun == 1 and not talks.running)
            (answer,) = await client.finish([stream])
            assert answer.status == 4
            assert dict(answer.trailers)[b"grpc-message"] == b"the answers were not taken in time"
            assert server.shared.refusals.counts == {("grpc", "DeadlineExceeded"): 1}

    run(test)


def test_a_client_whose_socket_is_full_is_dropped():
    async def test():
        async with (
            talking(Talks(write_timeout_s=0.1)) as (server, talks),
            connected(server, receive_buffer=4096) as client,
        ):
            client.h2.update_settings({ngh2.Setting.INITIAL_WINDOW_SIZE: 1 << 30})
            client.h2.set_local_window_size(1 << 30)
            client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.begun == 1 and not talks.running)

    run(test)


@pytest.mark.parametrize("how", ["reset", "hang up"])
@pytest.mark.parametrize(
    "method", ["wait", "flood", "echo", "deaf", "slow_to_leave", "stubborn", "swallows"]
)
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 20])
def test_a_client_may_leave_at_every_moment(method, turns, how):
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            path = b"/t/" + method.encode()
            stream = client.request(call_headers(path=path), framed(b"hi"), end=False)
            client.flush()
            for _ in range(turns):
                await asyncio.sleep(0)
            if how == "reset":
                client.h2.reset_stream(stream)
                client.flush()
                answer = await client.call(call_headers(path=b"/t/echo"), framed(b"again"))
                assert messages_of(answer) == [b"again"]
            else:
                client.writer.transport.abort()
                await server.until(lambda: not server.shared.connections)
            await server.until(lambda: not server.shared.conversing)
            assert all(kind in (asyncio.CancelledError, GeneratorExit) for kind in talks.closed_by)

    run(test)


def test_a_reset_in_the_packet_of_its_call_begins_nothing():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            gone = client.request(call_headers(path=b"/t/wait"), framed(b"gone"), end=False)
            packet = client.h2.data_to_send()
            client.h2.reset_stream(gone)
            client.writer.write(packet + client.h2.data_to_send())
            answer = await client.call(call_headers(path=b"/t/echo"), framed(b"after"))
            assert messages_of(answer) == [b"after"]
            assert talks.begun == 1

    run(test)


def test_resets_with_data_that_nobody_took_do_not_use_the_connections_window_up():
    async def test():
        async with talking() as (server, _), connected(server) as client:
            for _ in range(30):  # 30 MB, the window has 16
                stream = client.request(call_headers(path=b"/t/deaf"), framed(bytes(1_000_000)))
                await read_until(client, lambda at=stream: client.answers[at].body)
                while client.h2.queued_body_size(stream):
                    await client.read()
                client.h2.reset_stream(stream)
                client.flush()
            answer = await client.call(call_headers(path=b"/t/echo"), framed(b"after"))
            assert messages_of(answer) == [b"after"]

    run(test)


def test_a_handler_that_ends_first_leaves_nothing_of_what_its_client_sends_on():
    async def test():
        async with talking() as (server, _), channel(server) as peer:
            call = peer.stream_stream("/t/refuse_late")()
            assert await call.read() == b"one"
            with pytest.raises(grpc.aio.AioRpcError):
                await call.read()
            with contextlib.suppress(asyncio.InvalidStateError):
                await call.write(b"more")
            call = peer.stream_stream("/t/echo")()
            await call.write(b"x")
            assert await call.read() == b"x"
            await call.done_writing()

    run(test)


def test_a_draining_connection_ends_its_conversations_well():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            streams = [
                client.request(call_headers(path=path), framed(b""), end=False)
                for path in (b"/t/wait", b"/t/echo", b"/t/slow_to_leave")
            ]
            await read_until(client, lambda: client.answers[streams[2]].body)
            (connection,) = server.shared.connections
            connection.drain()
            late = client.request(call_headers(path=b"/t/wait"), end=False)
            answers = await client.finish([*streams, late])
            assert [answer.status for answer in answers] == [0] * 4
            await server.until(lambda: not server.shared.connections)
            assert talks.begun == 3
            await server.until(lambda: talks.took == [0, "left"])

    run(test)


DATA = {"opens_at_once": False, "ends_at_once": False}


def test_grpcio_cancels_a_call_under_way_and_its_handler_ends_at_once():
    async def test():
        async with talking(Talks(**DATA)) as (server, talks), channel(server) as peer:
            call = peer.stream_stream("/t/echo")()
            await call.write(b"one")
            assert await call.read() == b"one"
            left = time.monotonic()
            call.cancel()
            await server.until(lambda: not talks.running)
            assert time.monotonic() - left < 0.2
            assert server.shared.counters.hang_ups == 1

    run(test)


def test_grpcios_deadline_ends_a_call_under_way_and_its_handler():
    async def test():
        async with talking(Talks(**DATA)) as (server, talks), channel(server) as peer:
            call = peer.stream_stream("/t/echo")(timeout=0.3)
            await call.write(b"one")
            assert await call.read() == b"one"
            with pytest.raises(grpc.aio.AioRpcError):
                await call.read()
            assert (await call.code()) is grpc.StatusCode.DEADLINE_EXCEEDED
            await server.until(lambda: not talks.running)

    run(test)


def test_a_handlers_metadata_comes_before_its_first_message_and_names_the_call_after_it():
    async def test():
        async with talking(Talks(**DATA)) as (server, talks), channel(server) as peer:
            call = peer.stream_stream("/t/route")(metadata=[("x-request-id", "mine")])
            assert ("x-route", "a") in list(await call.initial_metadata())
            assert await call.read() == b"one"
            assert ("x-request-id", "mine") in list(await call.trailing_metadata())
            assert talks.calls[0][0][b"x-request-id"] == b"mine"
            refused = peer.stream_stream("/t/refuse")()
            with pytest.raises(grpc.aio.AioRpcError):
                await refused.read()
            (request_id,) = [
                value for name, value in await refused.trailing_metadata() if name == "x-request-id"
            ]
            assert request_id.encode() == talks.calls[1][0][b"x-request-id"]

    run(test)


def test_headers_wait_for_a_message_where_nobody_subscribes():
    async def test():
        async with talking(Talks(**DATA)) as (server, talks), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/wait"), framed(b""))
            client.flush()
            await server.until(lambda: talks.running)
            await asyncio.sleep(0.02)
            talks.go.set()
            (answer,) = await client.finish([stream])
            assert messages_of(answer) == [b"gone on"]

    run(test)


def test_a_drain_lets_calls_answer_what_has_come_and_tells_them_to_call_again():
    async def test():
        async with talking(Talks(**DATA)) as (server, talks), connected(server) as client:
            paths = [b"/t/echo", b"/t/echo", b"/t/wait"]
            idle, within, done = [
                client.request(call_headers(path=path), framed(b"one"), end=path == b"/t/wait")
                for path in paths
            ]
            await read_until(client, lambda: client.answers[within].body)
            client.h2.send_data(within, framed(b"two")[:6])
            client.flush()
            await server.until(lambda: talks.begun == 3)
            (connection,) = server.shared.connections
            half = connection._calls._calls[within].incoming
            await server.until(lambda: len(half._buffer) == 6)
            connection.drain()
            late = client.request(call_headers(path=b"/t/echo"), end=False)
            client.flush()
            await read_until(client, lambda: client.answers[idle].is_closed)
            client.h2.send_data(within, framed(b"two")[6:])
            talks.go.set()
            answers = await client.finish([idle, within, done, late])
            assert [answer.status for answer in answers] == [14, 14, 0, 14]
            assert messages_of(answers[1]) == [b"one", b"two"]
            assert talks.begun == 3
            await server.until(lambda: not server.shared.connections)

    run(test)


def test_a_listener_serves_conversations_and_drains_them():
    async def test():
        talks = Talks()
        settings = ListenerSettings(port=0)
        async with (
            listen(settings, EchoHttp(), talks, InFlightBytes(MIB)) as listener,
            grpc.aio.insecure_channel(f"127.0.0.1:{listener.port}") as peer,
        ):
            call = peer.unary_stream("/t/wait")(b"")
            await call.initial_metadata()
            before = time.monotonic()
            await listener.drain(5)
            assert time.monotonic() - before < 2
            assert await call.read() is grpc.aio.EOF
            assert await status_of(call) == (0, "")
        assert talks.running == 0

    run(test)


def test_a_listener_that_is_cut_off_waits_for_its_handlers():
    async def test():
        talks = Talks()
        settings = ListenerSettings(port=0)
        async with listen(settings, EchoHttp(), talks, InFlightBytes(MIB)) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            client = Client(reader, writer)
            stream = client.request(call_headers(path=b"/t/slow_to_leave"), framed(b""))
            await read_until(client, lambda: client.answers[stream].body)
        assert talks.took == ["left"]
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    run(test)


def test_time_outs_of_requests_and_idle_connections_leave_conversations_alone():
    async def test():
        settings = ListenerSettings(
            request_timeout_s=0.01, body_idle_timeout_s=0.01, idle_timeout_s=0.01
        )
        async with talking(settings=settings) as (server, talks), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/wait"), framed(b""), end=False)
            await read_until(client, lambda: client.answers[stream].headers)
            for connection in server.shared.connections:
                for later in (1, 1000):
                    connection.visit(asyncio.get_running_loop().time() + later)
            talks.go.set()
            (answer,) = await client.finish([stream])
            assert messages_of(answer) == [b"gone on"]

    run(test)


def test_a_message_after_a_long_silence_has_its_whole_time_to_be_taken():
    async def test():
        settings = ListenerSettings(write_idle_timeout_s=0.2)
        async with talking(settings=settings) as (server, talks), connected(server) as client:
            client.h2.update_settings({ngh2.Setting.INITIAL_WINDOW_SIZE: 0})
            stream = client.request(call_headers(path=b"/t/wait"), framed(b""))
            await read_until(client, lambda: client.answers[stream].headers)
            await asyncio.sleep(0.3)
            talks.go.set()
            await server.until(lambda: talks.asked == 1)
            (connection,) = server.shared.connections
            connection.visit(asyncio.get_running_loop().time())
            client.h2.set_local_window_size(1000, stream_id=stream)
            (answer,) = await client.finish([stream])
            assert messages_of(answer) == [b"gone on"]

    run(test)


def test_many_conversations_share_a_connection():
    async def test():
        async with talking() as (server, talks), channel(server) as peer:

            async def talk(index):
                call = peer.stream_stream("/t/echo")()
                for turn in range(5):
                    message = b"%d/%d" % (index, turn)
                    await call.write(message)
                    assert await call.read() == message
                await call.done_writing()
                assert await call.code() is grpc.StatusCode.OK

            async with asyncio.TaskGroup() as group:
                for index in range(300):  # more than streams that a connection may have
                    group.create_task(talk(index))
            assert talks.begun == 300

    run(test)


def test_a_handler_that_takes_many_messages_lets_others_have_their_turn():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/deaf"), framed(b"x"), end=False)
            await read_until(client, lambda: client.answers[stream].body)
            client.h2.send_data(stream, framed(b"x") * 9999, end_stream=True)
            client.flush()
            await server.until(lambda: server.shared.budget.used == 60_000)
            talks.go.set()
            most, before = 0, 0
            while len(talks.took) < 10_000:
                await asyncio.sleep(0)
                most, before = max(most, len(talks.took) - before), len(talks.took)
            assert most <= server.shared.settings.requests_per_turn + 1
            await client.finish([stream])

    run(test)


def test_what_the_budget_has_no_room_for_is_refused(caplog):
    async def test():
        settings = ListenerSettings(in_flight_bytes=1000)
        async with talking(settings=settings) as (server, _), connected(server) as client:
            headers = call_headers(path=b"/t/echo")
            waiting = client.request(headers, framed(bytes(800))[:9], end=False)
            client.flush()
            await server.until(lambda: server.shared.budget.used == 9)
            answer = await client.call(headers, framed(bytes(999))[:9], end=False)
            assert answer.status == 8
            assert "lack of room" in caplog.text
            server.shared.budget.take(1000)
            for end in (True, False):
                assert (await client.call(headers, framed(b"x"), end=end)).status == 8
            assert server.shared.counters.overloaded == 3
            assert server.shared.refusals.counts == {("grpc", "ResourceExhausted"): 3}
            assert len([each for each in caplog.messages if "lack of room" in each]) == 1
            server.shared.budget.give(1000)
            client.h2.send_data(waiting, bytes(796), end_stream=True)
            (answer,) = await client.finish([waiting])
            assert messages_of(answer) == [bytes(800)]

    run(test)


def test_only_so_many_calls_are_open_at_once_over_all_connections(caplog):
    async def test():
        settings = ListenerSettings(in_flight_bytes=1000, streams=3)
        async with (
            talking(settings=settings) as (server, talks),
            connected(server) as client,
            connected(server) as other,
        ):
            headers = call_headers(path=b"/t/echo")
            streams = [client.request(headers, end=False) for _ in range(3)]
            client.flush()
            await server.until(lambda: talks.running == 3)
            refused = await other.call(headers, framed(b"x"))
            assert refused.status == 8
            assert b"streaming calls" in dict(refused.headers)[b"grpc-message"]
            assert server.shared.counters.overloaded == 1
            assert server.shared.refusals.counts == {("grpc", "ResourceExhausted"): 1}
            assert "lack of room" in caplog.text
            unary = await other.call(call_headers(path=b"/unary"), framed(b"x"))
            assert unary.status == 0
            client.h2.reset_stream(streams[0])
            client.flush()
            await server.until(lambda: len(server.shared.conversing) == 2)
            assert (await other.call(headers, framed(b"x"))).status == 0

    run(test)


def test_a_larger_budget_allows_more_calls():
    async def test():
        async with talking() as (server, _):
            assert server.shared.most_conversing == 1024 * MIB // (128 * KIB)

    run(test)


def test_pings_are_answered_and_pile_up_nowhere():
    async def test():
        async with talking() as (server, _), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/echo"), framed(b"x"), end=False)
            for _ in range(200):
                client.h2.ping()
            await read_until(client, lambda: len(client.others) >= 200)
            client.h2.end_stream(stream)
            (answer,) = await client.finish([stream])
            assert answer.status == 0

    run(test)


def test_a_cut_message_and_an_end_that_comes_later_are_told_apart_from_a_pause():
    async def test():
        async with talking() as (server, _), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/echo"), framed(b"abc")[:7], end=False)
            client.flush()
            await server.until(lambda: server.shared.budget.used == 7)
            client.h2.end_stream(stream)
            (answer,) = await client.finish([stream])
            assert answer.status == 13

    run(test)


def test_a_call_without_a_message_has_none():
    async def test():
        async with talking() as (server, _), connected(server) as client:
            answer = await client.call(call_headers(path=b"/t/count"))
            assert messages_of(answer) == [b"0"]

    run(test)


def test_a_client_may_end_its_side_after_the_answer():
    async def test():
        async with talking() as (server, _), connected(server) as client:
            stream = client.request(call_headers(path=b"/t/refuse"), end=False)
            client.flush()
            (connection,) = await connections_of(server)
            await server.until(lambda: server.shared.counters.requests == 1)
            client.h2.end_stream(stream)
            (answer,) = await client.finish([stream])
            assert answer.status == 9
            assert connection in server.shared.connections

    run(test)


async def connections_of(server):
    await server.until(lambda: server.shared.connections)
    return list(server.shared.connections)


def test_a_front_may_wait_for_its_clients_for_ever():
    async def test():
        talks = Talks(write_timeout_s=float("inf"))
        async with talking(talks) as (server, _), connected(server) as client:
            answer = await client.call(call_headers(path=b"/t/echo"), framed(b"x"))
            assert messages_of(answer) == [b"x"]

    run(test)


def test_a_task_that_others_cancel_while_it_sends_is_answered():
    async def test():
        async with talking() as (server, talks), connected(server) as client:
            talks.size = 60_000
            stream = client.request(call_headers(path=b"/t/flood"), framed(b""))
            client.flush()
            await server.until(lambda: talks.asked == 2)
            (task,) = server.shared.conversing
            client.h2.set_local_window_size(1 << 20, stream_id=stream)
            client.h2.set_local_window_size(1 << 20)
            client.flush()
            (connection,) = server.shared.connections
            task.cancel()
            connection.resume_writing()
            (answer,) = await client.finish([stream])
            assert answer.status == 13

    run(test)


class GoneError(Exception):
    """A stream is over."""


class GoneEngine(RecordingEngine):
    """An engine that finds a stream gone from `gone_from` of its calls on."""

    gone_from = ""

    def _check(self, call):
        if self.gone_from == call:
            raise GoneError

    def send_response(self, stream_id, headers, *, end_stream=False):
        self._check("response")

    def send_data(self, stream_id, data, *, end_stream=False):
        self._check("data")
        self.told.append(("data", len(data)))

    def send_trailers(self, stream_id, headers):
        self._check("trailers")
        self.told.append(("trailers",))

    def acknowledge_received_data(self, amount, stream_id):
        raise GoneError  # of which nothing comes


@pytest.mark.parametrize("gone_from", ["response", "data", "trailers"])
def test_a_stream_that_the_library_has_given_up_already_ends_its_call(gone_from):
    async def test():
        talks, loop = Talks(), asyncio.get_running_loop()
        budget = InFlightBytes(MIB)
        shared = Shared(loop, ListenerSettings(), EchoHttp(), talks, budget)
        engine = GoneEngine()
        engine.gone_from = gone_from
        sender = Sender(engine, GoneError)
        deliveries = Deliveries(shared, engine, GoneError, lambda: None, lambda: None)
        calls = Conversations(shared, talks, "", engine, sender, deliveries, lambda: None)
        head = Head(b"POST", b"/t/echo", {}, converse=talks.conversation(b"/t/echo"))
        calls.open(1, head, loop.time(), False)
        assert calls.receive(1, framed(b"abc"), True)
        while shared.conversing:
            await asyncio.sleep(0)
            engine.queued = 0
            deliveries.refill()
        assert not calls
        assert budget.used == 0
        assert not calls.receive(1, b"late", False)
        calls.end(1)
        assert talks.running == 0

    run(test)


@pytest.mark.parametrize("is_full", [False, True], ids=["room", "no room"])
def test_a_message_whose_rest_does_not_come_ends_the_call(is_full):
    async def test():
        settings = ListenerSettings(
            body_idle_timeout_s=10, body_bytes_per_s=100, stall_timeout_s=2, in_flight_bytes=10_000
        )
        async with talking(settings=settings) as (server, _), connected(server) as client:
            stream = client.request(
                call_headers(path=b"/t/echo"), framed(bytes(5000))[:1000], end=False
            )
            client.flush()
            await server.until(lambda: server.shared.budget.used == 1000)
            await asyncio.sleep(0.01)
            (connection,) = server.shared.connections
            now = asyncio.get_running_loop().time()
            server.shared.budget.take(9000 * is_full)
            connection.visit(now)
            connection.visit(now + (1 if is_full else 9))
            assert server.shared.counters.timeouts == 0
            connection.visit(now + (4 if is_full else 12))
            (answer,) = await client.finish([stream])
            assert answer.status == 4
            assert server.shared.counters.timeouts == 1
            server.shared.budget.give(9000 * is_full)

    run(test)
