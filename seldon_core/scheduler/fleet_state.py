"""What the machine of `fleet.py` knows of servers and their processes. Changed by it only.

A process is STARTING, READY once it has connected, LOST while it is not, STOPPING when it was asked
to end, KILLED when it did not, and PAUSING between two lives.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from seldon_core.resources.server import ServerSpec


class Phase(Enum):
    """Where a replica's process is."""

    STARTING = "starting"
    READY = "ready"
    LOST = "lost"
    STOPPING = "stopping"
    KILLED = "killed"
    PAUSING = "pausing"


@dataclass(slots=True)
class Replica:
    """One replica's process, or between two of them.

    `until` is when it is too late for its phase: to connect, to be back, to have ended, to stay
    away. `since` is when it came into its phase; one that was lost and is back was ready all along.
    """

    server: ServerSpec  # as the process was started, or will be
    life: int
    phase: Phase
    since: float
    until: float
    ends: int = 0
    reason: str = ""  # why it is killed
    last_end: str = ""  # how it ended when it was to run


@dataclass(slots=True)
class FleetServer:
    """A server as it was declared, as its config makes it, and its replicas here by their index.

    `is_unfit`: the machine lacks what it asks for. `is_cut`: the machine has no room for all its
    replicas. `is_waiting`: one of them waits for its turn to be started.
    """

    declared: ServerSpec
    effective: ServerSpec
    wanted: int = 0
    is_unfit: bool = False
    is_cut: bool = False
    is_waiting: bool = False
    replicas: dict[int, Replica] = field(default_factory=dict)


def of_processes(server: ServerSpec) -> Iterator[str]:
    """Yield what a server says that holds for processes of its own only."""
    given = {
        "memory": server.memory_bytes,
        "overCommitPercentage": server.over_commit_percentage is not None,
        "python": server.python,
        "environment": server.environment_name,
        "env": server.environment_variables,
        "devices": server.device_count,
    }
    return (name for name, value in given.items() if value)
