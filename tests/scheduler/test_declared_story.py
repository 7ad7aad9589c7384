"""What happened to pipelines and experiments, in words and in the log."""

import logging
from dataclasses import replace

import pytest

from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler import decisions as decided
from seldon_core.scheduler import events
from seldon_core.scheduler.acknowledgements import Answer, Operation
from seldon_core.scheduler.decisions import AnswerCaller, Change
from seldon_core.scheduler.declared_decisions import (
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.declared_events import (
    ExperimentRestored,
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineRestored,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.declared_status import (
    ExperimentStatus,
    PipelineStatus,
    PipelineVersionStatus,
)
from seldon_core.scheduler.declared_story import tell_experiment, tell_pipeline
from seldon_core.scheduler.logs import log_change
from seldon_core.scheduler.records import (
    Kind,
    StoredExperiment,
    StoredPipeline,
    StoredPipelineVersion,
)
from seldon_core.scheduler.story import Story, tell_decision, tell_event
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from tests.support.declared_worlds import a_pipeline, an_experiment

GATEWAY = Side.GATEWAY
KEPT = StoredPipeline("p", (StoredPipelineVersion(1, "u", a_pipeline(), 0, None),), None)
KEPT_EXPERIMENT = StoredExperiment("e", an_experiment("e", "a"), 0, None)
VERSION = PipelineVersion(a_pipeline(), 2, "u")
R0 = ReplicaId("mlserver", 0)


@pytest.mark.parametrize(
    ("event", "about", "words"),
    [
        (PipelineRestored(1, KEPT), "p.pipeline", "pipeline p restored from the store"),
        (
            PipelineLoadRequested(1, a_pipeline(), "u", 1, "me"),
            "p.pipeline",
            "pipeline p declared by me",
        ),
        (PipelineUnloadRequested(1, "p", 1), "p.pipeline", "pipeline p deleted by this process"),
        (PipelineMemberJoined(1, GATEWAY, "g"), None, "pipeline gateway g connected"),
        (PipelineMemberLeft(1, GATEWAY, "g"), None, "pipeline gateway g is gone"),
        (
            PipelineAcknowledged(1, GATEWAY, "g", "p", 2, "u", 1, Answer.READY, 1),
            "p.pipeline",
            "pipeline gateway g reports version 2 ready",
        ),
        (
            ExperimentRestored(1, KEPT_EXPERIMENT),
            "e.experiment",
            "experiment e restored from the store",
        ),
        (
            ExperimentStartRequested(1, an_experiment("e", "a"), 1),
            "e.experiment",
            "experiment e declared by this process",
        ),
        (ExperimentStopRequested(1, "e", 1, "me"), "e.experiment", "experiment e stopped by me"),
    ],
    ids=lambda given: type(given).__name__ if hasattr(given, "now") else "",
)
def test_an_event_is_told_in_words_and_named_by_the_route(event, about, words):
    assert tell_event(event) == words
    assert events.model_of(event) == about


@pytest.mark.parametrize(
    ("decision", "about", "words"),
    [
        (decided.Save(KEPT), "p.pipeline", "kept in the store"),
        (decided.Save(KEPT_EXPERIMENT), "e.experiment", "kept in the store"),
        (decided.Drop(Kind.EXPERIMENT, "e"), "e.experiment", "removed from the store"),
        (decided.Drop(Kind.SERVER, "s"), None, "removed from the store"),
        (PublishPipeline("p"), "p.pipeline", None),
        (PublishExperiment("e"), "e.experiment", None),
        (
            OrderPipeline(GATEWAY, "g", Operation.CREATE, VERSION, 1),
            "p.pipeline",
            "create version 2 on pipeline gateway g",
        ),
        (
            decided.PublishRoute(RouteUpdate("iris", (RouteCandidate("wine", 3, 50, (R0,)),))),
            "iris",
            "calls go to wine version 3 on mlserver/0",
        ),
    ],
    ids=lambda given: type(given).__name__ if not isinstance(given, str) else "",
)
def test_a_decision_is_told_in_words_and_named_by_the_route(decision, about, words):
    assert tell_decision(decision) == words
    assert decided.model_of(decision) == about


def test_a_status_is_told_in_words():
    latest = PipelineVersionStatus(
        VERSION, PipelineState.READY, "", PipelineState.CREATE, "nobody is there", False, 0.0
    )
    status = PipelineStatus("p", False, (latest,))
    told = (
        "version 2 is told of as dataflow engine: PipelineReady, "
        "pipeline gateway: PipelineCreate (nobody is there); its models are not all ready"
    )
    assert tell_pipeline(status) == told
    ready = replace(status, versions=(replace(latest, models_ready=True),))
    assert tell_pipeline(ready).endswith("; its models are ready")
    assert tell_decision(PublishPipeline("p", told)) == told
    split = ExperimentStatus(an_experiment("e", "a"), False, True, True, True, "experiment active")
    assert tell_experiment(split) == "told of as active: experiment active"
    idle = replace(split, is_active=False, description="model a is not there")
    assert tell_experiment(idle) == "told of as inactive: model a is not there"
    assert tell_decision(PublishExperiment("e", "told of")) == "told of"


def test_what_happened_to_a_pipeline_is_written_down_until_it_is_forgotten():
    story = Story()
    event = PipelineLoadRequested(1, a_pipeline(), "u", 1)
    story.add(1, event, [decided.Save(KEPT), PublishPipeline("p"), AnswerCaller(1)])
    (chapter,) = story.of("p.pipeline")
    assert chapter.event is event
    assert len(chapter.decisions) == 3
    story.forget("p.pipeline")
    assert story.of("p.pipeline") == []


@pytest.mark.parametrize(
    ("event", "change", "line"),
    [
        (
            PipelineLoadRequested(1, a_pipeline(), "u", 1, "me"),
            Change.CREATED,
            "pipeline created pipeline=p by=me event=7",
        ),
        (
            ExperimentStopRequested(1, "e", 1),
            Change.DELETED,
            "experiment deleted experiment=e by=this process event=7",
        ),
        (ExperimentStopRequested(1, "e", 1), Change.UNCHANGED, None),
    ],
    ids=["pipeline", "experiment", "unchanged"],
)
def test_who_changed_what_is_in_the_log(event, change, line, caplog):
    with caplog.at_level(logging.INFO):
        log_change(event, change, 7)
    assert caplog.messages == ([line] if line else [])
