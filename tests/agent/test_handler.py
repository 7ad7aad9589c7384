"""Calls on an agent's models, over fake models; the faults of other servers by name."""

import asyncio
import logging
import re
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seldon_core.agent.batching import DEFAULT_MAX_WAITING, Batcher
from seldon_core.errors import (
    DeadlineError,
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    OverloadedError,
)
from seldon_core.protocol.inference import InferRequest, RequestedOutput, Tensor
from seldon_core.resources.knobs import Knobs
from tests.support.agent import (
    DOUBLE,
    FakeModel,
    FakeRuntime,
    World,
    agent_of,
    call_of,
    call_to,
    until,
    values,
    version_of,
    warm,
)
from tests.support.stream_fakes import Given


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


def away_world(gate=None):
    """A world in which every call leaves the loop for a thread, which waits for `gate`."""
    model = FakeModel()
    model.gate = gate
    return World(runtime=FakeRuntime(inline_limit_s=-1.0), models={"m_1": model})


async def infer_all(agent, *calls):
    """Start all calls in one turn; return replies or errors."""
    tasks = [asyncio.create_task(agent.handler.infer(call)) for call in calls]
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_a_reply_names_model_version_and_request():
    async def test():
        async with agent_of(World(), "m") as agent:
            reply = await agent.handler.infer(call_to("m_1", [[1, 2]], id="r7"))
        response = reply.response
        assert (response.model_name, response.model_version, response.id) == ("m_1", "1", "r7")
        [output] = response.outputs
        assert (output.name, output.datatype, output.parameters) == ("double", "FP32", None)
        assert output.data.tolist() == [[2, 4]]
        assert reply.headers == []

    run(test)


def test_requested_outputs_come_in_their_order_with_their_parameters():
    async def test():
        async with agent_of(World(), "m") as agent:
            reply = await agent.handler.infer(call_to("m_1", [[1, 2]], outputs=["sum", "double"]))
            again = await agent.handler.infer(call_to("m_1", [[1, 2]], outputs=["sum"]))
        assert [output.name for output in reply.response.outputs] == ["sum", "double"]
        assert values(reply) == [3]
        parameters = [reply.response.outputs[0].parameters, again.response.outputs[0].parameters]
        assert parameters == [{"content_type": "np"}] * 2
        assert parameters[0] is not parameters[1]

    run(test)


def test_the_highest_classes_of_an_output_are_for_who_wants_these_alone():
    async def test():
        wanted = [
            [RequestedOutput("double", {"classification": 1})],
            [RequestedOutput("double")],
        ]
        tensor = Tensor("x", "FP32", np.array([[1, 2], [4, 3]], np.float32))
        async with agent_of(World(), "m") as agent:
            replies = await infer_all(
                agent, *(call_of("m_1", InferRequest([tensor], outputs)) for outputs in wanted)
            )
        [classes], [whole] = (reply.response.outputs for reply in replies)
        assert (classes.datatype, classes.data.tolist()) == (
            "BYTES",
            [[b"4.000000:1"], [b"8.000000:0"]],
        )
        assert (whole.datatype, whole.data.tolist()) == ("FP32", [[2, 4], [8, 6]])

    run(test)


def test_a_request_that_does_not_fit_is_refused_before_it_reaches_the_model():
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            with pytest.raises(InvalidRequestError, match="it takes: x"):
                await agent.handler.infer(call_to("m_1", [[1, 2]], name="y"))
        assert world.models["m_1"].calls == []
        assert world.counts.series == {}  # gone with it
        assert world.counts.gone["rest", "400"].calls == 1

    run(test)


def test_a_call_whose_time_has_passed_is_not_run():
    async def test():
        async with agent_of(World(), "m") as agent:
            with pytest.raises(DeadlineError):
                await agent.handler.infer(call_to("m_1", [[1, 2]], deadline=0.0))

    run(test)


def test_a_stream_is_answered_message_by_message():
    async def test():
        async with agent_of(World(), "m") as agent:
            call = call_to("m_1", [[1, 2]])
            replies = agent.handler.stream(call, Given(call.payload, call.payload))
            assert [reply.outcome.id async for reply in replies] == ["", ""]

    run(test)


