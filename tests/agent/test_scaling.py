"""Which models an agent signals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.agent import scaling
from seldon_core.agent.scaling import Figures, ScalingWatch
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.transport.control import ReplicaId, ScalingSignal, SignalKind

R0 = ReplicaId("mlserver", 0)


def figures(under_way=0, ended=0, name="iris", life="first", **fields):
    fields = fields or {"max_replicas": 3}
    return Figures(ModelVersion(ModelSpec(name, "/iris", **fields), 2), under_way, ended, life)


def signal(kind, amount, name="iris"):
    return ScalingSignal(R0, name, 2, SignalKind(kind), amount)


def look(watch, models, now, elapsed_s):
    """All signals of a look."""
    return [signal for its in watch.look(models, now, elapsed_s) for signal in its]


@pytest.fixture
def watch():
    return ScalingWatch(R0, lag=30, inactive_s=600)


def test_too_many_calls_under_way_are_signalled_as_they_are(watch):
    assert look(watch, [figures(29)], 0, None) == []
    assert look(watch, [figures(30)], 20, 20) == [signal("lag", 30)]


def test_a_model_is_idle_from_its_last_call_on_at_each_look(watch):
    look(watch, [figures(ended=0)], 1000, None)
    assert look(watch, [figures(ended=1)], 1100, 100) == []
    assert look(watch, [figures(ended=1)], 1699, 100) == []
    assert look(watch, [figures(ended=1)], 1700, 100) == [signal("idle", 1100)]
    assert look(watch, [figures(ended=1)], 1720, 20) == [signal("idle", 1100)]
    assert look(watch, [figures(under_way=1, ended=1)], 1740, 20) == []


def test_a_model_that_was_loaded_anew_between_two_looks_is_not_idle(watch):
    """As one is that sleeps, and is woken by a single call each time."""
    look(watch, [figures(ended=1)], 1000, None)
    assert look(watch, [figures(ended=1)], 1600, 600) == [signal("idle", 1000)]
    assert look(watch, [figures(ended=1, life="second")], 1620, 20) == []
    assert look(watch, [figures(ended=1, life="second")], 2219, 20) == []
    assert look(watch, [figures(ended=1, life="second")], 2220, 20) == [signal("idle", 1620)]


def test_a_model_with_a_target_says_its_rate_from_the_second_look_on(watch):
    aimed = {"knobs": Knobs(target_rps=3)}
    assert look(watch, [figures(ended=10, **aimed)], 0, None) == []
    assert look(watch, [figures(ended=50, **aimed)], 20, 20) == [signal("rate", 2)]
    assert look(watch, [figures(ended=50, **aimed)], 40, 20) == [signal("rate", 0)]
    assert look(watch, [figures(ended=5, **aimed)], 60, 20) == [signal("rate", 0)]  # loaded anew


def test_what_is_not_to_be_scaled_is_not_signalled(watch):
    look(watch, [figures(replicas=1)], 0, None)
    assert look(watch, [figures(99, replicas=1)], 9999, 20) == []


def test_a_model_that_went_is_forgotten(watch):
    look(watch, [figures()], 0, None)
    look(watch, [], 20, 20)
    assert look(watch, [figures()], 9999, 20) == []


def test_what_is_urgent_comes_first(watch):
    idle, busy = figures(name="wine"), figures(99)
    look(watch, [idle, busy], 0, None)
    told = look(watch, [idle, busy], 600, 20)
    assert told == [signal("lag", 99), signal("idle", 0, "wine")]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.floats(0.1, 900)), max_size=20))
def test_no_model_is_idle_and_behind_at_a_time(looks):
    watch, now, ended = ScalingWatch(R0, 30, 600), 0.0, 0
    for under_way, more, elapsed_s in looks:
        now, ended = now + elapsed_s, ended + more
        told = look(watch, [figures(under_way, ended)], now, elapsed_s)
        assert len(told) <= 1
        assert all(each.amount >= 0 for each in told)


@pytest.mark.parametrize("after_s", [None, 5])
def test_a_model_that_may_be_scaled_to_zero_is_said_to_be_unused_after_as_long_as_its_knob_says(
    watch, after_s
):
    knobs = {"knobs": Knobs(scale_to_zero=True, scale_to_zero_after_s=after_s)}
    after_s = after_s or 600
    assert look(watch, [figures(99, **knobs)], 0, None) == []  # nor behind: it has no bounds
    assert look(watch, [figures(**knobs)], after_s - 1, 20) == []
    assert look(watch, [figures(**knobs)], after_s, 20) == [signal("unused", 0)]
    assert look(watch, [figures(ended=1, **knobs)], after_s + 1, 20) == []
    bounded = figures(ended=1, max_replicas=3, **knobs)
    assert signal("unused", after_s + 1) in look(watch, [bounded], 3 * after_s, 20)


def test_many_models_are_looked_at_a_slice_at_a_time(watch):
    count = 2 * scaling.SLICE + 7
    names = [f"m{number}" for number in range(count)]
    look(watch, [figures(name=name) for name in names], 0, None)
    taken = []
    models = (taken.append(name) or figures(30, name=name) for name in names)
    sizes = []
    for signals in watch.look(models, 20, 20):
        sizes.append(len(signals))
        assert len(taken) <= sum(sizes) + 1
    assert sum(sizes) == count
    assert max(sizes) <= scaling.SLICE
    idle = [len(its) for its in watch.look([figures(name=name) for name in names], 9999, 20)]
    assert sum(idle) == count
    assert max(idle) <= scaling.SLICE
