"""Streams to a model, over fake models and over calls that end when the test says so."""

import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest

from seldon_core.agent.streaming import UNDER_WAY, answered_in_order
from seldon_core.aio.start import Waiter, start, waiter_for
from seldon_core.errors import (
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    NotReadyError,
)
from seldon_core.protocol.inference import InferRequest, InferResponse, Payload, Tensor
from seldon_core.transport.handler import Reply
from tests.support.agent import (
    FakeCodec,
    FakeModel,
    FakeRuntime,
    World,
    agent_of,
    call_to,
    until,
    warm,
)
from tests.support.stream_fakes import Given, Spoken, turns


def run(test):
    """Run a test; what the loop has to complain of fails it."""
    complaints = []

    async def heard():
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        await asyncio.wait_for(test(), timeout=10)
        gc.collect()  # futures complain when they go

    asyncio.run(heard())
    assert complaints == []


def message(*row, name="x"):
    """A message with one row for the fake model."""
    tensor = Tensor(name, "FP32", np.array([row], np.float32))
    return Payload(FakeCodec(), InferRequest([tensor], id=str(row[0])))


def doubled(reply):
    return reply.outcome.outputs[0].data.tolist()


def stream_of(agent, messages, model="m_1"):
    return agent.handler.stream(call_to(model, [[0, 0]]), messages)


async def all_of(replies):
    return [reply async for reply in replies]


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_each_message_is_answered_in_its_order(place):
    async def test():
        world = World(runtime=FakeRuntime(inline_limit_s=1.0 if place == "loop" else -1.0))
        async with agent_of(world, "m") as agent:
            messages = [message(x, 1) for x in range(20, 70)]
            replies = await all_of(stream_of(agent, Given(*messages)))
        assert [doubled(reply) for reply in replies] == [[[2 * x, 2]] for x in range(20, 70)]
        assert [reply.payload for reply in replies] == messages
        assert {reply.is_final for reply in replies} == {True}
        assert [reply.outcome.id for reply in replies] == [str(x) for x in range(20, 70)]
        assert world.counts.gone["rest", "200"].calls == 50

    run(test)


def test_a_stream_without_messages_has_no_answers():
    async def test():
        async with agent_of(World(), "m") as agent:
            assert await all_of(stream_of(agent, Given())) == []

    run(test)


def test_a_model_on_the_loop_needs_no_task():
    async def test():
        async with agent_of(World(), "m") as agent:
            await warm(agent, "m")
            await asyncio.sleep(0)
            replies = stream_of(agent, Given(message(1, 2)))
            with pytest.raises(StopIteration) as answered:
                replies.asend(None).send(None)
            assert doubled(answered.value.value) == [[2, 4]]
            await replies.aclose()

    run(test)


def test_messages_under_way_join_one_batch():
    async def test():
        model = FakeModel()
        model.gate = threading.Event()
        world = World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": model})
        async with agent_of(world, "m") as agent:
            answers = asyncio.create_task(
                all_of(
                    stream_of(agent, Given(*[message(20, x) for x in range(20, 22 + UNDER_WAY)]))
                )
            )
            await until(lambda: model.calls)
            model.gate.set()
            assert len(await answers) == UNDER_WAY + 2
        assert sum(model.calls) == UNDER_WAY + 2
        assert max(model.calls) >= UNDER_WAY - 1

    run(test)


def test_an_error_of_one_message_is_its_reply_and_the_stream_goes_on():
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            given = Given(message(1, 0), message(13, 0), message(2, 0, name="y"), message(3, 0))
            first, failed, refused, last = await all_of(stream_of(agent, given))
        assert (doubled(first), doubled(last)) == ([[2, 0]], [[6, 0]])
        assert isinstance(failed.outcome, ModelRuntimeError)
        assert isinstance(refused.outcome, InvalidRequestError)
        counted = {code: counts.calls for (_, code), counts in world.counts.gone.items()}
        assert counted == {"200": 2, "500": 1, "400": 1}

    run(test)


def test_a_model_that_is_not_here_ends_the_stream():
    async def test():
        async with agent_of(World()) as agent:
            with pytest.raises(NotFoundError, match="nobody_1"):
                await all_of(stream_of(agent, Given(message(1, 0)), "nobody_1"))

    run(test)


@pytest.mark.parametrize("error", [NotFoundError("model", "m_1"), NotReadyError("it is loading")])
def test_a_model_that_goes_ends_the_stream_after_the_answers_before(error):
    async def test():
        async def infer(call):
            if call.payload == "gone":
                raise error
            return Reply(InferResponse(call.payload, []))

        replies = answered_in_order(infer, call_to("m", []), Given("a", "gone", "b"))
        assert (await anext(replies)).outcome.model_name == "a"
        with pytest.raises(type(error)):
            await anext(replies)

    run(test)


def test_what_the_messages_raise_comes_after_the_answers_before():
    async def test():
        async with agent_of(World(), "m") as agent:
            given = Given(message(1, 0), InvalidRequestError("no message"))
            replies = stream_of(agent, given)
            assert doubled(await anext(replies)) == [[2, 0]]
            with pytest.raises(InvalidRequestError, match="no message"):
                await anext(replies)

    run(test)


class Calls:
    """Calls that wait; `answer` answers one, whichever."""

    def __init__(self):
        self.waiting = {}
        self.cancelled = []

    async def __call__(self, call):
        name = call.payload
        self.waiting[name] = asyncio.get_running_loop().create_future()
        try:
            return await self.waiting[name]
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise

    def answer(self, name):
        self.waiting[name].set_result(Reply(InferResponse(name, []), [(b"x-a", b"1")]))