def test_a_model_is_unloaded_when_its_last_call_is_answered():
    async def test():
        gate = threading.Event()
        world = away_world(gate)
        async with agent_of(world, "m") as agent:
            asking = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: world.models["m_1"].calls)
            agent.unload_model("m", 1)
            for _ in range(3):
                await asyncio.sleep(0)
            assert "Unloaded" not in [report[2] for report in world.reports]
            gate.set()
            assert values(await asking) == [[2, 4]]
            await until(lambda: "Unloaded" in [report[2] for report in world.reports])

    run(test)


def test_a_model_that_is_not_here_is_not_found():
    async def test():
        async with agent_of(World()) as agent:
            call = call_to("nobody_1", [[1, 2]])
            for method in (agent.handler.infer, agent.handler.metadata, agent.handler.ready):
                with pytest.raises(NotFoundError, match="nobody_1"):
                    await method(call)

    run(test)


def test_metadata_and_readiness_need_no_load():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:  # n evicted m
            assert await agent.handler.ready(call_to("m_1", []))
            metadata = await agent.handler.metadata(call_to("m_1", []))
            assert world.loads == ["m_1", "n_1"]
        assert (metadata.name, metadata.platform, metadata.versions) == ("m_1", "fake", ("1",))
        assert (metadata.inputs, metadata.outputs) == (DOUBLE.inputs, DOUBLE.outputs)

    run(test)


# What goes wrong in the batchers and caches of others (oip.md b.12), by number.


def test_fault_1_a_lone_request_does_not_wait_for_company():
    async def test():
        async with agent_of(World(), "m") as agent:
            await warm(agent, "m")
            await asyncio.sleep(0)  # the turn of the calls before ends
            with pytest.raises(StopIteration):  # answered in its first step: nothing was awaited
                agent.handler.infer(call_to("m_1", [[1, 2]])).send(None)

    run(test)


@pytest.mark.parametrize("place", ["loop", "thread", "worker"])
def test_fault_2_a_request_that_fails_in_a_batch_fails_alone(place):
    async def test():
        world = World() if place == "loop" else away_world()
        world.runtime.releases_gil = place != "worker"
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await until(lambda: place != "worker" or world.workers.models)
            first, *others = await infer_all(
                agent, *[call_to("m_1", [[x, 0]]) for x in (1, 2, 13, 4)]
            )
            assert values(first) == [[2, 0]]
            assert values(others[0]) == [[4, 0]]
            assert isinstance(others[1], ModelRuntimeError)
            assert str(others[1]) == "13 brings bad luck"
            assert values(others[2]) == [[8, 0]]
            assert place != "worker" or world.workers.models[0].calls

    run(test)


def test_fault_2_a_malformed_request_fails_before_it_joins_a_batch():
    async def test():
        async with agent_of(World(), "m") as agent:
            good, bad, other = await infer_all(
                agent,
                call_to("m_1", [[1, 0]]),
                call_to("m_1", [[1, 2, 3]]),
                call_to("m_1", [[2, 0]]),
            )
            assert isinstance(bad, InvalidRequestError)
            assert (values(good), values(other)) == ([[2, 0]], [[4, 0]])

    run(test)


def test_fault_3_each_gets_the_outputs_it_asked_for():
    async def test():
        async with agent_of(World(), "m") as agent:
            await warm(agent, "m")
            wanted = [["double"], ["sum"], None, ["sum", "double"]]
            replies = await infer_all(
                agent, *[call_to("m_1", [[1, 2]], outputs=outputs) for outputs in wanted]
            )
            given = [[output.name for output in reply.response.outputs] for reply in replies]
            assert given == [["double"], ["sum"], ["double"], ["sum", "double"]]

    run(test)


def test_fault_4_another_input_name_harms_only_its_own_request():
    async def test():
        async with agent_of(World(), "m") as agent:
            good, bad = await infer_all(
                agent, call_to("m_1", [[1, 0]]), call_to("m_1", [[1, 0]], name="y")
            )
            assert isinstance(bad, InvalidRequestError)
            assert values(good) == [[2, 0]]

    run(test)


