"""Models that are loaded and unloaded by name, over a scheduler whose agent obeys at once."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from seldon_core.errors import (
    ConfigError,
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    OverloadedError,
)
from seldon_core.protocol.repository import IndexState, ModelIndex
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import FoundModels, ModelSpec, RefusedModel
from seldon_core.scheduler.repository import ModelRepository, _index_of
from seldon_core.scheduler.service import open_scheduler
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaId, ReplicaModelEvent
from tests.support.control_fakes import a_model, a_version
from tests.support.scheduler_fakes import FakeLink, FakeRoutes, FakeStore, StoppedClock

MLSERVER = ReplicaId("mlserver", 0)
IRIS = ModelSpec("iris", "/models/iris")
READY, LOADING, UNLOADING, UNAVAILABLE = (
    IndexState.READY,
    IndexState.LOADING,
    IndexState.UNLOADING,
    IndexState.UNAVAILABLE,
)


class Folder:
    """What a search finds: changed by the tests."""

    def __init__(self, *specs):
        self.specs = list(specs)
        self.refused = []
        self.fault = None
        self.searches = 0

    def search(self):
        self.searches += 1
        if self.fault is not None:
            raise self.fault
        return FoundModels(list(self.specs), list(self.refused))


class StubbornLink(FakeLink):
    """Fails to unload what is in `kept`."""

    kept = ()

    def unload_model(self, model, version):
        if model in self.kept:
            event = ReplicaModelEvent.UNLOAD_FAILED
            self.sink.report(ModelReport(self.replica, model, version, event, "it is pinned"))
        else:
            super().unload_model(model, version)


class Searches:
    """A thread for searches, without the thread."""

    def __init__(self):
        self._ended = 0

    async def run(self, search, *args):
        await asyncio.sleep(0)
        self._ended += 1
        return search(*args)

    async def another(self):
        """Wait until a search that begins from now on has ended."""
        before = self._ended
        while self._ended == before:
            await asyncio.sleep(0)


class World:
    def __init__(self, repository, scheduler, link, routes, folder, store, searches):
        self.repository = repository
        self.scheduler = scheduler
        self.link = link
        self.routes = routes
        self.folder = folder
        self.store = store
        self.searches = searches

    async def load(self, name="iris", **parameters):
        await self.repository.load(name, parameters, "127.0.0.1:5")

    async def unload(self, name="iris"):
        await self.repository.unload(name, "127.0.0.1:5")

    async def index(self, *, only_ready=False):
        return list(await self.repository.index(only_ready=only_ready))

    @property
    def latest(self):
        return self.scheduler.model("iris").latest


@asynccontextmanager
async def a_world(*specs, faults=()):
    link, routes, folder = StubbornLink(MLSERVER, faults), FakeRoutes(), Folder(*specs)
    store, searches = FakeStore(), Searches()
    async with open_scheduler({MLSERVER: link}, routes, store, StoppedClock()) as scheduler:
        link.sink = scheduler
        scheduler.connect_replica(MLSERVER, ReplicaConfig(("sklearn",), 100, 10))
        scheduler.sync()
        repository = ModelRepository(scheduler, folder.search, searches)
        yield World(repository, scheduler, link, routes, folder, store, searches)


def run(test):
    async def limited():
        async with asyncio.timeout(5):
            await test()

    asyncio.run(limited(), debug=True)


def test_a_model_of_the_folder_is_loaded_unloaded_and_loaded_again():
    async def test():
        async with a_world(IRIS) as world:
            assert await world.index() == [ModelIndex("iris", "", UNAVAILABLE, "not loaded")]
            await world.load()
            assert await world.index() == [ModelIndex("iris", "1", READY)]
            assert world.routes.updates[-1].candidates[0].version == 1
            await world.unload()
            assert world.routes.updates[-1].candidates == ()
            assert await world.index() == [ModelIndex("iris", "", UNAVAILABLE, "unloaded")]
            assert await world.index(only_ready=True) == []
            await world.unload()  # once more is no error
            await world.load()
            assert await world.index(only_ready=True) == [ModelIndex("iris", "1", READY)]
            assert world.link.orders == ["load iris_1", "unload iris_1", "load iris_1"]

    run(test)


def test_a_loaded_model_is_loaded_anew_as_the_folder_says_by_now():
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            await world.load()
            world.folder.specs = [ModelSpec("iris", "/models/iris", memory_bytes=3)]
            await world.load()
            await world.scheduler.carried_out()
            loads = [order for order in world.link.orders if order.startswith("load")]
            assert loads == ["load iris_1", "load iris_2", "load iris_3"]
            assert world.latest.version.spec.memory_bytes == 3
            assert [len(update.candidates) for update in world.routes.updates] == [0, 1, 1, 1]

    run(test)


def test_what_somebody_declared_by_hand_stands():
    async def test():
        async with a_world(IRIS) as world:
            by_hand = ModelSpec("iris", "/elsewhere")
            await world.scheduler.load_model(by_hand)
            await world.load()
            assert world.latest.version.spec == by_hand
            assert world.latest.version.version == 2
            assert not world.scheduler.model("iris").from_folder

    run(test)


def test_a_model_that_fails_is_an_error_and_the_old_version_goes_on():
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            world.link.faults["iris"] = "corrupt"
            with pytest.raises(ModelRuntimeError, match=r"^corrupt$"):
                await world.load()
            assert world.routes.updates[-1].candidates[0].version == 1
            assert await world.index() == [
                ModelIndex("iris", "1", READY),
                ModelIndex("iris", "2", UNAVAILABLE, "corrupt"),
            ]
            world.link.faults.clear()
            await world.load()
            assert world.routes.updates[-1].candidates[0].version == 3

    run(test)


def test_a_model_that_is_deleted_while_it_loads_is_an_error():
    async def test():
        async with a_world(IRIS) as world:
            world.link.sink = None
            loading = asyncio.ensure_future(world.load())
            while not world.link.orders:
                await asyncio.sleep(0)
            await world.scheduler.unload_model("iris")
            loaded = ModelReport(MLSERVER, "iris", 1, ReplicaModelEvent.LOADED)
            world.link.sink = world.scheduler
            world.scheduler.report(loaded)
            with pytest.raises(ModelRuntimeError, match="deleted while it was loading"):
                await loading

    run(test)


def test_a_load_waits_for_the_end_of_an_unload():
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            world.link.sink = None
            await world.scheduler.unload_model("iris")
            loading = asyncio.ensure_future(world.load())
            await world.searches.another()
            for _ in range(3):
                await asyncio.sleep(0)
            assert world.latest.state is ModelState.TERMINATING
            assert not loading.done()
            world.link.sink = world.scheduler
            unloaded = ModelReport(MLSERVER, "iris", 1, ReplicaModelEvent.UNLOADED)
            world.scheduler.report(unloaded)
            await loading
            assert world.latest.state is ModelState.AVAILABLE

    run(test)


def test_nothing_is_told_that_is_not_kept_yet():
    async def test():
        async with a_world() as world:
            world.store.held = asyncio.Event()
            declaring = world.scheduler.load_model(IRIS)
            while world.scheduler.model("iris") is None:
                await asyncio.sleep(0)
            asking = asyncio.ensure_future(world.index())
            await world.searches.another()
            for _ in range(3):
                await asyncio.sleep(0)
            assert not asking.done()
            world.store.held.set()
            await declaring
            assert [row.name for row in await asking] == ["iris"]

    run(test)


def test_what_is_nowhere_cannot_be_loaded_or_unloaded():
    async def test():
        async with a_world() as world:
            with pytest.raises(NotFoundError, match="'iris' not found in the folders of --models"):
                await world.load()
            with pytest.raises(NotFoundError):
                await world.unload()
            await world.scheduler.load_model(IRIS)
            await world.unload()
            with pytest.raises(NotFoundError):
                await world.load()
            assert await world.index() == []  # nothing of it is left to load

    run(test)


def test_a_folder_that_holds_no_model_says_why():
    async def test():
        async with a_world() as world:
            world.folder.specs = [ModelSpec("wine", "/models/wine")]
            world.folder.refused = [
                RefusedModel("/models/x.yaml", "no YAML"),
                RefusedModel("/models/iris", "two files in /models/iris", "iris"),
            ]
            assert await world.index() == [
                ModelIndex("iris", "", UNAVAILABLE, "two files in iris"),
                ModelIndex("wine", "", UNAVAILABLE, "not loaded"),
            ]
            with pytest.raises(ModelRuntimeError, match="two files"):
                await world.load()

    run(test)


def test_a_model_whose_folder_is_gone_is_asked_of_its_replica_all_the_same():
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            world.folder.specs.clear()
            await world.load()
            assert world.link.orders[:2] == ["load iris_1", "load iris_2"]
            assert world.scheduler.model("iris").from_folder

    run(test)


def test_a_folder_that_cannot_be_searched_hides_no_model(caplog):
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            world.folder.fault = ConfigError("--models: there is no folder '/models'")
            assert await world.index() == [ModelIndex("iris", "1", READY)]
            assert "there is no folder" in caplog.messages[-1]

    caplog.set_level(logging.WARNING)
    run(test)


def test_a_configuration_counts_for_this_load_and_the_folder_for_the_next():
    async def test():
        async with a_world(IRIS) as world:
            config = '{"dynamic_batching": {"max_queue_delay_microseconds": 2000}}'
            await world.load(config=config)
            assert world.latest.version.spec.knobs == Knobs(max_batch_delay_ms=2)
            await world.load()
            assert world.latest.version.spec.knobs == Knobs()
            with pytest.raises(InvalidRequestError):
                await world.load(config="{")
            assert world.latest.version.version == 2

    run(test)


def test_a_model_that_a_replica_keeps_is_not_unloaded():
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            world.link.kept = ("iris",)
            with pytest.raises(ModelRuntimeError, match="not unloaded: it is pinned"):
                await world.unload()
            assert world.routes.updates[-1].candidates == ()
            assert await world.index() == [ModelIndex("iris", "1", UNAVAILABLE, "it is pinned")]

    run(test)


def test_who_asks_is_in_the_story():
    async def test():
        async with a_world(IRIS) as world:
            await world.load()
            await world.unload()
            actors = [
                chapter.event.actor
                for chapter in world.scheduler.story("iris")
                if hasattr(chapter.event, "actor")
            ]
            assert actors == ["127.0.0.1:5", "127.0.0.1:5"]

    run(test)


def test_what_the_scheduler_refuses_with_is_raised(monkeypatch):
    async def test():
        async with a_world(IRIS) as world:
            monkeypatch.setattr("seldon_core.scheduler.turns.MAX_WAITING_REQUESTS", 0)
            with pytest.raises(OverloadedError):
                await world.load()

    run(test)


def test_an_index_of_many_models_leaves_others_their_turn():
    async def test():
        specs = [ModelSpec(f"m{number}", "/m") for number in range(60)]
        async with a_world(*specs) as world:
            for spec in reversed(specs):
                await world.scheduler.load_model(spec)
            await world.scheduler.settled([spec.name for spec in specs])
            asking = asyncio.ensure_future(world.index(only_ready=True))
            await world.searches.another()
            assert not asking.done()
            assert [row.name for row in await asking] == sorted(spec.name for spec in specs)

    run(test)


def test_all_who_ask_before_a_search_begins_are_answered_by_it():
    async def test():
        async with a_world(IRIS) as world:
            asked = [asyncio.ensure_future(world.index()) for _ in range(5)]
            assert await asked[0] == [ModelIndex("iris", "", UNAVAILABLE, "not loaded")]
            world.folder.specs.append(ModelSpec("wine", "/models/wine"))
            for asking in asked:
                assert len(await asking) == 1
            assert world.folder.searches == 1
            assert len(await world.index()) == 2  # who asks later sees what is there by then

    run(test)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (ModelState.PROGRESSING, (LOADING, "loading")),
        (ModelState.TERMINATING, (UNLOADING, "unloading")),
        (ModelState.SCALED_DOWN, (UNAVAILABLE, "scaled down to no replica")),
        (ModelState.SCHEDULE_FAILED, (UNAVAILABLE, "why")),
    ],
    ids=lambda value: value.value if isinstance(value, ModelState) else "",
)
def test_a_version_that_cannot_be_called_says_why(state, shown):
    reason = "why" if state is ModelState.SCHEDULE_FAILED else ""
    version = a_version(4, state, reason=reason)
    row = _index_of(a_model(version), version)
    assert (row.name, row.version) == ("iris", "4")
    assert (row.state, row.reason) == shown


def test_a_version_that_sleeps_can_be_called():
    reason = "no call for 9 s; the next call loads it"
    version = a_version(4, ModelState.SCALED_DOWN, reason=reason)
    assert _index_of(a_model(version), version) == ModelIndex("iris", "4", READY, reason)


@pytest.mark.parametrize("state", [ModelState.FAILED, ModelState.TERMINATE_FAILED])
def test_the_index_does_not_tell_where_files_are(state):
    folder = a_version(4, state).version.spec.storage_uri
    version = a_version(4, state, reason=f"{folder}/1/m.onnx: is cut off")
    assert _index_of(a_model(version), version).reason == "1/m.onnx: is cut off"
