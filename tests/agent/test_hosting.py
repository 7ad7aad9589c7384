"""The pool's shell: loads, reports, refusals, time."""

import asyncio
import threading

import pytest

from seldon_core.agent.hosting import ModelPoolError
from seldon_core.agent.slots import Residence
from seldon_core.errors import (
    InvalidResourceError,
    ModelRuntimeError,
    NotFoundError,
)
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


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=15))


def test_a_load_is_reported_with_its_size_and_counted():
    async def test():
        world = World(grown_bytes=300)
        async with agent_of(world, "m", memory_bytes=0) as agent:
            assert world.reports == [("m", 1, "Loaded", "")]
            assert world.counts.models == {"m_1": (300, True)}
            agent.unload_model("m", 1)
            await until(lambda: len(world.reports) == 2)
        assert world.reports[1] == ("m", 1, "Unloaded", "")
        assert (world.counts.loads, world.counts.unloads, world.counts.models) == (1, 1, {})

    run(test)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (InvalidResourceError("file:///none", "no artifact"), "file:///none: no artifact"),
        (ValueError("odd"), "ValueError: odd"),
    ],
    ids=["of the model", "unexpected"],
)
def test_a_failed_load_is_reported_with_its_reason(fault, reason, caplog):
    async def test():
        world = World(load_fault=fault)
        async with agent_of(world, "m") as agent:
            assert world.reports == [("m", 1, "LoadFailed", reason)]
            [error] = [record for record in caplog.records if record.levelname == "ERROR"]
            assert f"reason={reason!r}" in error.getMessage()
            with pytest.raises(NotFoundError):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            world.load_fault = None
            agent.load_model(version_of("m"))
            await until(lambda: len(world.reports) == 2)
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]

    run(test)


def test_a_model_that_comes_and_goes_for_want_of_room_is_no_news(caplog):
    caplog.set_level("INFO")

    async def test():
        async with agent_of(World(), "m", "n", capacity=1) as agent:
            caplog.clear()
            await agent.handler.infer(call_to("m_1", [[1, 2]]))
            await agent.handler.infer(call_to("n_1", [[1, 2]]))
        assert caplog.messages == []

    run(test)


def test_unloading_what_was_never_here_is_reported_as_done():
    async def test():
        world = World()
        async with agent_of(world) as agent:
            agent.unload_model("m", 3)
            assert world.reports == [("m", 3, "Unloaded", "")]
        assert world.counts.unloads == 0

    run(test)


def test_a_model_ordered_again_while_it_leaves_comes_back():
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            agent.unload_model("m", 1)
            agent.load_model(version_of("m"))
            await until(lambda: len(world.reports) == 3)
            assert [event for _, _, event, _ in world.reports] == ["Loaded", "Unloaded", "Loaded"]
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]

    run(test)


def test_a_model_that_waits_is_served_though_its_victim_is_asked_for_all_the_time():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            await warm(agent, "m")
            gate = threading.Event()
            victim = FakeModel()
            victim.gate = gate
            agent.handler._served["m_1"].runner._model = victim
            agent.handler._served["m_1"].runner._cost._limit_s = -1.0  # off the loop, into the gate
            held = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 0]])))
            await until(lambda: victim.calls)
            waiting = asyncio.create_task(agent.handler.infer(call_to("n_1", [[5, 0]])))
            slot = agent.handler._pool.slots["m_1"]
            await until(lambda: not slot.admits)  # closed for n by the alarm, after 0.1 s
            late = asyncio.create_task(agent.handler.infer(call_to("m_1", [[2, 0]])))
            await asyncio.sleep(0)
            assert slot.residence is Residence.RESIDENT
            gate.set()
            assert [values(await task) for task in (held, waiting, late)] == [
                [[2, 0]],
                [[10, 0]],
                [[4, 0]],
            ]

    run(test)


@pytest.mark.parametrize(("declared", "counted"), [(0, 100), (40, 40)])
def test_a_copy_in_a_worker_counts_unless_the_model_says_what_it_takes(declared, counted):
    async def test():
        runtime = FakeRuntime(releases_gil=False, inline_limit_s=-1.0)
        world = World(grown_bytes=30, runtime=runtime)
        async with agent_of(world, "m", memory_bytes=declared) as agent:
            await warm(agent, "m")
            await until(lambda: world.workers.models)
            await warm(agent, "m")
            assert agent.handler._pool.used == counted
            assert world.counts.models == {"m_1": (counted, True)}

    run(test)


def test_a_fault_in_the_pool_fails_who_waits_for_the_model_and_is_counted(monkeypatch, caplog):
    async def test():
        gate = threading.Event()
        gate.set()
        world = World(load_gate=gate)
        async with agent_of(world, "m", "n", capacity=1) as agent:
            gate.clear()
            handler, pool = agent.handler, agent.handler._pool
            gone = asyncio.create_task(handler.infer(call_to("m_1", [[1, 2]])))
            waits = asyncio.create_task(handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: world.loads.count("m_1") == 2)
            with monkeypatch.context() as patch:
                patch.setattr(pool, "_on_infer_arrived", lambda event: 1 / 0)
                gone.cancel()
                hit = asyncio.create_task(handler.infer(call_to("m_1", [[1, 2]])))
                for task in (hit, waits):
                    with pytest.raises(ModelRuntimeError, match="internal error in model m_1"):
                        await task
            gate.set()
            assert values(await handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]
        assert world.metrics.internal_errors == 1
        assert "internal error in the pool" in caplog.text

    run(test)


def test_a_pool_left_unsound_is_mended_once_and_then_ends_the_agent(monkeypatch, caplog):
    def spoil(pool):
        def handle(event):
            pool.used += 5
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(pool, "_on_infer_arrived", handle)

    async def test():
        async with agent_of(World(), "m", "n", capacity=1) as agent:
            pool = agent.handler._pool
            spoil(pool)
            with pytest.raises(ModelRuntimeError, match="internal error in model m_1"):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            assert pool.used == 1
            assert "written anew broken=['6 bytes are counted as used, and 1 are']" in caplog.text
            with pytest.raises(ModelRuntimeError, match="internal error in model m_1"):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            await asyncio.sleep(10)  # the end cancels it

    with pytest.raises(ModelPoolError, match="6 bytes are counted as used"):
        run(test)


def test_a_run_whose_client_left_makes_room_when_it_ends():
    async def test():
        gate = threading.Event()
        held = FakeModel()
        held.gate = gate
        world = World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": held})
        async with agent_of(world, "n", "m", capacity=1) as agent:
            task = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: held.calls)
            task.cancel()
            waits = asyncio.create_task(agent.handler.infer(call_to("n_1", [[1, 2]])))
            await asyncio.sleep(0)
            gate.set()
            assert values(await waits) == [[2, 4]]

    run(test)


def test_a_kept_model_is_not_evicted_for_one_that_is_called():
    async def test():
        world = World()
        async with agent_of(world, "kept", capacity=2, knobs=Knobs(keep_in_memory=True)) as agent:
            for name in ("a", "b"):
                agent.load_model(version_of(name))
                await until(lambda name=name: world.has_reported(name))
            for name in ("a", "b", "a", "kept"):
                await agent.handler.infer(call_to(f"{name}_1", [[1, 2]]))
        assert world.loads.count("kept_1") == 1
        assert world.loads.count("a_1") > 1

    run(test)
