"""Isolated models: never in this process, and what becomes of their calls."""

import asyncio
import os
from contextlib import asynccontextmanager

import numpy as np
import pytest

from seldon_core.agent.service import open_agent
from seldon_core.agent.traces import Traces
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.threads import open_threads
from seldon_core.errors import ModelRuntimeError
from seldon_core.observability.metrics import Metrics
from seldon_core.protocol.inference import InferRequest, Tensor
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.transport.control import ReplicaId
from tests.support.agent import (
    FakeRuntime,
    World,
    agent_of,
    call_of,
    call_to,
    until,
    values,
    version_of,
)
from tests.support.estimators import KillsItsReader, Worker
from tests.support.models import write_joblib

ISOLATED = Knobs(isolation="process")


def run(test):
    async def limited():
        async with asyncio.timeout(60):
            await test()

    asyncio.run(limited())


def infer(agent, *row):
    return agent.handler.infer(call_to("m_1", [row]))


def test_every_call_goes_to_the_worker_however_cheap():
    async def test():
        world = World(runtime=FakeRuntime(inline_limit_s=1.0))
        async with agent_of(world, "m", memory_bytes=0, knobs=ISOLATED) as agent:
            for _ in range(10):
                assert values(await infer(agent, 1, 2)) == [[2, 4]]
            [model] = world.workers.models
            assert model.calls == 10
            assert world.models == {}
            assert world.counts.models == {"m_1": (70, True)}  # what the worker grew by, once
        assert model.is_unloaded

    run(test)


def test_an_evicted_one_is_loaded_into_a_worker_again():
    async def test():
        world = World()
        async with agent_of(world, "m", capacity=1, knobs=ISOLATED) as agent:
            agent.load_model(version_of("other"))
            await until(lambda: world.has_reported("other"))
            first = world.workers.models[0]
            assert first.is_unloaded
            assert values(await infer(agent, 1, 2)) == [[2, 4]]
            assert (first.calls, world.workers.models[1].calls) == (0, 1)

    run(test)


def test_a_load_that_fails_in_the_worker_is_reported():
    async def test():
        world = World()
        world.workers.fault = "the worker process died"
        async with agent_of(world, "m", knobs=ISOLATED):
            pass
        assert world.reports == [("m", 1, "LoadFailed", "the worker process died")]

    run(test)


def test_a_lost_one_fails_its_calls_until_a_worker_has_it_again():
    async def test():
        world = World()
        async with agent_of(world, "m", memory_bytes=0, knobs=ISOLATED) as agent:
            [lost] = world.workers.models
            lost.is_lost = True
            for _ in range(2):
                with pytest.raises(ModelRuntimeError, match=r"m_1 is isolated .*tried again"):
                    await infer(agent, 1, 2)
            assert world.workers.loads == 1  # the next try is not at once
            agent._host.served["m_1"].runner._copy._not_before = 0.0
            with pytest.raises(ModelRuntimeError):
                await infer(agent, 1, 2)
            await until(lambda: world.workers.loads == 2)
            assert values(await infer(agent, 1, 2)) == [[2, 4]]
            assert agent._host.pool.slots["m_1"].nbytes == 70  # as before

    run(test)


@asynccontextmanager
async def real_agent(folder):
    """An agent with one worker process that serves what lies in `folder`, isolated, as m_1."""
    world = World()
    async with (
        open_workers(1) as workers,
        open_threads("load", 1) as load_threads,
        open_agent(
            ReplicaId("mlserver", 0),
            2**40,
            0,
            reports=world,
            metrics=Metrics(),
            trusted=[folder],
            workers=workers,
            load_threads=load_threads,
            clock=SystemClock(),
            traces=Traces(),
        ) as agent,
    ):
        spec = ModelSpec("m", folder.as_uri(), knobs=ISOLATED)
        agent.load_model(ModelVersion(spec, 1))
        async with asyncio.timeout(50):
            while not world.reports:
                await asyncio.sleep(0.01)
        yield agent, world


async def answer(agent, word):
    data = np.full((1, 2), word, np.float64)
    reply = await agent.handler.infer(call_of("m_1", InferRequest([Tensor("x", "FP64", data)])))
    return int(values(reply)[0][0])


def test_another_process_answers_and_its_crash_leaves_this_one_alive(tmp_path):
    # Read in this process it would end the tests.
    flag = tmp_path / "flag"
    write_joblib(tmp_path, KillsItsReader(flag))

    async def test():
        async with real_agent(tmp_path) as (agent, world):
            assert world.reports == [("m", 1, "Loaded", "")]
            first = await answer(agent, Worker.PID)
            assert first != os.getpid()
            with pytest.raises(ModelRuntimeError, match="worker process"):
                await answer(agent, Worker.KILL)
            assert await answer(agent, 3.0) == 6
            assert await answer(agent, Worker.PID) not in (first, os.getpid())

    run(test)


def test_one_that_kills_what_reads_it_fails_its_load_and_nothing_else(tmp_path):
    flag = tmp_path / "flag"
    write_joblib(tmp_path, KillsItsReader(flag))
    flag.touch()

    async def test():
        async with real_agent(tmp_path) as (_, world):
            [(_, _, event, reason)] = world.reports
        assert event == "LoadFailed"
        assert "worker process" in reason

    run(test)
