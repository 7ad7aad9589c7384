"""Which requests are traced, and how that is changed."""

import logging

import pytest

from seldon_core.agent.traces import Traces
from seldon_core.errors import (
    InvalidRequestError,
    NotFoundError,
    SeldonError,
    UnsupportedError,
)

DEFAULTS = {
    "trace_file": "",
    "trace_level": ["OFF"],
    "trace_rate": "1000",
    "trace_count": "-1",
    "log_frequency": "0",
}


@pytest.fixture(autouse=True)
def heard(caplog):
    caplog.set_level(logging.INFO, logger="seldon_core.agent.traces")
    return caplog


def call(tracer, count=1):
    """So many requests, as the handler notes them."""
    for _ in range(count):
        if tracer.is_on:
            tracer.note("r1", "iris_1", (1.0, 1.25, 1.5, 2.0, 2.5))


def traced(caplog):
    return [record for record in caplog.records if record.getMessage().startswith("trace model")]


def test_nothing_is_traced_at_first(heard):
    traces = Traces()
    tracer = traces.enter("iris")
    assert not tracer.is_on
    assert traces.current() == traces.current("iris") == DEFAULTS


def test_every_so_many_requests_one_is_a_line(heard):
    traces = Traces()
    tracer = traces.enter("iris")
    changes = {"trace_level": ["TIMESTAMPS"], "trace_rate": "3"}
    assert traces.change(changes, "127.0.0.1:5") == {**DEFAULTS, **changes}
    call(tracer, 7)
    first, second = traced(heard)
    assert (
        first.getMessage()
        == second.getMessage()
        == (
            "trace model=iris_1 arrived_ns=1000000000 queued_ns=1250000000 "
            "compute_began_ns=1500000000 compute_ended_ns=2000000000 answered_ns=2500000000"
        )
    )
    assert first.request_id == "r1"
    assert (
        "trace settings changed by=127.0.0.1:5 model=all trace_level=['TIMESTAMPS'], trace_rate=3"
    ) in heard.messages


def test_after_so_many_traces_it_is_off(heard):
    traces = Traces()
    tracer = traces.enter("iris")
    traces.change({"trace_level": "TIMESTAMPS", "trace_rate": 1, "trace_count": 2}, "", "iris")
    call(tracer)
    assert traces.current("iris")["trace_count"] == "1"
    call(tracer, 4)
    assert len(traced(heard)) == 2
    assert traces.current("iris")["trace_count"] == "0"
    traces.change({"trace_count": 0}, "", "iris")
    assert not tracer.is_on


def test_a_model_whose_settings_are_its_own_counts_on_when_those_of_all_change(heard):
    traces = Traces()
    tracer = traces.enter("iris")
    traces.change({"trace_level": "TIMESTAMPS", "trace_rate": 1, "trace_count": 2}, "", "iris")
    call(tracer, 3)
    traces.change({"trace_rate": "5"}, "")
    assert not tracer.is_on
    assert traces.current("iris")["trace_count"] == "0"


def test_a_model_has_its_own_settings_until_it_gives_them_back():
    traces = Traces()
    iris, wine = traces.enter("iris"), traces.enter("wine")
    traces.change({"trace_level": ["TIMESTAMPS"]}, "", "iris")
    assert (iris.is_on, wine.is_on) == (True, False)
    traces.change({"trace_rate": "5"}, "")
    expected = {**DEFAULTS, "trace_level": ["TIMESTAMPS"], "trace_rate": "5"}
    assert traces.current("iris") == expected
    traces.change({"trace_level": None, "trace_rate": None}, "", "iris")
    assert not iris.is_on
    assert traces.change({"trace_rate": None}, "") == DEFAULTS


def test_a_models_settings_last_while_a_version_of_it_is_served():
    traces = Traces()
    old = traces.enter("iris")
    traces.change({"trace_level": ["TIMESTAMPS"]}, "", "iris")
    new = traces.enter("iris")
    traces.leave(old)
    assert new.is_on
    traces.leave(new)
    with pytest.raises(NotFoundError):
        traces.current("iris")
    assert not traces.enter("iris").is_on


def test_a_model_that_nobody_serves_has_no_settings():
    with pytest.raises(NotFoundError):
        Traces().change({"trace_rate": "5"}, "", "iris")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trace_level", ["TENSORS"]),
        ("trace_level", ["TIMESTAMPS", "OFF"]),
        ("trace_level", True),
        ("trace_rate", "0"),
        ("trace_rate", "often"),
        ("trace_rate", "1_000"),
        ("trace_rate", "9" * 19),
        ("trace_rate", True),
        ("trace_rate", ["1", "2"]),
        ("trace_count", -2),
        ("trace_mode", "opentelemetry"),
    ],
    ids=str,
)
def test_a_value_that_is_not_to_be_had_changes_nothing(name, value, heard):
    traces = Traces()
    with pytest.raises(InvalidRequestError, match=name):
        traces.change({"trace_count": "5", name: value}, "")
    assert traces.current() == DEFAULTS
    assert not heard.messages


def test_a_setting_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(InvalidRequestError, match=r"'trace_levl'.*did you mean trace_level\?"):
        Traces().change({"trace_levl": ["OFF"]}, "")


@pytest.mark.parametrize(("name", "value"), [("trace_file", "/tmp/t"), ("log_frequency", "10")])
def test_traces_go_to_the_log_and_nowhere_else(name, value):
    with pytest.raises(UnsupportedError, match=f"{name} is .* cannot be"):
        Traces().change({name: value}, "")


@pytest.mark.parametrize("name", ["trace_level", "trace_rate", "trace_file", "x" * 10_000])
def test_what_is_wrong_is_shown_in_brief(name):
    with pytest.raises(SeldonError) as raised:
        Traces().change({name: "long" * 10_000}, "")
    assert len(str(raised.value)) < 300


def test_values_may_come_as_grpc_gives_them():
    traces = Traces()
    given = {"trace_file": [""], "log_frequency": 0, "trace_rate": ["7"], "trace_level": ["OFF"]}
    assert traces.change(given, "") == {**DEFAULTS, "trace_rate": "7"}


def test_asking_is_no_change(heard):
    assert Traces().change({}, "127.0.0.1:5") == DEFAULTS
    assert not heard.messages
