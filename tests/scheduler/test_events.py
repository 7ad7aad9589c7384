"""What events are about."""

import pytest

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ModelScalingRestored,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
    SyncReached,
    Tick,
    model_of,
)
from seldon_core.scheduler.records import StoredModel, StoredScaling
from seldon_core.transport.control import (
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    ScalingSignal,
    SignalKind,
)

R0 = ReplicaId("mlserver", 0)


@pytest.mark.parametrize(
    ("event", "model"),
    [
        (ModelLoadRequested(1, ModelSpec("iris", "/iris"), 1), "iris"),
        (ModelUnloadRequested(1, "iris", 1), "iris"),
        (ModelReported(1, ModelReport(R0, "iris", 1, ReplicaModelEvent.LOADED)), "iris"),
        (ModelRestored(1, StoredModel("iris", (), None, None)), "iris"),
        (SyncReached(1), None),
        (Tick(1), None),
        (ModelScalingSignalled(1, ScalingSignal(R0, "iris", 1, SignalKind.LAG, 9)), None),
        (ModelScalingRestored(1, StoredScaling("iris", "default", 1, 2, "", 1)), None),
        (ReplicaConnected(1, R0, ReplicaConfig((), 1, 0)), None),
        (ReplicaLost(1, R0), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_is_about_a_model_or_may_concern_any(event, model):
    assert model_of(event) == model
