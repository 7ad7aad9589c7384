"""What scheduler, agents and routers tell each other, and the seams they do it through.

In one process the links are direct calls between the roles' shells; between processes they are gRPC
streams that carry the same values.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote


@dataclass(frozen=True, slots=True)
class ReplicaId:
    """One replica of a server. Written `mlserver/0`."""

    server: str
    replica_idx: int

    def __str__(self) -> str:
        return f"{self.server}/{self.replica_idx}"


@dataclass(frozen=True, slots=True)
class ReplicaAddress:
    """Where a replica's data port is.

    Ours has one port for everything and speaks HTTP/2 in cleartext there, for REST too. A foreign
    agent has HTTP/1.1 on `http_port` and gRPC on `grpc_port`. On the same machine it is TCP as
    well: by a Unix socket a call took no less (20 µs of CPU time by TCP, 22 µs by the other, with
    P5's router and agent).
    """

    host: str
    http_port: int
    grpc_port: int
    is_ours: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.http_port}"


@dataclass(frozen=True, slots=True)
class HeldModel:
    """A version that a replica holds when it connects."""

    version: ModelVersion


@dataclass(frozen=True, slots=True)
class ReplicaConfig:
    """What a replica says of itself when it connects.

    `memory_bytes` is what models may take there, `over_commit_percentage` how much more of it may
    be given away, `available_bytes` what is left beside the models that are `held`; None if that is
    to be computed. A replica that is not shared takes only models that name its server. `address`
    is None for a replica inside this process.
    """

    capabilities: tuple[str, ...]
    memory_bytes: int
    over_commit_percentage: int
    is_shared: bool = True
    address: ReplicaAddress | None = None
    held: tuple[HeldModel, ...] = ()
    available_bytes: int | None = None


class ReplicaModelEvent(Enum):
    """What an agent reports of a model on its replica."""

    LOADED = "Loaded"
    LOAD_FAILED = "LoadFailed"
    UNLOADED = "Unloaded"
    UNLOAD_FAILED = "UnloadFailed"


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """What an agent of Seldon's says of a model that it has loaded.

    `server` is "mlserver" or "triton"; the model is in memory there `instances` times.
    """

    server: str
    instances: int


@dataclass(frozen=True, slots=True)
class ModelReport:
    """An agent's report. `memory_bytes` is the measured size after a load, 0 if unknown.

    `available_bytes` is the room that an agent of another kind says it has left, beside all that it
    has loaded; ours is reckoned here.
    """

    replica: ReplicaId
    model: str
    version: int
    event: ReplicaModelEvent
    reason: str = ""
    memory_bytes: int = 0
    available_bytes: int | None = None
    runtime: RuntimeInfo | None = None


class SignalKind(Enum):
    """What a scaling signal is about."""

    LAG = "lag"
    IDLE = "idle"
    RATE = "rate"
    CUSTOM = "custom"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class ScalingSignal:
    """How much a version is called on one replica, None for CUSTOM, which is about the model.

    `amount` is the calls under way for LAG, the UTC second of the last call for IDLE, and for
    UNUSED, by which the model could be scaled to zero, requests a second for RATE, and for CUSTOM
    how many replicas somebody outside wants of the model.
    """

    replica: ReplicaId | None
    model: str
    version: int
    kind: SignalKind
    amount: float


class SignalSink(Protocol):
    """Where an agent says how much its models are called."""

    def signal(self, signal: ScalingSignal) -> None:
        """Take in a signal; never blocks. It is no loss if one does not arrive."""


class AgentLink(Protocol):
    """The scheduler's side of an agent: orders go in, reports come back through a callback."""

    @property
    def finds_secrets(self) -> bool:
        """Whether it looks for a model's Secret itself, as an agent of Seldon's in Kubernetes."""

    def load_model(self, version: ModelVersion, remote: Remote | None = None) -> None:
        """Load; a LOADED or LOAD_FAILED report follows.

        Its files are on `remote`, None: at a place that needs none, or none is known.
        """

    def unload_model(self, model: str, version: int) -> None:
        """Unload; an UNLOADED or UNLOAD_FAILED report follows."""


class ReportSink(Protocol):
    """Where an agent reports to."""

    def report(self, report: ModelReport) -> None:
        """Take in a report; never blocks."""


@dataclass(frozen=True, slots=True)
class RouteCandidate:
    """One version of a model that may answer, and the replicas that hold it.

    If there are none, who is called asks the scheduler to load the model, and waits (`Wake`).
    """

    model: str
    version: int
    weight: int
    replicas: tuple[ReplicaId, ...]


@dataclass(frozen=True, slots=True)
class RouteUpdate:
    """What calls to `name` lead to from now on.

    No candidates and a `notice`: the resource exists but cannot answer; the notice says why
    ("is loading", "failed to load: …"). No candidates and no notice: there is no such resource.
    A candidate without replicas and a notice: calls wait, and what they wait for may fail; without
    a notice it is scaled to zero, and nothing is known to be in the way of loading it.
    """

    name: str
    candidates: tuple[RouteCandidate, ...] = ()
    notice: str = ""


Wake = Callable[[str], Awaitable[str]]
"""Has the scheduler load a model that is scaled to zero.

Returns once that has an outcome: why it cannot be, or "" if it serves or is still on its way.
Raises SeldonError if the scheduler cannot be asked.
"""


class RouteSink(Protocol):
    """The scheduler's side of a router."""

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update` from the next call on."""

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """`replica` is to be reached at `address` from now on; None: it is gone.

        Replicas inside the process are not published: a router is given them when it is made.
        """
