"""How many replicas a model should have by how much it is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.targets import (
    Load,
    ScalingRules,
    clamped,
    kept_choice,
    replicas_for,
)

RULES = ScalingRules(up_window_s=60, down_window_s=300)


def spec(**fields):
    return ModelSpec("iris", "/iris", **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"min_replicas": 1}, True),
        ({"max_replicas": 2}, True),
        ({"knobs": Knobs(target_rps=1)}, True),
        ({"max_replicas": 2, "replicas": 0}, False),
    ],
    ids=["neither", "least", "most", "target", "without a replica"],
)
def test_a_model_with_a_bound_or_a_target_is_scaled(fields, expected):
    assert spec(**fields).is_scaled is expected


@given(st.integers(-5, 50), st.integers(0, 9), st.integers(0, 9))
def test_bounds_hold_and_one_replica_stays(wanted, least, more):
    most = least + more if more else 0
    within = clamped(spec(min_replicas=least, max_replicas=most), wanted)
    assert within >= max(1, least)
    assert not most or within <= max(1, most)
    if max(1, least) <= wanted and (not most or wanted <= most):
        assert within == wanted


@pytest.mark.parametrize(
    ("rate", "target", "replicas"), [(0, 3, 0), (3, 3, 1), (3.1, 3, 2), (0.3, 0.1, 3)]
)
def test_a_rate_asks_for_so_many_replicas(rate, target, replicas):
    assert replicas_for(rate, target) == replicas


def test_rates_add_up_over_those_who_told_lately():
    load = Load()
    assert load.note_rate("a", 3, 0, 60) == 3
    assert load.note_rate("b", 4, 30, 60) == 7
    assert load.note_rate("b", 5, 50, 60) == 8
    assert load.note_rate("b", 5, 60, 60) == 5


def test_a_short_peak_or_lull_moves_nothing():
    load = Load()
    assert load.settled_on(2, 2, 0, RULES) == 2
    assert load.settled_on(5, 2, 10, RULES) == 2
    assert load.settled_on(5, 2, 59, RULES) == 2
    assert load.settled_on(5, 2, 60, RULES) == 5  # it has been so for the whole window
    assert load.settled_on(1, 5, 61, RULES) == 5
    assert load.settled_on(1, 5, 359, RULES) == 5
    assert load.settled_on(1, 5, 360, RULES) == 1


def test_without_windows_every_figure_counts():
    load, rules = Load(), ScalingRules(up_window_s=0, down_window_s=0)
    assert load.settled_on(4, 1, 0, rules) == 4
    assert load.settled_on(2, 4, 1, rules) == 2


def test_nothing_is_known_at_first_that_speaks_for_fewer():
    assert Load().settled_on(1, 4, 0, RULES) == 4


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 20)), min_size=1, max_size=30))
def test_the_count_stays_within_what_was_wanted_and_little_is_remembered(figures):
    load, now, current = Load(), 0.0, 3
    seen = {current}
    for later, wanted in figures:
        now += later
        seen.add(wanted)
        current = load.settled_on(wanted, current, now, RULES)
        assert min(seen) <= current <= max(seen)
        assert load.wanted[0][0] >= now - 300


@pytest.mark.parametrize(
    ("changed", "is_kept"),
    [
        ({}, True),
        ({"memory_bytes": 7}, True),
        ({"replicas": 2}, False),
        ({"min_replicas": 2}, False),
        ({"max_replicas": 8}, False),
        ({"knobs": Knobs(target_rps=2)}, False),
    ],
    ids=["nothing", "memory", "replicas", "least", "most", "target"],
)
def test_a_choice_lasts_until_what_it_follows_from_is_declared_otherwise(changed, is_kept):
    before = {"replicas": 1, "max_replicas": 5, "knobs": Knobs(target_rps=3)}
    kept = kept_choice("chosen", spec(**before), spec(**{**before, **changed}))
    assert kept == ("chosen" if is_kept else None)
