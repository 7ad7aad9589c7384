"""What decisions are about."""

import pytest

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Drop,
    LoadOnReplica,
    PublishRoute,
    PublishStatus,
    Save,
    ScaleModel,
    UnloadOnReplica,
    model_of,
)
from seldon_core.scheduler.records import Kind, StoredModel
from seldon_core.transport.control import ReplicaId, RouteUpdate

R0 = ReplicaId("mlserver", 0)


@pytest.mark.parametrize(
    ("decision", "model"),
    [
        (LoadOnReplica(R0, ModelVersion(ModelSpec("iris", "/iris"), 1)), "iris"),
        (UnloadOnReplica(R0, "iris", 1), "iris"),
        (Save(StoredModel("iris", (), None, None)), "iris"),
        (Drop(Kind.MODEL, "iris"), "iris"),
        (PublishStatus("iris"), "iris"),
        (ScaleModel("iris", 1, 2, "why"), "iris"),
        (Drop(Kind.SCALING, "iris"), "iris"),
        (PublishRoute(RouteUpdate("iris")), "iris"),
        (AnswerCaller(1), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_decision_is_about_a_model_or_about_a_caller(decision, model):
    assert model_of(decision) == model
