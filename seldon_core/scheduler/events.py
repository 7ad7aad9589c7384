"""What can happen to the scheduler. `now` is wall-clock seconds (UTC) that never step back.

`actor` is who asked: the peer's address, "" for the process itself.
"""

from dataclasses import dataclass
from typing import assert_never

from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.declared_events import (
    DeclaredEvent,
    ExperimentRestored,
    PipelineRestored,
    declared_of,
)
from seldon_core.scheduler.records import (
    Stored,
    StoredAgentConfig,
    StoredExperiment,
    StoredModel,
    StoredPipeline,
    StoredScaling,
    StoredSecret,
    StoredServer,
    StoredServerConfig,
)
from seldon_core.scheduler.secret_events import (
    AboutSecrets,
    SecretDeclared,
    SecretRestored,
    SecretUnloadRequested,
)
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaId, ScalingSignal


@dataclass(frozen=True, slots=True)
class ModelRestored:
    """A model that was kept when the scheduler ran last. Comes before everything else."""

    now: float
    stored: StoredModel


@dataclass(frozen=True, slots=True)
class ServerRestored:
    """A server that was kept when the scheduler ran last. Comes before any replica connects."""

    now: float
    stored: StoredServer


@dataclass(frozen=True, slots=True)
class SyncReached:
    """The replicas of this process are connected: place models.

    But for `patience_s` seconds those of a server whose replicas in other processes were there
    before the restart, and are not all there again, wait for them: they may still hold the models.
    """

    now: float
    patience_s: float = 0.0


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
class ServerDeclared:
    """A manifest declares a server. It is answered by exactly one AnswerCaller."""

    now: float
    spec: ServerSpec
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ServerUnloadRequested:
    """Somebody wants a declared server gone. It is answered by exactly one AnswerCaller."""

    now: float
    name: str
    caller: int
    meta: KubernetesMeta | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ServerConfigRestored:
    """A server config that was kept when the scheduler ran last. Comes before the servers."""

    now: float
    stored: StoredServerConfig


@dataclass(frozen=True, slots=True)
class ServerConfigDeclared:
    """A manifest declares what servers have in common. It is answered by one AnswerCaller."""

    now: float
    spec: ServerConfigSpec
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ServerConfigUnloadRequested:
    """Somebody wants a server config gone. It is answered by exactly one AnswerCaller."""

    now: float
    name: str
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ServerNotice:
    """What is known of a server that others run: how many replicas it is to have.

    `expected_replicas` 0: it is going away. `min_replicas` and `max_replicas` bound scaling, the
    first 0 is one, the second 0 never up. `is_shared` counts until a replica says otherwise.
    """

    name: str
    expected_replicas: int
    min_replicas: int = 0
    max_replicas: int = 0
    is_shared: bool = True
    meta: KubernetesMeta | None = None


@dataclass(frozen=True, slots=True)
class ServersNotified:
    """Who runs servers, an operator, tells of them. It is answered by exactly one AnswerCaller.

    `is_first_sync`: it tells so for the first time since this scheduler started.
    """

    now: float
    notices: tuple[ServerNotice, ...]
    is_first_sync: bool
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ReplicaConnected:
    """A replica is there, and takes orders; also one that was there a moment ago.

    What it had been ordered before is forgotten: it holds what `config` says.
    """

    now: float
    replica: ReplicaId
    config: ReplicaConfig


@dataclass(frozen=True, slots=True)
class ReplicaLost:
    """A replica is gone with everything it held."""

    now: float
    replica: ReplicaId


@dataclass(frozen=True, slots=True)
class ReplicaDrainRequested:
    """A replica is about to end: nothing more is placed there, and what is there goes elsewhere.

    It is answered by exactly one AnswerCaller, as soon as nobody is served by it who could be
    served by another.
    """

    now: float
    replica: ReplicaId
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ModelReported:
    """A replica says what became of an order, or of a model on its own account."""

    now: float
    report: ModelReport


@dataclass(frozen=True, slots=True)
class ModelScalingRestored:
    """What scaling chose for a model when the scheduler ran last. Comes after the model."""

    now: float
    stored: StoredScaling


@dataclass(frozen=True, slots=True)
class ModelScalingSignalled:
    """A replica, or somebody outside, the `actor`, says how much a model is called."""

    now: float
    signal: ScalingSignal
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ModelWakeRequested:
    """Somebody calls a model that is scaled to zero. It is answered by exactly one AnswerCaller.

    That comes before the model is loaded.
    """

    now: float
    model: str
    caller: int


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that the machine asked to be woken at has come."""

    now: float


AboutServers = (
    ServerRestored
    | ServerDeclared
    | ServerUnloadRequested
    | ServersNotified
    | ReplicaConnected
    | ReplicaLost
    | ReplicaDrainRequested
)

AboutServerConfigs = ServerConfigRestored | ServerConfigDeclared | ServerConfigUnloadRequested

AboutScaling = ModelScalingRestored | ModelScalingSignalled | ModelWakeRequested

Event = (
    AboutServers
    | AboutServerConfigs
    | AboutSecrets
    | DeclaredEvent
    | ModelRestored
    | SyncReached
    | ModelLoadRequested
    | ModelUnloadRequested
    | ModelReported
    | AboutScaling
    | Tick
)


def model_of(event: Event) -> str | None:
    """Return the model that an event is about; None if it may concern any.

    Pipelines and experiments are named by their routes, as no model can be: `p.pipeline`.
    """
    match event:
        case ModelRestored(stored=stored):
            return stored.name
        case ModelLoadRequested(spec=spec):
            return spec.name
        case ModelUnloadRequested(model=model) | ModelWakeRequested(model=model):
            return model
        case ModelReported(report=report):
            return report.model
        case ModelScalingRestored() | ModelScalingSignalled():
            return None  # there are many; the story tells of those that scaled a model
        case SyncReached() | ReplicaConnected() | ReplicaLost() | ReplicaDrainRequested() | Tick():
            return None
        case ServerRestored() | ServerDeclared() | ServerUnloadRequested() | ServersNotified():
            return None
        case ServerConfigRestored() | ServerConfigDeclared() | ServerConfigUnloadRequested():
            return None
        case SecretRestored() | SecretDeclared() | SecretUnloadRequested():
            return None
        case _:
            return declared_of(event)


def restored_event(
    now: float, stored: Stored
) -> (
    ModelRestored
    | ServerRestored
    | ServerConfigRestored
    | PipelineRestored
    | ExperimentRestored
    | ModelScalingRestored
    | SecretRestored
):
    """Return the event by which something that was kept comes back."""
    match stored:
        case StoredModel():
            return ModelRestored(now, stored)
        case StoredServer():
            return ServerRestored(now, stored)
        case StoredServerConfig():
            return ServerConfigRestored(now, stored)
        case StoredPipeline():
            return PipelineRestored(now, stored)
        case StoredExperiment():
            return ExperimentRestored(now, stored)
        case StoredScaling():
            return ModelScalingRestored(now, stored)
        case StoredSecret() | StoredAgentConfig():
            return SecretRestored(now, stored)
        case _:
            assert_never(stored)
