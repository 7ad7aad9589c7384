"""Answers that are sent as they are made, over real sockets in both HTTP versions."""

import asyncio
import contextlib
import time

import ngh2
import pytest
import uvloop

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import StreamedAnswer
from seldon_core.transport.http1_connection import Http1Connection
from seldon_core.transport.settings import KIB, MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support import http2_peer
from tests.support.transport import EchoFront, NoRpc, connected, listening, until

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
BOTH = pytest.mark.parametrize("version", ["1.1", "2"])


class StreamingFront(EchoFront):
    """Streams events to `/stream…`; a target has in it what becomes of the stream.

    Each event waits for a permit: `permits` is released once for each that may be made.
    """

    def __init__(self, permits=0, size=10):
        super().__init__()
        self.permits = asyncio.Semaphore(permits)
        self.size = size
        self.made = 0
        self.open = 0
        self.closed_at = 0.0
        self.tasks = set()

    async def answer(self, request):
        if not request.target.startswith(b"/stream"):
            return await super().answer(request)
        self.requests.append(request)
        if b"stubborn" in request.target:
            self.began.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        events = self.events(request.target)
        if b"peek" in request.target:
            await anext(events)
        return StreamedAnswer(200, [(b"content-type", b"text/event-stream")], events)

    async def events(self, target):
        self.open += 1
        try:
            while not (b"three" in target and self.made == 3):
                self.tasks.add(asyncio.current_task())
                if b"free" not in target:
                    await self.permits.acquire()
                self.made += 1
                yield b"" if b"empty" in target else b"%0*d" % (self.size, self.made)
                if b"bug" in target:
                    raise RuntimeError("a bug")
                if b"cancel" in target:
                    raise asyncio.CancelledError
        finally:
            self.open -= 1
            self.closed_at = time.monotonic()

    def allow(self, count=1):
        for _ in range(count):
            self.permits.release()


class Recorder(asyncio.Transport):
    """Keeps what is written, and never gets to its end."""

    def __init__(self):
        super().__init__()
        self.written = bytearray()
        self.is_ended = False

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def write(self, data):
        self.written += data

    def close(self):
        self.is_ended = True

    def is_closing(self):
        return self.is_ended


class Http1:
    """One streamed answer as an HTTP/1.1 client sees it."""

    def __init__(self, client):
        self.client = client

    async def ask(self, target=b"/stream", method=b"GET"):
        await self.client.send(b"%b %b HTTP/1.1\r\nhost: a\r\n\r\n" % (method, target))
        return (await self.client.receive(b"\r\n\r\n")).decode().lower()

    async def piece(self):
        """Return the next piece, None after the last one."""
        size = int(await self.client.receive(b"\r\n"), 16)
        data = await self.client.reader.readexactly(size + 2)
        return data[:-2] if size else None

    def leave(self):
        self.client.writer.transport.abort()


class Http2:
    """The same over HTTP/2."""

    def __init__(self, client):
        self.client = client
        self.stream = 0

    async def ask(self, target=b"/stream", method=b"GET"):
        self.stream = self.client.request(http2_peer.request_headers(method, target))
        self.client.flush()
        while not self.seen.headers:
            await self.client.read()
        return "".join(
            f"{name.decode()}: {value.decode()}\r\n" for name, value in self.seen.headers
        )

    @property
    def seen(self):
        return self.client.answers[self.stream]

    async def piece(self):
        while not self.seen.body:
            if self.seen.is_closed:
                return None
            async with asyncio.timeout(10):
                await self.client.read()
        data = bytes(self.seen.body)
        self.seen.body.clear()
        return data

    def leave(self):
        self.client.h2.reset_stream(self.stream)
        self.client.flush()


@contextlib.asynccontextmanager
async def asking(version, front, budget=None, **changes):
    """Serve `front`, and a client of it; afterwards nothing is left of either."""
    async with listening(front, budget, **changes) as listener:
        connect = connected(listener.port) if version == "1.1" else http2_peer.connected(listener)
        async with connect as client:
            yield listener, (Http1 if version == "1.1" else Http2)(client)
        await until(lambda: not listener.open_connections)
    assert front.open == 0
    assert listener.in_flight_bytes == 0


