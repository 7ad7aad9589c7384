"""The scheduler's shell, over agents that obey at once or never."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError, OverloadedError
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler import service
from seldon_core.scheduler.decisions import AnswerCaller, LoadOnReplica
from seldon_core.scheduler.events import ModelLoadRequested, ModelReported
from seldon_core.scheduler.service import open_scheduler
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent
from tests.support.scheduler_fakes import FakeLink, FakeRoutes, StoppedClock

MLSERVER = ReplicaId("mlserver", 0)
IRIS = ModelSpec("iris", "/iris")


FAILURE = (
    "model reported model=wine version=1 replica=mlserver/0 state=LoadFailed "
    "reason='corrupt' event=7"
)


class World:
    """A scheduler, its one agent and its router."""

    def __init__(self, scheduler, link, routes):
        self.scheduler = scheduler
        self.link = link
        self.routes = routes


@asynccontextmanager
async def a_world(*, faults=(), silent=False):
    link, routes = FakeLink(MLSERVER, faults), FakeRoutes()
    async with open_scheduler({MLSERVER: link}, routes, StoppedClock()) as scheduler:
        if not silent:
            link.sink = scheduler
        scheduler.connect_replica(MLSERVER, ("sklearn",), 100, 10)
        yield World(scheduler, link, routes)


def run(test):
    async def limited():
        async with asyncio.timeout(5):
            await test()

    asyncio.run(limited(), debug=True)


def test_a_model_is_accepted_then_loaded_then_routed():
    async def test():
        async with a_world() as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            assert world.link.orders == ["load iris_1"]
            notices = [(update.notice, len(update.candidates)) for update in world.routes.updates]
            assert notices == [("is loading", 0), ("", 1)]
            (row,) = world.scheduler.status()
            assert (row.name, row.version, row.state) == ("iris", 1, ModelState.AVAILABLE)
            assert row.replicas == ("mlserver/0",)
            assert world.scheduler.status_of("iris") == row

    run(test)


def test_unloading_takes_the_route_before_the_model():
    async def test():
        async with a_world() as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            await world.scheduler.unload_model("iris")
            await world.scheduler.settled(["iris"])
            assert world.link.orders == ["load iris_1", "unload iris_1"]
            assert world.routes.updates[-1].candidates == ()
            assert world.scheduler.status() == []

    run(test)


def test_a_refusal_is_raised_to_its_caller():
    async def test():
        async with a_world() as world:
            with pytest.raises(NotFoundError):
                await world.scheduler.unload_model("rose")
            with pytest.raises(InvalidResourceError):
                await world.scheduler.load_model(ModelSpec("rose", "./rose"))

    run(test)


def test_settled_waits_for_all_and_counts_failures():
    async def test():
        async with a_world(faults={"wine": "corrupt"}) as world:
            names = ["iris", "wine", "rose"]
            for name in names:
                await world.scheduler.load_model(ModelSpec(name, f"/{name}"))
            await world.scheduler.settled([*names, "no such model"])
            states = {row.name: (row.state, row.reason) for row in world.scheduler.status()}
            assert states == {
                "iris": (ModelState.AVAILABLE, ""),
                "wine": (ModelState.FAILED, "corrupt"),
                "rose": (ModelState.AVAILABLE, ""),
            }

    run(test)


def test_settled_waits_until_the_last_one_is():
    async def test():
        async with a_world(silent=True) as world:
            for name in ("iris", "wine"):
                await world.scheduler.load_model(ModelSpec(name, f"/{name}"))
            waiting = asyncio.create_task(world.scheduler.settled(["iris", "wine"]))
            for name in ("iris", "wine"):
                await asyncio.sleep(0.001)
                assert not waiting.done()
                report = ModelReport(MLSERVER, name, 1, ReplicaModelEvent.LOADED)
                world.scheduler.report(report)
            await waiting

    run(test)


def test_losing_a_replica_settles_its_models():
    async def test():
        async with a_world(silent=True) as world:
            await world.scheduler.load_model(IRIS)
            waiting = asyncio.create_task(world.scheduler.settled(["iris"]))
            await asyncio.sleep(0)
            world.scheduler.lose_replica(MLSERVER)
            await waiting
            (row,) = world.scheduler.status()
            assert row.state is ModelState.SCHEDULE_FAILED

    run(test)


def test_a_caller_who_stops_waiting_for_models_to_settle_leaves_nothing_behind():
    async def test():
        async with a_world(silent=True) as world:
            await world.scheduler.load_model(IRIS)
            waiting = asyncio.create_task(world.scheduler.settled(["iris"]))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert not world.scheduler._watches

    run(test)


@pytest.mark.parametrize("leave", ["at once", "in the tick of its answer"])
def test_a_caller_that_leaves_does_not_take_its_request_back(leave):
    async def test():
        async with a_world() as world:
            answer = world.scheduler.load_model(IRIS)
            if leave == "at once":
                answer.cancel()
                await asyncio.sleep(0)
            else:
                asyncio.get_running_loop().call_soon(answer.cancel)
            await world.scheduler.load_model(ModelSpec("wine", "/wine"))
            await world.scheduler.settled(["iris"])
            assert "load iris_1" in world.link.orders
            assert not world.scheduler._answers

    run(test)


def test_whoever_waits_when_the_scheduler_ends_is_cancelled():
    async def test():
        async with a_world(silent=True) as world:
            await world.scheduler.load_model(IRIS)
            waiting = asyncio.create_task(world.scheduler.settled(["iris"]))
            await asyncio.sleep(0)
            answer = world.scheduler.load_model(IRIS)
        await asyncio.wait([waiting, answer])
        assert waiting.cancelled()
        assert answer.cancelled()

    run(test)


def test_too_many_requests_are_refused_and_reports_are_not(monkeypatch):
    monkeypatch.setattr(service, "MAX_WAITING_REQUESTS", 2)

    async def test():
        async with a_world() as world:  # its ReplicaConnected is the first that waits
            accepted = world.scheduler.load_model(IRIS)
            refused = world.scheduler.load_model(ModelSpec("wine", "/wine"))
            world.scheduler.report(ModelReport(MLSERVER, "x", 1, ReplicaModelEvent.LOADED))
            with pytest.raises(OverloadedError, match="2 control events wait"):
                await refused
            await accepted
            await world.scheduler.settled(["iris"])
            assert "unload x_1" in world.link.orders

    run(test)


def test_many_events_let_others_have_their_turn(monkeypatch):
    monkeypatch.setattr(service, "EVENTS_PER_TURN", 10)

    async def test():
        async with a_world(silent=True) as world:
            answers = [world.scheduler.load_model(ModelSpec(f"m{i}", "/m")) for i in range(25)]
            turns = 0
            while not answers[-1].done():
                await asyncio.sleep(0)
                turns += 1
            assert turns >= 3

    run(test)


def test_a_bug_in_the_machine_or_a_link_ends_the_scheduler():
    class BrokenLink(FakeLink):
        def load_model(self, version):
            raise RuntimeError("a bug")

    async def test():
        links = {MLSERVER: BrokenLink(MLSERVER)}
        async with open_scheduler(links, FakeRoutes(), StoppedClock()) as scheduler:
            scheduler.connect_replica(MLSERVER, (), 100, 0)
            scheduler.load_model(IRIS)
            await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="a bug"):
        run(test)


def test_the_story_of_a_model_is_its_events_and_their_decisions():
    async def test():
        async with a_world() as world:
            for name in ("iris", "wine"):
                await world.scheduler.load_model(ModelSpec(name, f"/{name}"))
            await world.scheduler.settled(["iris", "wine"])
            requested, reported = world.scheduler.story("iris")
            assert isinstance(requested.event, ModelLoadRequested)
            kinds = {type(decision) for decision in requested.decisions}
            assert {AnswerCaller, LoadOnReplica} <= kinds
            assert isinstance(reported.event, ModelReported)
            assert requested.event_id < reported.event_id
            assert world.scheduler.story("rose") == []

    run(test)


def test_each_decision_is_one_line_with_its_events_id(caplog):
    caplog.set_level(logging.DEBUG, logger=service.__name__)

    async def test():
        async with a_world(faults={"wine": "corrupt"}) as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            await world.scheduler.unload_model("iris")
            await world.scheduler.load_model(ModelSpec("wine", "/wine"))
            await world.scheduler.settled(["iris", "wine"])
            with pytest.raises(NotFoundError):
                await world.scheduler.unload_model("rose")

    run(test)
    told = [m for m in caplog.messages if not m.startswith("event id=")]
    assert told == [
        "ReplicaConnected replica=mlserver/0 event=1",
        "route published name=iris versions=none notice='is loading' event=2",
        "loading model=iris version=1 replica=mlserver/0 event=2",
        "route published name=iris versions=1 notice='' event=3",
        "route published name=iris versions=none notice='' event=4",
        "unloading model=iris version=1 replica=mlserver/0 event=4",
        "route published name=wine versions=none notice='is loading' event=6",
        "loading model=wine version=1 replica=mlserver/0 event=6",
        FAILURE,
        "route published name=wine versions=none notice='failed to load: corrupt' event=7",
        "request refused reason=\"model 'rose' not found\" event=8",
    ]


def test_at_info_stands_only_what_no_replica_tells(caplog):
    caplog.set_level(logging.INFO, logger=service.__name__)

    async def test():
        async with a_world() as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            await world.scheduler.load_model(ModelSpec("rose", "/rose", requirements=("spark",)))
            await world.scheduler.unload_model("iris")

    run(test)
    connected, homeless = caplog.messages
    assert connected == "ReplicaConnected replica=mlserver/0 event=1"
    assert homeless.startswith("model has no place model=rose version=1 reason='no matching")
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