def test_fault_5_different_datatypes_do_not_share_a_run():
    async def test():
        class AnyNumber(FakeModel):
            def __init__(self):
                super().__init__(
                    type(DOUBLE)("fake", DOUBLE.inputs, DOUBLE.outputs, ("double",), False, True)
                )
                self.dtypes = []

            def infer(self, inputs, outputs):
                self.dtypes.append((inputs[0].dtype.name, len(inputs[0])))
                return super().infer(inputs, outputs)

        world = World(models={"m_1": AnyNumber()})
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            model: Any = world.models["m_1"]
            model.dtypes.clear()
            await infer_all(
                agent,
                *[call_to("m_1", [[1, 0]]) for _ in range(2)],  # shows that there is company
            )
            model.dtypes.clear()
            await infer_all(
                agent,
                call_to("m_1", [[1, 0]]),
                call_to("m_1", [[1, 0]], datatype="INT64", dtype=np.int64),
                call_to("m_1", [[1, 0]]),
                call_to("m_1", [[1, 0]], name="any", datatype="INT64", dtype=np.int64),
            )
            assert sorted(model.dtypes) == [("float32", 2), ("int64", 2)]

    run(test)


def test_fault_6_a_reload_keeps_batching():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            await warm(agent, "m")  # reloads m
            assert world.loads.count("m_1") == 2
            calls = world.models["m_1"].calls
            calls.clear()
            await infer_all(agent, *[call_to("m_1", [[1, 0]]) for _ in range(8)])
            await infer_all(agent, *[call_to("m_1", [[1, 0]]) for _ in range(8)])
            assert calls == [1, 7, 8]

    run(test)


def test_fault_7_the_queue_is_bounded():
    async def test():
        gate = threading.Event()
        async with agent_of(away_world(gate), "m") as agent:
            first = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 0]])))
            await asyncio.sleep(0)
            calls = [call_to("m_1", [[1, 0]]) for _ in range(DEFAULT_MAX_WAITING + 1)]
            tasks = [asyncio.create_task(agent.handler.infer(call)) for call in calls]
            await until(lambda: tasks[-1].done())
            with pytest.raises(OverloadedError, match=f"{DEFAULT_MAX_WAITING} requests wait"):
                await tasks[-1]
            gate.set()
            replies = await asyncio.gather(first, *tasks[:-1])
            assert len(replies) == DEFAULT_MAX_WAITING + 1

    run(test)


def test_fault_7_a_cancelled_client_does_not_run():
    async def test():
        gate = threading.Event()
        world = away_world(gate)
        async with agent_of(world, "m") as agent:
            tasks = [
                asyncio.create_task(agent.handler.infer(call_to("m_1", [[x, 0]]))) for x in range(4)
            ]
            await asyncio.sleep(0)
            tasks[2].cancel()
            await asyncio.sleep(0)
            gate.set()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(replies[2], asyncio.CancelledError)
            assert [values(r) for r in (replies[0], replies[1], replies[3])] == [
                [[0, 0]],
                [[2, 0]],
                [[6, 0]],
            ]
            assert world.models["m_1"].calls == [1, 2]

    run(test)


def test_cache_fault_the_same_body_to_two_models_gets_each_ones_own_answer():
    async def test():
        world = World(models={"m_1": FakeModel(factor=2), "n_1": FakeModel(factor=3)})
        async with agent_of(world, "m", "n") as agent:
            body = InferRequest([Tensor("x", "FP32", np.ones((1, 2), np.float32))], id="same")
            for _ in range(2):
                m, n = await infer_all(agent, call_of("m_1", body), call_of("n_1", body))
                assert (values(m), values(n)) == ([[2, 2]], [[3, 3]])

    run(test)


# Cancellation: an input like any other.


@pytest.mark.parametrize("when", ["before its turn ends", "while it runs", "as it is answered"])
def test_a_client_that_leaves_takes_nobody_with_it(when):
    async def test():
        gate = threading.Event()
        if when == "while it runs":
            world = away_world(gate)
        else:
            world = World()
            gate.set()
        async with agent_of(world, "m") as agent:
            if when != "while it runs":
                await warm(agent, "m")
            model = world.models["m_1"]
            model.calls.clear()
            handler = agent.handler
            tasks = [asyncio.create_task(handler.infer(call_to("m_1", [[x, 0]]))) for x in range(4)]
            await asyncio.sleep(0)  # all have joined; those after the first wait for the turn's end
            if when == "while it runs":
                gate.set()
                await until(lambda: len(model.calls) == 2)  # the first's, and the others' batch
                gate.clear()
            if when == "as it is answered":
                waiter = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_soon(tasks[2].cancel)
                asyncio.get_running_loop().call_soon(waiter.set_result, None)
                await waiter
            else:
                tasks[2].cancel()
            gate.set()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(replies[2], asyncio.CancelledError) or when == "while it runs"
            for x in (0, 1, 3):
                assert values(replies[x]) == [[2 * x, 0]]
            assert agent.handler._pool.slots["m_1"].running == 0

    run(test)


