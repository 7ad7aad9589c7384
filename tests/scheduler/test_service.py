"""The scheduler's shell, over agents that obey at once or never."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError, OverloadedError, StoreError
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler import durability, service, turns
from seldon_core.scheduler.decisions import AnswerCaller, Change, LoadOnReplica
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ServerNotice,
)
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.retries import DELETED_TTL_S
from seldon_core.scheduler.service import open_scheduler
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import (
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    ScalingSignal,
    SignalKind,
)
from tests.support.scheduler_fakes import FakeLink, FakeRoutes, FakeStore, HandClock, StoppedClock

MLSERVER = ReplicaId("mlserver", 0)
IRIS = ModelSpec("iris", "/iris")


class World:
    """A scheduler, its one agent and its router."""

    def __init__(self, scheduler, link, routes):
        self.scheduler = scheduler
        self.link = link
        self.routes = routes


@asynccontextmanager
async def a_world(*, faults=(), silent=False, store=None, clock=None, audit=None):
    link, routes = FakeLink(MLSERVER, faults), FakeRoutes()
    async with open_scheduler(
        {MLSERVER: link}, routes, store or FakeStore(), clock or StoppedClock(), audit=audit
    ) as scheduler:
        if not silent:
            link.sink = scheduler
        scheduler.connect_replica(MLSERVER, ReplicaConfig(("sklearn",), 100, 10))
        scheduler.sync()
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
            (model,) = world.scheduler.models()
            latest = model.latest
            assert (latest.version.internal_name, latest.state) == ("iris_1", ModelState.AVAILABLE)
            assert latest.available_replicas == 1
            assert world.scheduler.model("iris") == model
            (server,) = world.scheduler.servers()
            assert server.num_loaded_model_replicas == 1
            assert world.scheduler.server("mlserver") == server
            assert [verdict.filter for verdict in world.scheduler.explain("iris")] == ["", ""]

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
            (model,) = world.scheduler.models()
            assert model.is_deleted
            assert model.latest.state is ModelState.TERMINATED

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
            assert world.scheduler.model_names() == names
            states = {
                model.name: (model.latest.state, model.latest.reason)
                for model in world.scheduler.models()
            }
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
            (model,) = world.scheduler.models()
            assert model.latest.state is ModelState.SCHEDULE_FAILED

    run(test)


def test_a_caller_who_stops_waiting_for_models_to_settle_leaves_nothing_behind():
    async def test():
        async with a_world(silent=True) as world:
            await world.scheduler.load_model(IRIS)
            waiting = asyncio.create_task(world.scheduler.settled(["iris"]))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert not world.scheduler._settling._waits

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
            assert not world.scheduler._callers._answers

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
    monkeypatch.setattr(turns, "MAX_WAITING_REQUESTS", 3)

    async def test():
        async with a_world() as world:  # its SyncReached waits too
            accepted = world.scheduler.load_model(IRIS)
            refused = world.scheduler.load_model(ModelSpec("wine", "/wine"))
            world.scheduler.report(ModelReport(MLSERVER, "x", 1, ReplicaModelEvent.LOADED))
            with pytest.raises(OverloadedError, match="3 control events wait"):
                await refused
            await accepted
            await world.scheduler.settled(["iris"])
            assert "unload x_1" in world.link.orders

    run(test)


def test_many_events_let_others_have_their_turn(monkeypatch):
    monkeypatch.setattr(turns, "EVENTS_PER_TURN", 10)

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
        def load_model(self, version, remote=None):
            raise RuntimeError("a bug")

    async def test():
        links = {MLSERVER: BrokenLink(MLSERVER)}
        async with open_scheduler(links, FakeRoutes(), FakeStore(), StoppedClock()) as scheduler:
            scheduler.connect_replica(MLSERVER, ReplicaConfig((), 100, 0))
            scheduler.sync()
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
            with pytest.raises(NotFoundError):
                await world.scheduler.unload_model("rose")
            assert world.scheduler.story("rose") == []

    run(test)


def test_what_was_kept_is_served_again():
    store = FakeStore()

    async def first():
        async with a_world(store=store) as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.load_model(ModelSpec("rose", "/rose"))
            await world.scheduler.settled(["iris", "rose"])
            await world.scheduler.unload_model("rose")

    async def second():
        async with a_world(store=store) as world:
            await world.scheduler.settled(["iris"])
            await until(lambda: world.link.orders)
            assert world.link.orders == ["load iris_1"]
            assert world.scheduler.model("rose").is_deleted
            assert isinstance(world.scheduler.story("iris")[0].event, ModelRestored)

    run(first)
    run(second)


def kept(count):
    """A store that keeps so many models."""
    versions = [StoredVersion(1, ModelSpec(f"m{i}", "/m"), "", 1.0, None) for i in range(count)]
    return FakeStore([StoredModel(kept.spec.name, (kept,), None, None) for kept in versions])


def test_what_was_kept_is_told_of_whole_or_not_at_all():
    async def test():
        store = kept(3 * turns.EVENTS_PER_TURN)
        async with a_world(store=store) as world:
            assert world.scheduler.model_names() == []
            await world.scheduler.carried_out()
            assert world.scheduler.model_names() == [model.name for model in store.stored]
            # What comes later has its turns.
            await world.scheduler.settled(world.scheduler.model_names())
            await until(lambda: not world.scheduler._turns._queue)
            names = [f"n{place}" for place in range(3 * turns.EVENTS_PER_TURN)]
            answers = [world.scheduler.load_model(ModelSpec(name, "/n")) for name in names]
            await answers[0]
            assert not answers[-1].done()

    run(test)


def test_what_was_kept_is_not_settled_before_it_has_come_back():
    async def test():
        store = kept(3 * turns.EVENTS_PER_TURN)
        async with a_world(store=store) as world:
            last = store.stored[-1].name
            await world.scheduler.settled([last])
            assert world.scheduler.model(last).latest.state is ModelState.AVAILABLE

    run(test)


def test_a_model_is_not_settled_before_what_serves_in_its_latest_version_s_place():
    store = FakeStore()

    async def first():
        async with a_world(store=store) as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            await world.scheduler.load_model(replace(IRIS, requirements=("quantum",)))

    async def second():
        async with a_world(store=store, silent=True) as world:
            await until(lambda: world.link.orders)
            assert world.scheduler.model("iris").latest.state is ModelState.SCHEDULE_FAILED
            settled = asyncio.create_task(world.scheduler.settled(["iris"]))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not settled.done()
            world.scheduler.report(ModelReport(MLSERVER, "iris", 1, ReplicaModelEvent.LOADED))
            await settled

    run(first)
    run(second)


async def until(fulfilled):
    while not fulfilled():
        await asyncio.sleep(0)


def test_nothing_is_sent_or_answered_before_it_is_kept():
    store = FakeStore()

    async def test():
        async with a_world(store=store) as world:
            await until(lambda: world.scheduler.server("mlserver"))
            store.held = asyncio.Event()
            answer = world.scheduler.load_model(IRIS)
            for _ in range(20):
                await asyncio.sleep(0)
            assert not answer.done()
            assert world.link.orders == []
            assert world.routes.updates == []
            store.held.set()
            assert await answer is Change.CREATED
            await world.scheduler.settled(["iris"])
            assert world.link.orders == ["load iris_1"]

    run(test)


def test_what_is_not_kept_yet_is_not_told():
    store = FakeStore()

    async def tell(scheduler):
        await scheduler.carried_out()
        return scheduler.model("iris").latest.state

    async def test():
        async with a_world(store=store) as world:
            await until(lambda: world.scheduler.server("mlserver"))
            store.held = asyncio.Event()
            world.scheduler.load_model(IRIS)
            await until(lambda: world.scheduler.model("iris"))
            telling = asyncio.ensure_future(tell(world.scheduler))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not telling.done()
            store.held.set()
            # What comes next, the replica's report, is not handled before who waited has read.
            assert await telling is ModelState.PROGRESSING
            assert store.writes == [(["iris"], [])]

    run(test)


def test_a_full_disk_keeps_nothing_else_from_being_done(monkeypatch):
    monkeypatch.setattr(durability, "RETRY_S", 0.01)
    store = FakeStore(faults=1_000_000)

    async def test():
        async with a_world(store=store) as world:
            with pytest.raises(StoreError, match="done, but not kept yet and lost if the process"):
                await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])  # it is loaded and routed all the same
            assert world.routes.updates[-1].candidates
            # What is not to be kept is taken in.
            await world.scheduler.load_model(ModelSpec("wine", "/wine"), from_folder=True)
            await world.scheduler.settled(["wine"])
            assert world.link.orders == ["load iris_1", "load wine_1"]
            assert not store.writes
            store.faults = 0
            await until(lambda: store.writes)  # without anything that happens
            assert [model.name for model in store.stored] == ["iris"]

    run(test)


def test_on_a_full_disk_nobody_is_told_that_a_change_lasts_who_only_repeats_it():
    async def test():
        async with a_world(store=FakeStore(faults=9)) as world:
            first, again = world.scheduler.load_model(IRIS), world.scheduler.load_model(IRIS)
            unknown = world.scheduler.unload_model("rose")
            for answer in (first, again):
                with pytest.raises(StoreError, match="not kept yet"):
                    await answer
            with pytest.raises(NotFoundError):
                await unknown

    run(test)


def test_a_caller_that_leaves_as_the_disk_is_full_is_not_refused_as_well(monkeypatch):
    monkeypatch.setattr(durability, "RETRY_S", 0.01)

    class Store(FakeStore):
        async def write(self, saved, dropped, now):
            leaving.cancel()
            await super().write(saved, dropped, now)

    async def test():
        nonlocal leaving
        async with a_world(store=Store(faults=1)) as world:
            leaving = world.scheduler.load_model(IRIS)
            await until(lambda: world.link.orders)
            assert leaving.cancelled()

    leaving: asyncio.Future
    run(test)


def test_a_write_has_the_time_of_its_last_event():
    class Store(FakeStore):
        async def write(self, saved, dropped, now):
            await super().write(saved, dropped, now)
            times.append(now)

    async def test():
        clock = HandClock()
        async with a_world(store=Store(), clock=clock, silent=True) as world:
            for now in (2.0, 3.0):
                clock.now = now
                answer = world.scheduler.load_model(ModelSpec(f"m{now:.0f}", "/m"))
            await answer
            assert times == [3.0]

    times: list[float] = []
    run(test)


def test_a_model_without_a_place_is_told_of_in_one_line(caplog):
    async def test():
        async with a_world() as world:
            await world.scheduler.load_model(replace(IRIS, memory_bytes=1000))
            await world.scheduler.load_model(ModelSpec("wine", "/wine", memory_bytes=50))
            await world.scheduler.load_model(replace(IRIS, memory_bytes=1000))  # lacks more by now
            await world.scheduler.settled(["iris", "wine"])

    run(test)
    (line,) = [record for record in caplog.records if "iris" in record.message]
    assert line.message.startswith("model has no place model=iris version=1 reason='not enough")


def test_what_waits_together_is_kept_together():
    store = FakeStore()

    async def test():
        async with a_world(store=store) as world:
            answers = [world.scheduler.load_model(ModelSpec(f"m{i}", "/m")) for i in range(5)]
            for answer in answers:
                await answer
            assert store.writes[0] == ([f"m{i}" for i in range(5)], [])

    run(test)


@pytest.mark.parametrize(
    ("before", "writes"),
    [(1, [["a"], ["b"]]), (2, [["a", "b"]])],
    ids=["a lone caller is not made to wait", "several share a write"],
)
def test_who_comes_a_moment_later_shares_the_write_if_there_were_several_lately(before, writes):
    store = FakeStore()

    async def test():
        async with a_world(store=store, silent=True) as world:
            early = [world.scheduler.load_model(ModelSpec(f"m{i}", "/m")) for i in range(before)]
            for answer in early:
                await answer
            store.writes.clear()
            first = world.scheduler.load_model(ModelSpec("a", "/m"))
            for _ in range(3):
                await asyncio.sleep(0)
            await world.scheduler.load_model(ModelSpec("b", "/m"))
            await first
            assert [saved for saved, _ in store.writes] == writes

    run(test)


def test_a_full_disk_refuses_changes_until_it_has_room(monkeypatch):
    monkeypatch.setattr(durability, "RETRY_S", 0.01)
    store = FakeStore(faults=2)

    async def test():
        async with a_world(store=store) as world:
            with pytest.raises(StoreError, match=r"not kept yet.*: the disk is full"):
                await world.scheduler.load_model(IRIS)
            with pytest.raises(StoreError, match="nothing can be changed now: the disk is full"):
                await world.scheduler.load_model(ModelSpec("wine", "/wine"))
            with pytest.raises(StoreError, match="nothing can be changed now: the disk is full"):
                await world.scheduler.unload_model("iris")
            assert world.scheduler.model("wine") is None
            await until(lambda: store.writes)
            assert await world.scheduler.load_model(IRIS) is Change.UNCHANGED

    run(test)


def test_a_failed_load_is_tried_again_when_its_time_has_come():
    clock = HandClock()

    async def test():
        async with a_world(faults={"iris": "no such folder"}, clock=clock) as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            world.link.faults.clear()
            clock.now = 3.0
            world.scheduler.report(  # whatever event comes makes it look at the clock
                ModelReport(MLSERVER, "x", 1, ReplicaModelEvent.UNLOADED)
            )
            await until(lambda: len(world.link.orders) == 2)
            await world.scheduler.settled(["iris"])
            assert world.scheduler.model("iris").latest.state is ModelState.AVAILABLE

    run(test)


def test_who_watches_hears_of_models_and_servers():
    async def test():
        async with a_world() as world:
            with (
                world.scheduler.watch_models() as models,
                world.scheduler.watch_servers() as servers,
            ):
                await world.scheduler.load_model(IRIS)
                await world.scheduler.settled(["iris"])
                assert await anext(aiter(models)) == "iris"
                assert await anext(aiter(servers)) == "mlserver"
                await world.scheduler.load_model(replace(IRIS, storage_uri="/other"))
                assert await anext(aiter(servers)) == "mlserver"
                world.scheduler.lose_replica(MLSERVER)
                assert await anext(aiter(servers)) == "mlserver"

    run(test)


def test_a_watch_ends_with_the_scheduler():
    async def test():
        async with a_world() as world:
            watching = [world.scheduler.watch_models(), world.scheduler.watch_servers()]
        for each in watching:
            with each as watch:
                assert [name async for name in watch] == []

    run(test)


@pytest.mark.parametrize("from_folder", [False, True])
def test_a_forgotten_model_has_no_story(from_folder):
    clock = HandClock()
    store = FakeStore()

    async def test():
        async with a_world(clock=clock, store=store) as world:
            await world.scheduler.load_model(IRIS, from_folder=from_folder)
            await world.scheduler.unload_model("iris")
            await world.scheduler.settled(["iris"])
            declared = world.scheduler.story("iris")[0]
            assert AnswerCaller in {type(made) for made in declared.decisions}
            clock.now += 2 * DELETED_TTL_S
            world.scheduler._turns._tick()
            await until(lambda: world.scheduler.model("iris") is None)
            await until(lambda: not world.scheduler.story("iris"))
            assert store.stored == ()

    run(test)


def test_what_was_told_is_carried_out_at_some_time():
    async def test():
        async with a_world() as world:
            answer = world.scheduler.load_model(IRIS)
            await world.scheduler.caught_up()
            assert answer.done()
            assert world.link.orders == ["load iris_1"]

    run(test)


def test_a_start_is_complete_when_nothing_is_awaited_any_more():
    async def test():
        link, routes = FakeLink(MLSERVER), FakeRoutes()
        async with open_scheduler(
            {MLSERVER: link}, routes, FakeStore(), StoppedClock()
        ) as scheduler:
            waiting = asyncio.create_task(scheduler.complete())
            scheduler.connect_replica(MLSERVER, ReplicaConfig(("sklearn",), 100, 10))
            await scheduler.caught_up()
            assert not waiting.done()
            scheduler.sync()
            await waiting

    run(test)


def test_more_replicas_of_a_server_that_others_run_are_asked_for():
    async def test():
        async with a_world() as world:
            scheduler = world.scheduler
            with scheduler.watch_asks() as asks:
                await scheduler.platform.notify_servers([ServerNotice("mlserver", 1, 1, 3)])
                await scheduler.load_model(IRIS)
                await scheduler.load_model(replace(IRIS, replicas=2))
                assert await anext(asks) == "mlserver"
            assert scheduler.asked_replicas("mlserver") == 2
            assert scheduler.server("mlserver").expected_replicas == 1

    run(test)


def test_who_drains_a_replica_is_answered_when_nobody_needs_it_any_more():
    async def test():
        async with a_world() as world:
            await world.scheduler.load_model(IRIS)
            await world.scheduler.settled(["iris"])
            await world.scheduler.drain_replica(MLSERVER, actor="me")  # there is no other
            world.scheduler.lose_replica(MLSERVER)
            await world.scheduler.drain_replica(MLSERVER)
            assert world.scheduler.server("mlserver").replicas == ()

    run(test)


def test_a_model_that_is_called_much_gets_another_replica_and_keeps_it_over_a_restart():
    async def test():
        store = FakeStore()
        async with a_world(store=store) as world:
            await world.scheduler.load_model(replace(IRIS, max_replicas=2))
            await world.scheduler.settled(["iris"])
            world.scheduler.signal(ScalingSignal(MLSERVER, "iris", 1, SignalKind.LAG, 31))
            await world.scheduler.caught_up()
            chosen = world.scheduler.model("iris").latest.chosen
            assert (chosen.replicas, chosen.why) == (2, "31 calls under way on mlserver/0")
            assert world.scheduler.scalings() == {"up": 1, "down": 0}
        async with a_world(store=store) as world:
            await world.scheduler.caught_up()
            assert world.scheduler.model("iris").latest.chosen == chosen

    run(test)


def test_signals_are_not_kept_while_very_many_events_wait(monkeypatch):
    async def test():
        async with a_world() as world:
            await world.scheduler.load_model(replace(IRIS, max_replicas=2))
            await world.scheduler.settled(["iris"])
            monkeypatch.setattr(service, "MAX_WAITING_SIGNALS", 0)
            world.scheduler.signal(ScalingSignal(MLSERVER, "iris", 1, SignalKind.LAG, 31))
            await world.scheduler.caught_up()
            assert world.scheduler.model("iris").latest.chosen is None

    run(test)


class AuditLines:
    """Keeps what the audit log is told."""

    def __init__(self):
        self.told = []

    def write(self, line):
        self.told.append((line["outcome"], line.get("reason", "")))


def test_the_audit_log_is_told_of_what_was_asked_for():
    audit = AuditLines()

    async def test():
        async with a_world(audit=audit) as world:
            await world.scheduler.load_model(IRIS)
            with pytest.raises(NotFoundError):
                await world.scheduler.unload_model("wine")
            await world.scheduler.settled(["iris"])

    run(test)
    assert [outcome for outcome, _ in audit.told] == ["created", "refused"]


def test_the_audit_log_is_told_of_what_may_be_lost_and_what_is_refused_then(monkeypatch):
    monkeypatch.setattr(durability, "RETRY_S", 60)
    audit = AuditLines()

    async def test():
        async with a_world(store=FakeStore(faults=1_000_000), audit=audit) as world:
            for _ in range(2):
                with pytest.raises(StoreError):
                    await world.scheduler.load_model(IRIS)

    run(test)
    (first, why), (second, also) = audit.told
    assert (first, second) == ("created", "refused")
    assert why
    assert also.startswith("nothing can be changed now: ")
