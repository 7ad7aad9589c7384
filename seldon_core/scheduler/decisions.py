"""What the scheduler asks of its shell, which carries each decision out in order.

But what is to be kept is kept first, whatever else was decided in the same turn: nothing is sent or
answered before the disk has it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from seldon_core.errors import SeldonError
from seldon_core.resources.model import ModelVersion
from seldon_core.scheduler.records import StoredModel
from seldon_core.transport.control import ReplicaId, RouteUpdate


class Change(Enum):
    """What a request changed, in kubectl's words."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class SaveModel:
    """Keep a model across restarts, instead of what was kept under its name."""

    model: StoredModel


@dataclass(frozen=True, slots=True)
class DropModel:
    """Keep a model no longer. It was deleted long ago."""

    name: str


@dataclass(frozen=True, slots=True)
class LoadOnReplica:
    """Load `version` on `replica`; a LOADED or LOAD_FAILED report follows."""

    replica: ReplicaId
    version: ModelVersion


@dataclass(frozen=True, slots=True)
class UnloadOnReplica:
    """Unload on `replica`; an UNLOADED or UNLOAD_FAILED report follows."""

    replica: ReplicaId
    model: str
    version: int


@dataclass(frozen=True, slots=True)
class PublishRoute:
    """Tell the routers where calls to a name go from now on."""

    update: RouteUpdate


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """Tell whoever watches that a model's status is another one."""

    model: str


@dataclass(frozen=True, slots=True)
class AnswerCaller:
    """Answer a request: it is accepted and changed so much, or refused with `error`."""

    caller: int
    error: SeldonError | None = None
    change: Change = Change.CONFIGURED


Decision = (
    SaveModel
    | DropModel
    | LoadOnReplica
    | UnloadOnReplica
    | PublishRoute
    | PublishStatus
    | AnswerCaller
)


def model_of(decision: Decision) -> str | None:
    """Return the model that a decision is about; None if it is about a caller."""
    match decision:
        case SaveModel(model=stored):
            return stored.name
        case DropModel(name=name):
            return name
        case LoadOnReplica(version=version):
            return version.spec.name
        case UnloadOnReplica(model=model) | PublishStatus(model=model):
            return model
        case PublishRoute(update=update):
            return update.name
        case AnswerCaller():
            return None
        case _:
            assert_never(decision)
