"""What agents report and signal, as messages and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.transport.agent_messages import MOST_BYTES
from seldon_core.transport.agent_reports import (
    MAX_REASON,
    Report,
    report_message,
    report_of,
    signal_message,
    signal_of,
)
from seldon_core.transport.control import (
    ModelReport,
    ReplicaId,
    ReplicaModelEvent,
    RuntimeInfo,
    ScalingSignal,
    SignalKind,
)
from tests.support.link_values import BYTES, REPORTS

R0 = ReplicaId("mlserver", 0)


@given(REPORTS, st.integers(0, 2**64 - 1), BYTES)
def test_a_report_is_read_as_it_was_meant(report, order, available_bytes):
    message = report_message(report, order, available_bytes)
    assert report_of(message) == Report(report, order, available_bytes)


@pytest.mark.parametrize(
    ("info", "runtime"),
    [
        ({}, None),
        ({"mlserver": {"parallelWorkers": 4}}, RuntimeInfo("mlserver", 4)),
        ({"mlserver": {"parallelWorkers": 0}}, None),
        (
            {"triton": {"cpu": [{"instanceCount": 2}, {"instanceCount": 9}]}},
            RuntimeInfo("triton", 2),
        ),
        ({"triton": {}}, None),
        ({"triton": {"cpu": [{"instanceCount": 2**31}]}}, None),
    ],
    ids=["none", "mlserver", "no-worker", "triton", "no-instance", "too-many"],
)
def test_how_often_a_model_is_in_memory_is_read(info, runtime):
    told = pb.ModelEventMessage(
        serverName="mlserver",
        modelName="iris",
        event=pb.ModelEventMessage.LOADED,
        runtimeInfo=info,
    )
    assert report_of(told).report.runtime == runtime


@pytest.mark.parametrize("event", [0, 6, 7, 9, 77])
def test_an_event_that_agents_do_not_report_is_refused(event):
    message = pb.ModelEventMessage(serverName="mlserver", modelName="iris", event=event)
    with pytest.raises(InvalidRequestError, match=f"event: {event} is not reported by agents"):
        report_of(message)


def test_a_load_that_found_no_memory_has_failed():
    message = pb.ModelEventMessage(
        serverName="mlserver",
        modelName="iris",
        modelVersion=3,
        event=pb.ModelEventMessage.LOAD_FAIL_MEMORY,
        message="no room",
        availableMemoryBytes=2**64 - 1,
    )
    failed = ModelReport(R0, "iris", 3, ReplicaModelEvent.LOAD_FAILED, "no room")
    assert report_of(message) == Report(failed, 0, MOST_BYTES)


@pytest.mark.parametrize("kind", SignalKind)
def test_a_signal_is_read_as_it_was_said(kind):
    replica = None if kind is SignalKind.CUSTOM else ReplicaId("mlserver", 2)
    signal = ScalingSignal(replica, "iris", 3, kind, 31)
    assert signal_of(signal_message(signal)) == signal


@pytest.mark.parametrize(
    "said",
    [{"trigger": 7}, {"signal": 7}, {"signal": 1, "value": -1.0}, {"signal": 1, "value": math.nan}],
    ids=["trigger", "signal", "negative", "no number"],
)
def test_a_signal_that_cannot_be_one_is_none(said):
    message = pb.ModelScalingTriggerMessage(serverName="mlserver", modelName="iris", **said)
    assert signal_of(message) is None


def test_a_reason_may_be_cut():
    message = pb.ModelEventMessage(serverName="mlserver", modelName="iris", modelVersion=3, event=3)
    message.message = "why" * MAX_REASON
    reason = report_of(message).report.reason
    assert reason == message.message[:MAX_REASON] + " …"
