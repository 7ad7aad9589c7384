"""Where calls run, and that what runs one call at a time does."""

import asyncio
import threading
from typing import Any

import pytest

from seldon_core.agent.batching import Batcher
from seldon_core.agent.runtimes.base import Signature
from seldon_core.errors import ModelRuntimeError
from tests.support.agent import (
    DOUBLE,
    FakeModel,
    FakeRuntime,
    World,
    agent_of,
    call_to,
    until,
    values,
    warm,
)

HOLDS_GIL = FakeRuntime(releases_gil=False, inline_limit_s=-1.0)


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


async def infer_all(agent, *rows, model="m_1"):
    handler = agent.handler
    tasks = [asyncio.create_task(handler.infer(call_to(model, [row]))) for row in rows]
    return await asyncio.gather(*tasks, return_exceptions=True)


def away(**settings):
    return World(runtime=FakeRuntime(inline_limit_s=-1.0), **settings)


def test_the_first_calls_are_measured_on_a_thread_then_run_on_the_loop():
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
        assert world.models["m_1"].threads[:2] == ["agent-run_0", "agent-run_0"]
        assert world.models["m_1"].threads[2:] == ["MainThread"]

    run(test)


def test_a_slow_model_leaves_the_loop_for_a_thread():
    async def test():
        world = away()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await warm(agent, "m")
        assert {name[:9] for name in world.models["m_1"].threads} == {"agent-run"}

    run(test)


def test_a_model_that_grows_slow_leaves_and_comes_back_when_it_is_quick():
    async def test():
        world = World(runtime=FakeRuntime(inline_limit_s=0.001))
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            model = world.models["m_1"]
            model.slow_s = 0.02
            for _ in range(3):
                await warm(agent, "m")
            assert model.threads[-1] != "MainThread"
            model.slow_s = 0.0
            for _ in range(60):
                await warm(agent, "m")
            assert model.threads[-1] == "MainThread"

    run(test)


def test_one_model_runs_one_call_at_a_time_wherever_it_runs():
    async def test():
        gate = threading.Event()
        model = FakeModel()
        model.gate = gate
        world = away(models={"m_1": model})
        async with agent_of(world, "m") as agent:
            tasks = [
                asyncio.create_task(infer_all(agent, [1, 0])),
                asyncio.create_task(infer_all(agent, [2, 0])),
            ]
            await until(lambda: model.calls)
            await asyncio.sleep(0.01)  # the second would have begun by now
            assert model.calls == [1]
            gate.set()
            await asyncio.gather(*tasks)
            assert model.calls == [1, 1]

    run(test)


def test_a_slow_model_that_holds_the_gil_gets_a_copy_in_a_worker():
    async def test():
        world = World(runtime=HOLDS_GIL)
        world.workers.gate.clear()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await warm(agent, "m")
            assert len(world.models["m_1"].calls) == 6  # on a thread meanwhile
            assert world.workers.loads == 1
            world.workers.gate.set()
            await until(lambda: world.workers.models)
            await asyncio.sleep(0)
            assert values((await infer_all(agent, [1, 2]))[0]) == [[2, 4]]
            assert world.workers.models[0].calls == 1
            assert len(world.models["m_1"].calls) == 6
        assert world.workers.models[0].is_unloaded

    run(test)


class Waiting(FakeModel):
    """Waits, as a call does for the GIL that others hold."""

    def infer(self, inputs, outputs):
        threading.Event().wait(0.005)
        return super().infer(inputs, outputs)


def test_a_model_gets_a_copy_for_what_it_computes_not_for_what_it_waits():
    async def test():
        model = Waiting()
        runtime = FakeRuntime(releases_gil=False, inline_limit_s=0.001)
        world = World(runtime=runtime, models={"m_1": model})
        async with agent_of(world, "m") as agent:
            for _ in range(3):
                await warm(agent, "m")
            assert model.threads[-1] != "MainThread"
            assert world.workers.loads == 0
            model.slow_s = 0.02
            for _ in range(3):
                await warm(agent, "m")
            await until(lambda: world.workers.models)

    run(test)


def test_a_model_that_only_waits_for_the_gil_on_its_thread_comes_back_to_the_loop():
    async def test():
        model = Waiting()
        runtime = FakeRuntime(releases_gil=True, inline_limit_s=0.003)
        world = World(runtime=runtime, models={"m_1": model})
        async with agent_of(world, "m") as agent:
            for _ in range(3):
                await warm(agent, "m")
            assert model.threads[0] != "MainThread"
            assert "MainThread" in model.threads

    run(test)


