"""A model's copy in a worker: when it is loaded, lost, and loaded again."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from seldon_core.agent import copies
from seldon_core.agent.copies import WorkerCopy
from seldon_core.agent.runtimes.base import Artifact
from seldon_core.aio.supervise import open_tasks
from tests.support.agent import FakeWorkers, until

ARTIFACT = Artifact("m_1", "fake", "/none", "/none/model")


@asynccontextmanager
async def copy_of(**faults):
    workers, grown, clock = FakeWorkers(), [], SimpleNamespace(now=100.0)
    for name, fault in faults.items():
        setattr(workers, name, fault)
    async with open_tasks("test") as tasks:
        copy = WorkerCopy(ARTIFACT, workers, tasks, grown.append, lambda: clock.now)
        yield SimpleNamespace(copy=copy, workers=workers, grown=grown, tasks=tasks, clock=clock)


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=15))


async def loaded(world):
    world.copy.want()
    await until(lambda: not world.tasks)
    return world.copy.there()


def test_it_is_loaded_once_when_it_is_wanted():
    async def test():
        async with copy_of() as world:
            assert world.copy.there() is None
            assert world.workers.loads == 0
            world.copy.want()
            world.copy.want()
            assert await loaded(world) is world.workers.models[0]
            assert world.workers.loads == 1

    run(test)


def test_its_memory_is_told_once_though_it_comes_and_goes():
    async def test():
        async with copy_of() as world:
            for _ in range(2):
                assert await loaded(world)
                await world.copy.clear()
                assert world.copy.there() is None
            assert [model.is_unloaded for model in world.workers.models] == [True, True]
            assert world.grown == [70]

    run(test)


def test_a_load_is_waited_for_unless_it_is_abandoned():
    async def test():
        async with copy_of() as world:
            world.copy.abandon()  # nothing
            world.workers.gate.clear()
            world.copy.want()
            clearing = asyncio.ensure_future(world.copy.clear())
            await asyncio.sleep(0.01)
            assert not clearing.done()
            world.copy.abandon()
            await clearing
            assert world.workers.models == []
            assert world.copy.there() is None

    run(test)


@pytest.mark.parametrize("how", ["not loaded", "lost"])
def test_after_a_failure_it_is_tried_again_but_not_at_once(how, caplog):
    async def test():
        async with copy_of() as world:
            if how == "lost":
                (await loaded(world)).is_lost = True
            else:
                world.workers.fault = "no python there"
            assert await loaded(world) is None
            loads = world.workers.loads
            world.workers.fault = None
            assert await loaded(world) is None
            assert world.workers.loads == loads
            world.clock.now += 1
            assert await loaded(world) is world.workers.models[-1]
            assert world.workers.loads == loads + 1

    run(test)
    assert "not in a worker model=m_1 again_in_s=1 reason=" in caplog.text
    assert ("no python there" if how == "not loaded" else "its worker died") in caplog.text


def test_it_waits_twice_as_long_after_each_failure_in_a_row(caplog, monkeypatch):
    monkeypatch.setattr(copies, "_LONGEST_PAUSE_S", 3.0)

    async def test():
        async with copy_of(fault="no") as world:
            for _ in range(4):
                world.clock.now += 1000
                assert await loaded(world) is None

    run(test)
    pauses = [record.args[1] for record in caplog.records]
    assert pauses == [1, 2, 3, 3]
