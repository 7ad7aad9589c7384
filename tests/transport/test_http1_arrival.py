import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.http1 import Http1Reader
from seldon_core.transport.http1_arrival import Arrival
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared

HEAD = b"GET / HTTP/1.1\r\nhost: a"
BODY = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n" + bytes(100)


class World:
    """A reader and who looks at what it reads."""

    def __init__(self, data=b""):
        self.shared = Shared.__new__(Shared)  # of it only these are looked at
        self.shared.settings = ListenerSettings(
            head_timeout_s=10, body_idle_timeout_s=20, body_bytes_per_s=10, stall_timeout_s=5
        )
        self.shared.budget = InFlightBytes(2000)
        self.reader = Http1Reader(self.shared.settings, self.shared.budget)
        self.arrival = Arrival(self.shared, self.reader)
        if data:
            self.reader.feed(memoryview(data))

    def look(self, now, number=0, is_held=False):
        late = self.arrival.look(now, number, is_held)
        return late and late.status


@pytest.mark.parametrize(("data", "longest_s"), [(HEAD, 10), (BODY, 20)], ids=["head", "body"])
def test_what_does_not_go_on_is_late(data, longest_s):
    world = World(data)
    assert world.look(100) is None
    assert world.look(100 + longest_s) is None
    assert world.look(101 + longest_s) == 408


def test_a_head_that_drips_is_late():
    world = World(HEAD)
    for second in range(11):
        assert world.look(100 + second) is None
        world.reader.feed(memoryview(b"a"))
    assert world.look(111) == 408


def test_a_body_that_comes_at_its_rate_is_not_late():
    world = World(BODY)
    for second in range(60):
        assert world.look(100 + second) is None
        world.reader.fill(10)


def test_a_body_that_drips_is_late():
    world = World(BODY)
    for second in range(21):
        assert world.look(100 + second) is None
        world.reader.fill(5)
    assert world.look(121) == 408


@pytest.mark.parametrize("data", [HEAD, BODY], ids=["head", "body"])
def test_the_next_request_has_its_own_time(data):
    world = World(data)
    assert world.look(100, 0) is None
    assert world.look(130, 1) is None
    assert world.look(131, 1) is None
    assert world.look(160, 1) == 408


@pytest.mark.parametrize("data", [HEAD, BODY], ids=["head", "body"])
def test_what_is_not_read_for_requests_before_it_is_not_late(data):
    world = World(data)
    for second in range(100):
        assert world.look(100 + second, is_held=True) is None
    assert world.look(209) is None
    assert world.look(220) == 408


def test_a_body_for_which_there_is_no_room_is_refused_after_its_whole_time():
    world = World(BODY)
    world.shared.budget.take(3000)
    assert world.look(100, is_held=True) is None
    assert world.look(120, is_held=True) is None
    assert world.look(121, is_held=True) == 503


def test_a_body_that_keeps_others_out_is_late_soon():
    world = World(BODY)
    assert world.look(100) is None
    world.shared.budget.take(2000)
    assert world.look(105) is None
    assert world.look(106) == 408


@pytest.mark.parametrize("is_ended", [False, True], ids=["between", "ended"])
def test_where_nothing_is_to_come_nothing_is_late(is_ended):
    world = World(HEAD if is_ended else b"")
    if is_ended:
        world.reader.give_up()
    assert world.look(100) is None
    assert world.look(1000) is None