@pytest.mark.parametrize(
    ("left_s", "failures"), [(0.0, 1), (60.0, 0)], ids=["at its deadline", "before its deadline"]
)
def test_a_call_that_is_cancelled_has_failed_if_its_time_is_over(left_s, failures):
    async def test():
        gate = threading.Event()
        world = away_world(gate)
        async with agent_of(world, "m") as agent:
            call = call_to("m_1", [[1, 2]])
            task = asyncio.create_task(agent.handler.infer(call))
            await until(lambda: world.models["m_1"].calls)
            call.deadline = time.monotonic() + left_s
            task.cancel()
            gate.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert agent.handler._served["m_1"].counts.failed == failures
        assert [key for key in world.counts.gone if key[1] == "504"] == [("rest", "504")] * failures

    run(test)


@pytest.mark.parametrize("when", ["while it loads", "in the tick of its admission"])
def test_a_client_that_leaves_while_its_model_loads_takes_nobody_with_it(when):
    async def test():
        gate = threading.Event()
        gate.set()
        world = World(load_gate=gate)
        async with agent_of(world, "m", "n", capacity=1) as agent:
            gate.clear()
            tasks = [
                asyncio.create_task(agent.handler.infer(call_to("m_1", [[x, 0]]))) for x in range(3)
            ]
            await asyncio.sleep(0)
            slot = agent.handler._pool.slots["m_1"]
            if when == "while it loads":
                tasks[1].cancel()
                await asyncio.sleep(0)
                assert len(slot.waiting) == 2
                gate.set()
            else:
                gate.set()
                await until(lambda: not slot.waiting)
                tasks[1].cancel()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(replies[1], asyncio.CancelledError)
            assert (values(replies[0]), values(replies[2])) == ([[0, 0]], [[4, 0]])
            assert (slot.running, slot.waiting) == (0, {})

    run(test)


def test_a_fault_of_the_program_fails_its_request_and_is_counted(caplog):
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            served = agent.handler._served["m_1"]
            check = served.check
            served.check = None  # the fault
            with pytest.raises(ModelRuntimeError, match="internal error in model m_1"):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            served.check = check
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]
        assert world.metrics.internal_errors == 1
        assert "internal error model=m_1" in caplog.text

    run(test)


def test_why_a_model_failed_is_logged_for_who_looks_for_it(caplog):
    caplog.set_level("DEBUG", "seldon_core.agent.handler")

    async def test():
        async with agent_of(World(), "m") as agent:
            await infer_all(agent, call_to("m_1", [[13, 0]]))

    run(test)
    assert "model failed model=m_1 reason='13 brings bad luck'" in caplog.text


def test_calls_are_counted_by_code():
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await infer_all(agent, call_to("m_1", [[13, 0]]))
            grpc = call_to("m_1", [[13, 0]])
            grpc.protocol = "grpc"
            await infer_all(agent, grpc)
            count = {key: series.calls for key, series in world.counts.series.items()}
        assert count == {
            ("m_1", "rest", "200"): 3,
            ("m_1", "rest", "500"): 1,
            ("m_1", "grpc", "Internal"): 1,
        }

    run(test)


def test_an_evicted_model_is_loaded_again_for_a_request():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]
            assert (world.counts.evictions, world.counts.misses) == (2, 1)
            assert world.counts.models == {"m_1": (1, True), "n_1": (1, False)}

    run(test)


def test_a_model_that_is_added_twice_is_loaded_once():
    async def test():
        world = World()
        async with agent_of(world, "m") as agent:
            agent.load_model(version_of("m"))
        assert world.loads == ["m_1"]
        assert [report[2] for report in world.reports] == ["Loaded", "Loaded"]

    run(test)


def test_a_client_that_leaves_the_queue_frees_its_place_at_once():
    async def test():
        gate = threading.Event()
        async with agent_of(away_world(gate), "m") as agent:
            tasks = [
                asyncio.create_task(agent.handler.infer(call_to("m_1", [[x, 0]]))) for x in range(4)
            ]
            await asyncio.sleep(0)
            batcher = agent.handler._served["m_1"].runner._batcher
            assert batcher.waiting == 3
            tasks[2].cancel()
            await asyncio.sleep(0)
            assert batcher.waiting == 2
            gate.set()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(test)


