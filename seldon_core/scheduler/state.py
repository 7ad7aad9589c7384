"""What the scheduler knows. Changed inside `machine.handle` only.

Version: Progressing -> Available | Failed | ScheduleFailed | ScaledDown, and once it is superseded
or deleted Terminating -> Terminated | TerminateFailed.
Replica of a version: Loading -> Available | LoadFailed; Available -> Unloading -> Unloaded |
UnloadFailed; Available -> Draining while the replica is about to end, and from there Unloading.

Seldon's other replica states last no time here: an order is written (LoadRequested,
UnloadRequested) and a route changed (Loaded, UnloadEnvoyRequested) in the step that decides it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from seldon_core.resources.model import KubernetesMeta, ModelVersion
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.declared_state import DeclaredState
from seldon_core.scheduler.records import StoredModel, StoredScaling, StoredServer
from seldon_core.scheduler.secret_state import SecretState
from seldon_core.scheduler.targets import USUAL_RULES, Load, ScalingRules
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteUpdate, RuntimeInfo

if TYPE_CHECKING:
    from seldon_core.scheduler.status import ModelVersionStatus


UNKNOWN_REPLICAS = -1
"""How many replicas a server should have when nobody said so."""


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
    DRAINING = "Draining"
    LOAD_FAILED = "LoadFailed"
    UNLOADING = "Unloading"
    UNLOADED = "Unloaded"
    UNLOAD_FAILED = "UnloadFailed"


# Loading or loaded: what counts as placed.
PLACED = frozenset({ReplicaState.LOADING, ReplicaState.AVAILABLE})
# An order is under way, so a report is owed.
IN_TRANSIT = frozenset({ReplicaState.LOADING, ReplicaState.UNLOADING})
# The replica may hold the model's memory.
HOLDING = frozenset(
    {*PLACED, ReplicaState.DRAINING, ReplicaState.UNLOADING, ReplicaState.UNLOAD_FAILED}
)
# Calls are answered there, if need be.
LIVE = frozenset({ReplicaState.AVAILABLE, ReplicaState.DRAINING})
# Nothing can be done but to try again.
IN_TROUBLE = frozenset({ModelState.FAILED, ModelState.SCHEDULE_FAILED})
# The version needs no other beside it.
HAS_COME = frozenset({ModelState.AVAILABLE, ModelState.SCALED_DOWN})


@dataclass(slots=True)
class Assignment:
    """A version on one replica; `since` is when it came into its state."""

    state: ReplicaState
    since: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """How many replicas scaling wants of a version instead of its spec's; `at` is UTC seconds."""

    replicas: int
    why: str
    at: float


@dataclass(slots=True, eq=False)
class VersionRecord:
    """One generation of a model and where it is.

    `wanted` are the replicas that placement chose last; loaded elsewhere, a version that is to stay
    is unloaded there. `refusal` is why the last placement found no room, "" when it did, and
    `last_failure` why the last load failed, until one works. `server` is where it is placed.
    `chosen` is what scaling made of the spec's replicas, None if nothing. `measured_bytes` is what
    the replica measured that loaded it last, 0 if none did. `runtime` is how a server of another
    kind runs it, None while none has said so.
    """

    version: ModelVersion
    state: ModelState = ModelState.PROGRESSING
    reason: str = ""
    declared_at: float = 0.0
    changed_at: float = 0.0
    server: str = ""
    wanted: tuple[ReplicaId, ...] = ()
    refusal: str = ""
    last_failure: str = ""
    assignments: dict[ReplicaId, Assignment] = field(default_factory=dict)
    chosen: Chosen | None = None
    measured_bytes: int = 0
    runtime: RuntimeInfo | None = None

    @property
    def needed_bytes(self) -> int:
        """The memory that its spec says for all its instances; 0 if it says nothing."""
        instances = 1 if self.runtime is None else self.runtime.instances
        return self.version.spec.memory_bytes * instances

    @property
    def counted_bytes(self) -> int:
        """The memory that is counted where it is loaded: what its spec says, else as measured."""
        return self.needed_bytes or self.measured_bytes

    @property
    def replicas(self) -> int:
        """How many replicas there should be."""
        return self.version.spec.replicas if self.chosen is None else self.chosen.replicas

    @property
    def is_asleep(self) -> bool:
        """Whether it is on no replica until somebody calls it."""
        return self.replicas == 0 and self.version.spec.knobs.scale_to_zero

    @property
    def enough_replicas(self) -> int:
        """How many replicas do if there is no room for all, 0 if only all do.

        What scaling adds is welcome where there is room; without it the model serves on.
        """
        return self.version.spec.min_replicas or (self.chosen is not None)

    @property
    def number(self) -> int:
        """The version's number, from 1."""
        return self.version.version

    def replicas_in(self, *states: ReplicaState) -> tuple[ReplicaId, ...]:
        """Return the replicas in one of `states`, in the order in which they were assigned."""
        return tuple(replica for replica, held in self.assignments.items() if held.state in states)

    def serving_replicas(self) -> tuple[ReplicaId, ...]:
        """Return where calls may go: to replicas that drain only while there is no other."""
        live = self.replicas_in(*LIVE)
        if len(live) < 2:  # as it nearly always is
            return live
        return self.replicas_in(ReplicaState.AVAILABLE) or live


