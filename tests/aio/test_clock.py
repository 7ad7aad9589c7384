import time

from seldon_core.aio import clock
from seldon_core.aio.clock import SystemClock


def test_wall_time_starts_at_the_machines():
    before = time.time()
    wall = SystemClock().wall()
    assert before - 0.1 <= wall <= time.time() + 0.1


def test_wall_time_follows_monotonic_time_when_the_machines_clock_is_set_back(monkeypatch):
    monkeypatch.setattr(clock, "time", frozen := Frozen())
    system = SystemClock()
    frozen.wall -= 3600
    frozen.elapsed += 2
    assert system.wall() == 1_000_002
    assert system.monotonic() == 52


class Frozen:
    wall = 1_000_000.0
    elapsed = 50.0

    def time(self):
        return self.wall

    def monotonic(self):
        return self.elapsed


def test_a_clock_does_not_begin_before_it_is_told_to():
    later = SystemClock().wall() + 1000
    assert SystemClock(not_before=later).wall() >= later
    assert SystemClock(not_before=5.0).wall() > later - 2000
