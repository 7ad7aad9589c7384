"""Where calls go, by the states of a model's versions."""

import pytest

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.routes import derive, serving_version
from seldon_core.scheduler.state import (
    Assignment,
    ModelRecord,
    ModelState,
    ReplicaState,
    VersionRecord,
)
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)
LOADED, LOADING = ReplicaState.AVAILABLE, ReplicaState.LOADING


def a_model(*versions):
    """Versions from 1, each (state, states on R0 and R1)."""
    model = ModelRecord("iris")
    for number, (state, *held) in enumerate(versions, start=1):
        record = VersionRecord(ModelVersion(ModelSpec("iris", "/iris"), number), state, "why")
        record.assignments = {
            replica: Assignment(replica_state, 0.0)
            for replica, replica_state in zip((R0, R1), held, strict=False)
        }
        model.versions[number] = record
    return model


def test_every_loaded_replica_of_the_serving_version_gets_calls():
    candidates = (RouteCandidate("iris", 1, 100, (R0, R1)),)
    model = a_model((ModelState.AVAILABLE, LOADED, LOADED))
    assert derive(model) == RouteUpdate("iris", candidates)


def test_a_replica_that_is_still_loading_gets_none():
    model = a_model((ModelState.PROGRESSING, LOADING, LOADED))
    assert derive(model).candidates == (RouteCandidate("iris", 1, 100, (R1,)),)


@pytest.mark.parametrize(
    ("versions", "serving"),
    [
        pytest.param(
            [(ModelState.AVAILABLE, LOADED), (ModelState.AVAILABLE, LOADED)],
            2,
            id="the newest available",
        ),
        pytest.param(
            [(ModelState.AVAILABLE, LOADED), (ModelState.PROGRESSING, LOADING)],
            1,
            id="the old one while the new one loads",
        ),
        pytest.param(
            [(ModelState.AVAILABLE, LOADED), (ModelState.FAILED, LOADED)],
            1,
            id="the available one, not the newest that half failed",
        ),
        pytest.param(
            [(ModelState.TERMINATING, LOADED), (ModelState.FAILED, LOADED)],
            2,
            id="none is available: the newest that is loaded",
        ),
        pytest.param(
            [(ModelState.TERMINATING, LOADED), (ModelState.SCHEDULE_FAILED,)],
            1,
            id="none is available: the only one loaded",
        ),
    ],
)
def test_the_version_that_serves_is(versions, serving):
    model = a_model(*versions)
    record = serving_version(model)
    assert record is not None
    assert record.version.version == serving
    assert [candidate.version for candidate in derive(model).candidates] == [serving]


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        (ModelState.PROGRESSING, "is loading"),
        (ModelState.FAILED, "failed to load: why"),
        (ModelState.SCHEDULE_FAILED, "cannot be placed: why"),
        (ModelState.SCALED_DOWN, "is scaled down to no replica"),
    ],
)
def test_a_model_that_is_loaded_nowhere_says_why(state, notice):
    assert derive(a_model((state,))) == RouteUpdate("iris", notice=notice)


def test_a_deleted_model_has_no_route_however_loaded():
    model = a_model((ModelState.TERMINATING, LOADED))
    model.is_deleted = True
    assert derive(model) == RouteUpdate("iris")
