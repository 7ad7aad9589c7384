"""What can happen to the scheduler. `now` is wall-clock seconds (UTC) that never step back."""

from dataclasses import dataclass
from typing import assert_never

from seldon_core.resources.model import ModelSpec
from seldon_core.transport.control import ModelReport, ReplicaId


@dataclass(frozen=True, slots=True)
class ModelLoadRequested:
    """Somebody declares a model. It is answered by exactly one AnswerCaller."""

    now: float
    spec: ModelSpec
    caller: int


@dataclass(frozen=True, slots=True)
class ModelUnloadRequested:
    """Somebody wants a model gone. It is answered by exactly one AnswerCaller."""

    now: float
    model: str
    caller: int


@dataclass(frozen=True, slots=True)
class ReplicaConnected:
    """A replica is there, holds no model, and takes orders.

    `memory_bytes` is its budget; `over_commit_percentage` says how much more may be placed on it.
    """

    now: float
    replica: ReplicaId
    capabilities: tuple[str, ...]
    memory_bytes: int
    over_commit_percentage: int


@dataclass(frozen=True, slots=True)
class ReplicaLost:
    """A replica is gone with everything it held."""

    now: float
    replica: ReplicaId


@dataclass(frozen=True, slots=True)
class ModelReported:
    """A replica says what became of an order, or of a model on its own account."""

    now: float
    report: ModelReport


Event = ModelLoadRequested | ModelUnloadRequested | ReplicaConnected | ReplicaLost | ModelReported


def model_of(event: Event) -> str | None:
    """Return the model that an event is about; None if it is about a replica."""
    match event:
        case ModelLoadRequested(spec=spec):
            return spec.name
        case ModelUnloadRequested(model=model):
            return model
        case ModelReported(report=report):
            return report.model
        case ReplicaConnected() | ReplicaLost():
            return None
        case _:
            assert_never(event)
