"""What the log says of events and decisions."""

import logging

import pytest

from seldon_core.errors import NotFoundError
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler import events, logs
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    LoadOnReplica,
    PublishRoute,
    PublishStatus,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
    Tick,
)
from seldon_core.transport.control import (
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    RouteCandidate,
    RouteUpdate,
)
from tests.support.scheduler_worlds import R0, a_machine, load, report

IRIS = ModelVersion(ModelSpec("iris", "/iris"), 1)
ROUTE = RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (R0,)),))


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (LoadOnReplica(R0, IRIS), "loading model=iris version=1 replica=mlserver/0 event=7"),
        (
            UnloadOnReplica(R0, "iris", 1),
            "unloading model=iris version=1 replica=mlserver/0 event=7",
        ),
        (PublishRoute(ROUTE), "route published name=iris versions=1 notice='' event=7"),
        (
            PublishRoute(RouteUpdate("iris", notice="is loading")),
            "route published name=iris versions=none notice='is loading' event=7",
        ),
        (
            ScaleModel("iris", 1, 2, "8 requests"),
            "scaled model=iris from=1 to=2 reason='8 requests' event=7",
        ),
        (
            AnswerCaller(1, NotFoundError("model", "rose")),
            "request refused reason=\"model 'rose' not found\" event=7",
        ),
    ],
    ids=["load", "unload", "route", "no route", "scaled", "refusal"],
)
def test_what_is_sent_routed_or_refused_is_told_with_its_events_id(caplog, decision, told):
    caplog.set_level(logging.DEBUG, logger=logs.__name__)
    logs.log_decision(decision, 7)
    assert caplog.messages == [told]
    caplog.clear()
    caplog.set_level(logging.INFO, logger=logs.__name__)
    logs.log_decision(decision, 7)
    assert caplog.messages == []


@pytest.mark.parametrize("decision", [AnswerCaller(1), PublishStatus("iris")])
def test_what_others_tell_is_not_told(caplog, decision):
    caplog.set_level(logging.DEBUG, logger=logs.__name__)
    logs.log_decision(decision, 7)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("event", "level", "told"),
    [
        (
            ModelReported(1, ModelReport(R0, "iris", 1, ReplicaModelEvent.LOAD_FAILED, "corrupt")),
            "DEBUG",
            (
                "model reported model=iris version=1 replica=mlserver/0 state=LoadFailed "
                "reason='corrupt' event=7"
            ),
        ),
        (
            ReplicaConnected(1, ReplicaId("triton", 2), ReplicaConfig((), 1, 0)),
            "INFO",
            "ReplicaConnected replica=triton/2 event=7",
        ),
        (ReplicaLost(1, R0), "INFO", "ReplicaLost replica=mlserver/0 event=7"),
        (Tick(1), "DEBUG", "event id=7 Tick(now=1)"),
    ],
    ids=["a failure", "a connection", "a loss", "anything else"],
)
def test_an_event_is_one_line(caplog, event, level, told):
    caplog.set_level(logging.DEBUG, logger=logs.__name__)
    logs.log_event(event, 7)
    assert [(record.levelname, record.message) for record in caplog.records] == [(level, told)]


def test_a_model_without_a_place_is_a_warning(caplog):
    machine = a_machine()
    load(machine)
    logs.PlaceLog().note("iris", machine.model("iris"), 7)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.message == (
        "model has no place model=iris version=1 "
        "reason='no matching server: no server is connected' event=7"
    )


def test_a_model_that_serves_on_some_of_its_replicas_is_not_said_to_have_no_place(caplog):
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=2)
    logs.PlaceLog().note("iris", machine.model("iris"), 7)
    (told,) = caplog.messages
    assert told == (
        "model has fewer replicas than it wants model=iris version=1 reason='not enough suitable "
        "replicas: 2 wanted, 1 found: no other replica is connected' event=7"
    )