@dataclass(slots=True, eq=False)
class ModelRecord:
    """A name, its versions from the oldest to the latest, and the route last published.

    `fallback` is the number of the older version that is to serve until the latest has come.
    `attempts` counts what was tried in vain since somebody last asked for something, and `wake_at`
    is when the model wants to be looked at although nothing happened to it. `saved` is what is
    kept of it, None if nothing is, and `shown` the status of the latest version that watchers know.
    `is_adopted`: nobody declared it to this scheduler, a replica that connected held it.
    `load` is how much it is called, and `saved_scaling` what is kept of what scaling chose.
    """

    name: str
    versions: dict[int, VersionRecord] = field(default_factory=dict)
    from_folder: bool = False
    fallback: int | None = None
    deleted_at: float | None = None
    attempts: int = 0
    wake_at: float | None = None
    route: RouteUpdate | None = None
    saved: StoredModel | None = None
    is_adopted: bool = False
    load: Load = field(default_factory=Load)
    saved_scaling: StoredScaling | None = None
    shown: "tuple[bool, ModelVersionStatus] | None" = None

    @property
    def latest(self) -> VersionRecord:
        """The version that was applied last; there is always one."""
        return self.versions[max(self.versions)]

    @property
    def is_deleted(self) -> bool:
        """Whether somebody deleted it."""
        return self.deleted_at is not None

    @property
    def is_gone(self) -> bool:
        """Whether no version may be loaded anywhere."""
        return all(record.state is ModelState.TERMINATED for record in self.versions.values())

    def standing(self) -> tuple[VersionRecord, ...]:
        """Return the versions that are to stay: the latest, after the one that it is to relieve."""
        if self.is_deleted:
            return ()
        latest = self.latest
        return (latest,) if self.fallback is None else (self.versions[self.fallback], latest)


@dataclass(slots=True)
class ReplicaRecord:
    """A connected replica.

    `memory_bytes` is its budget and `capacity_bytes` what may be placed on it with over-commit.
    `held` has the bytes counted for each (model, version) that it may hold, `loaded` those that it
    reported as loaded with the bytes that it measured, 0 if it did not, and `used_bytes` is the sum
    of `held`, kept so that placement does not add them up. `reported_bytes` is the room that it
    says it has left, if it is of another kind, and `reserved_bytes` what of `held` is not `loaded`
    yet. `address` is None inside this process. While `is_draining` nothing is placed here;
    `leaving` are the models that have yet to come elsewhere, and `drain_callers` those who wait for
    it.
    """

    replica: ReplicaId
    capabilities: frozenset[str]
    memory_bytes: int
    over_commit_percentage: int = 0
    held: dict[tuple[str, int], int] = field(default_factory=dict)
    loaded: dict[tuple[str, int], int] = field(default_factory=dict)
    used_bytes: int = 0
    reported_bytes: int | None = None
    reserved_bytes: int = 0
    address: ReplicaAddress | None = None
    is_draining: bool = False
    leaving: dict[str, None] = field(default_factory=dict)
    drain_callers: list[int] = field(default_factory=list)

    @property
    def capacity_bytes(self) -> int:
        """What may be placed here in all."""
        return self.memory_bytes * (100 + self.over_commit_percentage) // 100

    @property
    def free_bytes(self) -> int:
        """What may still be placed here, by what is known here and there; never negative."""
        free = self.capacity_bytes - self.used_bytes
        if self.reported_bytes is not None:
            free = min(free, self.reported_bytes - self.reserved_bytes)
        return max(0, free)

    def hold(self, model: str, version: int, nbytes: int) -> None:
        """Count `nbytes` for a version, instead of what was counted for it before."""
        more = nbytes - self.held.get((model, version), 0)
        self.used_bytes += more
        self.held[model, version] = nbytes
        if (model, version) not in self.loaded:
            self.reserved_bytes += more

    def note_loaded(self, model: str, version: int, measured_bytes: int) -> None:
        """Note that a version that is counted is loaded, and what it measured, 0 if nothing."""
        if (model, version) not in self.loaded:
            self.reserved_bytes -= self.held.get((model, version), 0)
        self.loaded[model, version] = measured_bytes

    def release(self, model: str, version: int) -> None:
        """Count nothing for a version any more."""
        nbytes = self.held.pop((model, version), 0)
        self.used_bytes -= nbytes
        if self.loaded.pop((model, version), None) is None:
            self.reserved_bytes -= nbytes


