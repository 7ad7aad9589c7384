"""Time-outs that a model gives its calls, seen through its agent. Real time, a tick of it."""

import asyncio
import threading
from time import monotonic

import pytest

from seldon_core.agent.batching import Entry
from seldon_core.agent.timeouts import Timeouts
from seldon_core.errors import DeadlineError, OverloadedError
from seldon_core.resources.knobs import Knobs
from tests.support.agent import (
    FakeModel,
    FakeRuntime,
    World,
    agent_of,
    call_to,
    until,
    values,
    version_of,
    warm,
)

QUICK = Knobs(timeout_ms=20)
PATIENT = Knobs(timeout_ms=60_000)
TOLD = "^the call was not answered within 20 ms, the model's seldon-core/timeout-ms$"


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


def slow_world(gate):
    """A world whose model m runs on a thread, and there waits for `gate`."""
    model = FakeModel()
    model.gate = gate
    return World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": model})


def watched(agent):
    """How many calls of the agent's models are being timed."""
    sweeper = agent._host._timeouts._sweeper
    return sum(map(len, sweeper._buckets.values()))


def test_a_call_is_given_up_when_its_model_runs_for_too_long():
    async def test():
        gate = threading.Event()
        world = slow_world(gate)
        async with agent_of(world, "m", knobs=QUICK) as agent:
            try:
                began = monotonic()
                with pytest.raises(DeadlineError, match=TOLD):
                    await agent.handler.infer(call_to("m_1", [[1, 2]]))
                assert monotonic() - began >= 0.02
                assert watched(agent) == 0
            finally:
                gate.set()
            await until(lambda: not agent._host.pool.slots["m_1"].running)
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]
        assert world.counts.gone["rest", "504"].calls == 1

    run(test)


def test_a_call_that_waits_for_its_turn_is_taken_out_of_the_queue():
    async def test():
        gate = threading.Event()
        world = slow_world(gate)
        async with agent_of(world, "m", knobs=QUICK) as agent:
            try:
                calls = [call_to("m_1", [[i, i]]) for i in range(3)]
                tasks = [asyncio.create_task(agent.handler.infer(call)) for call in calls]
                batcher = agent._host.served["m_1"].runner._batcher
                await until(lambda: batcher.waiting == 2)
                for task in tasks:
                    with pytest.raises(DeadlineError, match=TOLD):
                        await task
                assert batcher.waiting == 0
            finally:
                gate.set()
        assert world.models["m_1"].calls == [1]

    run(test)


def test_a_call_that_waits_for_its_model_to_be_loaded_is_given_up():
    async def test():
        world = World(load_gate=threading.Event())
        world.load_gate.set()
        async with agent_of(world, "m", capacity=1, knobs=QUICK) as agent:
            agent.load_model(version_of("other"))
            await until(lambda: world.has_reported("other"))
            world.load_gate.clear()
            try:
                with pytest.raises(DeadlineError, match=TOLD):
                    await agent.handler.infer(call_to("m_1", [[1, 2]]))
                assert not agent._host.pool.slots["m_1"].waiting
                assert watched(agent) == 0
            finally:
                world.load_gate.set()
            assert values(await agent.handler.infer(call_to("other_1", [[1, 2]]))) == [[2, 4]]

    run(test)


def test_the_time_that_the_load_took_counts():
    async def test():
        gate = threading.Event()
        world = slow_world(gate)
        async with agent_of(world, "m", knobs=PATIENT) as agent:
            timeout = agent._host.served["m_1"].timeout
            entry = Entry(None, 1, [], ())
            entry.waiter = asyncio.get_running_loop().create_future()
            withdrawn = []
            with pytest.raises(DeadlineError):  # it arrived a minute ago
                await timeout.outputs(entry, monotonic() - 60, withdrawn.append)
            assert withdrawn == [entry]
            gate.set()

    run(test)


def test_answers_in_time_are_not_touched_and_nothing_is_kept_of_them():
    async def test():
        world = slow_world(None)
        async with agent_of(world, "m", "n", knobs=PATIENT) as agent:
            calls = [agent.handler.infer(call_to("m_1", [[i, 0]])) for i in range(5)]
            replies = await asyncio.gather(*calls)
            assert [values(reply) for reply in replies] == [[[2 * i, 0]] for i in range(5)]
            assert watched(agent) == 0

    run(test)


def test_a_call_that_leaves_is_not_watched_any_more():
    async def test():
        gate = threading.Event()
        async with agent_of(slow_world(gate), "m", knobs=PATIENT) as agent:
            task = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: watched(agent) == 1)
            task.cancel()
            await asyncio.wait([task])
            assert watched(agent) == 0
            gate.set()

    run(test)


def test_a_refused_call_is_not_watched_any_more():
    async def test():
        world = World()
        async with agent_of(world, "m", capacity=1, knobs=PATIENT) as agent:
            agent.load_model(version_of("other"))
            await until(lambda: world.has_reported("other"))
            agent._host.pool.slots["m_1"].max_waiting = 0
            with pytest.raises(OverloadedError):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            assert watched(agent) == 0

    run(test)


@pytest.mark.parametrize("where", ["with its model", "with its load"])
def test_an_answer_in_the_same_tick_wins(where):
    async def test():
        async with agent_of(slow_world(None), "m", knobs=PATIENT) as agent:
            host, pool = agent._host, agent._host.pool
            error = DeadlineError("too late")
            if where == "with its load":
                host._admissions._give_up(7, error)  # not waiting (any more)
                assert not pool.slots["m_1"].waiting
                return
            task = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: watched(agent) == 1)
            sweeper = host._timeouts._sweeper
            [[watch]] = sweeper._buckets.values()
            await until(lambda: task.done() or not host.served["m_1"].runner._batcher.is_busy)
            watch.fire()
            assert values(await task) == [[2, 4]]

    run(test)


def test_nothing_ticks_where_no_model_has_a_timeout():
    async def test():
        async with agent_of(World(), "m") as agent:
            await warm(agent, "m")
            assert agent._host._timeouts._sweeper is None

    run(test)


def test_nothing_ticks_after_the_end():
    async def test():
        timeouts = Timeouts(asyncio.get_running_loop())
        timeouts.close()
        async with agent_of(World(), "m", knobs=PATIENT) as agent:
            timeouts = agent._host._timeouts
            assert timeouts._sweeper._timer is not None
        assert timeouts._sweeper._timer is None

    run(test)
