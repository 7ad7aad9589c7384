import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from seldon_core.transport.taking import Taking


class GoneError(Exception):
    """A stream is over."""


class Windows:
    """What the client permits: on each stream, and on the connection."""

    def __init__(self):
        self.remote_window_size = 1000
        self.by_stream = {}

    def stream_remote_window_size(self, stream_id):
        window = self.by_stream.get(stream_id, 0)
        if window is None:
            raise GoneError
        return window


class World:
    def __init__(self):
        self.shared = Shared.__new__(Shared)  # of it only these are looked at
        self.shared.settings = ListenerSettings(
            write_idle_timeout_s=10, write_bytes_per_s=100, stall_timeout_s=2
        )
        self.shared.budget = InFlightBytes(1000)
        self.windows = Windows()
        self.taking = Taking(self.shared, self.windows, GoneError)

    def stuck_at(self, left_at, until=30):
        """Look each second at what `left_at(second)` says; return when streams were stuck first."""
        for second in range(until):
            stuck = self.taking.look(left_at(second), 100.0 + second)
            if stuck:
                return second, stuck
        return None


def test_a_stream_without_a_window_is_stuck_after_its_time():
    assert World().stuck_at(lambda _: {1: 5000}) == (11, [1])


def test_others_that_are_taken_do_not_help_it():
    world = World()
    world.windows.by_stream[3] = 1000
    assert world.stuck_at(lambda now: {1: 5000, 3: 100_000 - now * 1000}) == (11, [1])


def test_dripping_does_not_help_it_and_a_rate_does():
    assert World().stuck_at(lambda now: {1: 5000 - now * 50}) == (11, [1])
    assert World().stuck_at(lambda now: {1: 5000 - now * 110}) is None


@pytest.mark.parametrize("window", [1, None], ids=["open", "gone"])
def test_a_stream_that_the_client_does_not_hold_up_is_left_alone(window):
    world = World()
    world.windows.by_stream[1] = window
    assert world.stuck_at(lambda _: {1: 5000}) is None


@pytest.mark.parametrize(("taken", "stuck"), [(1, None), (0, (11, [1, 3]))])
def test_a_connection_without_a_window_holds_up_all_unless_others_are_taken(taken, stuck):
    world = World()
    world.windows.by_stream = {1: 1000, 3: 1000}
    world.windows.remote_window_size = 0
    assert world.stuck_at(lambda now: {1: 5000, 3: 100_000 - now * taken}) == stuck


def test_one_that_keeps_others_out_is_stuck_soon():
    world = World()
    world.shared.budget.take(1000)
    assert world.stuck_at(lambda _: {1: 5000}) == (3, [1])
