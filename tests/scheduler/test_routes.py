"""Where calls go, by the states of a model's versions."""

import pytest

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.routes import derive
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
    ("versions", "fallback", "serving"),
    [
        pytest.param(
            [(ModelState.TERMINATING, LOADED), (ModelState.AVAILABLE, LOADED)],
            None,
            2,
            id="the latest when it has come",
        ),
        pytest.param(
            [(ModelState.AVAILABLE, LOADED), (ModelState.PROGRESSING, LOADING)],
            1,
            1,
            id="the fallback while the latest loads",
        ),
        pytest.param(
            [(ModelState.AVAILABLE, LOADED), (ModelState.FAILED, LOADED)],
            1,
            1,
            id="the fallback, not the latest that half failed",
        ),
        pytest.param(
            [(ModelState.FAILED,), (ModelState.FAILED, LOADED)],
            1,
            2,
            id="the latest that half failed when the fallback is not loaded",
        ),
        pytest.param(
            [(ModelState.TERMINATING, LOADED), (ModelState.FAILED, LOADED)],
            None,
            2,
            id="the latest that half failed without a fallback",
        ),
    ],
)
def test_the_version_that_serves_is(versions, fallback, serving):
    model = a_model(*versions)
    model.fallback = fallback
    assert [candidate.version for candidate in derive(model).candidates] == [serving]


@pytest.mark.parametrize(
    ("old", "new", "weights"),
    [(1, 1, (50, 50)), (1, 2, (33, 67)), (2, 1, (66, 34)), (3, 1, (75, 25))],
)
def test_while_a_version_rolls_both_serve_by_the_number_of_their_replicas(old, new, weights):
    model = a_model((ModelState.AVAILABLE,), (ModelState.AVAILABLE,))
    model.fallback = 1
    for number, count in ((1, old), (2, new)):
        model.versions[number].assignments = {
            ReplicaId("mlserver", index): Assignment(LOADED, 0.0) for index in range(count)
        }
    found = [(candidate.version, candidate.weight) for candidate in derive(model).candidates]
    assert found == [(1, weights[0]), (2, weights[1])]


def test_a_replica_that_drains_gets_calls_while_there_is_no_other():
    model = a_model((ModelState.AVAILABLE, LOADED, ReplicaState.DRAINING))
    assert derive(model).candidates == (RouteCandidate("iris", 1, 100, (R0,)),)
    model = a_model((ModelState.PROGRESSING, LOADING, ReplicaState.DRAINING))
    assert derive(model).candidates == (RouteCandidate("iris", 1, 100, (R1,)),)


def test_a_version_that_is_to_go_serves_nobody():
    model = a_model((ModelState.TERMINATING, LOADED), (ModelState.SCHEDULE_FAILED,))
    assert derive(model) == RouteUpdate("iris", notice="cannot be placed: why")


@pytest.mark.parametrize(
    ("state", "notice"),
    [
        (ModelState.PROGRESSING, "is loading, why"),
        (ModelState.FAILED, "failed to load: why"),
        (ModelState.SCHEDULE_FAILED, "cannot be placed: why"),
        (ModelState.SCALED_DOWN, "is scaled down to no replica"),
    ],
)
def test_a_model_that_is_loaded_nowhere_says_why(state, notice):
    assert derive(a_model((state,))) == RouteUpdate("iris", notice=notice)


def test_callers_are_not_told_where_a_models_files_are():
    model = a_model((ModelState.FAILED,))
    model.latest.reason = f"{model.latest.version.spec.storage_uri}/1/m.onnx: is cut off, see /a/b"
    assert derive(model).notice == "failed to load: 1/m.onnx: is cut off, see b"


def test_a_deleted_model_has_no_route_however_loaded():
    model = a_model((ModelState.TERMINATING, LOADED))
    model.deleted_at = 5.0
    assert derive(model) == RouteUpdate("iris")


def test_a_model_that_loads_for_the_first_time_is_loading():
    model = a_model((ModelState.PROGRESSING,))
    model.latest.reason = ""
    assert derive(model).notice == "is loading"
