"""The requests of a connection by themselves; `test_http2` has them over sockets."""

import asyncio

import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.heads import Head
from seldon_core.transport.http2_requests import Requests
from seldon_core.transport.outgoing import Outgoing
from seldon_core.transport.request_stream import HttpStream
from seldon_core.transport.sending import Sender
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_engine import GoneError, RecordingEngine
from tests.support.http2_peer import EchoHttp, EchoRpc


class Front:
    """Answers when it is let; counts who was cancelled."""

    def __init__(self):
        self.go = asyncio.Event()
        self.cancelled = 0
        self.echo = EchoHttp()

    def for_peer(self, peer):
        return self

    async def answer(self, request):
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await self.echo.answer(request)


class World:
    def __init__(self, **limits):
        loop = asyncio.get_running_loop()
        self.front = Front()
        settings = ListenerSettings(**limits)
        self.shared = Shared(loop, settings, self.front, EchoRpc(), InFlightBytes(MIB))
        self.engine = RecordingEngine()
        deliveries = Deliveries(self.shared, self.engine, GoneError, lambda: None, lambda: None)
        self.flushed = 0
        sender = Sender(self.engine, GoneError)
        self.requests = Requests(
            self.shared, self.engine, sender, deliveries, lambda _: False, self.flush
        )

    def flush(self):
        self.flushed += 1

    def open(self, timeout_s=float("inf")):
        head = Head(b"GET", b"/", {}, timeout_s=timeout_s)
        stream = HttpStream(1, head, self.shared, 0.0, self.front)
        self.requests.streams[1] = stream
        return stream


def run(test, **limits):
    async def bounded():
        async with asyncio.timeout(10):
            await test(World(**limits))

    asyncio.run(bounded())


def test_a_request_is_answered_once():
    async def test(world):
        stream = world.open()
        world.requests.begin(stream, 0.0)
        world.front.go.set()
        while world.requests.streams:
            await asyncio.sleep(0)
        assert [told[0] for told in world.engine.told] == ["response", "data"]
        world.requests.answer(stream, Outgoing([]))
        assert len(world.engine.told) == 2
        assert world.flushed == 1
        assert not world.requests.closed(1)

    run(test)


def test_an_answer_that_finds_its_stream_gone_is_dropped():
    async def test(world):
        stream = world.open()
        stream.has_ended = True
        stream.hold(10)
        world.engine.is_gone = True
        world.requests.answer(stream, Outgoing([], [b"abc"]))
        assert world.shared.budget.used == 0
        assert world.requests.streams == {}

    run(test)


def test_a_request_whose_time_has_passed_before_it_began_is_refused():
    async def test(world):
        world.requests.begin(world.open(timeout_s=1.0), 1.0)
        assert world.shared.counters.timeouts == 1
        assert world.engine.told[0][0] == "response"
        assert not world.front.echo.seen

    run(test)


@pytest.mark.parametrize("end", ["closed", "lost", "late"])
def test_a_request_that_nobody_waits_for_is_cancelled(end):
    async def test(world):
        stream = world.open()
        world.requests.begin(stream, 0.0)
        await asyncio.sleep(0)
        if end == "closed":
            assert world.requests.closed(1)
        elif end == "lost":
            world.requests.lose()
        else:
            world.requests.visit(4.0)
            assert world.requests.streams
            world.requests.visit(6.0)
        assert not world.requests.streams
        while not world.front.cancelled:
            await asyncio.sleep(0)
        counters = world.shared.counters
        assert (counters.hang_ups, counters.timeouts) == ((0, 1) if end == "late" else (1, 0))

    run(test, request_timeout_s=5.0)


def test_the_deadline_of_what_is_answered_already_is_no_time_out():
    async def test(world):
        stream = world.open(5.0)
        world.requests.answer(stream, Outgoing([(b":status", b"200")], [b"x"]))
        world.requests._expire(stream)
        assert world.shared.counters.timeouts == 0

    run(test)


class Stumbling(Front):
    """Raises when it is cancelled."""

    async def answer(self, request):
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            raise ValueError("a bug") from None


def test_a_bug_after_the_answer_is_no_second_refusal(caplog):
    async def test(world):
        world.front = Stumbling()
        stream = world.open()
        world.requests.begin(stream, 0.0)
        await asyncio.sleep(0)
        world.requests.visit(6.0)
        while not world.shared.counters.internal_errors:
            await asyncio.sleep(0)
        assert world.shared.refusals.counts == {("rest", "504"): 1}
        assert "failed by a bug" in caplog.text

    run(test, request_timeout_s=5.0)


def test_a_body_that_does_not_go_on_is_refused():
    async def test(world):
        world.open()
        world.requests.visit(1.0)
        assert world.requests.streams
        world.requests.visit(3.0)
        assert world.engine.told[0][0] == "response"

    run(test, body_idle_timeout_s=2.0)
