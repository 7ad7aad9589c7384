"""Which models an agent signals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.agent.scaling import Figures, ScalingWatch
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.transport.control import ReplicaId, ScalingSignal, SignalKind

R0 = ReplicaId("mlserver", 0)


def figures(under_way=0, ended=0, name="iris", **fields):
    fields = fields or {"max_replicas": 3}
    return Figures(ModelVersion(ModelSpec(name, "/iris", **fields), 2), under_way, ended)


def signal(kind, amount, name="iris"):
    return ScalingSignal(R0, name, 2, SignalKind(kind), amount)


@pytest.fixture
def watch():
    return ScalingWatch(R0, lag=30, inactive_s=600)


def test_too_many_calls_under_way_are_signalled_as_they_are(watch):
    assert watch.look([figures(29)], 0, None) == []
    assert watch.look([figures(30)], 20, 20) == [signal("lag", 30)]


def test_a_model_is_idle_from_its_last_call_on_at_each_look(watch):
    watch.look([figures(ended=0)], 1000, None)
    assert watch.look([figures(ended=1)], 1100, 100) == []
    assert watch.look([figures(ended=1)], 1699, 100) == []
    assert watch.look([figures(ended=1)], 1700, 100) == [signal("idle", 1100)]
    assert watch.look([figures(ended=1)], 1720, 20) == [signal("idle", 1100)]
    assert watch.look([figures(under_way=1, ended=1)], 1740, 20) == []


def test_a_model_with_a_target_says_its_rate_from_the_second_look_on(watch):
    aimed = {"knobs": Knobs(target_rps=3)}
    assert watch.look([figures(ended=10, **aimed)], 0, None) == []
    assert watch.look([figures(ended=50, **aimed)], 20, 20) == [signal("rate", 2)]
    assert watch.look([figures(ended=50, **aimed)], 40, 20) == [signal("rate", 0)]
    assert watch.look([figures(ended=5, **aimed)], 60, 20) == [signal("rate", 0)]  # loaded anew


def test_what_is_not_to_be_scaled_is_not_signalled(watch):
    watch.look([figures(replicas=1)], 0, None)
    assert watch.look([figures(99, replicas=1)], 9999, 20) == []


def test_a_model_that_went_is_forgotten(watch):
    watch.look([figures()], 0, None)
    watch.look([], 20, 20)
    assert watch.look([figures()], 9999, 20) == []


def test_what_is_urgent_comes_first(watch):
    idle, busy = figures(name="wine"), figures(99)
    watch.look([idle, busy], 0, None)
    told = watch.look([idle, busy], 600, 20)
    assert told == [signal("lag", 99), signal("idle", 0, "wine")]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.floats(0.1, 900)), max_size=20))
def test_no_model_is_idle_and_behind_at_a_time(looks):
    watch, now, ended = ScalingWatch(R0, 30, 600), 0.0, 0
    for under_way, more, elapsed_s in looks:
        now, ended = now + elapsed_s, ended + more
        told = watch.look([figures(under_way, ended)], now, elapsed_s)
        assert len(told) <= 1
        assert all(each.amount >= 0 for each in told)
