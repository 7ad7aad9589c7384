"""What the scheduler asks of its shell, which carries each decision out in order."""

from dataclasses import dataclass
from typing import assert_never

from seldon_core.errors import SeldonError
from seldon_core.resources.model import ModelVersion
from seldon_core.transport.control import ReplicaId, RouteUpdate


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
class AnswerCaller:
    """Answer a request: it is accepted, or refused with `error`."""

    caller: int
    error: SeldonError | None = None


Decision = LoadOnReplica | UnloadOnReplica | PublishRoute | AnswerCaller


def model_of(decision: Decision) -> str | None:
    """Return the model that a decision is about; None if it is about a caller."""
    match decision:
        case LoadOnReplica(version=version):
            return version.spec.name
        case UnloadOnReplica(model=model):
            return model
        case PublishRoute(update=update):
            return update.name
        case AnswerCaller():
            return None
        case _:
            assert_never(decision)
