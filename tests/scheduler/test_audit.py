"""What the audit log says of events, and that it says nothing else."""

import pytest

from seldon_core.errors import StoreError
from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.resources.secret import SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.audit import Auditor, resource_of, settings_line
from seldon_core.scheduler.decisions import AnswerCaller, Change, ScaleModel
from seldon_core.scheduler.declared_events import (
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineLoadRequested,
    PipelineUnloadRequested,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ReplicaDrainRequested,
    ServerConfigDeclared,
    ServerConfigUnloadRequested,
    ServerDeclared,
    ServerNotice,
    ServersNotified,
    ServerUnloadRequested,
    Tick,
)
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.secret_events import SecretDeclared, SecretUnloadRequested
from seldon_core.transport.control import ReplicaId, ScalingSignal, SignalKind

MODEL = ModelSpec("iris", "/models/iris")
LOAD = ModelLoadRequested(1.5, MODEL, 7, "CN=alice")
TOLD = {
    "time": "1970-01-01T00:00:01.500Z",
    "actor": "CN=alice",
    "event": "ModelLoadRequested",
    "resource": "model/iris",
}


class Sink(list[object]):
    """Keeps the lines."""

    write = list.append


@pytest.fixture
def sink():
    return Sink()


def test_what_was_changed_is_told_with_the_event_s_id(sink):
    Auditor(sink).handled(3, LOAD, [AnswerCaller(7, None, Change.CREATED)], None)
    assert sink == [TOLD | {"outcome": "created", "eventId": 3}]


def test_a_refusal_is_told_with_its_reason(sink):
    refused = AnswerCaller(7, StoreError("no such thing"))
    Auditor(sink).handled(3, LOAD, [refused], None)
    assert sink == [TOLD | {"outcome": "refused", "reason": "no such thing", "eventId": 3}]


def test_what_is_answered_later_is_accepted_and_an_answer_to_others_is_not_its(sink):
    drain = ReplicaDrainRequested(1.5, ReplicaId("mlserver", 1), 8)
    Auditor(sink).handled(4, drain, [AnswerCaller(7)], None)
    assert sink[0]["outcome"] == "accepted"
    assert sink[0]["actor"] == "this process"
    assert sink[0]["resource"] == "replica/mlserver/1"


@pytest.mark.parametrize(
    ("decisions", "outcome"),
    [([ScaleModel("iris", 1, 3, "asked for from outside")], "configured"), ([], "unchanged")],
)
def test_how_many_replicas_somebody_outside_wished_for_is_told(sink, decisions, outcome):
    wish = ScalingSignal(None, "iris", 0, SignalKind.CUSTOM, 3)
    Auditor(sink).handled(3, ModelScalingSignalled(1.5, wish, "CN=alice"), decisions, None)
    told = TOLD | {"event": "ModelScalingSignalled", "outcome": outcome, "eventId": 3}
    assert sink == [told]


def test_what_may_not_last_says_why(sink):
    Auditor(sink).handled(3, LOAD, [AnswerCaller(7)], StoreError("the disk is full"))
    assert sink == [TOLD | {"outcome": "configured", "reason": "the disk is full", "eventId": 3}]


def test_what_was_not_taken_in_has_no_id(sink):
    Auditor(sink).refused(LOAD, StoreError("the disk is full"))
    assert sink == [TOLD | {"outcome": "refused", "reason": "the disk is full"}]


@pytest.mark.parametrize(
    "event",
    [
        Tick(1.0),
        ModelLoadRequested(1.0, MODEL, 7, from_folder=True),
        ModelScalingSignalled(
            1.0, ScalingSignal(ReplicaId("mlserver", 0), "iris", 1, SignalKind.LAG, 9)
        ),
    ],
    ids=["nobody's wish", "a folder at start", "a replica's signal"],
)
def test_what_nobody_asked_for_is_not_told(sink, event):
    auditor = Auditor(sink)
    auditor.handled(1, event, [], None)
    auditor.refused(event, StoreError("no"))
    assert sink == []


def test_without_a_log_nothing_is_told():
    auditor = Auditor(None)
    auditor.handled(1, LOAD, [], None)
    auditor.refused(LOAD, StoreError("no"))


@pytest.mark.parametrize(
    ("event", "resource"),
    [
        (LOAD, "model/iris"),
        (ModelUnloadRequested(0, "m", 1), "model/m"),
        (ServerDeclared(0, ServerSpec("s", "c"), 1), "server/s"),
        (ServerUnloadRequested(0, "s", 1), "server/s"),
        (ServerConfigDeclared(0, ServerConfigSpec("c"), 1), "serverconfig/c"),
        (ServerConfigUnloadRequested(0, "c", 1), "serverconfig/c"),
        (
            ServersNotified(0, (ServerNotice("a", 1), ServerNotice("b", 2)), True, 1),
            "server/a,server/b",
        ),
        (PipelineLoadRequested(0, PipelineSpec("p.q", ()), "uid", 1), "pipeline/p.q"),
        (PipelineUnloadRequested(0, "p", 1), "pipeline/p"),
        (ExperimentStartRequested(0, ExperimentSpec("e", ()), 1), "experiment/e"),
        (ExperimentStopRequested(0, "e", 1), "experiment/e"),
        (SecretDeclared(0, SecretSpec("s"), 1), "secret/s"),
        (SecretUnloadRequested(0, Kind.AGENT_CONFIG, "seldon-agent", 1), "configmap/seldon-agent"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_every_resource_has_a_name(event, resource):
    assert resource_of(event) == resource


def test_settings_that_were_read_again_are_a_line_too():
    line = {
        "time": "1970-01-01T00:00:01.500Z",
        "actor": "this process",
        "event": "SettingsRead",
        "resource": "settings",
        "outcome": "unchanged",
    }
    assert settings_line(1.5, "unchanged", "") == line
    assert settings_line(1.5, "unchanged", "why") == line | {"reason": "why"}
