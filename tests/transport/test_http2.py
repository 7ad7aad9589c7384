"""HTTP/2 over real sockets, by a client of frames, grpcio and curl."""

import asyncio
import gc
import subprocess
import time
import weakref
from itertools import pairwise

import hypothesis
import ngh2
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.http2 import Http2Connection
from seldon_core.transport.rota import RECEIVE_BYTES
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_peer import (
    EchoHttp,
    EchoRpc,
    call_headers,
    connected,
    framed,
    request_headers,
    serving,
)


def run(test):
    """Run on uvloop, as the server does, within 30 seconds."""

    async def bounded():
        async with asyncio.timeout(30):
            await test()

    uvloop.run(bounded())


def test_a_call_is_answered_with_message_metadata_and_trailers():
    async def test():
        async with serving() as server, connected(server) as client:
            answer = await client.call(call_headers((b"x-a", b"1"), (b"x-a", b"2")), framed(b"hi"))
            assert answer.message == b"hi"
            assert answer.headers == [
                (b":status", b"200"),
                (b"content-type", b"application/grpc"),
                (b"x-seldon-route", b":m_1:"),
            ]
            assert answer.trailers == [(b"grpc-status", b"0"), (b"x-request-id", b"1")]
            assert server.rpc.seen == [
                {
                    b"host": b"server",
                    b"content-type": b"application/grpc",
                    b"te": b"trailers",
                    b"x-a": b"1,2",
                }
            ]
            assert server.shared.budget.used == 0

    run(test)


def test_a_lost_connection_cancels_all_its_work():
    async def test():
        async with serving() as server, connected(server) as other:
            async with connected(server) as client:
                for _ in range(3):
                    client.request(call_headers(path=b"/wait"), framed(b"x"))
                client.flush()
                await server.until(lambda: server.rpc.begun == 3)
            await server.until(lambda: server.rpc.cancelled == 3)
            assert server.shared.budget.used == 0
            assert (await other.call(call_headers(), framed(b"here"))).message == b"here"

    run(test)


def test_an_error_is_trailers_only_and_a_half_open_client_is_reset():
    async def test():
        async with serving() as server, connected(server) as client:
            answer = await client.call(call_headers((b"grpc-timeout", b"x")), b"\0", end=False)
            assert answer.status == 3
            assert answer.trailers == []
            assert answer.body == b""
            assert answer.reset == ngh2.ErrorCode.NO_ERROR

    run(test)


def test_a_large_refusal_arrives_whole_before_the_reset():
    async def test():
        settings = ListenerSettings(body_bytes=1000, linger_s=0.5)
        async with serving(settings) as server, connected(server) as client:
            headers = request_headers(b"POST", b"/x", (b"content-length", b"2000"))
            answer = await client.call(headers, bytes(10), end=False)
            assert answer.headers[0] == (b":status", b"413")
            assert b"1000 bytes" in answer.body
            assert answer.reset == ngh2.ErrorCode.NO_ERROR
            assert (await client.call(call_headers(), framed(b"on"))).message == b"on"

    run(test)


@pytest.mark.parametrize(
    ("headers", "pieces", "status"),
    [
        pytest.param([], [], 12, id="no message"),
        pytest.param([], [framed(b"a") + framed(b"b")], 12, id="two messages"),
        pytest.param([], [framed(b"a"), framed(b"b")], 12, id="two messages in two frames"),
        pytest.param([], [framed(b"abcdef")[:-1]], 13, id="truncated message"),
        pytest.param([], [b"\0\0"], 13, id="truncated prefix"),
        pytest.param([], [framed(bytes(2001))], 8, id="over the limit"),
        pytest.param([], [framed(b"a", flag=1)], 13, id="compressed without encoding"),
        pytest.param([(b"grpc-encoding", b"br")], [framed(b"a")], 12, id="unknown encoding"),
        pytest.param([(b"grpc-timeout", b"0m")], [framed(b"a")], 4, id="no time left"),
    ],
)
def test_wrong_framing_is_refused_and_the_connection_goes_on(headers, pieces, status):
    async def test():
        settings = ListenerSettings(body_bytes=2000)
        async with serving(settings) as server, connected(server) as client:
            answer = await client.call(call_headers(*headers), *pieces)
            assert answer.status == status
            assert dict(answer.headers)[b":status"] == b"200"
            assert (await client.call(call_headers(), framed(b"on"))).message == b"on"
            assert server.shared.budget.used == 0

    run(test)


