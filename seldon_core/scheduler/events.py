"""What can happen to the scheduler. `now` is wall-clock seconds (UTC) that never step back.

`actor` is who asked: the peer's address, "" for the process itself.
"""

from dataclasses import dataclass
from typing import assert_never

from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.records import StoredModel
from seldon_core.transport.control import ModelReport, ReplicaId


@dataclass(frozen=True, slots=True)
class ModelRestored:
    """A model that was kept when the scheduler ran last. Comes before everything else."""

    now: float
    stored: StoredModel


@dataclass(frozen=True, slots=True)
class SyncReached:
    """The replicas that were expected are there, or are waited for no longer: place models."""

    now: float


@dataclass(frozen=True, slots=True)
class ModelLoadRequested:
    """Somebody declares a model. It is answered by exactly one AnswerCaller.

    `from_folder`: a folder that the process was started with declares it. Such a model is not
    kept across restarts, since the folder will declare it again. `is_again`: its files are to be
    read anew, so it is a new version although nothing else may have changed.
    """

    now: float
    spec: ModelSpec
    caller: int
    actor: str = ""
    from_folder: bool = False
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class ModelUnloadRequested:
    """Somebody wants a model gone. It is answered by exactly one AnswerCaller.

    `meta`, if given, is what Kubernetes knows of the model by now.
    """

    now: float
    model: str
    caller: int
    meta: KubernetesMeta | None = None
    actor: str = ""


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


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that the machine asked to be woken at has come."""

    now: float


Event = (
    ModelRestored
    | SyncReached
    | ModelLoadRequested
    | ModelUnloadRequested
    | ReplicaConnected
    | ReplicaLost
    | ModelReported
    | Tick
)


def model_of(event: Event) -> str | None:
    """Return the model that an event is about; None if it may concern any."""
    match event:
        case ModelRestored(stored=stored):
            return stored.name
        case ModelLoadRequested(spec=spec):
            return spec.name
        case ModelUnloadRequested(model=model):
            return model
        case ModelReported(report=report):
            return report.model
        case SyncReached() | ReplicaConnected() | ReplicaLost() | Tick():
            return None
        case _:
            assert_never(event)
