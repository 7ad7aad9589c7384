"""HTTP/2 answers under way whose streams go; `test_streaming` has the rest over sockets."""

import asyncio

import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.exchange import StreamedAnswer
from seldon_core.transport.heads import Head
from seldon_core.transport.http2_streaming import StreamedAnswers
from seldon_core.transport.outgoing import streamed_outgoing
from seldon_core.transport.request_stream import HttpStream
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_engine import GoneError, RecordingEngine
from tests.support.http2_peer import EchoHttp, EchoRpc


class Engine(RecordingEngine):
    """Raises for `gone_from` and everything after it, as for a stream that was reset."""

    gone_from = ""

    def _check(self, what):
        self.is_gone = self.is_gone or self.gone_from == what
        if self.is_gone:
            raise GoneError

    def send_response(self, stream_id, headers, *, end_stream=False):
        self._check("response")
        super().send_response(stream_id, headers, end_stream=end_stream)

    def send_data(self, stream_id, data, *, end_stream=False):
        self._check("data")
        super().send_data(stream_id, data, end_stream=end_stream)

    def end_stream(self, stream_id):
        self._check("end")
        super().end_stream(stream_id)


class World:
    def __init__(self, gone_from=""):
        loop = asyncio.get_running_loop()
        self.budget = InFlightBytes(MIB)
        self.shared = Shared(loop, ListenerSettings(), EchoHttp(), EchoRpc(), self.budget)
        self.engine = Engine()
        self.engine.gone_from = gone_from
        self.deliveries = Deliveries(
            self.shared, self.engine, GoneError, lambda: None, lambda: None
        )
        head = Head(b"GET", b"/", {})
        self.stream = HttpStream(1, head, self.shared, loop.time(), self.shared.http)
        self.streams = {1: self.stream}
        self.answers = StreamedAnswers(
            self.shared, self.engine, GoneError, self.deliveries, self.streams, lambda: None
        )
        self.is_closed = False

    async def pieces(self):
        try:
            yield b"one"
            yield b"two"
        finally:
            self.is_closed = True

    def answer(self, is_head=False):
        return streamed_outgoing(StreamedAnswer(200, [], self.pieces()), is_head)

    async def take_all(self, task):
        """Let the client take what it is sent until the task ends."""
        while not task.done():
            await asyncio.sleep(0)
            self.engine.queued = 0
            self.deliveries.refill()


def run(test):
    async def bounded():
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            await test(tasks)

    asyncio.run(bounded())


def test_an_answer_is_its_pieces_and_the_end_of_the_stream():
    async def test(tasks):
        world = World()
        task = tasks.create_task(world.answers.send(world.stream, world.answer()))
        await world.take_all(task)
        assert [told[0] for told in world.engine.told] == ["response", "data", "data", "end"]
        assert world.streams == {}
        assert not world.answers.expire(world.stream)

    run(test)


@pytest.mark.parametrize("gone_from", ["response", "data", "end"])
def test_a_stream_that_the_library_has_given_up_ends_its_answer(gone_from):
    async def test(tasks):
        world = World(gone_from)
        task = tasks.create_task(world.answers.send(world.stream, world.answer()))
        await world.take_all(task)
        assert world.streams == {}
        assert world.is_closed or gone_from == "response"  # then it has not begun
        assert world.budget.used == 0
        assert world.shared.counters.internal_errors == 0

    run(test)


def test_an_answer_that_nobody_wants_any_more_is_closed_unsent():
    async def test(tasks):
        world = World()
        world.streams.clear()
        answer = world.answer()
        await anext(answer.answer.pieces)
        await tasks.create_task(world.answers.send(world.stream, answer))
        assert world.engine.told == []
        assert world.is_closed

    run(test)


def test_an_answer_whose_time_has_passed_is_reset_once():
    async def test(tasks):
        world = World()
        task = tasks.create_task(world.answers.send(world.stream, world.answer()))
        await asyncio.sleep(0)
        assert world.answers.expire(world.stream)
        assert world.answers.expire(world.stream)
        task.cancel()
        await asyncio.wait([task])
        assert [told for told in world.engine.told if told[0] == "reset"] == [("reset", 1, 8)]
        assert world.is_closed

    run(test)
