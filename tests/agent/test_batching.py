"""The batcher alone: which requests leave together, and when."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.agent.batching import Batcher, Entry
from seldon_core.errors import OverloadedError


def of(batch: Any) -> Any:
    """The batch, which there must be."""
    assert batch is not None
    return batch


def entry(key="k", rows=1):
    return Entry(key, rows, [], ("y",))


def busy_with(batcher, *entries):
    """Let `entries` wait behind a run; return that run."""
    running = batcher.add(entry("first"))
    assert running is not None
    for waiting in entries:
        assert batcher.add(waiting) is None
    return running


def next_after(batcher):
    batcher.finish()
    batch = batcher.next_batch()
    return None if batch is None else batch.entries


def test_a_lone_request_runs_at_once_turn_after_turn():
    batcher = Batcher()
    for _ in range(3):
        one = entry()
        assert of(batcher.add(one)).entries == [one]
        assert batcher.is_first_of_turn
        batcher.finish()
        assert batcher.end_turn() is None


def test_requests_that_come_in_company_wait_for_the_end_of_their_turn():
    batcher = Batcher()
    busy_with(batcher, entry())
    assert not batcher.is_first_of_turn
    batcher.finish()
    assert of(batcher.end_turn()).rows == 1
    batcher.finish()
    a, b = entry(), entry()
    assert batcher.add(a) is None
    assert batcher.is_first_of_turn
    assert batcher.add(b) is None
    assert of(batcher.end_turn()).entries == [a, b]
    batcher.finish()
    assert batcher.add(entry()) is None
    assert of(batcher.end_turn()).rows == 1
    batcher.finish()
    assert batcher.add(entry()) is not None  # alone again


def test_only_the_first_of_a_turn_runs_at_once():
    batcher = Batcher()
    assert batcher.add(entry()) is not None
    batcher.finish()
    second, third = entry(), entry()
    assert batcher.add(second) is batcher.add(third) is None
    assert of(batcher.end_turn()).entries == [second, third]


def test_requests_gather_while_the_model_is_busy_and_leave_when_it_is_done():
    batcher = Batcher()
    a, b = entry(rows=2), entry(rows=3)
    busy_with(batcher, a, b)
    assert batcher.end_turn() is None
    batcher.finish()
    batch = of(batcher.next_batch())
    assert (batch.entries, batch.rows) == ([a, b], 5)


@pytest.mark.parametrize("other", ["l", None], ids=["another key", "no key"])
def test_requests_that_cannot_run_together_form_their_own_batches(other):
    batcher = Batcher()
    a, b, c, d = entry("k"), entry(other), entry("k"), entry(other)
    busy_with(batcher, a, b, c, d)
    assert next_after(batcher) == [a, c]
    assert next_after(batcher) == ([b, d] if other else [b])
    assert next_after(batcher) == (None if other else [d])


def test_a_batch_has_at_most_so_many_rows():
    batcher = Batcher(max_rows=4)
    a, b, c = entry(rows=2), entry(rows=2), entry(rows=1)
    busy_with(batcher, a, b, c)
    assert next_after(batcher) == [a, b]
    assert next_after(batcher) == [c]


def test_a_request_larger_than_a_batch_runs_alone_and_whole():
    batcher = Batcher(max_rows=4)
    big, small = entry(rows=100), entry()
    busy_with(batcher, big, small)
    assert next_after(batcher) == [big]
    assert next_after(batcher) == [small]


def test_kinds_of_requests_take_turns():
    batcher = Batcher(max_rows=1)
    many = [entry("many") for _ in range(3)]
    other = entry("other")
    busy_with(batcher, *many, other)
    assert [next_after(batcher) for _ in range(4)] == [[many[0]], [other], [many[1]], [many[2]]]


def test_the_queue_is_bounded():
    batcher = Batcher(max_waiting=2)
    busy_with(batcher, entry(), entry())
    with pytest.raises(OverloadedError, match="2 requests wait for the model already"):
        batcher.add(entry())
    assert batcher.waiting == 2


def test_a_request_whose_client_left_does_not_run_and_frees_its_place():
    batcher = Batcher(max_waiting=2)
    a, b, alone = entry(), entry(), entry(None)
    busy_with(batcher, a, b)
    batcher.remove(a)
    assert batcher.add(alone) is None
    batcher.remove(alone)
    assert batcher.waiting == 1
    assert next_after(batcher) == [b]
    assert next_after(batcher) is None


def test_leaving_after_the_batch_was_handed_out_changes_nothing():
    batcher = Batcher()
    a, b = entry(), entry()
    busy_with(batcher, a, b)
    batcher.finish()
    batch = of(batcher.next_batch())
    batcher.remove(a)
    assert batch.entries == [a, b]
    assert batcher.waiting == 0


def test_a_removed_request_leaves_the_rest_of_its_group_alone():
    batcher = Batcher()
    a, b = entry(), entry()
    busy_with(batcher, a)
    batcher.remove(b)  # same key, but it never came
    assert next_after(batcher) == [a]


def test_a_model_that_mixes_rows_runs_one_by_one_from_then_on():
    batcher = Batcher()
    a, b = entry(), entry()
    busy_with(batcher, a, b)
    batcher.stop_batching()
    assert next_after(batcher) == [a]
    assert next_after(batcher) == [b]


def test_drained_entries_do_not_run():
    batcher = Batcher()
    a, b = entry(), entry("l")
    busy_with(batcher, a, b)
    assert batcher.drain() == [a, b]
    assert next_after(batcher) is None
    assert batcher.waiting == 0


def test_its_repr_is_its_state_in_one_line():
    batcher = Batcher()
    assert repr(batcher) == "<Batcher free waiting=0 groups=0>"
    busy_with(batcher, entry())
    assert repr(batcher) == "<Batcher busy waiting=1 groups=1>"


def test_no_more_leave_together_than_may():
    batcher = Batcher(max_together=2)
    a, b, c = entry(), entry(), entry()
    busy_with(batcher, a, b, c)
    assert next_after(batcher) == [a, b]
    assert next_after(batcher) == [c]


def test_none_waits_while_a_run_lasts_if_none_may():
    batcher = Batcher(max_waiting=0)
    assert batcher.add(entry()) is not None
    with pytest.raises(OverloadedError, match=r"^0 requests wait for the model already$"):
        batcher.add(entry())


def test_those_of_the_next_batch_do_not_count_while_no_run_lasts():
    batcher = Batcher(max_waiting=1, max_together=2)
    assert batcher.add(entry()) is not None
    batcher.finish()
    for _ in range(3):  # in the same turn
        assert batcher.add(entry()) is None
    with pytest.raises(OverloadedError, match=r"^3 requests"):
        batcher.add(entry())


class AnyOrder(RuleBasedStateMachine):
    """Whatever the order of arrivals, turns, completions and departures."""

    def __init__(self):
        super().__init__()
        self.batcher = Batcher(max_rows=4, max_waiting=5, max_together=3)
        self.waiting = []  # in the order of arrival
        self.running = None
        self.turn_is_armed = False

    def take(self, batch):
        if batch is None:
            return
        assert self.running is None
        self.running = batch
        assert 1 <= len(batch.entries) <= 3
        assert batch.rows == sum(e.rows for e in batch.entries)
        assert batch.rows <= 4 or len(batch.entries) == 1
        keys = {e.key for e in batch.entries}
        assert len(keys) == 1
        if keys == {None}:
            assert len(batch.entries) == 1
        else:  # first come, first served among those of one kind
            same = [e for e in self.waiting if e.key in keys]
            assert same[: len(batch.entries)] == batch.entries
        for e in batch.entries:
            self.waiting.remove(e)

    @rule(key=st.sampled_from(["k", "l", None]), rows=st.integers(1, 6))
    def add(self, key, rows):
        new = entry(key, rows)
        if len(self.waiting) >= (5 if self.running else 5 + 3):
            with pytest.raises(OverloadedError):
                self.batcher.add(new)
            return
        batch = self.batcher.add(new)
        assert self.turn_is_armed or self.batcher.is_first_of_turn
        self.turn_is_armed = True
        self.waiting.append(new)
        self.take(batch)

    @precondition(lambda self: self.turn_is_armed)
    @rule()
    def end_turn(self):
        self.turn_is_armed = False
        self.take(self.batcher.end_turn())

    @precondition(lambda self: self.running)
    @rule()
    def run_ends(self):
        self.running = None
        self.batcher.finish()
        self.take(self.batcher.next_batch())

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data):
        gone = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(gone)
        self.batcher.remove(gone)

    @invariant()
    def it_knows_who_waits_and_whether_it_runs(self):
        assert self.batcher.waiting == len(self.waiting)
        assert self.batcher.is_busy == (self.running is not None)

    @invariant()
    def nobody_waits_for_nothing(self):
        if self.waiting:
            assert self.running or self.turn_is_armed


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