def test_no_more_messages_are_read_than_may_be_under_way():
    async def test():
        calls, given = Calls(), Given(*range(100))
        replies = answered_in_order(calls, call_to("m", []), given)
        first = asyncio.ensure_future(anext(replies))
        await turns()
        assert given.taken == UNDER_WAY
        for name in range(UNDER_WAY):
            calls.answer(name)
        await first
        await turns()
        # The first reply was not sent yet: its client may not read.
        assert given.taken == UNDER_WAY
        second = await anext(replies)
        assert (second.outcome.model_name, second.headers) == (1, [(b"x-a", b"1")])
        await turns()
        assert given.taken == UNDER_WAY + 1
        await replies.aclose()

    run(test)


def test_answers_wait_for_the_ones_before():
    async def test():
        calls = Calls()
        replies = answered_in_order(calls, call_to("m", []), Given("a", "b"))
        first = asyncio.ensure_future(anext(replies))
        await turns()
        calls.answer("b")
        await turns()
        assert not first.done()
        calls.answer("a")
        assert (await first).outcome.model_name == "a"
        assert (await anext(replies)).outcome.model_name == "b"
        with pytest.raises(StopAsyncIteration):
            await anext(replies)

    run(test)


@pytest.mark.parametrize("outcome", ["answered", "gone"])
def test_an_answer_in_the_tick_in_which_its_client_leaves_is_dropped(outcome):
    async def test():
        loop = asyncio.get_running_loop()
        waiters, started = [], []

        async def infer(call):
            waiters.append(waiter_for(loop))
            return await waiters[0]

        async def consume():
            await all_of(answered_in_order(infer, call_to("m", []), Given("a")))

        def leave():
            started[0].cancel()
            if outcome == "gone":
                waiters[0].set_exception(NotFoundError("model", "m"))
            else:
                waiters[0].set_result(Reply(InferResponse("a", [])))

        # As a connection does it: without a task, so that the result resumes the call on the spot.
        loop.call_soon(lambda: started.append(start(consume(), loop)))
        await turns()
        assert isinstance(waiters[0], Waiter)
        loop.call_soon(leave)
        await turns()

    run(test)


@pytest.mark.parametrize("when", ["while it waits", "in the tick of the answer", "between answers"])
def test_who_leaves_takes_back_what_is_under_way(when):
    async def test():
        calls, spoken, before = Calls(), Spoken(), asyncio.all_tasks()
        spoken.say("a", "b", "c")
        replies = answered_in_order(calls, call_to("m", []), spoken)
        first = asyncio.ensure_future(anext(replies))
        await turns()
        if when == "between answers":
            calls.answer("a")
            await first
        else:
            if when == "in the tick of the answer":
                calls.answer("a")
            first.cancel()
            await asyncio.wait([first])
            assert first.cancelled() or when == "in the tick of the answer"
        await replies.aclose()
        await turns()
        left = ["b", "c"] if when != "while it waits" else ["a", "b", "c"]
        assert calls.cancelled == left
        assert asyncio.all_tasks() == before

    run(test)


def test_an_end_that_nobody_comes_to_see_is_no_fault():
    async def test():
        calls = Calls()
        replies = answered_in_order(calls, call_to("m", []), Given("a", "b"))
        first = asyncio.ensure_future(anext(replies))
        await turns()
        calls.waiting["b"].set_exception(NotFoundError("model", "m"))
        await turns()
        first.cancel()
        await asyncio.wait([first])
        await turns()

    run(test)


def test_a_call_that_is_cancelled_by_others_is_not_waited_for():
    async def test():
        calls = Calls()
        replies = answered_in_order(calls, call_to("m", []), Given("a"))
        first = asyncio.ensure_future(anext(replies))
        await turns()
        calls.waiting["a"].cancel()
        await asyncio.wait([first])
        assert first.cancelled()

    run(test)


def test_the_calls_are_the_streams_own_but_for_the_payload():
    async def test():
        seen = []

        async def infer(call):
            seen.append(call)
            return Reply(InferResponse("", []))

        call = call_to("m_1", [], deadline=7.0)
        await all_of(answered_in_order(infer, call, Given("a")))
        [made] = seen
        assert made is not call
        assert (made.payload, made.internal_model, made.deadline) == ("a", "m_1", 7.0)
        assert (made.headers, made.request_id, made.verb) == (call.headers, "r", call.verb)

    run(test)


class Body:
    """A message's payload, whose end can be seen."""


@pytest.mark.parametrize("end", ["closed", "cancelled", "not found", "messages failed"])
def test_the_messages_of_a_stream_that_ended_are_no_garbage_to_be_collected(end):
    async def infer(call):
        await asyncio.sleep(0)
        if end == "not found":
            raise NotFoundError("model", "m")
        if end != "messages failed" and call.payload is not bodies[0]:
            await asyncio.get_running_loop().create_future()
        return Reply(InferResponse("m", []))

    async def test():
        if end == "messages failed":
            messages = Given(*bodies, InvalidRequestError("no message"))
        else:
            messages = Spoken()
            messages.say(*bodies)
        call = call_to("m", [])
        call.payload = bodies[0]
        replies = answered_in_order(infer, call, messages)
        asking = asyncio.ensure_future(all_of(replies))
        await turns()
        if end == "closed":
            replies = answered_in_order(infer, call, messages)
            messages.say(*bodies)
            await anext(replies)
            await replies.aclose()
        asking.cancel()
        await asyncio.wait([asking])
        await turns()

    bodies = [Body() for _ in range(3)]
    ends = [weakref.ref(body) for body in bodies]
    gc.collect()
    gc.disable()
    try:
        asyncio.run(test())
        bodies.clear()
        assert [end() for end in ends] == [None] * 3
    finally:
        gc.enable()