@pytest.mark.parametrize("place", ["loop", "thread"])
def test_a_client_that_leaves_in_the_tick_in_which_its_batch_starts_does_not_run(place):
    async def test():
        world = World() if place == "loop" else away_world()
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await asyncio.sleep(0)
            tasks: list[asyncio.Task[Any]] = []

            class Cancelling(Batcher):
                __slots__ = ()

                def next_batch(self):
                    if self.waiting and not self.is_busy:
                        tasks[2].cancel()  # its handler hears of it only in the next turn
                    return super().next_batch()

            agent.handler._served["m_1"].runner._batcher = Cancelling()
            world.models["m_1"].calls.clear()
            tasks += [
                asyncio.create_task(agent.handler.infer(call_to("m_1", [[x, 0]]))) for x in range(4)
            ]
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(replies[2], asyncio.CancelledError)
            assert world.models["m_1"].calls == [1, 2]

    run(test)


def test_calls_beyond_a_models_own_queue_are_told_to_come_back():
    async def test():
        gate = threading.Event()
        world = away_world(gate)
        knobs = Knobs(max_concurrency=2, max_queue=3)
        async with agent_of(world, "m", knobs=knobs) as agent:
            calls = [call_to("m_1", [[i, 0]]) for i in range(6)]
            tasks = [asyncio.create_task(agent.handler.infer(call)) for call in calls]
            await until(lambda: any(task.done() for task in tasks))
            gate.set()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
        # The first runs at once and alone, and three may wait for it.
        assert [values(reply) for reply in replies[:4]] == [[[2 * i, 0]] for i in range(4)]
        assert [type(reply) for reply in replies[4:]] == [OverloadedError] * 2
        assert replies[4].retry_after_s > 0
        assert world.models["m_1"].calls == [1, 2, 1]

    run(test)


def test_one_call_may_bring_an_evicted_model_back_though_none_may_queue():
    async def test():
        world = World()
        knobs = Knobs(max_queue=0)
        async with agent_of(world, "m", "n", capacity=1, knobs=knobs) as agent:  # n evicted m
            replies = await infer_all(agent, call_to("m_1", [[1, 2]]), call_to("m_1", [[3, 4]]))
        assert values(replies[0]) == [[2, 4]]
        assert isinstance(replies[1], OverloadedError)

    run(test)


async def counts_of(agent, model="m_1"):
    return await agent.handler.statistics(call_to(model, [[0, 0]]))


def test_what_was_answered_and_what_failed_is_told_by_model():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", memory_bytes=7) as agent:
            before = time.time() * 1000
            await warm(agent, "m")
            await infer_all(agent, call_to("m_1", [[13, 0]]), call_to("m_1", [[1, 2]]))
            await agent.handler.infer(call_to("m_1", [[1, 2], [3, 4]]))
            [counts] = await counts_of(agent)
            stats = counts.inference_stats
            assert (counts.name, counts.version) == ("m", "1")
            assert (stats.success.count, stats.fail.count) == (5, 1)
            assert (counts.inference_count, counts.execution_count) == (6, 5)
            assert before - 100 <= counts.last_inference <= time.time() * 1000 + 100
            assert [usage.byte_size for usage in counts.memory_usage] == [7]
            assert [one.name for one in await counts_of(agent, "")] == ["m", "n"]
            with pytest.raises(NotFoundError):
                await counts_of(agent, "nobody_1")

    run(test)


def test_the_parts_of_a_request_are_its_whole_time():
    async def test():
        async with agent_of(World(), "m") as agent:
            await warm(agent, "m")  # on a thread, then on the loop
            await infer_all(agent, *[call_to("m_1", [[1, 2]]) for _ in range(5)])
            [counts] = await counts_of(agent)
            stats = counts.inference_stats
            parts = stats.queue, stats.compute_input, stats.compute_infer, stats.compute_output
            assert all(part.count == 8 and part.ns > 0 for part in parts)
            assert abs(sum(part.ns for part in parts) - stats.success.ns) < 8
            assert 4 in [batch.batch_size for batch in counts.batch_stats]

    run(test)


