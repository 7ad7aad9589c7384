"""Requests that wait for their model, and how their wait ends."""

import asyncio
import contextlib
import threading
from typing import Any

import pytest

from seldon_core.agent.admissions import Admissions
from seldon_core.agent.events import Event, InferAbandoned, InferArrived, LoadFailed, LoadFinished
from seldon_core.errors import (
    DeadlineError,
    ModelRuntimeError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
)
from tests.support.agent import (
    World,
    agent_of,
    call_to,
    until,
    values,
    warm,
)


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=15))


def test_a_model_whose_reload_fails_is_not_ready_and_says_why(caplog):
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            world.load_fault = ModelRuntimeError("/a/m.onnx: the file is gone")
            with pytest.raises(NotReadyError, match=r"m_1 failed to load: m\.onnx: the file is"):
                await agent.handler.infer(call_to("m_1", [[1, 2]]))
            assert "model failed to come back to memory model=m_1 replica=fake/0" in caplog.text
            assert "/a/m.onnx: the file is gone" in caplog.text
            world.load_fault = None
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]

    run(test)


def test_a_model_unloaded_while_requests_wait_for_it_is_not_found():
    async def test():
        gate = threading.Event()
        gate.set()
        world = World(load_gate=gate)
        async with agent_of(world, "m", "n", capacity=1) as agent:
            gate.clear()
            task = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))
            await until(lambda: world.loads.count("m_1") == 2)
            agent.unload_model("m", 1)
            with pytest.raises(NotFoundError):
                await task
            gate.set()
            await until(lambda: world.reports[-1] == ("m", 1, "Unloaded", ""))

    run(test)


def test_a_request_that_finds_no_room_may_try_again():
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            await warm(agent, "m")
            pool = agent.handler._pool
            pool._block_limit_s = 0.15
            slot: Any = pool.try_admit("m_1")
            with pytest.raises(OverloadedError, match="no room for model n_1") as caught:
                await agent.handler.infer(call_to("n_1", [[1, 2]]))
            assert caught.value.retry_after_s == 1.0
            agent.handler._host.release(slot)
            assert values(await agent.handler.infer(call_to("n_1", [[1, 2]]))) == [[2, 4]]

    run(test)


@pytest.mark.parametrize("works", [True, False], ids=["loads", "fails"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_client_may_leave_in_the_tick_in_which_its_load_ends(when, works, monkeypatch):
    async def test():
        world = World()
        async with agent_of(world, "m", "n", capacity=1) as agent:
            host, send = agent.handler._host, agent.handler._host.send
            task = asyncio.create_task(agent.handler.infer(call_to("m_1", [[1, 2]])))

            def send_and_cancel(event):
                ends = isinstance(event, LoadFinished | LoadFailed)
                if ends and when == "before":
                    task.cancel()
                send(event)
                if ends and when == "after":
                    task.cancel()

            monkeypatch.setattr(host, "send", send_and_cancel)
            world.load_fault = None if works else ModelRuntimeError("gone")
            with pytest.raises(asyncio.CancelledError):
                await task
            slot = host.pool.slots["m_1"]
            assert (slot.running, slot.waiting, len(host._admissions)) == (0, {}, 0)
            monkeypatch.undo()
            world.load_fault = None
            assert values(await agent.handler.infer(call_to("m_1", [[1, 2]]))) == [[2, 4]]

    run(test)


class Limit:
    """Stands in for a `CallTimeout`: the test says when the time has passed."""

    def __init__(self):
        self.give_up: Any = None
        self.is_cancelled = False

    def watch(self, began, give_up):
        self.give_up = give_up
        return self

    def cancel(self):
        self.is_cancelled = True


@contextlib.asynccontextmanager
async def waiting(*models):
    """The admissions, what the pool was told, and a task that waits for each of `models`."""
    told: list[Event] = []
    loop = asyncio.get_running_loop()
    admissions = Admissions(loop, lambda: 5.0, told.append, lambda slot: None)
    limits: list[Any] = [Limit() for _ in models]
    calls = zip(models, limits, strict=True)
    tasks = [loop.create_task(admissions.wait(model, limit)) for model, limit in calls]
    await asyncio.sleep(0)
    yield admissions, told, tasks, limits
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_who_has_waited_for_too_long_is_told_and_so_is_the_pool():
    async def test():
        async with waiting("m_1") as (admissions, told, [task], [limit]):
            error = DeadlineError("too late")
            limit.give_up(error)
            limit.give_up(error)  # in the same tick once more
            with pytest.raises(DeadlineError):
                await task
            assert told == [InferArrived(5.0, "m_1", 0), InferAbandoned(5.0, "m_1", 0)]
            assert limit.is_cancelled
            assert not admissions

    run(test)


def test_a_fault_ends_the_wait_for_its_model_and_no_other():
    async def test():
        async with waiting("m_1", "n_1", "m_1") as (admissions, _, tasks, _):
            admissions.fail("m_1")
            for task in (tasks[0], tasks[2]):
                with pytest.raises(ModelRuntimeError, match="internal error in model m_1"):
                    await task
            assert len(admissions) == 1
            assert not tasks[1].done()

    run(test)
