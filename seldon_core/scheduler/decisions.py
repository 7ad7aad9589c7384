"""What the scheduler asks of its shell, which carries each decision out in order.

But what is to be kept is kept first, whatever else was decided in the same turn: nothing is sent or
answered before the disk has it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from seldon_core.errors import SeldonError
from seldon_core.resources.model import ModelVersion
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.declared_decisions import (
    DeclaredDecision,
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.records import Kind, Stored
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteUpdate


class Change(Enum):
    """What a request changed, in kubectl's words."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Save:
    """Keep this across restarts, instead of what was kept of its kind under its name."""

    stored: Stored


@dataclass(frozen=True, slots=True)
class Drop:
    """Keep what has this name no longer: it is gone, a model long ago."""

    kind: Kind
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
class ScaleModel:
    """Say that a model is to have so many replicas instead of as many `before`, and why."""

    model: str
    before: int
    replicas: int
    why: str


@dataclass(frozen=True, slots=True)
class PublishReplica:
    """Tell the routers where a replica in another process is; `address` None: it is gone."""

    replica: ReplicaId
    address: ReplicaAddress | None


@dataclass(frozen=True, slots=True)
class PublishServer:
    """Tell whoever watches that a server's status is another one."""

    server: str


@dataclass(frozen=True, slots=True)
class RunServer:
    """Keep so many replicas of a declared server running on this machine; 0 ends them."""

    spec: ServerSpec
    replicas: int


@dataclass(frozen=True, slots=True)
class ConfigureServers:
    """Have the servers that name this config be as it says, those that run here."""

    config: ServerConfigSpec


@dataclass(frozen=True, slots=True)
class AskForReplicas:
    """Ask those who follow servers that `server` should have so many replicas."""

    server: str
    replicas: int


@dataclass(frozen=True, slots=True)
class AnswerCaller:
    """Answer a request: it is accepted and changed so much, or refused with `error`."""

    caller: int
    error: SeldonError | None = None
    change: Change = Change.CONFIGURED


Decision = (
    Save
    | Drop
    | LoadOnReplica
    | UnloadOnReplica
    | PublishRoute
    | PublishStatus
    | ScaleModel
    | PublishReplica
    | PublishServer
    | RunServer
    | ConfigureServers
    | AskForReplicas
    | AnswerCaller
    | DeclaredDecision
)


def model_of(decision: Decision) -> str | None:
    """Return the model that a decision is about; None if it goes with its event.

    Others are named with their kind, as no model can be: `p.pipeline`. That a server has another
    status is of no interest: with each of its models it has.
    """
    match decision:
        case Save(stored=stored):
            return _story_of(stored.kind, stored.name)
        case Drop(kind=kind, name=name):
            return _story_of(kind, name)
        case LoadOnReplica(version=version):
            return version.spec.name
        case UnloadOnReplica(model=model) | PublishStatus(model=model) | ScaleModel(model=model):
            return model
        case PublishRoute(update=update):
            return update.name
        case PublishPipeline() | PublishExperiment() | OrderPipeline():
            return _declared_of(decision)
        case RunServer() | AskForReplicas() | PublishReplica() | ConfigureServers():
            return _server_of(decision)
        case PublishServer() | AnswerCaller():
            return None
        case _:
            assert_never(decision)


def _declared_of(decision: DeclaredDecision) -> str | None:
    match decision:
        case PublishPipeline(pipeline=name):
            return _story_of(Kind.PIPELINE, name)
        case PublishExperiment(experiment=name):
            return _story_of(Kind.EXPERIMENT, name)
        case OrderPipeline(version=ordered):
            return _story_of(Kind.PIPELINE, ordered.spec.name)
        case _:
            assert_never(decision)


def _server_of(
    decision: RunServer | AskForReplicas | PublishReplica | ConfigureServers,
) -> str:
    match decision:
        case RunServer(spec=spec):
            return f"{spec.name}.server"
        case AskForReplicas(server=server):
            return f"{server}.server"
        case PublishReplica(replica=replica):
            return f"{replica.server}.server"
        case ConfigureServers(config=config):
            return f"{config.name}.serverconfig"
        case _:
            assert_never(decision)


def _story_of(kind: Kind, name: str) -> str | None:
    match kind:
        case Kind.MODEL | Kind.SCALING:
            return name
        case Kind.SERVER | Kind.SERVER_CONFIG | Kind.SECRET | Kind.AGENT_CONFIG:
            return None
        case Kind.PIPELINE | Kind.EXPERIMENT:
            return f"{name}.{kind.value}"
        case _:
            assert_never(kind)
