"""What operators see of models and servers, as values that no later event changes."""

from dataclasses import dataclass

from seldon_core.resources.model import KubernetesMeta, ModelVersion
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.state import Chosen, ModelState, ReplicaState
from seldon_core.transport.control import RuntimeInfo


@dataclass(frozen=True, slots=True)
class ModelReplicaStatus:
    """A version on one replica of its server; `changed_at` is UTC seconds."""

    replica_idx: int
    state: ReplicaState
    reason: str
    changed_at: float


@dataclass(frozen=True, slots=True)
class ModelVersionStatus:
    """One version of a model. `server` is "" when it is not placed.

    `changed_at` is UTC seconds; `unavailable_replicas` are those that load or failed to. `chosen`
    is how many replicas scaling wants, None if that is what the spec says. `runtime` is how a
    server of another kind runs it.
    """

    version: ModelVersion
    server: str
    state: ModelState
    reason: str
    changed_at: float
    available_replicas: int
    unavailable_replicas: int
    replicas: tuple[ModelReplicaStatus, ...]
    chosen: Chosen | None = None
    runtime: RuntimeInfo | None = None


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model with its versions from the oldest to the latest.

    `from_folder`: a folder that the process was started with declared it, and nobody since.
    """

    name: str
    is_deleted: bool
    versions: tuple[ModelVersionStatus, ...]
    from_folder: bool = False

    @property
    def latest(self) -> ModelVersionStatus:
        """The version that was declared last."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class ServerReplicaStatus:
    """A connected replica. `available_memory_bytes` includes the room that over-commit gives.

    `measured_bytes` is what the replica itself measured of its models, beside what they declare.
    """

    replica_idx: int
    total_memory_bytes: int
    available_memory_bytes: int
    over_commit_percentage: int
    num_loaded_models: int
    measured_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """A server. `expected_replicas` is -1 when nobody said how many there should be.

    `spec` is what a manifest declared, None if none did, `meta` what Kubernetes knows of it.
    """

    name: str
    expected_replicas: int
    capabilities: tuple[str, ...]
    replicas: tuple[ServerReplicaStatus, ...]
    spec: ServerSpec | None = None
    meta: KubernetesMeta | None = None

    @property
    def num_loaded_model_replicas(self) -> int:
        """Models over all replicas, each counted once on each."""
        return sum(replica.num_loaded_models for replica in self.replicas)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the filters say of a server, or of one replica, for a model's latest version.

    `replica_idx` is None when the server as a whole is meant. `filter` is the name of the first
    filter that refused, "" if none did.
    """

    server: str
    replica_idx: int | None
    filter: str
    reason: str
