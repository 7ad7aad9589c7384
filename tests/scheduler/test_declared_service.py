"""The scheduler's shell for pipelines and experiments, over a real scheduler."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError, StoreError
from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.declared_events import Side
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.service import open_scheduler
from tests.support.declared_worlds import a_pipeline, an_experiment
from tests.support.scheduler_fakes import FakeRoutes, FakeStore, HandClock


@asynccontextmanager
async def a_scheduler(store=None, routes=None):
    async with (
        asyncio.timeout(5),
        open_scheduler({}, routes or FakeRoutes(), store or FakeStore(), HandClock()) as scheduler,
    ):
        scheduler.sync()
        yield scheduler


def run(test):
    return asyncio.run(test(), debug=True)


def test_requests_are_answered_with_what_they_changed_and_kept():
    store = FakeStore()

    async def test():
        async with a_scheduler(store) as scheduler:
            desk = scheduler.declared
            assert await desk.load_pipeline(a_pipeline(), actor="me") is Change.CREATED
            assert await desk.load_pipeline(a_pipeline(), only_if_changed=True) is Change.UNCHANGED
            assert await desk.start_experiment(an_experiment("e", "a")) is Change.CREATED
            assert desk.pipeline_names() == ["p"]
            assert desk.experiment_names() == ["e"]
            assert len(desk.pipeline("p").latest.version.uid) == 20
            assert desk.experiment("e").name == "e"
            assert await desk.stop_experiment("e") is Change.DELETED
            assert await desk.unload_pipeline("p") is Change.DELETED
            assert desk.pipeline("x") is None
            assert desk.experiment("x") is None

    run(test)
    assert {(each.kind.value, each.name) for each in store.stored} == {
        ("pipeline", "p"),
        ("experiment", "e"),
    }


def test_refusals_are_the_callers():
    async def test():
        async with a_scheduler() as scheduler:
            desk = scheduler.declared
            with pytest.raises(NotFoundError):
                await desk.unload_pipeline("p")
            with pytest.raises(NotFoundError):
                await desk.stop_experiment("e")
            with pytest.raises(InvalidResourceError):
                await desk.start_experiment(an_experiment("e"))

    run(test)


def test_a_uid_may_be_given():
    async def test():
        async with a_scheduler() as scheduler:
            await scheduler.declared.load_pipeline(a_pipeline(), uid="mine")
            assert scheduler.declared.pipeline("p").latest.version.uid == "mine"

    run(test)


def test_who_watches_hears_of_both_until_the_end():
    async def test():
        async with a_scheduler() as scheduler:
            desk = scheduler.declared
            with desk.watch_pipelines() as pipelines, desk.watch_experiments() as experiments:
                await desk.load_pipeline(a_pipeline())
                await desk.start_experiment(an_experiment("e", "a"))
                assert await anext(pipelines) == "p"
                assert await anext(experiments) == "e"
                scheduler.abandon()
                assert [name async for name in pipelines] == []
                assert [name async for name in experiments] == []

    run(test)


def test_a_gateway_is_told_and_heard():
    async def test():
        async with a_scheduler() as scheduler:
            desk = scheduler.declared
            with desk.join(Side.GATEWAY, "g") as orders:
                await desk.load_pipeline(a_pipeline())
                order = await anext(orders)
                version = order.version
                about = ("p", version.version, version.uid)
                await desk.acknowledge(
                    Side.GATEWAY, "g", about, order.timestamp, Answer.READY, actor="me"
                )
                assert desk.pipeline("p").latest.gateway_state is PipelineState.READY
            await scheduler.settled([])
            await asyncio.sleep(0.01)
            assert desk.pipeline("p").latest.gateway_state is PipelineState.CREATE

    run(test)


def test_of_orders_that_are_not_taken_the_last_counts():
    async def test():
        async with a_scheduler() as scheduler:
            desk = scheduler.declared
            with desk.join(Side.GATEWAY, "g") as orders:
                await desk.load_pipeline(a_pipeline())
                await desk.load_pipeline(a_pipeline("p", "b"))
                await desk.load_pipeline(a_pipeline("q"))
                scheduler.abandon()
                told = [(one.version.spec.name, one.version.version) async for one in orders]
                assert told == [("p", 2), ("q", 1)]

    run(test)


def test_who_comes_by_a_name_that_is_there_takes_its_place():
    async def test():
        async with a_scheduler() as scheduler:
            desk = scheduler.declared
            with desk.join(Side.GATEWAY, "g") as first:
                await desk.load_pipeline(a_pipeline())
                with desk.join(Side.GATEWAY, "g") as second:
                    assert [one.version.spec.name async for one in first] == ["p"]
                    assert (await anext(second)).timestamp == 2

    run(test)


def test_the_leaving_of_one_that_was_replaced_changes_nothing():
    async def test():
        async with a_scheduler() as scheduler:
            desk = scheduler.declared
            first, second = desk.join(Side.GATEWAY, "g"), desk.join(Side.GATEWAY, "g")
            first.__enter__()
            second.__enter__()
            first.__exit__(None, None, None)
            await desk.load_pipeline(a_pipeline())
            assert desk.pipeline("p").latest.gateway_state is PipelineState.CREATING
            second.__exit__(None, None, None)

    run(test)


def test_who_joins_after_the_end_is_told_nothing():
    async def test():
        async with a_scheduler() as scheduler:
            scheduler.abandon()
            with scheduler.declared.join(Side.GATEWAY, "g") as orders:
                assert [one async for one in orders] == []

    run(test)


def test_what_is_kept_is_there_after_a_restart_with_its_routes():
    store, routes = FakeStore(), FakeRoutes()

    async def test():
        async with a_scheduler(store) as scheduler:
            await scheduler.declared.load_pipeline(a_pipeline())
        async with a_scheduler(store, routes) as scheduler:
            await scheduler.carried_out()
            assert scheduler.declared.pipeline_names() == ["p"]

    run(test)
    assert [update.name for update in routes.updates] == ["p.pipeline"]


def test_a_full_disk_refuses_declarations_and_not_acknowledgements():
    store = FakeStore()

    async def test():
        async with a_scheduler(store) as scheduler:
            desk = scheduler.declared
            with desk.join(Side.GATEWAY, "g") as orders:
                await desk.load_pipeline(a_pipeline())
                order = await anext(orders)
                store.faults = 2
                with pytest.raises(StoreError):
                    await desk.load_pipeline(a_pipeline("q"))
                with pytest.raises(StoreError, match="nothing can be changed now"):
                    await desk.start_experiment(an_experiment("e", "a"))
                about = ("p", 1, order.version.uid)
                await desk.acknowledge(Side.GATEWAY, "g", about, order.timestamp, Answer.READY)

    run(test)