@dataclass(slots=True)
class ServerRecord:
    """A server that was declared, or had a replica once, and the replicas that it has now.

    `replicas` are as they connected. `spec` is what a manifest on this machine declared, and
    `expected_replicas` how many there should be, -1 when nobody said so. `min_replicas` and
    `max_replicas` bound scaling, the first 0 is one, the second 0 never up. A server that is not
    shared takes only models that name it. `saved` is what is kept of it, None if nothing is.
    """

    name: str
    replicas: dict[ReplicaId, ReplicaRecord] = field(default_factory=dict)
    spec: ServerSpec | None = None
    expected_replicas: int = UNKNOWN_REPLICAS
    min_replicas: int = 0
    max_replicas: int = 0
    is_shared: bool = True
    meta: KubernetesMeta | None = None
    saved: StoredServer | None = None


@dataclass(frozen=True, slots=True)
class Packing:
    """How often models are moved together to make replicas empty: a share of the occasions.

    `draw` returns a random number from 0 up to 1; it is asked only if `share` is above 0.
    """

    share: float = 0.0
    draw: Callable[[], float] = float

    def is_tried(self) -> bool:
        """Return whether this occasion is one."""
        return self.share > 0 and self.draw() > 1 - self.share


@dataclass(slots=True)
class SchedulerState:
    """Everything, in the order in which it came.

    Before `is_synced` models are taken in and not placed, and those on a server of `awaited` not
    before the replicas with these indices are there again, or `patience_until` has come. `to_place`
    are the names of models that are placed next, a slice at a time, so that no event takes long.
    `lacking` are the names of models that failed or have too few replicas, and are placed when
    there are more, `homeless` those among them that found no room for all, of which the first
    `to_sweep` are tried again at `sweep_at`, when some was made.
    `wakeups` is a heap of (time, model); an entry counts if the model's `wake_at` is that time.
    `touched` are the models that the event at hand may have changed, `touched_servers` the servers.
    `draining` are the replicas that are about to end. `scaling` says when anything is scaled.
    `declared` has pipelines and experiments, `vault` Secrets.
    """

    models: dict[str, ModelRecord] = field(default_factory=dict)
    servers: dict[str, ServerRecord] = field(default_factory=dict)
    server_configs: dict[str, ServerConfigSpec] = field(default_factory=dict)
    is_synced: bool = False
    awaited: dict[str, set[int]] = field(default_factory=dict)
    patience_until: float | None = None
    to_place: dict[str, None] = field(default_factory=dict)
    place_at: float = 0.0
    lacking: dict[str, None] = field(default_factory=dict)
    homeless: dict[str, None] = field(default_factory=dict)
    sweep_at: float | None = None
    to_sweep: int = 0
    wakeups: list[tuple[float, str]] = field(default_factory=list)
    touched: dict[str, None] = field(default_factory=dict)
    touched_servers: dict[str, None] = field(default_factory=dict)
    draining: dict[ReplicaId, ReplicaRecord] = field(default_factory=dict)
    packing: Packing = Packing()
    scaling: ScalingRules = USUAL_RULES
    declared: DeclaredState = field(default_factory=DeclaredState)
    vault: SecretState = field(default_factory=SecretState)

    def replica(self, replica: ReplicaId) -> ReplicaRecord | None:
        """Return a connected replica, None if it is not connected."""
        server = self.servers.get(replica.server)
        return server.replicas.get(replica) if server is not None else None
