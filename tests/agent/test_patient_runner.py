"""Batches that wait for company, through an agent. Real time, some milliseconds of it."""

import asyncio
import threading
from time import monotonic

import pytest

from seldon_core.errors import DeadlineError
from seldon_core.resources.knobs import Knobs
from tests.support.agent import FakeModel, FakeRuntime, World, agent_of, call_to, until, values

LONG = Knobs(max_batch_delay_ms=60_000, max_concurrency=3)
SHORT = Knobs(max_batch_delay_ms=20)


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


def calls(agent, *numbers):
    return [asyncio.create_task(agent.handler.infer(call_to("m_1", [[i, 0]]))) for i in numbers]


@pytest.mark.parametrize("limit_s", [1.0, -1.0], ids=["on the loop", "on a thread"])
def test_calls_that_come_one_after_the_other_run_together(limit_s):
    async def test():
        world = World(runtime=FakeRuntime(inline_limit_s=limit_s))
        async with agent_of(world, "m", knobs=LONG) as agent:
            runner = agent._host.served["m_1"].runner
            for _ in range(3):
                tasks = []
                for i in (1, 2, 3):
                    tasks += calls(agent, i)
                    if i < 3:
                        await until(lambda i=i: runner._batcher.waiting == i)
                        await until(lambda: runner._alarm is not None)
                replies = await asyncio.gather(*tasks)
                assert [values(reply) for reply in replies] == [[[2, 0]], [[4, 0]], [[6, 0]]]
            await until(lambda: runner._alarm is None)
        assert world.models["m_1"].calls == [3, 3, 3]

    run(test)


def test_a_lone_call_is_answered_after_its_delay():
    async def test():
        world = World()
        async with agent_of(world, "m", knobs=SHORT) as agent:
            for _ in range(2):
                began = monotonic()
                [task] = calls(agent, 1)
                assert values(await task) == [[2, 0]]
                assert monotonic() - began >= 0.019

    run(test)


def test_those_who_come_during_a_run_wait_for_its_end_at_least():
    async def test():
        gate = threading.Event()
        model = FakeModel()
        model.gate = gate
        world = World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": model})
        async with agent_of(world, "m", knobs=SHORT) as agent:
            first = calls(agent, 1)
            await until(lambda: model.calls)
            others = calls(agent, 2, 3)
            batcher = agent._host.served["m_1"].runner._batcher
            await until(lambda: batcher.waiting == 2 and batcher._is_ripe)
            gate.set()
            await asyncio.gather(*first, *others)
        assert model.calls == [1, 2]

    run(test)


def test_the_next_to_gather_have_their_own_time():
    async def test():
        gate = threading.Event()
        model = FakeModel()
        model.gate = gate
        world = World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": model})
        async with agent_of(world, "m", knobs=LONG) as agent:
            runner = agent._host.served["m_1"].runner
            first = calls(agent, 1, 2, 3)
            await until(lambda: model.calls)
            others = calls(agent, 1, 2, 3)
            await until(lambda: runner._alarm is not None)
            alarm = runner._alarm
            gate.set()
            await asyncio.gather(*first, *others)
            assert alarm.cancelled()
            assert runner._alarm is None
        assert model.calls == [3, 3]

    run(test)


def test_no_alarm_is_left_of_a_call_that_leaves():
    async def test():
        async with agent_of(World(), "m", knobs=LONG) as agent:
            runner = agent._host.served["m_1"].runner
            [task] = calls(agent, 1)
            await until(lambda: runner._alarm is not None)
            task.cancel()
            await asyncio.wait([task])
            assert runner._alarm is None

    run(test)


def test_a_timeout_ends_the_wait_for_company_too():
    async def test():
        knobs = Knobs(max_batch_delay_ms=60_000, timeout_ms=20)
        async with agent_of(World(), "m", knobs=knobs) as agent:
            with pytest.raises(DeadlineError):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            assert agent._host.served["m_1"].runner._alarm is None

    run(test)