def test_metadata_that_a_peer_would_reset_for_is_cleaned():
    async def test():
        async with serving() as server, connected(server) as client:
            answer = await client.call(call_headers(path=b"/headers"), framed(b"x"))
            cleaned = [(b"x-route", b"one"), (b"x-route", b"t  wo"), (b"x-nul", b"a b")]
            assert answer.headers[2:] == cleaned
            assert answer.trailers == [(b"grpc-status", b"0"), *cleaned]

    run(test)


@pytest.mark.parametrize("path", [b"/broken", b"/cancelled"])
def test_a_bug_in_a_front_fails_its_own_call(path, caplog):
    async def test():
        async with serving() as server, connected(server) as client:
            answer = await client.call(call_headers(path=path), framed(b"x"))
            assert answer.status == 13
            request_id = dict(answer.headers)[b"x-request-id"].decode()
            assert f"request_id={request_id}" in caplog.text
            assert server.shared.counters.internal_errors == 1
            assert (await client.call(call_headers(), framed(b"on"))).message == b"on"

    run(test)


def test_a_deadline_that_passes_is_answered_and_cancels_the_work():
    async def test():
        async with serving() as server, connected(server) as client:
            answer = await client.call(
                call_headers((b"grpc-timeout", b"20m"), path=b"/wait"), framed(b"x")
            )
            assert answer.status == 4
            await server.until(lambda: server.rpc.cancelled == 1)
            assert server.shared.counters.timeouts == 1

    run(test)


@pytest.mark.parametrize("pieces", [[], [b"\0\0"], [framed(b"x")]], ids=["none", "part", "whole"])
def test_a_deadline_is_seen_at_once_of_calls_that_do_not_come_whole(pieces):
    async def test():
        async with serving() as server, connected(server) as client:
            server.shared.sweeper._visitors = tuple  # once a second would be too late
            first = client.request(call_headers((b"grpc-timeout", b"20m")), *pieces, end=False)
            second = client.request(call_headers((b"grpc-timeout", b"9S")), framed(b"on"))
            answer, other = await client.finish([first, second])
            assert (answer.status, other.message) == (4, b"on")
            assert server.shared.counters.timeouts == 1
            await server.until(lambda: not server.shared.sweeper._buckets)

    run(test)


def test_a_call_that_comes_late_is_watched_once():
    async def test():
        async with serving() as server, connected(server) as client:
            headers = call_headers((b"grpc-timeout", b"9S"), path=b"/wait")
            stream = client.request(headers, b"\0\0", end=False)
            client.flush()
            await server.until(lambda: server.shared.sweeper._buckets)
            client.h2.send_data(stream, b"\0\0\1x", end_stream=True)
            client.flush()
            await server.until(lambda: server.rpc.begun)
            server.rpc.go.set()
            assert (await client.finish([stream]))[0].message == b"x"
            assert not server.shared.sweeper._buckets

    run(test)


def test_a_lone_client_is_answered_beside_a_flooder():
    async def test():
        async with serving() as server, connected(server) as flooder, connected(server) as lone:
            stop = asyncio.Event()

            async def flood():
                while not stop.is_set():
                    streams = [flooder.request(call_headers(), framed(b"x")) for _ in range(200)]
                    await flooder.finish(streams)
                    flooder.answers.clear()

            waits = []
            async with asyncio.TaskGroup() as group:
                group.create_task(flood())
                for _ in range(50):
                    begun = time.perf_counter()
                    await lone.call(call_headers(), framed(b"x"))
                    waits.append(time.perf_counter() - begun)
                stop.set()
            assert sorted(waits)[45] < 0.1

    run(test)


def test_a_full_budget_refuses_new_calls_and_forgets_nothing():
    async def test():
        settings = ListenerSettings(in_flight_bytes=900)
        async with serving(settings) as server, connected(server) as client:
            first = client.request(call_headers(path=b"/wait"), framed(bytes(900)))
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            assert (await client.call(call_headers(), framed(bytes(200)))).status == 8
            post = request_headers(b"POST", b"/x", (b"content-length", b"200"))
            assert (await client.call(post, bytes(200))).headers[0] == (b":status", b"503")
            server.rpc.go.set()
            assert (await client.finish([first]))[0].status == 0
            assert server.shared.budget.used == 0
            assert server.shared.counters.overloaded == 2

    run(test)