@LOOPS
@BOTH
def test_every_event_is_sent_before_the_next_one_is_made(run, version):
    async def main():
        front = StreamingFront()
        async with asking(version, front) as (_, client):
            head = await client.ask(b"/stream/three")
            assert "content-length" not in head
            assert "text/event-stream" in head
            assert front.made == 0
            for n in range(1, 4):
                front.allow()
                assert await client.piece() == b"%010d" % n
                assert front.made == n
            assert await client.piece() is None
            assert len(front.tasks) == 1

    run(main())


@LOOPS
@BOTH
@pytest.mark.parametrize("reads", [0, 2])
def test_a_client_that_leaves_closes_the_generator_at_once(run, version, reads):
    async def main():
        front = StreamingFront()
        async with asking(version, front) as (listener, client):
            await client.ask()
            front.allow(reads)
            for _ in range(reads):
                await client.piece()
            await until(lambda: front.open)
            left = time.monotonic()
            client.leave()
            await until(lambda: not front.open)
            assert front.closed_at - left < 0.2
            assert listener.counters.hang_ups == 1
            assert listener.counters.internal_errors == 0

    run(main())


@LOOPS
@BOTH
def test_nothing_is_made_that_the_client_does_not_take(run, version):
    async def main():
        front = StreamingFront(size=64 * KIB)
        async with asking(version, front) as (listener, client):
            await client.ask(b"/stream/free")
            made = -1
            while made != front.made:
                made = front.made
                await asyncio.sleep(0.1)
            assert front.open == 1
            assert made * 64 * KIB < 24 * MIB  # what the system and HTTP/2's windows take in
            assert 0 < listener.in_flight_bytes <= 2 * 64 * KIB  # the piece, and what waits
            client.leave()

    run(main())


@BOTH
def test_a_client_that_takes_nothing_for_too_long_is_dropped(version):
    async def main():
        front = StreamingFront(size=256 * KIB)
        limits = {"write_idle_timeout_s": 0.3}
        async with asking(version, front, **limits) as (listener, client):
            await client.ask(b"/stream/free")
            await until(lambda: front.open)
            await until(lambda: not front.open)
            assert listener.counters.timeouts == 1

    asyncio.run(main())


@BOTH
def test_a_client_that_leaves_unread_bytes_behind_is_noticed(version):
    async def main():
        front = StreamingFront(size=256 * KIB)
        async with asking(version, front) as (_, client):
            await client.ask(b"/stream/free")
            made = -1
            while made != front.made:
                made = front.made
                await asyncio.sleep(0.1)
            left = time.monotonic()
            client.client.writer.transport.abort()
            await until(lambda: not front.open)
            assert front.closed_at - left < 0.2

    asyncio.run(main())


@BOTH
@pytest.mark.parametrize("kind", ["bug", "cancel"])
def test_a_stream_that_fails_is_cut_off_visibly_and_logged(version, kind, caplog):
    async def main():
        front = StreamingFront(permits=9)
        async with asking(version, front) as (listener, client):
            await client.ask(b"/stream/" + kind.encode())
            assert await client.piece() == b"%010d" % 1
            if version == "1.1":
                assert await client.client.ends() == b""  # and no last chunk
            else:
                assert await client.piece() is None
                assert client.seen.reset == 2
            assert listener.counters.internal_errors == 1

    asyncio.run(main())
    assert "request_id=" in caplog.text


@BOTH
def test_a_stream_that_takes_too_long_is_cut_off(version):
    async def main():
        front = StreamingFront(permits=1)
        async with asking(version, front, request_timeout_s=0.3) as (listener, client):
            await client.ask()
            assert await client.piece() == b"%010d" % 1
            if version == "1.1":
                assert await client.client.ends() == b""
            else:
                assert await client.piece() is None
                assert client.seen.reset == 8
            await until(lambda: not front.open)
            assert listener.counters.timeouts == 1

    asyncio.run(main())


