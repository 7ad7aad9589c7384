import asyncio
import math

from seldon_core.transport.sweeper import TICK_S, TICKS_A_ROUND, Sweeper


class FakeLoop:
    """A clock that is moved by hand and the one timer of the sweeper."""

    def __init__(self):
        self.now = 100.0
        self.timers = []

    def time(self):
        return self.now

    def call_later(self, delay, callback):
        handle = asyncio.TimerHandle(self.now + delay, callback, (), self)
        self.timers.append(handle)
        return handle

    def get_debug(self):
        return False

    def _timer_handle_cancelled(self, handle):
        pass

    def pass_time(self, seconds, ticks=None):
        for _ in range(ticks or round(seconds / TICK_S)):
            self.now += seconds / (ticks or round(seconds / TICK_S))
            due, self.timers = self.timers, []
            for timer in due:
                if not timer.cancelled():
                    timer._run()


def test_a_deadline_is_called_back_once_and_at_most_a_tick_late():
    loop, calls = FakeLoop(), []
    sweeper = Sweeper(loop)
    sweeper.start()
    sweeper.watch(loop.now + 0.52, lambda: calls.append(loop.now))
    loop.pass_time(0.5)
    assert calls == []
    loop.pass_time(1)
    assert len(calls) == 1
    assert 100.52 <= calls[0] <= 100.52 + 2 * TICK_S


def test_a_deadline_in_the_past_is_called_on_the_next_tick():
    loop, calls = FakeLoop(), []
    sweeper = Sweeper(loop)
    sweeper.start()
    sweeper.watch(loop.now - 5, lambda: calls.append("past"))
    loop.pass_time(0.1)
    assert calls == ["past"]


def test_an_infinite_deadline_is_not_watched():
    assert Sweeper(FakeLoop()).watch(math.inf, lambda: None) is None


def test_a_cancelled_watch_is_not_called_and_may_be_cancelled_again():
    loop, calls = FakeLoop(), []
    sweeper = Sweeper(loop)
    sweeper.start()
    watch = sweeper.watch(loop.now + 0.2, lambda: calls.append("called"))
    watch.cancel()
    watch.cancel()
    loop.pass_time(1)
    assert calls == []


def test_a_callback_may_cancel_another_of_the_same_tick():
    loop, calls, watches = FakeLoop(), [], []
    sweeper = Sweeper(loop)
    sweeper.start()

    def fire(name, other):
        calls.append(name)
        watches[other].cancel()

    watches.append(sweeper.watch(loop.now + 0.2, lambda: fire("first", 1)))
    watches.append(sweeper.watch(loop.now + 0.2, lambda: fire("second", 0)))
    loop.pass_time(1)
    assert len(calls) == 1


def test_a_callback_that_fails_stops_nothing_else(caplog):
    loop, calls = FakeLoop(), []
    sweeper = Sweeper(loop)
    sweeper.start()
    sweeper.watch(loop.now + 0.2, lambda: calls.append("same tick"))
    sweeper.watch(loop.now + 0.2, lambda: 1 / 0)
    sweeper.watch(loop.now + 0.4, lambda: calls.append("later"))
    loop.pass_time(1)
    assert calls == ["same tick", "later"]
    assert "a callback of the sweeper failed" in caplog.text


def test_after_a_stall_everything_due_is_called_in_order():
    loop, calls = FakeLoop(), []
    sweeper = Sweeper(loop)
    sweeper.start()
    sweeper.watch(loop.now + 60, lambda: calls.append(60))
    sweeper.watch(loop.now + 5, lambda: calls.append(5))
    sweeper.watch(loop.now + 7200, lambda: calls.append(7200))
    loop.pass_time(3600, ticks=1)
    assert calls == [5, 60]


def test_every_visitor_is_visited_once_a_second_a_slice_at_a_time():
    loop, visits = FakeLoop(), []
    visitors = [lambda now, number=number: visits.append(number) for number in range(50)]
    sweeper = Sweeper(loop, lambda: visitors)
    sweeper.start()
    loop.pass_time(TICK_S)
    assert len(visits) == 3  # 50 in 20 ticks
    loop.pass_time(TICK_S * (TICKS_A_ROUND - 1))
    assert sorted(visits) == list(range(50))


def test_each_tick_calls_what_wants_every_tick():
    loop, calls = FakeLoop(), []
    Sweeper(loop, each_tick=lambda: calls.append(loop.now)).start()
    loop.pass_time(0.5)
    assert len(calls) == 10


def test_a_stopped_sweeper_calls_nothing():
    loop, calls = FakeLoop(), []
    sweeper = Sweeper(loop, each_tick=lambda: calls.append("tick"))
    sweeper.stop()
    sweeper.start()
    sweeper.watch(loop.now + 0.1, lambda: calls.append("watch"))
    sweeper.stop()
    loop.pass_time(1)
    assert calls == []


def test_cancelled_watches_of_far_deadlines_leave_nothing_behind():
    loop = FakeLoop()
    sweeper = Sweeper(loop)
    for years in range(1, 1000):
        first = sweeper.watch(loop.now + years * 3e7, lambda: None)
        second = sweeper.watch(loop.now + years * 3e7, lambda: None)
        first.cancel()
        assert sweeper._buckets
        second.cancel()
        second.cancel()
    assert not sweeper._buckets