def test_what_a_model_lacks_is_told_once_for_each_version(caplog):
    machine, places = a_machine(), logs.PlaceLog()

    def note(event_id):
        places.note("iris", machine.model("iris"), event_id)

    load(machine)
    note(1)
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig((), 100, 0)))
    load(machine, memory_bytes=200)  # another version
    note(2)
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig((), 120, 0)))  # another reason
    note(3)
    load(machine, memory_bytes=60)
    note(4)
    machine.handle(ReplicaLost(1, R0))
    note(5)
    places.note("iris", None, 6)
    note(7)
    told = [int(message.rpartition("=")[2]) for message in caplog.messages]
    assert told == [1, 2, 5, 7]


def test_a_model_with_a_place_is_none(caplog):
    machine = a_machine(R0)
    load(machine)
    logs.PlaceLog().note("iris", machine.model("iris"), 7)
    logs.PlaceLog().note("rose", None, 7)
    assert caplog.records == []


IRIS_BY_HAND = ModelLoadRequested(1, ModelSpec("iris", "/iris"), 1, "127.0.0.1:5")


@pytest.mark.parametrize(
    ("event", "change", "told"),
    [
        (IRIS_BY_HAND, Change.CREATED, "model created model=iris by=127.0.0.1:5 event=7"),
        (IRIS_BY_HAND, Change.CONFIGURED, "model configured model=iris by=127.0.0.1:5 event=7"),
        (
            ModelLoadRequested(1, ModelSpec("iris", "/iris"), 1),
            Change.CREATED,
            "model created model=iris by=this process event=7",
        ),
        (
            ModelLoadRequested(1, ModelSpec("iris", "/iris"), 1, "127.0.0.1:5", from_folder=True),
            Change.CONFIGURED,
            "model configured model=iris by=127.0.0.1:5 event=7",
        ),
        (
            ModelUnloadRequested(1, "iris", 1, actor="127.0.0.1:5"),
            Change.DELETED,
            "model deleted model=iris by=127.0.0.1:5 event=7",
        ),
        (
            ModelUnloadRequested(1, "iris", 1),
            Change.DELETED,
            "model deleted model=iris by=this process event=7",
        ),
    ],
)
def test_what_somebody_changed_is_a_line(caplog, event, change, told):
    caplog.set_level(logging.INFO, logger=logs.__name__)
    logs.log_change(event, change, 7)
    assert caplog.messages == [told]


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (IRIS_BY_HAND, Change.UNCHANGED),
        (
            ModelLoadRequested(1, ModelSpec("iris", "/iris"), 1, from_folder=True),
            Change.CREATED,
        ),
        (ModelUnloadRequested(1, "iris", 1), Change.UNCHANGED),
        (Tick(1), Change.CREATED),
    ],
    ids=["nothing new", "a folder's", "gone already", "nobody's"],
)
def test_what_nobody_changed_is_no_line(caplog, event, change):
    caplog.set_level(logging.INFO, logger=logs.__name__)
    logs.log_change(event, change, 7)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("event", "change", "told"),
    [
        (
            events.ServerDeclared(1, ServerSpec("big"), 1, "a peer"),
            Change.CREATED,
            ["server created server=big by=a peer event=7"],
        ),
        (
            events.ServerUnloadRequested(1, "big", 1),
            Change.DELETED,
            ["server deleted server=big by=this process event=7"],
        ),
        (events.ServerDeclared(1, ServerSpec("big"), 1), Change.UNCHANGED, []),
        (
            events.ServerConfigDeclared(1, ServerConfigSpec("common"), 1),
            Change.CONFIGURED,
            ["server config configured config=common by=this process event=7"],
        ),
        (
            events.ServerConfigUnloadRequested(1, "common", 1, "a peer"),
            Change.DELETED,
            ["server config deleted config=common by=a peer event=7"],
        ),
        (events.ServerConfigDeclared(1, ServerConfigSpec("common"), 1), Change.UNCHANGED, []),
    ],
    ids=lambda given: type(given).__name__ if hasattr(given, "now") else "",
)
def test_what_somebody_changed_about_servers_is_a_line(caplog, event, change, told):
    caplog.set_level(logging.INFO, logger=logs.__name__)
    logs.log_change(event, change, 7)
    assert caplog.messages == told
