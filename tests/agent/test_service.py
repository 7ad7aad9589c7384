"""An agent's life, and the whole of it over real runtimes."""

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from seldon_core.agent.service import open_agent
from seldon_core.agent.traces import Traces
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.threads import open_threads
from seldon_core.errors import ModelRuntimeError
from seldon_core.observability.metrics import Metrics
from seldon_core.protocol.inference import InferRequest, Tensor
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.transport.control import ReplicaId
from tests.agent.test_loading import write_iris
from tests.support.agent import (
    FakeModel,
    FakeRuntime,
    FakeWorkers,
    World,
    agent_of,
    call_of,
    call_to,
    until,
    values,
    version_of,
)


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=30))


def test_the_replicas_capacity_is_shown():
    async def test():
        world = World()
        async with agent_of(world, capacity=200, over_commit=10):
            pass
        assert world.counts.capacity_bytes == 200
        assert world.counts.capacity_overcommit_bytes == 220

    run(test)


def test_an_agent_says_what_it_holds_and_how_much_room_is_left():
    async def test():
        world = World()
        async with agent_of(world, "one", "two", capacity=200, memory_bytes=150) as agent:
            # Of the two one was evicted, and both are held.
            assert [held.version.internal_name for held in agent.held()] == ["one_1", "two_1"]
            assert agent.available_bytes() == 100
            agent.load_model(version_of("three"))
            agent.unload_model("one", 1)
            # One has not been loaded yet, the other is on its way out.
            assert [held.version.internal_name for held in agent.held()] == ["two_1"]

    run(test)


@pytest.mark.parametrize("is_held", [True, False], ids=["unloaded", "failed to load"])
def test_nothing_of_a_remote_is_kept_for_a_model_that_is_gone(is_held):
    async def test():
        world = World()
        remote = Remote("s3", "s3", {"token": "hunter2"})
        async with agent_of(world) as agent:
            if not is_held:
                world.load_fault = ModelRuntimeError("nonsense")
            agent.load_model(version_of("one"), remote)
            assert agent._remotes.of("one_1") is remote
            await until(lambda: world.has_reported("one"))
            if is_held:
                assert agent._remotes.of("one_1") is remote  # for the next load after an eviction
                agent.unload_model("one", 1)
                agent.load_model(version_of("one"), remote)  # ordered again before it is gone
                await until(lambda: len(world.loads) == 2 and len(world.reports) == 3)
                assert agent._remotes.of("one_1") is remote
                agent.unload_model("one", 1)
                await until(lambda: not agent._host.pool.slots)
            assert agent._remotes.of("one_1") is None

    run(test)


def test_agents_that_share_a_thread_load_one_model_at_a_time():
    async def test():
        gate = threading.Event()
        slow, quick = World(load_gate=gate), World()
        async with open_threads("load", 1) as load_threads:

            def agent(index, world):
                return open_agent(
                    ReplicaId("fake", index),
                    1000,
                    0,
                    reports=world,
                    metrics=world.metrics,
                    trusted=(),
                    workers=world.workers,
                    load_threads=load_threads,
                    clock=SystemClock(),
                    traces=Traces(),
                    load=world.load,
                )

            async with agent(0, slow) as one, agent(1, quick) as other:
                one.load_model(version_of("m"))
                await until(lambda: slow.loads)
                other.load_model(version_of("m"))
                await until(lambda: load_threads._count == 2)
                assert quick.loads == []
                gate.set()
                await until(lambda: quick.reports)

    run(test)


def test_the_end_waits_for_running_calls_then_unloads_without_reports():
    async def test():
        gate = threading.Event()
        model = FakeModel()
        model.gate = gate
        world = World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": model})
        leave = asyncio.Event()

        async def live():
            async with agent_of(world, "m", "n") as agent:
                calls.append(asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]]))))
                await until(lambda: model.calls)
                agents.append(agent)
                await leave.wait()

        calls: list[Any] = []
        agents: list[Any] = []
        life = asyncio.create_task(live())
        await until(lambda: agents)
        leave.set()
        await until(lambda: "n_1" not in agents[0].handler._pool.slots)
        assert not life.done()
        agents[0].load_model(version_of("late"))  # too late: ignored
        gate.set()
        assert values(await calls[0]) == [[2, 4]]
        await life
        assert [report[2] for report in world.reports] == ["Loaded", "Loaded"]

    run(test)


def test_a_real_model_is_loaded_called_evicted_and_called_again(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    write_iris(first)
    write_iris(second)
    one = ModelVersion(ModelSpec("one", first.as_uri(), memory_bytes=60), 1)
    two = ModelVersion(ModelSpec("two", second.as_uri(), memory_bytes=60), 4)

    async def test():
        world = World()
        metrics = Metrics()
        async with (
            open_threads("load", 1) as load_threads,
            open_agent(
                ReplicaId("mlserver", 0),
                100,
                100,
                reports=world,
                metrics=metrics,
                trusted=[tmp_path],
                workers=FakeWorkers(),
                load_threads=load_threads,
                clock=SystemClock(),
                traces=Traces(),
            ) as agent,
        ):
            agent.load_model(one)
            agent.load_model(two)
            await until(lambda: len(world.reports) == 2)
            data = np.array([[0, 0], [2, 0]], np.float64)
            for model in ("one_1", "two_4", "one_1"):
                request = InferRequest([Tensor("any", "FP64", data)], id="r")
                reply = await agent.handler.infer(call_of(model, request))
                [output] = reply.response.outputs
                assert reply.response.model_name == model
                assert (output.name, output.datatype) == ("predict", "INT64")
                assert output.data.tolist() == [[0], [1]]
                assert output.parameters == {"content_type": "np"}
            assert metrics.replica("mlserver", "0").misses == 3

    run(test)


def test_a_missing_artifact_fails_its_load(tmp_path):
    async def test():
        world = World()
        async with (
            open_threads("load", 1) as load_threads,
            open_agent(
                ReplicaId("mlserver", 0),
                100,
                0,
                reports=world,
                metrics=Metrics(),
                trusted=[tmp_path],
                workers=FakeWorkers(),
                load_threads=load_threads,
                clock=SystemClock(),
                traces=Traces(),
            ) as agent,
        ):
            agent.load_model(ModelVersion(ModelSpec("m", (tmp_path / "none").as_uri()), 1))
            await until(lambda: world.reports)
        assert world.reports[0][:3] == ("m", 1, "LoadFailed")
        assert "none" in world.reports[0][3]

    run(test)
