"""What is told to the machine of `fleet.py`, and what it decides. `now` is in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.transport.control import ReplicaId

LOOP_AFTER: Final = 3
"""So many ends in a row are no accident."""


@dataclass(frozen=True, slots=True)
class ConfigDeclared:
    """Servers that name this config are to be as it says from now on."""

    now: float
    config: ServerConfigSpec


@dataclass(frozen=True, slots=True)
class ServerWanted:
    """So many replicas of a server are to run; 0 ends all of them."""

    now: float
    server: ServerSpec
    replicas: int


@dataclass(frozen=True, slots=True)
class ReplicaCame:
    """A replica has connected to the scheduler, whoever started it."""

    now: float
    replica: ReplicaId


@dataclass(frozen=True, slots=True)
class ReplicaWent:
    """A replica is connected no longer."""

    now: float
    replica: ReplicaId


@dataclass(frozen=True, slots=True)
class ProcessEnded:
    """A process is gone, or could not be started. `reason` says how, in words."""

    now: float
    replica: ReplicaId
    life: int
    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The time that the machine asked to be woken at has come."""

    now: float


FleetEvent = ConfigDeclared | ServerWanted | ReplicaCame | ReplicaWent | ProcessEnded | TimePassed


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Start a replica's process. A ProcessEnded of this `life` follows some day."""

    replica: ReplicaId
    server: ServerSpec
    life: int


@dataclass(frozen=True, slots=True)
class StopProcess:
    """Ask a process to move its models away and to end."""

    replica: ReplicaId
    life: int


@dataclass(frozen=True, slots=True)
class KillProcess:
    """End a process that does not end, or never came, by force."""

    replica: ReplicaId
    life: int


@dataclass(frozen=True, slots=True)
class ReportEnd:
    """A process ended that was to run: tell the operator. `ends` counts those in a row."""

    replica: ReplicaId
    reason: str
    ends: int
    pause_s: float

    @property
    def is_loop(self) -> bool:
        """Whether it dies in a loop."""
        return self.ends >= LOOP_AFTER


@dataclass(frozen=True, slots=True)
class ReportUnfit:
    """A server asks for labels that this machine lacks, so nothing of it runs here."""

    server: str
    lacking: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReportFull:
    """A server asks for more replicas than there is room for: this machine runs `most` in all."""

    server: str
    wanted: int
    most: int


FleetDecision = StartProcess | StopProcess | KillProcess | ReportEnd | ReportUnfit | ReportFull
