"""What is loaded, and what serves it."""

import asyncio
import threading
from dataclasses import replace

import pytest

from seldon_core.errors import (
    InvalidRequestError,
)
from seldon_core.protocol.inference import TensorSpec
from tests.support.agent import (
    DOUBLE,
    FakeModel,
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


@pytest.mark.parametrize("how", ["unload", "end"])
def test_a_load_that_has_not_begun_is_not_made_for_a_model_that_goes(how):
    async def test():
        gate = threading.Event()
        world = World(load_gate=gate)
        async with agent_of(world) as agent:
            for name in ("first", "second", "third"):
                agent.load_model(version_of(name))
            await until(lambda: world.loads)
            if how == "unload":
                agent.unload_model("second", 1)
                gate.set()
                await until(lambda: len(world.reports) == 3)
                assert ("second", 1, "Unloaded", "") in world.reports
            else:
                asyncio.get_running_loop().call_soon(gate.set)  # once the end has begun
        kept = ["third_1"] if how == "unload" else []
        assert world.loads == ["first_1", *kept]

    run(test)


def test_a_model_that_comes_back_is_loaded_with_what_is_known_of_it():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            await agent.handler.infer(call_to("m_1", [[1, 2]]))
        assert world.known == [None, None, world.models["m_1"].signature]

    run(test)


def test_a_model_whose_file_changed_meanwhile_takes_what_it_takes_now():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            wider = replace(DOUBLE, inputs=(TensorSpec("x", "FP32", (-1, 3)),))
            world.models["m_1"] = FakeModel(wider)
            with pytest.raises(InvalidRequestError, match=r"\[-1, 3\]"):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            reply = await agent.handler.infer(call_to("m_1", [[1, 2, 3]]))
            assert values(reply) == [[2, 4, 6]]
            metadata = await agent.handler.metadata(call_to("m_1", [[1, 2, 3]]))
            assert metadata.inputs == wider.inputs

    run(test)


def test_a_model_much_larger_than_declared_is_warned_of(caplog):
    async def test():
        async with agent_of(World(grown_bytes=30), "m", memory_bytes=10) as agent:
            assert agent.handler._pool.slots["m_1"].nbytes == 10  # what was declared counts
        assert "more memory than declared model=m_1" in caplog.text

    run(test)


@pytest.mark.parametrize(
    ("limit", "calls"),
    [(1, [1] * 6), (3, [1, 3, 2]), (0, [1, 5]), (1000, [1, 5])],
    ids=["off", "three", "unset", "more than the default"],
)
def test_max_batch_size_of_the_models_settings_caps_its_batches(limit, calls):
    async def test():
        world = World(settings={"max_batch_size": limit})
        async with agent_of(world, "m") as agent:
            await warm(agent, "m")
            await asyncio.sleep(0)
            model = world.models["m_1"]
            model.calls.clear()
            tasks = [
                asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]]))) for _ in range(6)
            ]
            await asyncio.gather(*tasks)
            assert model.calls == calls

    run(test)
