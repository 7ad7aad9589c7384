"""The scheduler's queue, over a real machine whose decisions nobody carries out."""

import asyncio

import pytest

from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import OverloadedError, StoreError
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler import durability, turns
from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.decisions import Save
from seldon_core.scheduler.declared_events import PipelineAcknowledged, Side
from seldon_core.scheduler.durability import Keeper
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaDrainRequested,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.retries import FIRST_PAUSE_S
from seldon_core.scheduler.turns import Turns, is_to_be_kept
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaModelEvent
from tests.support.scheduler_fakes import FakeStore, HandClock
from tests.support.scheduler_worlds import R0

START = (ReplicaConnected(1, R0, ReplicaConfig(("sklearn",), 100, 10)), SyncReached(1))


class World:
    """A queue whose events are handled; `done` has each, with why it could not be kept."""

    def __init__(self, store, clock, kept):
        self.done = []
        self.turns = Turns(
            SchedulerMachine(), Keeper(store), clock, kept, lambda *each: self.done.append(each)
        )

    @property
    def events(self):
        return [handled.event for handled, _ in self.done]

    def ask(self, event):
        answer = asyncio.get_running_loop().create_future()
        error = self.turns.ask(event)
        if error is not None:
            answer.set_exception(error)
        return answer

    def tell(self, *events):
        for event in events:
            self.turns.tell(event)


def run(test, *, store=None, clock=None, kept=()):
    async def whole():
        world = World(store or FakeStore(), clock or HandClock(), kept)
        async with asyncio.timeout(5), open_tasks("turns") as tasks:
            tasks.start(world.turns.run(), name="turns")
            await test(world)
            world.turns.end()
        return world

    return asyncio.run(whole(), debug=True)


async def until(fulfilled):
    while not fulfilled():
        await asyncio.sleep(0)


def load(name="iris", **fields):
    return ModelLoadRequested(1, ModelSpec(name, f"/{name}"), 1, **fields)


def report(event, now=1):
    return ModelReported(now, ModelReport(R0, "iris", 1, event, "why"))


def test_events_are_handled_in_the_order_in_which_they_came_and_numbered():
    async def test(world):
        world.tell(*START)
        world.ask(load())
        await world.turns.caught_up()
        assert world.events == [*START, load()]
        assert [handled.event_id for handled, _ in world.done] == [1, 2, 3]
        assert any(isinstance(each, Save) for each in world.done[-1][0].decisions)
        assert {fault for _, fault in world.done} == {None}

    run(test)


def test_nothing_is_carried_out_before_it_is_kept():
    store = FakeStore()

    async def test(world):
        store.held = asyncio.Event()
        world.ask(load())
        for _ in range(20):
            await asyncio.sleep(0)
        assert world.done == []
        store.held.set()
        await world.turns.caught_up()
        assert store.writes == [(["iris"], [])]
        assert world.events == [load()]

    run(test, store=store)


def test_who_waits_for_what_was_kept_before_waits_for_all_of_it(monkeypatch):
    monkeypatch.setattr(turns, "EVENTS_PER_TURN", 2)
    kept = [load(f"m{place}") for place in range(5)]

    async def test(world):
        await world.turns.carried_out()
        assert world.events == kept

    run(test, kept=kept)


def test_nobody_waits_where_nothing_was_kept():
    run(lambda world: world.turns.carried_out())


def test_many_events_let_others_have_their_turn(monkeypatch):
    monkeypatch.setattr(turns, "EVENTS_PER_TURN", 10)

    async def test(world):
        world.tell(*(Tick(1) for _ in range(25)))
        await until(lambda: world.done)
        assert len(world.done) == 10
        await world.turns.caught_up()
        assert len(world.done) == 25

    run(test)


def test_too_many_requests_are_refused_and_reports_are_not(monkeypatch):
    monkeypatch.setattr(turns, "MAX_WAITING_REQUESTS", 2)

    async def test(world):
        world.tell(*START)
        with pytest.raises(OverloadedError, match="2 control events wait to be handled already"):
            await world.ask(load())
        world.tell(Tick(1))
        await world.turns.caught_up()
        assert world.events == [*START, Tick(1)]

    run(test)


