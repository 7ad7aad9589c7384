"""Pieces on their way, with an engine that says what has left and a clock of the test's own."""

import asyncio

import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.sending import SEND_AHEAD
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_engine import GoneError, RecordingEngine


class Clock:
    """The loop's clock and the sweeper's watches, moved by hand."""

    def __init__(self, loop):
        self.now = 0.0
        self.create_future = loop.create_future
        self.watches = {}

    def time(self):
        return self.now

    def watch(self, deadline, callback):
        watch = _Watch(self, callback)
        self.watches[watch] = deadline
        return watch

    def pass_to(self, now):
        self.now = now
        for watch, deadline in list(self.watches.items()):
            if deadline <= now and self.watches.pop(watch, None) is not None:
                watch.callback()


class _Watch:
    def __init__(self, clock, callback):
        self.clock = clock
        self.callback = callback

    def cancel(self):
        self.clock.watches.pop(self, None)


class World:
    def __init__(self):
        self.engine = RecordingEngine()
        self.clock = Clock(asyncio.get_running_loop())
        self.shared = Shared.__new__(Shared)  # of it only these are looked at
        self.shared.budget = InFlightBytes(MIB)
        self.shared.settings = ListenerSettings(write_bytes_per_s=2)
        self.shared.loop = self.shared.sweeper = self.clock
        self.dropped = 0
        self.deliveries = Deliveries(
            self.shared, self.engine, GoneError, lambda: None, lambda: None
        )

    def deliver(self, *parts):
        return self.deliveries.deliver(1, parts, 10.0, self.drop)

    def drop(self):
        self.dropped += 1


def run(test):
    async def bounded():
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            await test(World(), tasks)

    asyncio.run(bounded())


def test_a_piece_has_left_when_the_library_has_sent_it():
    async def test(world, tasks):
        task = tasks.create_task(world.deliver(b"ab", b"c"))
        await asyncio.sleep(0)
        assert [told[2] for told in world.engine.told] == [2, 1]
        assert world.shared.budget.used == 3
        world.deliveries.refill()
        await asyncio.sleep(0)
        assert not task.done()
        world.engine.queued = 0
        world.deliveries.refill()
        world.deliveries.refill()
        await task
        assert world.shared.budget.used == 0
        assert not world.deliveries.under_way
        assert not world.clock.watches

    run(test)


def test_a_large_piece_is_given_as_there_is_room():
    async def test(world, tasks):
        task = tasks.create_task(world.deliver(bytes(SEND_AHEAD + 5)))
        await asyncio.sleep(0)
        assert world.deliveries.is_within(1)
        world.engine.queued = 0
        world.deliveries.refill()
        assert not world.deliveries.is_within(1)
        world.engine.queued = 0
        world.deliveries.refill()
        await task
        assert [told[2] for told in world.engine.told] == [SEND_AHEAD, 5]

    run(test)


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_stream_that_is_over_ends_its_delivery(when):
    async def test(world, tasks):
        world.engine.is_gone = when == "at once"
        task = tasks.create_task(catch(world.deliver(bytes(SEND_AHEAD + 5))))
        await asyncio.sleep(0)
        if when == "later":
            world.engine.is_gone = True
            world.engine.queued = 0
            world.deliveries.refill()
            world.deliveries.refill()
        assert await task
        assert world.shared.budget.used == 0

    async def catch(delivery):
        with pytest.raises(GoneError):
            await delivery
        return True

    run(test)


def test_only_a_client_that_takes_nothing_is_dropped():
    async def test(world, tasks):
        task = tasks.create_task(world.deliver(bytes(100)))
        await asyncio.sleep(0)
        world.deliveries.refill()
        world.clock.pass_to(9)
        world.engine.queued = 50
        world.deliveries.refill()
        world.clock.pass_to(18)
        assert not world.dropped
        world.clock.pass_to(19)
        assert world.dropped == 1
        task.cancel()
        await asyncio.sleep(0)
        assert world.shared.budget.used == 0

    run(test)


@pytest.mark.parametrize(
    ("taken", "how", "dropped_at"),
    [(1, "shut", 10), (3, "shut", None), (1, "open", None), (1, "gone", None)],
    ids=["too little", "enough", "for others", "over"],
)
def test_a_client_that_takes_too_little_of_what_it_could_is_dropped(taken, how, dropped_at):
    async def test(world, tasks):
        task = tasks.create_task(world.deliver(bytes(100)))
        await asyncio.sleep(0)
        world.engine.window = 5 if how == "open" else 0
        world.engine.is_gone = how == "gone"
        for second in range(1, 30):
            world.clock.pass_to(second)
            if world.dropped:
                break
            world.engine.queued = 100 - taken * second
            world.deliveries.refill()
        assert (second if world.dropped else None) == dropped_at
        task.cancel()

    run(test)


def test_nothing_more_is_given_of_what_was_forgotten():
    async def test(world, tasks):
        task = tasks.create_task(world.deliver(bytes(SEND_AHEAD + 5)))
        await asyncio.sleep(0)
        world.deliveries.forget(1)
        world.engine.queued = 0
        world.deliveries.refill()
        assert len(world.engine.told) == 1
        task.cancel()

    run(test)
