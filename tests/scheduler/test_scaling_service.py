"""What is asked of the scheduler about scaling, over an agent that obeys at once or never."""

import asyncio
from dataclasses import replace

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.events import ModelWakeRequested
from seldon_core.scheduler.state import ModelState
from seldon_core.scheduler.targets import ScalingRules
from seldon_core.scheduler.turns import is_to_be_kept
from seldon_core.transport.control import (
    ModelReport,
    ReplicaModelEvent,
    RouteCandidate,
    RouteUpdate,
    ScalingSignal,
    SignalKind,
)
from tests.scheduler.test_service import MLSERVER, a_world, run

SLEEPY = ModelSpec("iris", "/models/iris", knobs=Knobs(scale_to_zero=True))


async def sleep(world, spec=SLEEPY):
    await world.scheduler.load_model(spec)
    await world.scheduler.settled({"iris"})
    world.scheduler.signal(ScalingSignal(MLSERVER, "iris", 1, SignalKind.UNUSED, 0))
    await world.scheduler.caught_up()
    await asyncio.sleep(0)
    assert world.scheduler.model("iris").latest.state is ModelState.SCALED_DOWN


def test_what_sleeps_is_loaded_and_routed_before_who_asked_is_answered():
    async def test():
        async with a_world() as world:
            await sleep(world)
            asked = [world.scheduler.scaling.wake("iris") for _ in range(3)]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each) for each in asked]
            assert [task.result() for task in tasks] == [""] * 3
            candidate = RouteCandidate("iris", 1, 100, (MLSERVER,))
            assert world.routes.updates[-1] == RouteUpdate("iris", (candidate,))
            assert world.scheduler.scalings() == {"up": 1, "down": 1}

    run(test)


def test_why_it_cannot_be_loaded_is_said_without_the_machines_folders():
    async def test():
        async with a_world() as world:
            assert "'iris' not found" in await world.scheduler.scaling.wake("iris")
            await sleep(world)
            world.link.faults = {"iris": "no file /models/iris/model.joblib"}
            assert await world.scheduler.scaling.wake("iris") == "no file model.joblib"

    run(test)


def test_a_model_without_bounds_takes_no_number_from_outside():
    async def test():
        async with a_world() as world:
            with pytest.raises(NotFoundError, match="'iris' not found"):
                world.scheduler.check_scaled("iris")
            await world.scheduler.load_model(SLEEPY)
            with pytest.raises(InvalidResourceError, match="'iris' has no bounds"):
                world.scheduler.check_scaled("iris")
            await world.scheduler.load_model(replace(SLEEPY, max_replicas=2))
            world.scheduler.check_scaled("iris")
            await world.scheduler.unload_model("iris")
            with pytest.raises(NotFoundError):
                world.scheduler.check_scaled("iris")

    run(test)


def test_other_rules_count_from_the_next_signal_on():
    async def test():
        async with a_world() as world:
            world.scheduler.scaling.change(ScalingRules(scales_models=False, packing=0.5))
            await world.scheduler.load_model(SLEEPY)
            await world.scheduler.settled({"iris"})
            world.scheduler.signal(ScalingSignal(MLSERVER, "iris", 1, SignalKind.UNUSED, 0))
            await world.scheduler.caught_up()
            assert world.scheduler.model("iris").latest.state is ModelState.AVAILABLE
            assert world.scheduler._machine.state.packing.share == 0.5

    run(test)


def test_where_a_new_version_fails_while_calls_wait_the_one_before_it_is_woken():
    async def test():
        async with a_world() as world:
            await sleep(world)
            world.link.sink = None
            await world.scheduler.load_model(replace(SLEEPY, storage_uri="/models/other"))
            async with asyncio.TaskGroup() as group:
                woken = group.create_task(world.scheduler.scaling.wake("iris"))
                await asyncio.sleep(0)
                await world.scheduler.caught_up()
                world.link.sink = world.scheduler
                failed = ReplicaModelEvent.LOAD_FAILED
                world.scheduler.report(ModelReport(MLSERVER, "iris", 2, failed, "broken"))
            assert woken.result() == ""
            assert world.link.orders.count("load iris_1") == 2

    run(test)


def test_a_model_is_woken_although_nothing_can_be_kept():
    assert not is_to_be_kept(ModelWakeRequested(1, "iris", 1))