@BOTH
def test_the_answer_to_head_has_no_body_and_makes_none(version):
    async def main():
        front = StreamingFront(permits=9)
        async with asking(version, front) as (_, client):
            assert "text/event-stream" in await client.ask(b"/stream", b"HEAD")
            assert front.made == 0
            front.made = 3
            await client.ask(b"/stream/three")  # the connection is good for more
            assert await client.piece() is None

    asyncio.run(main())


@BOTH
def test_an_answer_may_have_begun_before_it_is_given(version):
    async def main():
        front = StreamingFront(permits=9)
        async with asking(version, front) as (_, client):
            await client.ask(b"/stream/peek/three")
            assert [await client.piece(), await client.piece()] == [b"%010d" % 2, b"%010d" % 3]
            assert await client.piece() is None

    asyncio.run(main())


@BOTH
def test_an_answer_that_comes_after_its_client_has_left_is_closed(version):
    async def main():
        front = StreamingFront(permits=9)
        async with asking(version, front) as (_, client):
            target = b"/stream/stubborn/peek"
            if version == "1.1":
                await client.client.send(b"GET " + target + b" HTTP/1.1\r\nhost: a\r\n\r\n")
            else:
                client.client.request(http2_peer.request_headers(b"GET", target))
                client.client.flush()
            await front.began.wait()
            client.client.writer.transport.abort()
            await until(lambda: front.made)
            await until(lambda: not front.open)
            assert front.made == 1

    asyncio.run(main())


@BOTH
def test_empty_pieces_say_nothing(version):
    async def main():
        front = StreamingFront(permits=9)
        async with asking(version, front) as (_, client):
            for _ in range(2):
                front.made = 0
                await client.ask(b"/stream/empty/three")
                assert await client.piece() is None
                assert front.made == 3

    asyncio.run(main())


@LOOPS
@BOTH
def test_a_drain_lets_a_stream_end_and_cuts_it_off_after_its_time(run, version):
    async def main():
        front = StreamingFront()
        async with asking(version, front) as (listener, client), asyncio.TaskGroup() as tasks:
            await client.ask(b"/stream/three")
            draining = tasks.create_task(listener.drain(5))
            front.allow(3)
            got = b"".join([await client.piece() for _ in range(1 if version == "2" else 3)])
            assert got.startswith(b"%010d" % 1)
            while await client.piece() is not None:
                pass
            before = time.monotonic()
            await draining
            assert time.monotonic() - before < 2
        front = StreamingFront()
        async with asking(version, front) as (listener, client):
            await client.ask()
            await until(lambda: front.open)
            await listener.drain(0.05)
            await until(lambda: not front.open)

    run(main())


