"""What events of pipelines and experiments are about."""

from typing import get_args

import pytest

from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.declared_events import (
    DeclaredEvent,
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
    declared_of,
)
from seldon_core.scheduler.records import StoredExperiment, StoredPipeline
from tests.support.declared_worlds import a_pipeline, an_experiment

EVENTS = [
    (PipelineRestored(1, StoredPipeline("p", (), None)), "p.pipeline"),
    (PipelineLoadRequested(1, a_pipeline("p"), "u", 1), "p.pipeline"),
    (PipelineUnloadRequested(1, "p", 1), "p.pipeline"),
    (PipelineAcknowledged(1, Side.ENGINE, "m", "p", 1, "u", 1, Answer.READY, 1), "p.pipeline"),
    (ExperimentRestored(1, StoredExperiment("e", an_experiment("e"), 1, None)), "e.experiment"),
    (ExperimentStartRequested(1, an_experiment("e"), 1), "e.experiment"),
    (ExperimentStopRequested(1, "e", 1), "e.experiment"),
    (PipelineMemberJoined(1, Side.GATEWAY, "m"), None),
    (PipelineMemberLeft(1, Side.GATEWAY, "m"), None),
]


@pytest.mark.parametrize(
    ("event", "route"), [pytest.param(*each, id=type(each[0]).__name__) for each in EVENTS]
)
def test_an_event_is_about_a_route_or_may_concern_any(event, route):
    assert declared_of(event) == route


def test_every_event_is_about_something_or_all():
    assert {type(event) for event, _ in EVENTS} == set(get_args(DeclaredEvent))
