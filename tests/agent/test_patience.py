"""Batches that wait for company: the machine alone."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.agent.batching import Entry
from seldon_core.agent.patience import PatientBatcher
from seldon_core.errors import OverloadedError


def entry(key="k", rows=1):
    return Entry(key, rows, [], ("y",))


def patient(max_rows=4, max_waiting=5, max_together=None):
    return PatientBatcher(max_rows, max_waiting, max_together, 0.02)


def test_a_lone_request_waits_until_it_is_time():
    batcher = patient()
    one = entry()
    assert batcher.add(one) is None
    assert batcher.end_turn() is None
    assert batcher.is_gathering
    batcher.ripen()
    assert not batcher.is_gathering
    assert batcher.next_batch().entries == [one]
    batcher.finish()
    assert batcher.add(entry()) is None
    assert batcher.next_batch() is None  # the time of the next begins anew


@pytest.mark.parametrize(
    ("most", "arrivals"),
    [(None, [entry(rows=3), entry(rows=1)]), (2, [entry(), entry()])],
    ids=["rows", "requests"],
)
def test_a_full_batch_leaves_at_once(most, arrivals):
    batcher = patient(max_together=most)
    for arrival in arrivals:
        assert batcher.next_batch() is None
        batcher.add(arrival)
    assert batcher.end_turn().entries == arrivals
    assert not batcher.is_gathering


def test_one_that_can_only_run_alone_does_not_wait_for_company():
    batcher = patient()
    alone = entry(key=None)
    batcher.add(alone)
    assert batcher.end_turn().entries == [alone]


def test_when_all_have_left_nothing_is_ripe():
    batcher = patient()
    a, b = entry(), entry()
    batcher.add(a)
    batcher.add(b)
    batcher.ripen()
    batcher.remove(entry())  # not here
    batcher.remove(a)
    assert not batcher.is_gathering
    batcher.remove(b)
    batcher.ripen()
    batcher.add(entry())
    assert batcher.is_gathering
    assert batcher.drain()
    assert not batcher.is_gathering
    batcher.add(entry(rows=3))
    assert batcher.next_batch() is None


class AnyOrder(RuleBasedStateMachine):
    """Whatever the order of arrivals, turns, completions, departures and alarms."""

    def __init__(self):
        super().__init__()
        self.batcher = patient(max_together=3)
        self.waiting = []
        self.is_running = False

    def take(self, batch):
        if batch is not None:
            assert not self.is_running
            assert 1 <= len(batch.entries) <= 3
            assert batch.rows <= 4 or len(batch.entries) == 1
            self.is_running = True
            for one in batch.entries:
                self.waiting.remove(one)

    @rule(key=st.sampled_from(["k", "l", None]), rows=st.integers(1, 6))
    def add(self, key, rows):
        new = entry(key, rows)
        if len(self.waiting) >= (5 if self.is_running else 8):
            with pytest.raises(OverloadedError):
                self.batcher.add(new)
        else:
            assert self.batcher.add(new) is None
            self.waiting.append(new)

    @rule()
    def end_turn(self):
        self.take(self.batcher.end_turn())

    @rule()
    def alarm(self):
        self.batcher.ripen()
        self.take(self.batcher.next_batch())
        assert self.is_running or not self.waiting

    @precondition(lambda self: self.is_running)
    @rule()
    def run_ends(self):
        self.is_running = False
        self.batcher.finish()
        self.take(self.batcher.next_batch())
        if self.waiting and not self.is_running:
            assert self.batcher.is_gathering  # so that an alarm follows
            assert len(self.waiting) < 3
            assert sum(one.rows for one in self.waiting) < 4

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data):
        gone = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(gone)
        self.batcher.remove(gone)

    @invariant()
    def the_books_agree(self):
        assert self.batcher.waiting == len(self.waiting)
        assert self.batcher._rows == sum(one.rows for one in self.waiting)
        if not self.waiting:
            assert not self.batcher._is_ripe


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