def test_a_pipelined_request_waits_its_turn_behind_a_stream():
    async def main():
        front = StreamingFront()
        async with asking("1.1", front) as (_, client):
            await client.client.send(
                b"GET /a HTTP/1.1\r\nhost: a\r\n\r\nGET /stream/three HTTP/1.1\r\nhost: a\r\n\r\n"
                * 2
            )
            await client.client.send(b"GET /b HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await client.client.response())[2] == b"/a "
            await client.client.receive(b"\r\n\r\n")
            await until(lambda: len(front.requests) == 5)
            front.allow(3)
            while await client.piece() is not None:
                pass
            assert (await client.client.response())[2] == b"/a "
            await client.client.receive(b"\r\n\r\n")
            assert await client.piece() is None
            assert (await client.client.response())[2] == b"/b "

    asyncio.run(main())


def test_a_stream_that_waits_for_its_turn_too_long_is_a_504():
    async def main():
        front = StreamingFront(permits=9)
        async with asking("1.1", front, request_timeout_s=0.2) as (_, client):
            await client.client.send(
                b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\nGET /stream HTTP/1.1\r\nhost: a\r\n\r\n"
            )
            assert (await client.client.response())[0] == 504
            assert (await client.client.response())[0] == 504
            assert front.made == 0
            await client.client.send(b"GET /b HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await client.client.response())[2] == b"/b "

    asyncio.run(main())


def test_requests_behind_a_stream_that_is_cut_off_are_not_answered():
    async def main():
        front = StreamingFront(permits=1)
        async with asking("1.1", front) as (_, client):
            await client.client.send(
                b"GET /stream/bug HTTP/1.1\r\nhost: a\r\n\r\nGET /b HTTP/1.1\r\n"
                b"host: a\r\n\r\nGET /hold HTTP/1.1\r\nhost: a\r\n\r\n"
            )
            await client.client.receive(b"\r\n\r\n")
            assert await client.client.ends() == b"a\r\n0000000001\r\n"
            await until(front.cancelled.is_set)

    asyncio.run(main())


def test_nothing_follows_a_cut_that_has_not_left_yet():
    async def main():
        front = StreamingFront()
        shared = Shared(
            asyncio.get_running_loop(), ListenerSettings(), front, NoRpc(), InFlightBytes(MIB)
        )
        connection, recorder = Http1Connection(shared), Recorder()
        connection.connection_made(recorder)
        connection.take_first(
            b"GET /stream/bug HTTP/1.1\r\nhost: a\r\n\r\nGET /hold HTTP/1.1\r\nhost: a\r\n\r\n"
        )
        front.allow()
        await until(lambda: recorder.is_closing())
        written = bytes(recorder.written)
        front.release.set()
        await until(lambda: front.cancelled.is_set())
        assert recorder.written == written
        assert written.endswith(b"\r\na\r\n0000000001\r\n")
        connection.connection_lost(None)

    asyncio.run(main())


def test_the_connection_closes_after_a_stream_when_the_client_asked_for_it():
    async def main():
        front = StreamingFront(permits=9)
        async with asking("1.1", front) as (_, client):
            await client.client.send(
                b"GET /stream/three HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
            )
            assert b"connection: close" in await client.client.receive(b"\r\n\r\n")
            assert (await client.client.ends()).endswith(b"0\r\n\r\n")

    asyncio.run(main())


@pytest.mark.parametrize("line", [b"", b"connection: keep-alive\r\n"], ids=["plain", "keep-alive"])
def test_to_http10_a_stream_ends_with_the_connection(line):
    async def main():
        front = StreamingFront(permits=9)
        async with asking("1.1", front) as (_, client):
            await client.client.send(b"GET /stream/three HTTP/1.0\r\n" + line + b"\r\n")
            head = await client.client.receive(b"\r\n\r\n")
            assert b"chunked" not in head
            assert b"connection: close" in head
            assert await client.client.ends() == b"".join(b"%010d" % n for n in (1, 2, 3))

    asyncio.run(main())


def test_to_http10_a_stream_that_fails_ends_with_a_reset(caplog):
    async def main():
        front = StreamingFront(permits=9)
        async with asking("1.1", front) as (_, client):
            await client.client.send(b"GET /stream/bug HTTP/1.0\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                await client.client.reader.read()

    asyncio.run(main())
    assert "failed by a bug" in caplog.text


def test_a_stream_that_its_client_does_not_want_leaves_the_others_of_its_connection_alone():
    async def main():
        front = StreamingFront(size=MIB)
        budget = InFlightBytes(64 * MIB)
        async with asking("2", front, budget, write_idle_timeout_s=0.3) as (listener, client):
            # The connection's window is large, and that of the stream is not given back.
            client.client.h2 = h2 = ngh2.Connection(
                ngh2.Role.CLIENT, ngh2.Configuration(auto_window_update=False)
            )
            h2.initiate_connection({})
            h2.set_local_window_size(16 * MIB)
            await client.ask(b"/stream/free")
            blocked = client.stream
            async with asyncio.timeout(10):
                while not client.client.answers[blocked].is_closed:
                    answer = await client.client.call(
                        http2_peer.request_headers(b"GET", b"/other"), end=True
                    )
                    assert answer.body == b"/other "
                    await asyncio.sleep(0.05)
            assert client.client.answers[blocked].reset == 8
            assert listener.counters.timeouts == 1

    asyncio.run(main())
