"""Resets are paced."""

from seldon_core.transport.resets import RESETS_AT_ONCE, Resets


class Timer:
    def __init__(self, timers, callback):
        self.timers = timers
        self.callback = callback

    def cancel(self):
        self.timers.remove(self)


class Loop:
    """A clock and timers that move when told."""

    def __init__(self):
        self.now = 0.0
        self.timers = []

    def time(self):
        return self.now

    def call_later(self, seconds, callback):
        timer = Timer(self.timers, callback)
        self.timers.append(timer)
        return timer

    def advance(self, seconds):
        self.now += seconds
        due, self.timers = self.timers, []
        for timer in due:
            timer.callback()


def test_a_burst_is_reset_at_once_and_the_rest_in_time():
    loop, done = Loop(), []
    resets = Resets(loop, done.append)
    for stream_id in range(RESETS_AT_ONCE + 3):
        resets.add(stream_id)
    assert len(done) == RESETS_AT_ONCE
    assert len(resets) == 3
    resets.forget(RESETS_AT_ONCE)
    loop.advance(0.02)
    assert done[RESETS_AT_ONCE:] == [RESETS_AT_ONCE + 1]
    loop.advance(0.02)
    assert len(done) == RESETS_AT_ONCE + 2
    assert not loop.timers


def test_what_has_stopped_resets_nothing():
    loop, done = Loop(), []
    resets = Resets(loop, done.append)
    for stream_id in range(RESETS_AT_ONCE + 1):
        resets.add(stream_id)
    resets.stop()
    resets.stop()
    assert not loop.timers
    assert len(resets) == 0