BUG = b"""{"error":"internal error; the server's log has more"}"""


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "expected"),
    [
        pytest.param(b"GET", b"/v2?x=1", [], b"200", b"GET /v2?x=1 0", id="get"),
        pytest.param(b"POST", b"/p", [bytes(9)], b"200", b"POST /p 9", id="post"),
        pytest.param(b"POST", b"/p", [bytes(60_000)] * 3, b"200", b"POST /p 180000", id="pieces"),
        pytest.param(b"HEAD", b"/v2", [], b"200", b"", id="head"),
        pytest.param(b"GET", b"/empty", [], b"204", b"", id="no content"),
        pytest.param(b"GET", b"/broken", [], b"500", BUG, id="bug"),
    ],
)
def test_plain_requests_are_answered(method, target, body, status, expected):
    async def test():
        async with serving() as server, connected(server) as client:
            answer = await client.call(request_headers(method, target), *body)
            assert answer.headers[0] == (b":status", status)
            assert answer.body == expected
            assert b"connection" not in dict(answer.headers)

    run(test)


def test_other_grpc_formats_get_415():
    async def test():
        async with serving() as server, connected(server) as client:
            headers = request_headers(b"POST", b"/m", (b"content-type", b"application/grpc+json"))
            answer = await client.call(headers, framed(b"{}"))
            assert answer.headers[0] == (b":status", b"415")

    run(test)


def test_garbage_closes_the_connection_and_no_other():
    async def test():
        async with serving() as server, connected(server) as client, connected(server) as other:
            client.writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            while not client.is_over:
                await client.read()
            assert (await other.call(call_headers(), framed(b"on"))).message == b"on"
            assert server.shared.counters.bad_requests == 1

    run(test)


def test_a_body_that_stops_is_given_up():
    async def test():
        settings = ListenerSettings(body_idle_timeout_s=0.05)
        async with serving(settings) as server, connected(server) as client:
            call = client.request(call_headers(), framed(b"abc")[:4], end=False)
            post = client.request(request_headers(b"POST", b"/x"), b"ab", end=False)
            answers = await client.finish([call, post])
            assert answers[0].status == 4
            assert answers[1].headers[0] == (b":status", b"408")

    run(test)


