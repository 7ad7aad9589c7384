import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.transport.rota import RECEIVE_BYTES, REQUESTS_A_TURN, Rota
from seldon_core.transport.shared import Counters

MOST = 32


class FakeLoop:
    """Keeps what is to be called in the next turn."""

    def __init__(self):
        self.soon = []
        self.turns = 0

    def call_soon(self, callback):
        self.soon.append(callback)

    def turn(self):
        self.turns += 1
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


class Busy:
    """A connection that has `more` requests to begin."""

    def __init__(self, rota, counters, more):
        self._rota = rota
        self._counters = counters
        self.more = more
        self.turns = []

    def go_on(self):
        begun = 0
        while self.more and begun < self._rota.share and self._rota.has_room():
            self._counters.requests += 1
            begun += 1
            self.more -= 1
        self.turns.append(begun)
        if self.more:
            self._rota.queue_up(self.go_on)


def made():
    loop, counters = FakeLoop(), Counters()
    return loop, counters, Rota(loop, counters, MOST)


def test_the_more_wait_the_less_is_read_of_each():
    _, _, rota = made()
    waiting = [object() for _ in range(500)]
    read = [rota.read_bytes]
    for each in waiting:
        rota.queue_up(each)
        read.append(rota.read_bytes)
    assert read[:5] == [RECEIVE_BYTES] * 3 + [RECEIVE_BYTES * 2 // 3, RECEIVE_BYTES // 2]
    assert read == sorted(read, reverse=True)
    assert read[-1] == 4096
    for each in waiting:
        rota.leave(each)
    assert rota.read_bytes == RECEIVE_BYTES


def test_one_alone_begins_the_most_that_one_may_in_each_turn():
    loop, counters, rota = made()
    busy = Busy(rota, counters, 100)
    rota.queue_up(busy.go_on)
    while loop.soon:
        loop.turn()
    assert busy.turns == [32, 32, 32, 4]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=300))
def test_a_turn_begins_no_more_than_there_is_room_for_and_everybody_is_served(numbers):
    loop, counters, rota = made()
    crowd = [Busy(rota, counters, more) for more in numbers]
    for busy in crowd:
        rota.queue_up(busy.go_on)
    while loop.soon:
        before = counters.requests
        loop.turn()
        assert counters.requests - before <= REQUESTS_A_TURN
        assert loop.turns < 1000
    assert [busy.more for busy in crowd] == [0] * len(crowd)


def test_whoever_queues_up_again_stands_behind_all_others():
    loop, counters, rota = made()
    crowd = [Busy(rota, counters, 3) for _ in range(REQUESTS_A_TURN + 1)]
    for busy in crowd:
        rota.queue_up(busy.go_on)
    loop.turn()
    assert [len(busy.turns) for busy in crowd] == [1] * REQUESTS_A_TURN + [0]
    loop.turn()
    assert [len(busy.turns) for busy in crowd] == [2] * (REQUESTS_A_TURN - 1) + [1, 1]


@pytest.mark.parametrize(
    ("number", "share"), [(0, 32), (1, 32), (4, 32), (8, 16), (128, 1), (500, 1)], ids=str
)
def test_the_more_wait_the_less_each_may_begin(number, share):
    _, _, rota = made()
    waiting = [lambda: None for _ in range(number)]
    for each in waiting:
        rota.queue_up(each)
        rota.queue_up(each)
    assert rota.share == share
    for each in waiting:
        rota.leave(each)
        rota.leave(each)
    assert rota.share == MOST


def test_who_has_left_has_no_turn_though_it_left_in_that_turn():
    loop, _, rota = made()
    called = []

    def second():
        called.append("second")

    def first():
        called.append("first")
        rota.leave(second)

    rota.queue_up(first)
    rota.queue_up(second)
    while loop.soon:
        loop.turn()
    assert called == ["first"]


def test_what_is_read_in_a_turn_finds_room_until_it_is_full():
    loop, counters, rota = made()
    assert rota.has_room()
    counters.requests += REQUESTS_A_TURN - 1
    assert rota.has_room()
    counters.requests += 1
    assert not rota.has_room()
    loop.turn()
    assert rota.has_room()


def test_a_connection_has_the_rest_of_its_share_and_of_the_turn():
    _, counters, rota = made()
    assert [rota.room(begun) for begun in (0, 30, 32, 40)] == [32, 2, 0, 0]
    counters.requests += REQUESTS_A_TURN - 5
    assert rota.room(0) == 5
    counters.requests += 10
    assert rota.room(0) == 0


def test_a_fault_of_one_does_not_end_the_turns_of_others():
    loop, counters, rota = made()
    busy = Busy(rota, counters, 1)

    def faulty():
        raise ValueError("a bug")

    rota.queue_up(faulty)
    rota.queue_up(busy.go_on)
    with pytest.raises(ValueError, match="a bug"):
        loop.turn()
    loop.turn()
    assert busy.more == 0


def test_nothing_is_called_while_nobody_waits():
    async def main():
        loop, counters = asyncio.get_running_loop(), Counters()
        rota = Rota(loop, counters, MOST)
        busy = Busy(rota, counters, 1)
        rota.queue_up(busy.go_on)
        for _ in range(3):
            await asyncio.sleep(0)
        assert busy.more == 0
        assert not rota._is_open

    asyncio.run(main())
