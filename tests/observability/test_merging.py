import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.observability.exposition import Family, render
from seldon_core.observability.merging import Heard, Merger

AGENT = "mlserver/1"
COUNTER = "seldon_model_infer_total"


def text(calls=None, up=None, loaded=("iris_1",), buckets=None):
    """The metrics of a process: calls by model, a gauge, and a histogram's counts."""
    families = [
        Family(
            COUNTER,
            "counter",
            "Inferences.",
            [("", {"model_internal": model}, count) for model, count in (calls or {}).items()],
        ),
        Family("cpu_total", "counter", "No labels.", [("", {}, 1.5)]),
        Family("memory_bytes", "gauge", "Memory.", [] if up is None else [("", {}, up)]),
        Family(
            "seldon_loaded_model_gauge",
            "gauge",
            "Loaded.",
            [("", {"server": "mlserver", "model_internal": model}, 1) for model in loaded],
        ),
        Family(
            "took_seconds",
            "histogram",
            "Times.",
            [("_bucket", {"le": bound}, count) for bound, count in (buckets or {}).items()],
        ),
    ]
    return "".join(render(families))


def values(merged, pattern):
    """What the series that match have, by the whole series."""
    lines = [line.rpartition(" ") for line in merged.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in lines if re.search(pattern, series)}


def counted(merged):
    return values(merged, f'{COUNTER}{{process="{AGENT}"')


def series(model):
    return f'{COUNTER}{{process="{AGENT}",model_internal="{model}"}}'


def test_the_series_of_another_process_say_whose_they_are():
    merged = Merger().merge(text({"iris_1": 2}), {AGENT: Heard("a", text({"iris_1": 3}, up=7))})
    assert values(merged, COUNTER) == {
        f'{COUNTER}{{model_internal="iris_1"}}': 2,
        series("iris_1"): 3,
    }
    assert values(merged, "^memory_bytes") == {f'memory_bytes{{process="{AGENT}"}}': 7}
    assert values(merged, "^cpu_total") == {
        "cpu_total": 1.5,
        f'cpu_total{{process="{AGENT}"}}': 1.5,
    }


def test_each_family_stands_together_once():
    others = {AGENT: Heard("a", text({"iris_1": 3})), "mlserver/2": Heard("b", text({"x_1": 4}))}
    merged = Merger().merge(text({"iris_1": 2}), others)
    heads = [line for line in merged.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
    body = merged.partition(f"# TYPE {COUNTER} counter\n")[2].partition("# HELP")[0]
    assert body.count(COUNTER) == 3


def test_who_answers_and_who_does_not_is_told():
    merged = Merger().merge(text(), {AGENT: Heard("a", text()), "mlserver/2": None})
    assert values(merged, "seldon_agent_process_up") == {
        f'seldon_agent_process_up{{process="{AGENT}"}}': 1,
        'seldon_agent_process_up{process="mlserver/2"}': 0,
    }


def test_a_process_that_died_counts_on_from_what_it_had():
    merger = Merger()
    first = text({"iris_1": 5}, buckets={"0.1": 4, "+Inf": 5})
    merger.merge(text(), {AGENT: Heard("a", first)})
    again = text({"iris_1": 1}, buckets={"0.1": 1, "+Inf": 1})
    merged = merger.merge(text(), {AGENT: Heard("b", again)})
    assert counted(merged) == {series("iris_1"): 6}
    assert list(values(merged, "took_seconds").values()) == [5, 6]
    assert values(merged, "cpu_total.process") == {f'cpu_total{{process="{AGENT}"}}': 3.0}


def test_a_silent_process_shows_its_counters_and_no_gauges():
    merger = Merger()
    merger.merge(text(), {AGENT: Heard("a", text({"iris_1": 5}, up=7))})
    merged = merger.merge(text(), {AGENT: None})
    assert counted(merged) == {series("iris_1"): 5}
    assert values(merged, "memory_bytes") == {}
    assert values(merged, "seldon_loaded_model_gauge.process") == {}


def test_a_silent_process_shows_what_its_predecessors_counted_too():
    merger = Merger()
    merger.merge(text(), {AGENT: Heard("a", text({"iris_1": 5}))})
    merger.merge(text(), {AGENT: Heard("b", text(loaded=()))})
    assert counted(merger.merge(text(), {AGENT: None})) == {series("iris_1"): 5}


def test_what_was_counted_of_a_model_comes_back_with_the_model():
    merger = Merger()
    merger.merge(text(), {AGENT: Heard("a", text({"iris_1": 5}))})
    without = merger.merge(text(), {AGENT: Heard("b", text(loaded=()))})
    assert counted(without) == {}
    back = merger.merge(text(), {AGENT: Heard("b", text())})
    assert counted(back) == {series("iris_1"): 5}


def test_a_model_that_had_gone_before_the_end_is_forgotten():
    merger = Merger()
    merger.merge(text(), {AGENT: Heard("a", text({"old_1": 5}, loaded=["old_1"]))})
    merger.merge(text(), {AGENT: Heard("b", text({"iris_1": 1}))})
    merger.merge(text(), {AGENT: Heard("c", text({"iris_1": 1}))})
    both = text({"iris_1": 1}, loaded=["old_1", "iris_1"])
    merged = merger.merge(text(), {AGENT: Heard("c", both)})
    assert counted(merged) == {series("iris_1"): 2}


def test_a_process_that_ended_before_it_had_its_models_back_loses_no_counts():
    merger = Merger()
    merger.merge(text(), {AGENT: Heard("a", text({"iris_1": 5}))})
    merger.merge(text(), {AGENT: Heard("b", text(loaded=()))})
    merged = merger.merge(text(), {AGENT: Heard("c", text({"iris_1": 1}))})
    assert counted(merged) == {series("iris_1"): 6}


def test_who_is_not_named_any_more_is_forgotten():
    merger = Merger()
    merger.merge(text(), {AGENT: Heard("a", text({"iris_1": 5}))})
    assert counted(merger.merge(text(), {})) == {}
    assert counted(merger.merge(text(), {AGENT: Heard("b", text({"iris_1": 1}))})) == {
        series("iris_1"): 1
    }


@pytest.mark.parametrize("said", ["hello", "# HELP a b\n# TYPE c counter\nc 1\n"])
def test_what_is_no_such_text_is_no_answer(said):
    merged = Merger().merge(text({"iris_1": 2}), {AGENT: Heard("a", said)})
    assert values(merged, "seldon_agent_process_up") == {
        f'seldon_agent_process_up{{process="{AGENT}"}}': 0
    }
    assert f'{COUNTER}{{model_internal="iris_1"}} 2' in merged


LIVES = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.booleans()), max_size=20)


@given(LIVES)
def test_no_counter_falls_whatever_becomes_of_the_process(steps):
    merger, life, calls, before = Merger(), 0, 0, 0.0
    for is_anew, more, answers in steps:
        life, calls = (life + 1, more) if is_anew else (life, calls + more)
        heard = Heard(str(life), text({"iris_1": calls})) if answers else None
        now = counted(merger.merge(text(), {AGENT: heard})).get(series("iris_1"), 0.0)
        assert now >= before
        before = now
