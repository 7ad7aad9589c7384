"""What the scheduler keeps across restarts, as values of a few kinds. `store` writes them down."""

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.model import DEFAULT_NAMESPACE, KubernetesMeta, ModelSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec


class Kind(Enum):
    """A kind of thing that is kept; the value is how its keys begin."""

    MODEL = "model"
    SERVER = "server"
    SERVER_CONFIG = "serverconfig"
    PIPELINE = "pipeline"
    EXPERIMENT = "experiment"
    SCALING = "scaling"
    SECRET = "secret"
    AGENT_CONFIG = "agentconfig"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One generation of a model.

    `server` is where it was placed, "" if nowhere. Times are UTC seconds; `terminated_at` is None
    while the version may still be loaded somewhere.
    """

    number: int
    spec: ModelSpec
    server: str
    declared_at: float
    terminated_at: float | None


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model and its versions from the oldest to the latest, of which there is at least one.

    `fallback` is the older version that serves until the latest has come, None if there is none.
    `deleted_at` is when somebody deleted the model, None if nobody did.
    """

    name: str
    versions: tuple[StoredVersion, ...]
    fallback: int | None
    deleted_at: float | None

    kind: ClassVar[Kind] = Kind.MODEL

    @property
    def namespace(self) -> str:
        """The namespace that the model is in."""
        return self.versions[-1].spec.namespace


@dataclass(frozen=True, slots=True)
class StoredServer:
    """A server, and the indices of the replicas in other processes that it had last.

    `spec` is what a manifest on this machine declared, None if none did. `expected_replicas` is how
    many there should be, -1 when nobody said so; for a declared server what scaling made of its
    spec's. `min_replicas` and `max_replicas` bound scaling; `max_replicas` 0 is never up.
    """

    name: str
    spec: ServerSpec | None = None
    expected_replicas: int = -1
    min_replicas: int = 0
    max_replicas: int = 0
    is_shared: bool = True
    replicas: tuple[int, ...] = ()
    meta: KubernetesMeta | None = None

    kind: ClassVar[Kind] = Kind.SERVER

    @property
    def namespace(self) -> str:
        """The namespace that the server is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class StoredPipelineVersion:
    """One generation of a pipeline; times are UTC seconds.

    `terminated_at` is None while it may still run somewhere.
    """

    number: int
    uid: str
    spec: PipelineSpec
    declared_at: float
    terminated_at: float | None


@dataclass(frozen=True, slots=True)
class StoredPipeline:
    """A pipeline and its versions from the oldest to the latest, of which there is at least one.

    `deleted_at` is when somebody deleted it, None if nobody did.
    """

    name: str
    versions: tuple[StoredPipelineVersion, ...]
    deleted_at: float | None

    kind: ClassVar[Kind] = Kind.PIPELINE

    @property
    def namespace(self) -> str:
        """The namespace that the pipeline is in."""
        return self.versions[-1].spec.namespace


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """An experiment; `deleted_at` is when somebody stopped it, None if nobody did."""

    name: str
    spec: ExperimentSpec
    declared_at: float
    deleted_at: float | None

    kind: ClassVar[Kind] = Kind.EXPERIMENT

    @property
    def namespace(self) -> str:
        """The namespace that the experiment is in."""
        return self.spec.namespace


@dataclass(frozen=True, slots=True)
class StoredServerConfig:
    """What servers have in common that name this config."""

    name: str
    spec: ServerConfigSpec

    kind: ClassVar[Kind] = Kind.SERVER_CONFIG

    @property
    def namespace(self) -> str:
        """The namespace that the config is in."""
        return self.spec.namespace


@dataclass(frozen=True, slots=True)
class StoredScaling:
    """How many replicas scaling chose for version `version` of the model `name`, beside its spec.

    `why` is the reason as a sentence shows it, `at` UTC seconds.
    """

    name: str
    namespace: str
    version: int
    replicas: int
    why: str
    at: float

    kind: ClassVar[Kind] = Kind.SCALING


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A Secret with all that it holds."""

    name: str
    spec: SecretSpec

    kind: ClassVar[Kind] = Kind.SECRET

    @property
    def namespace(self) -> str:
        """The namespace that the Secret is in."""
        return self.spec.namespace


@dataclass(frozen=True, slots=True)
class StoredAgentConfig:
    """The ConfigMap `seldon-agent`, which is its name as well."""

    name: str
    spec: AgentConfigSpec

    kind: ClassVar[Kind] = Kind.AGENT_CONFIG

    @property
    def namespace(self) -> str:
        """The namespace that the ConfigMap is in."""
        return self.spec.namespace


Stored = (
    StoredModel
    | StoredServer
    | StoredServerConfig
    | StoredPipeline
    | StoredExperiment
    | StoredScaling
    | StoredSecret
    | StoredAgentConfig
)


def is_confidential(stored: Stored) -> bool:
    """Return whether what is kept is nobody's business: a Secret, or remotes of the ConfigMap."""
    if isinstance(stored, StoredAgentConfig):
        return bool(stored.spec.remotes)
    return isinstance(stored, StoredSecret)