def test_an_unload_waits_for_the_worker_that_is_being_loaded():
    async def test():
        world = World(runtime=HOLDS_GIL)
        world.workers.gate.clear()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            agent.unload_model("m", 1)
            await asyncio.sleep(0)
            world.workers.gate.set()
            await until(lambda: world.reports[-1][2] == "Unloaded")
        assert world.workers.models[0].is_unloaded

    run(test)


def test_the_end_does_not_wait_for_the_worker_that_is_being_loaded():
    async def test():
        world = World(runtime=HOLDS_GIL)
        world.workers.gate.clear()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            assert world.workers.loads == 1
        assert world.workers.models == []

    run(test)


def test_a_run_keeps_its_model_in_memory_though_its_client_left():
    async def test():
        gate = threading.Event()
        model = FakeModel()
        model.gate = gate
        async with agent_of(away(models={"m_1": model}), "m") as agent:
            task = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: model.calls)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            slot = agent.handler._pool.slots["m_1"]
            assert slot.running == 1
            gate.set()
            await until(lambda: slot.running == 0)

    run(test)


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_any_exception_of_a_model_is_its_callers_with_the_models_message(place):
    async def test():
        world = World() if place == "loop" else away()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            world.models["m_1"].fault = ZeroDivisionError("by zero\nin line 2")
            results = await infer_all(agent, [1, 2], [3, 4])
            assert [str(error) for error in results] == ["ZeroDivisionError: by zero"] * 2
            assert {type(error) for error in results} == {ModelRuntimeError}
            assert world.metrics.internal_errors == 0

    run(test)


class Summing(FakeModel):
    """Says that it is batchable, and is not: it gives one row whatever it gets."""

    def infer(self, inputs, outputs):
        [result] = super().infer(inputs, outputs)
        return [result.sum(axis=0, keepdims=True)]


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_a_model_that_mixes_rows_is_found_out_and_runs_one_by_one(place, caplog):
    async def test():
        world = World() if place == "loop" else away()
        world.models["m_1"] = Summing()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            for _ in range(2):
                results = await infer_all(agent, [1, 0], [2, 0], [3, 0])
                assert [values(reply) for reply in results] == [[[2, 0]], [[4, 0]], [[6, 0]]]
            assert caplog.text.count("batching is off") == 1

    run(test)


def test_a_model_with_several_inputs_is_batched():
    async def test():
        both = Signature(
            "fake",
            tuple(type(DOUBLE.inputs[0])(name, "FP32", (-1, 2)) for name in "ab"),
            DOUBLE.outputs,
            ("double",),
            batchable=True,
        )
        world = World(models={"m_1": FakeModel(both)})
        async with agent_of(world, "m") as agent:

            def call(x):
                call = call_to("m_1", [[x, 0]], name="a")
                body: Any = call.payload.body
                body.inputs += call_to("m_1", [[0, x]], name="b").payload.decode().inputs
                return call

            tasks = [asyncio.create_task(agent.handler.infer(call(x))) for x in range(4)]
            replies = await asyncio.gather(*tasks)
            assert [values(reply) for reply in replies] == [[[2 * x, 2 * x]] for x in range(4)]
            assert world.models["m_1"].calls == [1, 3]

    run(test)


class Broken:
    """Stands in for a part with a fault: every method raises."""

    def __getattr__(self, name):
        def fail(*args):
            raise AssertionError(f"a fault in {name}")

        return fail


@pytest.mark.parametrize("where", ["end_turn", "next_batch"])
def test_a_fault_in_the_batcher_fails_who_waits_and_is_counted(where, caplog):
    async def test():
        world = World() if where == "end_turn" else away()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await asyncio.sleep(0)
            runner = agent.handler._served["m_1"].runner

            class Faulty(Batcher):
                __slots__ = ()

            def fail(batcher):
                if batcher.is_busy and where == "next_batch":
                    return None  # at the end of the turn; it fails at the end of the run
                return Broken().it()

            setattr(Faulty, where, fail)
            faulty = Faulty()
            runner._batcher = faulty
            results = await infer_all(agent, [1, 0], [2, 0], [3, 0])
            assert [str(error) for error in results[1:]] == ["internal error in model m_1"] * 2
            assert world.metrics.internal_errors == 1
            assert runner._batcher is not faulty
            assert values((await infer_all(agent, [1, 2]))[0]) == [[2, 4]]
        assert "a fault in it" in caplog.text

    run(test)


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_a_fault_while_a_batch_runs_fails_its_members_only(place, monkeypatch, caplog):
    async def test():
        world = World() if place == "loop" else away()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            monkeypatch.setattr("seldon_core.agent.execution.joined", lambda entries: 1 / 0)
            results = await infer_all(agent, [1, 0], [2, 0], [3, 0])
            assert values(results[0]) == [[2, 0]]
            assert {str(error) for error in results[1:]} == {"internal error in model m_1"}
            monkeypatch.undo()
            assert values((await infer_all(agent, [1, 2]))[0]) == [[2, 4]]
            assert world.metrics.internal_errors == 1

    run(test)