@pytest.mark.parametrize("when", ["while it ran", "after its time"])
def test_a_request_whose_client_left_is_no_success(when):
    async def test():
        gate = threading.Event()
        world = away_world(gate)
        knobs = Knobs() if when == "while it ran" else Knobs(timeout_ms=1)
        async with agent_of(world, "m", knobs=knobs) as agent:
            asking = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: world.models["m_1"].calls)
            if when == "while it ran":
                asking.cancel()
            await asyncio.wait([asking])
            gate.set()
            await until(lambda: not agent.handler._served["m_1"].runner._batcher.is_busy)
            [counts] = await counts_of(agent)
        stats = counts.inference_stats
        assert (stats.success.count, stats.success.ns) == (0, 0)
        assert stats.fail.count == (0 if when == "while it ran" else 1)
        assert counts.execution_count == 1

    run(test)


def test_a_request_to_a_model_that_knows_no_rows_is_one_inference():
    async def test():
        world = World(models={"m_1": FakeModel(replace(DOUBLE, batchable=False))})
        async with agent_of(world, "m") as agent:
            await agent.handler.infer(call_to("m_1", [[1, 2], [3, 4]]))
            [counts] = await counts_of(agent)
        assert (counts.inference_count, counts.execution_count) == (1, 1)

    run(test)


def test_what_a_request_waited_for_its_model_is_waiting_only_if_it_is_answered():
    async def test():
        async with agent_of(World(), "m", "n", capacity=1) as agent:
            await infer_all(agent, call_to("m_1", [[1, 2, 3]]))
            [counts] = await counts_of(agent)
        assert (counts.inference_stats.fail.count, counts.inference_stats.queue.ns) == (1, 0)

    run(test)


def test_counts_outlast_an_eviction_and_end_with_the_model():
    async def test():
        async with agent_of(World(), "m", "n", capacity=1) as agent:
            await agent.handler.infer(call_to("m_1", [[1, 2]]))
            await agent.handler.infer(call_to("n_1", [[1, 2]]))
            [counts] = await counts_of(agent)
            assert counts.inference_count == 1
            assert counts.inference_stats.queue.ns > 0  # it had to come into memory
            assert counts.memory_usage[0].byte_size == 0
            agent.unload_model("m", 1)
            agent.unload_model("n", 1)
            await until(lambda: not agent.handler._served)
            assert await counts_of(agent, "") == []

    run(test)


def test_the_counts_of_many_models_leave_others_their_turn():
    async def test():
        names = [f"m{number}" for number in range(60)]
        async with agent_of(World(), *names) as agent:
            asking = asyncio.ensure_future(counts_of(agent, ""))
            await asyncio.sleep(0)
            assert not asking.done()
            agent.unload_model("m59", 1)  # it is told of all the same
            assert [one.name for one in await asking] == names

    run(test)


def test_how_a_model_is_served_is_told_under_its_own_name():
    async def test():
        async with agent_of(World(), "m", knobs=Knobs(max_batch_delay_ms=3)) as agent:
            config = await agent.handler.config(call_to("m_1", [[0, 0]]))
            assert (config.name, config.max_batch_size, config.max_queue_delay_us) == (
                "m",
                64,
                3000,
            )
            with pytest.raises(NotFoundError):
                await agent.handler.config(call_to("m_2", [[0, 0]]))

    run(test)


@pytest.mark.parametrize("limit_s", [1.0, -1.0], ids=["on the loop", "on a thread"])
def test_a_traced_request_tells_its_instants_in_their_order(limit_s, caplog):
    async def test():
        world = World(runtime=FakeRuntime(inline_limit_s=limit_s))
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            caplog.set_level(logging.INFO, logger="seldon_core.agent.traces")
            world.traces.change({"trace_level": "TIMESTAMPS", "trace_rate": 1}, "", "m")
            await agent.handler.infer(call_to("m_1", [[1, 2]]))
            traced = caplog.records[-1]
            assert traced.getMessage().startswith("trace model=m_1 arrived_ns=")
            assert traced.request_id == "r"
            instants = [int(value) for value in re.findall(r"_ns=(\d+)", traced.getMessage())]
            assert len(instants) == 5
            assert instants == sorted(instants)
            agent.unload_model("m", 1)
            await until(lambda: not agent.handler._served)
            with pytest.raises(NotFoundError):
                world.traces.current("m")

    run(test)