def test_a_store_that_cannot_be_written_to_refuses_only_what_is_to_be_kept():
    async def test(world):
        world.ask(load())
        await world.turns.caught_up()
        ((_, fault),) = world.done
        assert str(fault) == "the disk is full"
        with pytest.raises(StoreError, match=r"^nothing can be changed now: the disk is full$"):
            await world.ask(load("wine"))
        taken = load("wine", from_folder=True)
        assert not world.ask(taken).done()
        await world.turns.caught_up()
        assert world.events == [load(), taken]

    run(test, store=FakeStore(faults=9))


def test_what_could_not_be_kept_is_tried_again_though_nothing_happens(monkeypatch):
    monkeypatch.setattr(durability, "RETRY_S", 0.01)
    store = FakeStore(faults=2)

    async def test(world):
        world.ask(load())
        await until(lambda: store.writes)
        assert store.writes == [(["iris"], [])]

    run(test, store=store)


def test_an_end_while_the_disk_is_full_leaves_no_timer():
    async def test(world):
        world.ask(load())
        await world.turns.caught_up()
        await until(lambda: world.turns._return is not None)

    assert run(test, store=FakeStore(faults=9)).turns._return.cancelled()


def test_who_waits_at_the_end_is_sent_away():
    async def test(world):
        store.held = asyncio.Event()
        world.ask(load())
        waiting = asyncio.get_running_loop().create_task(world.turns.caught_up())
        await asyncio.sleep(0)
        world.turns.end()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    store = FakeStore()
    run(test, store=store)


def test_a_start_is_complete_when_nothing_is_awaited_any_more():
    async def test(world):
        complete = asyncio.get_running_loop().create_task(world.turns.complete())
        world.tell(START[0])
        await world.turns.caught_up()
        await asyncio.sleep(0)
        assert not complete.done()
        world.tell(START[1])
        await complete

    run(test)


async def fail_to_load(world):
    """Have a model that is to be loaded again after a pause."""
    world.tell(*START, load(), report(ReplicaModelEvent.LOAD_FAILED))
    await until(lambda: world.turns._alarm is not None)


def test_an_alarm_rings_when_a_model_wants_to_be_looked_at():
    async def test(world):
        await fail_to_load(world)
        delay = world.turns._alarm.when() - asyncio.get_running_loop().time()
        assert 0.5 < delay <= FIRST_PAUSE_S

    assert run(test).turns._alarm.cancelled()  # and not after the end


def test_an_alarm_that_rings_too_early_rings_again():
    async def test(world):
        await fail_to_load(world)
        early = world.turns._alarm
        early.cancel()
        world.turns._tick()
        assert world.turns._alarm is None
        await until(lambda: world.turns._alarm is not None)
        assert world.turns._alarm is not early
        assert not world.turns._alarm.cancelled()
        assert world.events[-1] == Tick(1)

    run(test)


def test_an_alarm_that_is_not_wanted_any_more_does_not_ring():
    async def test(world):
        await fail_to_load(world)
        alarm = world.turns._alarm
        world.tell(ModelUnloadRequested(1, "iris", 1))
        await until(lambda: world.turns._alarm is not alarm)
        assert alarm.cancelled()

    run(test)


@pytest.mark.parametrize(
    ("event", "is_kept"),
    [
        pytest.param(load(), True, id="declared"),
        pytest.param(load(from_folder=True), False, id="found in a folder"),
        pytest.param(ModelUnloadRequested(1, "iris", 1), True, id="deleted"),
        pytest.param(ReplicaDrainRequested(1, R0, 1), False, id="drained"),
        pytest.param(
            PipelineAcknowledged(1, Side.ENGINE, "m", "p", 1, "u", 1, Answer.READY, 1),
            False,
            id="acknowledged",
        ),
    ],
)
def test_who_declares_or_deletes_is_promised_that_it_lasts(event, is_kept):
    assert is_to_be_kept(event) is is_kept