class Leaving(FakeModel):
    """Fails on batches; when it runs the row that begins with 1, `leave` is called first."""

    def __init__(self):
        super().__init__()
        self.leave: Any = None
        self.loop = asyncio.get_running_loop()
        self.rows: list[float] = []

    def infer(self, inputs, outputs):
        if len(inputs[0]) > 1:
            raise ModelRuntimeError("one at a time")
        self.rows.append(float(inputs[0][0][0]))
        if self.leave is not None and self.rows[-1] == 1:
            left = threading.Event()
            self.loop.call_soon_threadsafe(self.leave)
            self.loop.call_soon_threadsafe(left.set)
            assert left.wait(5)
            if len(self.rows) > 2:
                raise ModelRuntimeError("nobody hears this")
        return super().infer(inputs, outputs)


def test_clients_that_leave_while_a_failed_batch_is_rerun_are_left_out():
    async def test():
        model = Leaving()
        async with agent_of(away(models={"m_1": model}), "m") as agent:
            tasks = [
                asyncio.create_task(agent.handler.infer(call_to("m_1", [[x, 0]])))
                for x in (0, 5, 1, 6, 7)
            ]
            # The first two calls go by; as 1 runs, its own client and that of 6 leave.
            model.leave = lambda: (tasks[2].cancel(), tasks[3].cancel())
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert model.rows == [0, 5, 1, 7]
            assert [type(r) for r in results[2:4]] == [asyncio.CancelledError] * 2
            assert values(results[4]) == [[14, 0]]

    run(test)


def test_a_model_with_many_batches_on_the_loop_lets_others_have_their_turns():
    async def test():
        single = Signature("fake", DOUBLE.inputs, DOUBLE.outputs, ("double",), batchable=False)
        model = FakeModel(single)
        async with agent_of(World(models={"m_1": model}), "m") as agent:
            await warm(agent, "m")
            await asyncio.sleep(0)
            model.slow_s = 0.003  # more than a turn's worth each
            model.calls.clear()
            handler = agent.handler
            tasks = [asyncio.create_task(handler.infer(call_to("m_1", [[x, 0]]))) for x in range(6)]
            seen = set()
            while not all(task.done() for task in tasks):
                await asyncio.sleep(0)
                seen.add(len(model.calls))
            assert len(seen) >= 5
            assert [values(task.result()) for task in tasks] == [[[2 * x, 0]] for x in range(6)]

    run(test)


def counts_of(agent):
    return agent.handler._served["m_1"].counts


def test_calls_on_threads_and_in_workers_are_counted_like_those_on_the_loop():
    async def test():
        world = World(runtime=HOLDS_GIL)
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await until(lambda: world.workers.models)
            await asyncio.sleep(0)
            counts = counts_of(agent)
            await infer_all(agent, [1, 2])  # says that it took a second, which has not passed
            assert counts.shared[1].input_s > 0
            world.workers.models[0].seconds = 1e-6
            await infer_all(agent, [1, 2], [3, 4], [5, 6])
            assert not counts.alone
            assert {rows: runs.count for rows, runs in counts.shared.items()} == {1: 4 + 1, 2: 1}
            assert counts.waited == 7
            assert counts.shared[2].infer_s == pytest.approx(1e-6, abs=1e-8)
            assert counts.shared[2].input_s > 0

    run(test)


@pytest.mark.parametrize("place", ["on the loop", "away"])
def test_a_call_that_fails_is_no_execution(place):
    async def test():
        world = World() if place == "on the loop" else away()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            counts = counts_of(agent)
            before = sum(runs.count for runs in (*counts.alone.values(), *counts.shared.values()))
            await infer_all(agent, [13, 0], [13, 0])
            await infer_all(agent, [13, 0])
            after = sum(runs.count for runs in (*counts.alone.values(), *counts.shared.values()))
            assert (before, after, counts.failed) == (3, 3, 3)

    run(test)
