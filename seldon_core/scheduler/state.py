"""What the scheduler knows. Changed inside `machine.handle` only.

Version: Progressing -> Available | Failed | ScheduleFailed | ScaledDown, and once it is superseded
or deleted Terminating -> Terminated | TerminateFailed.
Replica of a version: Loading -> Available | LoadFailed; Available -> Unloading -> Unloaded |
UnloadFailed.
"""

from dataclasses import dataclass, field
from enum import Enum

from seldon_core.resources.model import ModelVersion
from seldon_core.transport.control import ReplicaId, RouteUpdate


class ModelState(Enum):
    """A version's state, by Seldon's names."""

    PROGRESSING = "ModelProgressing"
    AVAILABLE = "ModelAvailable"
    FAILED = "ModelFailed"
    SCHEDULE_FAILED = "ScheduleFailed"
    SCALED_DOWN = "ModelScaledDown"
    TERMINATING = "ModelTerminating"
    TERMINATED = "ModelTerminated"
    TERMINATE_FAILED = "ModelTerminateFailed"


class ReplicaState(Enum):
    """The state of a version on one replica, by Seldon's names."""

    LOADING = "Loading"
    AVAILABLE = "Available"
    LOAD_FAILED = "LoadFailed"
    UNLOADING = "Unloading"
    UNLOADED = "Unloaded"
    UNLOAD_FAILED = "UnloadFailed"


# Loading or loaded: what counts as placed.
PLACED = frozenset({ReplicaState.LOADING, ReplicaState.AVAILABLE})
# An order is under way, so a report is owed.
IN_TRANSIT = frozenset({ReplicaState.LOADING, ReplicaState.UNLOADING})
# The replica may hold the model's memory.
HOLDING = frozenset({*PLACED, ReplicaState.UNLOADING, ReplicaState.UNLOAD_FAILED})


@dataclass(slots=True)
class Assignment:
    """A version on one replica; `since` is when it came into its state."""

    state: ReplicaState
    since: float
    reason: str = ""


@dataclass(slots=True)
class VersionRecord:
    """One generation of a model and where it is.

    `wanted` are the replicas that placement chose last; loaded elsewhere, the latest version is
    unloaded there. `refusal` is why the last placement found no room, "" when it did. `server` is
    where it is placed.
    """

    version: ModelVersion
    state: ModelState = ModelState.PROGRESSING
    reason: str = ""
    changed_at: float = 0.0
    server: str = ""
    wanted: tuple[ReplicaId, ...] = ()
    refusal: str = ""
    assignments: dict[ReplicaId, Assignment] = field(default_factory=dict)

    def replicas_in(self, *states: ReplicaState) -> tuple[ReplicaId, ...]:
        """Return the replicas in one of `states`, in the order in which they were assigned."""
        return tuple(replica for replica, held in self.assignments.items() if held.state in states)


@dataclass(slots=True)
class ModelRecord:
    """A name, its versions from the oldest to the latest, and the route last published."""

    name: str
    versions: dict[int, VersionRecord] = field(default_factory=dict)
    is_deleted: bool = False
    route: RouteUpdate | None = None

    @property
    def latest(self) -> VersionRecord:
        """The version that was applied last; there is always one."""
        return self.versions[max(self.versions)]


@dataclass(slots=True)
class ReplicaRecord:
    """A connected replica.

    `held` has the bytes counted for each (model, version) that it may hold, and `used_bytes` is
    their sum, kept so that placement does not add them up.
    """

    replica: ReplicaId
    capabilities: frozenset[str]
    capacity_bytes: int
    held: dict[tuple[str, int], int] = field(default_factory=dict)
    used_bytes: int = 0

    @property
    def free_bytes(self) -> int:
        """What may still be placed here; never negative."""
        return max(0, self.capacity_bytes - self.used_bytes)

    def hold(self, model: str, version: int, nbytes: int) -> None:
        """Count `nbytes` for a version, instead of what was counted for it before."""
        self.release(model, version)
        self.held[model, version] = nbytes
        self.used_bytes += nbytes

    def release(self, model: str, version: int) -> None:
        """Count nothing for a version any more."""
        self.used_bytes -= self.held.pop((model, version), 0)


@dataclass(slots=True)
class SchedulerState:
    """Everything, in the order in which it came."""

    models: dict[str, ModelRecord] = field(default_factory=dict)
    replicas: dict[ReplicaId, ReplicaRecord] = field(default_factory=dict)

    def servers(self) -> dict[str, list[ReplicaRecord]]:
        """Return the connected replicas by server."""
        servers: dict[str, list[ReplicaRecord]] = {}
        for record in self.replicas.values():
            servers.setdefault(record.replica.server, []).append(record)
        return servers