@pytest.mark.parametrize("version", ["get", "post", "large", "too large"])
def test_curl_speaks_to_it(version, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(bytes(3_000_000))
    arguments, expected = {
        "get": ([], b"GET /v2 0 200"),
        "post": (["-d", "abc"], b"POST /v2 3 200"),
        "large": (["--data-binary", f"@{body}"], b"POST /v2 3000000 200"),
        "too large": (["--data-binary", f"@{body}", "-H", "x-limit: 1"], b"413"),
    }[version]

    async def test():
        limit = 1_000_000 if version == "too large" else 10_000_000
        async with serving(ListenerSettings(body_bytes=limit)) as server:
            process = await asyncio.create_subprocess_exec(
                "curl", "-s", "--http2-prior-knowledge", "-w", " %{http_code}", *arguments,
                f"http://127.0.0.1:{server.port}/v2", stdout=subprocess.PIPE,
            )  # fmt: skip
            out, _ = await process.communicate()
            assert out.endswith(expected)

    run(test)


def test_an_idle_connection_is_told_to_go():
    async def test():
        async with (
            serving(ListenerSettings(idle_timeout_s=0.05)) as server,
            connected(server) as client,
        ):
            await client.call(call_headers(), framed(b"x"))
            await server.until(lambda: not server.shared.connections)

    run(test)


def test_a_drain_does_not_wait_for_a_client_that_answers_no_ping():
    async def test():
        async with serving() as server, connected(server) as client:
            await client.call(call_headers(), framed(b"x"))
            for connection in list(server.shared.connections):
                connection.drain()
            await server.until(lambda: not server.shared.connections)

    run(test)


def test_a_hang_up_while_paused_cancels_the_work():
    async def test():
        async with serving() as server, connected(server) as client:
            client.request(call_headers(path=b"/wait"), framed(b"x"))
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            for connection in list(server.shared.connections):
                connection.check_hang_up()
            await server.until(lambda: server.rpc.cancelled == 1)

    run(test)


def test_a_bug_in_reading_closes_the_connection_and_is_logged(caplog):
    async def test():
        async with serving() as server, connected(server) as client:
            server.shared.settings = None  # breaks every request
            client.request(call_headers(), framed(bytes(20_000)))
            client.flush()
            while not client.is_over:
                await client.read()
            assert server.shared.counters.internal_errors == 1

    run(test)
    assert "closed by a bug" in caplog.text


class Recorder(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()
        self.is_aborted = self.is_closed = False
        self.unsent = 0

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def write(self, data):
        self.written += data

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = high

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def abort(self):
        self.is_aborted = True

    def get_write_buffer_size(self):
        return self.unsent


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


def frame(kind, stream, payload, flags=0):
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


@pytest.mark.parametrize(
    "fault",
    [
        frame(0, 0, b"abc"),
        frame(4, 0, b"abc"),
        frame(1, 2, b"\x82\x84\x86", flags=5),
        frame(1, 1, b"\xff" * 6, flags=5),
        frame(8, 0, b"\x7f\xff\xff\xff"),
        (1 << 23).to_bytes(3, "big") + bytes((0, 0, 0, 0, 0, 1)),
    ],
    ids=["stream 0", "half a setting", "even stream", "header coding", "window", "frame size"],
)
def test_what_breaks_the_protocol_is_told_so_and_its_work_ends(fault):
    async def test():
        async with serving() as server, connected(server) as client:
            client.request(call_headers(path=b"/wait"), framed(b"x"))
            client.flush()
            await server.until(lambda: server.rpc.begun == 1)
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(PREFACE + fault)
            got = await reader.read()  # to its end
            writer.close()
            assert bytes((7, 0, 0, 0, 0, 0)) in got  # GOAWAY
            client.writer.write(fault)
            await server.until(lambda: server.rpc.cancelled == 1)
            await server.until(lambda: not server.shared.connections)
            assert server.shared.counters.bad_requests == 2
            assert server.shared.budget.used == 0

    run(test)


@pytest.mark.parametrize("last_stream", [0, 1], ids=["right", "as Go has it"])
def test_a_client_that_says_goaway_and_more_sees_the_end_and_no_reset(last_stream):
    async def test():
        async with serving() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(PREFACE + frame(7, 0, last_stream.to_bytes(4, "big") + bytes(4)))
            await server.until(lambda: server.shared.paused)
            for _ in range(3):
                writer.write(frame(6, 0, b"not read"))
                await asyncio.sleep(0)
            await reader.read()  # to its end; a reset would raise
            writer.close()
            await server.until(lambda: not server.shared.connections)
            assert server.shared.counters.bad_requests == 0

    run(test)


def test_a_connection_that_is_over_hinders_no_drain():
    async def test():
        shared = Shared(
            asyncio.get_running_loop(), ListenerSettings(), EchoHttp(), EchoRpc(), InFlightBytes(1)
        )
        connection, recorder = Http2Connection(shared), Recorder()
        recorder.unsent = 1
        connection.connection_made(recorder)
        connection.take_first(PREFACE + frame(0, 0, b"abc"))
        connection.drain()
        assert recorder.is_closing()
        assert not recorder.is_aborted
        connection.connection_lost(None)

    asyncio.run(test())


def test_the_end_of_a_connection_that_is_closing_already_changes_nothing():
    async def test():
        shared = Shared(
            asyncio.get_running_loop(), ListenerSettings(), EchoHttp(), EchoRpc(), InFlightBytes(1)
        )
        connection, recorder = Http2Connection(shared), Recorder()
        connection.connection_made(recorder)
        recorder.close()
        connection.take_first(PREFACE + frame(7, 0, bytes(8)))
        assert shared.counters.internal_errors == 0
        assert not recorder.is_aborted
        connection.connection_lost(None)

    asyncio.run(test())


def test_a_closed_connection_whose_client_does_not_read_is_cut_off():
    async def test():
        shared = Shared(
            asyncio.get_running_loop(), ListenerSettings(), EchoHttp(), EchoRpc(), InFlightBytes(1)
        )
        connection, recorder = Http2Connection(shared), Recorder()
        recorder.unsent = 1
        connection.connection_made(recorder)
        connection.take_first(PREFACE + frame(0, 0, b"abc"))
        assert recorder.is_closing()
        now = asyncio.get_running_loop().time()
        connection.visit(now)
        assert not recorder.is_aborted
        connection.visit(now + shared.settings.write_idle_timeout_s + 1)
        assert recorder.is_aborted
        connection.connection_lost(None)

    asyncio.run(test())


def test_the_memory_of_a_closed_connection_is_free_at_once(monkeypatch):
    made = []

    def note(connection, *arguments, init=Http2Connection.__init__):
        init(connection, *arguments)
        made.append(weakref.ref(connection))

    monkeypatch.setattr(Http2Connection, "__init__", note)

    async def test():
        async with serving() as server:
            async with connected(server) as client:
                assert (await client.call(call_headers(), framed(b"x"))).status == 0
            await server.until(lambda: not server.shared.connections)
            await server.until(lambda: made[0]() is None)

    gc.disable()
    try:
        run(test)
    finally:
        gc.enable()


def conversation():
    """The bytes of a client that makes calls and requests of every kind."""
    client = ngh2.Connection(ngh2.Role.CLIENT)
    client.initiate_connection({})
    for headers, body in [
        (call_headers(), framed(b"one")),
        (call_headers(), framed(bytes(30_000))),
        (call_headers((b"grpc-timeout", b"?")), framed(b"x")),
        (call_headers(), framed(b"a") + framed(b"b")),
        (request_headers(b"POST", b"/p"), b"body" * 10),
        (call_headers(path=b"/refused"), framed(b"x")),
    ]:
        headers.append((b"x-request-id", b"1"))
        client.send_data(client.send_request(headers), body, end_stream=True)
    return client, client.data_to_send()


@given(st.lists(st.integers(0, 32_000), max_size=12))
@hypothesis.settings(max_examples=40, deadline=None)
def test_any_cutting_of_a_conversation_gives_the_same_answers(cuts):
    async def answers(edges):
        client, data = conversation()
        loop = asyncio.get_running_loop()
        budget = InFlightBytes(1 << 30)
        shared = Shared(loop, ListenerSettings(), EchoHttp(), EchoRpc(), budget)
        connection = Http2Connection(shared)
        recorder = Recorder()
        connection.connection_made(recorder)
        for start, end in pairwise([0, *sorted(min(e, len(data)) for e in edges), len(data)]):
            if start < end:
                connection.take_first(data[start:end])
                client.receive_data(bytes(recorder.written))
                recorder.written.clear()
                data += client.data_to_send() if end == len(data) else b""
        await asyncio.sleep(0)
        client.receive_data(bytes(recorder.written))
        got: dict[object, object] = {}
        bodies: dict[int, bytearray] = {}
        for event in client.events():
            if isinstance(event, ngh2.DataReceived):
                bodies.setdefault(event.stream_id, bytearray()).extend(event.data)
            elif isinstance(event, ngh2.ResponseReceived | ngh2.TrailersReceived):
                got[event.stream_id, type(event)] = event.headers
        connection.connection_lost(None)
        assert budget.used == 0
        return got | bodies

    async def both():
        return await answers([]), await answers(cuts)

    whole, cut = asyncio.run(both())
    assert len(whole) >= 6
    assert cut == whole


ANNOUNCED = {
    "call": (call_headers(), framed(bytes(100_000))),
    "request": (request_headers(b"POST", b"/p", (b"content-length", b"100005")), bytes(100_005)),
}


@pytest.mark.parametrize(("headers", "body"), ANNOUNCED.values(), ids=ANNOUNCED)
def test_a_body_that_drips_is_ended(headers, body):
    async def test():
        settings = ListenerSettings(body_idle_timeout_s=10, body_bytes_per_s=100)
        async with serving(settings) as server, connected(server) as client:
            stream = client.request(headers, body[:50], end=False)
            client.flush()
            await server.until(lambda: server.shared.budget.used == 50)
            (connection,) = server.shared.connections
            now = asyncio.get_running_loop().time()
            (received,) = connection._streams.values()
            for second in range(1, 10):
                connection.visit(now + second)
                client.h2.send_data(stream, b"x" * 90)
                client.flush()
                sent = 50 + 90 * second
                await server.until(lambda sent=sent: received.received == sent)
            assert server.shared.counters.timeouts == 0
            connection.visit(now + 11)
            assert server.shared.counters.timeouts == 1
            await client.finish([stream])
            assert server.shared.budget.used == 0

    run(test)


def test_who_sends_nothing_while_the_budget_is_used_up_is_ended_soon():
    async def test():
        settings = ListenerSettings(stall_timeout_s=2, in_flight_bytes=200_000)
        async with serving(settings) as server, connected(server) as client:
            budget, (headers, body) = server.shared.budget, ANNOUNCED["call"]
            stream = client.request(headers, body[:50], end=False)
            client.flush()
            await server.until(lambda: budget.used == 50)
            (connection,) = server.shared.connections
            now = asyncio.get_running_loop().time()
            connection.visit(now + 3)
            connection.visit(now + 10)
            assert server.shared.counters.timeouts == 0
            budget.take(200_000)
            connection.visit(now + 11)
            (answer,) = await client.finish([stream])
            assert answer.status == 4
            assert server.shared.counters.timeouts == 1
            budget.give(200_000)

    run(test)


def test_a_read_that_fills_the_buffer_is_the_last_of_its_turn():
    async def test():
        async with serving() as server, connected(server) as client:
            await client.call(request_headers(b"GET", b"/x"))
            (connection,) = server.shared.connections
            connection.buffer_updated(0)
            assert not server.shared.paused
            server.shared.receive[:] = frame(99, 1, bytes(RECEIVE_BYTES // 4 - 9)) * 4
            connection.buffer_updated(RECEIVE_BYTES)
            assert connection in server.shared.paused
            await asyncio.sleep(0)
            assert not server.shared.paused

    run(test)


def test_beside_many_that_wait_less_is_read_and_only_once_in_a_turn():
    async def test():
        async with serving() as server, connected(server) as client:
            await client.call(request_headers(b"GET", b"/x"))
            (connection,) = server.shared.connections
            assert len(connection.get_buffer(-1)) == RECEIVE_BYTES
            others = [lambda: None for _ in range(40)]
            for other in others:
                server.shared.rota.queue_up(other)
            buffer = connection.get_buffer(-1)
            assert len(buffer) == 4096
            for nbytes in (4095, 4096):
                assert not server.shared.paused
                buffer[:nbytes] = frame(99, 1, bytes(nbytes - 9))
                connection.buffer_updated(nbytes)
            assert connection in server.shared.paused
            for other in others:
                server.shared.rota.leave(other)

    run(test)


class Silence(EchoRpc):
    """Its one method is a stream on which nobody says anything."""

    rules = TalkRules(opens_at_once=True)

    def conversation(self, path):
        async def listen(headers, messages, peer, deadline):
            await asyncio.sleep(60)
            yield []

        return listen


def test_a_client_with_a_stream_that_answers_no_ping_is_given_up(caplog):
    async def test():
        settings = ListenerSettings(ping_s=5, ping_timeout_s=10)
        async with serving(settings, Silence()) as server, connected(server) as client:
            (headers, _), now = ANNOUNCED["call"], asyncio.get_running_loop().time()
            client.request(headers, end=False)
            client.flush()
            await server.until(lambda: server.shared.connections)
            (connection,) = server.shared.connections
            await server.until(lambda: len(connection._calls) == 1)
            connection.visit(now + 6)
            for _ in range(4):  # its answer is on its way then
                await client.read()
                if any(type(event) is ngh2.PingReceived for event in client.others):
                    break
            await server.until(lambda: connection._out.pings._asked_at is None)
            connection.visit(now + 12)
            connection.visit(now + 23)
            assert server.shared.counters.timeouts == 1
            await server.until(lambda: not server.shared.connections)

    run(test)
    assert "dropped a caller that gives no sign of life peer=127.0.0.1:" in caplog.text


def test_a_client_without_a_stream_is_not_asked_whether_it_is_there():
    async def test():
        settings = ListenerSettings(ping_s=5, ping_timeout_s=10)
        async with serving(settings) as server, connected(server) as client:
            await client.call(call_headers(), framed(b"x"))
            (connection,) = server.shared.connections
            now = asyncio.get_running_loop().time()
            connection.visit(now + 6)
            connection.visit(now + 17)
            assert (await client.call(call_headers(), framed(b"x"))).message == b"x"

    run(test)
