"""Which replicas a version goes to: filters that say why not, then an order of preference.

A server passes if it is the one asked for (or none is) and has every requirement; a replica if the
version fits into its memory. Servers are tried in turn, the one that has the model first; of a
server's replicas those that have the version come first (loaded before loading), then those with
most free memory, then the lowest index. A model is on one server at a time.
"""

from dataclasses import dataclass

from seldon_core.config.sizes import describe_bytes
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.state import (
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.transport.control import ReplicaId


@dataclass(frozen=True, slots=True)
class Placed:
    """The version goes to these replicas of `server`, the best first."""

    server: str
    replicas: tuple[ReplicaId, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no place; `reason` names what each server or replica lacks."""

    reason: str


def place(state: SchedulerState, latest: VersionRecord) -> Placed | Refused:
    """Return where `latest` goes: `spec.replicas` of one server, or `min_replicas` if need be."""
    spec = latest.version.spec
    servers = state.servers()
    refusals = {name: _server_refusal(name, servers[name], spec) for name in servers}
    suitable = [name for name, refusal in refusals.items() if not refusal]
    if not suitable:
        return Refused("no matching server" + _listed(refusals, "no server is connected"))
    suitable.sort(key=lambda name: name != latest.server)  # stable: else as they connected

    rooms = {name: _room_on(servers[name], latest) for name in suitable}
    for wanted in (spec.replicas, spec.min_replicas):
        for name, room in rooms.items():
            if 0 < wanted <= len(room.replicas):
                return Placed(name, room.replicas[: spec.replicas])
    found = max(len(room.replicas) for room in rooms.values())
    refused = {place: why for room in rooms.values() for place, why in room.refusals.items()}
    return Refused(
        f"not enough suitable replicas: {spec.replicas} wanted, {found} found"
        + _listed(refused, "no other replica is connected")
    )


def _server_refusal(name: str, replicas: list[ReplicaRecord], spec: ModelSpec) -> str:
    """Return why a server is out of the question, "" if it is not."""
    if spec.server is not None and spec.server != name:
        return f"is not the server {spec.server!r} that is asked for"
    # The replicas of a server are alike, so any one speaks for it.
    missing = [tag for tag in spec.requirements if tag not in replicas[0].capabilities]
    return f"lacks {', '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class _Room:
    replicas: tuple[ReplicaId, ...]
    refusals: dict[str, str]


def _room_on(replicas: list[ReplicaRecord], latest: VersionRecord) -> _Room:
    """Return a server's suitable replicas, best first, and why the others are not."""
    spec, number = latest.version.spec, latest.version.version
    suitable: list[tuple[int, int, int, ReplicaId]] = []
    refusals: dict[str, str] = {}
    for record in replicas:
        # Its own memory is counted as used, so where it is held it needs no more.
        if (spec.name, number) in record.held or spec.memory_bytes <= record.free_bytes:
            rank = _rank(latest, record.replica)
            replica_idx = record.replica.replica_idx
            suitable.append((rank, -record.free_bytes, replica_idx, record.replica))
        else:
            refusals[str(record.replica)] = _shortage(record.free_bytes, spec.memory_bytes)
    suitable.sort(key=lambda entry: entry[:3])
    return _Room(tuple(entry[3] for entry in suitable), refusals)


def _shortage(free: int, needed: int) -> str:
    """Say what is short, to the byte where rounded sizes would look the same."""
    free_text, needed_text = describe_bytes(free), describe_bytes(needed)
    if free_text == needed_text:
        free_text, needed_text = f"{free} bytes", f"{needed} bytes"
    return f"has {free_text} free of the {needed_text} needed"


def _rank(latest: VersionRecord, replica: ReplicaId) -> int:
    held = latest.assignments.get(replica)
    return _RANKS.get(held.state, _NOT_THERE) if held is not None else _NOT_THERE


_RANKS = {ReplicaState.AVAILABLE: 0, ReplicaState.LOADING: 1}
_NOT_THERE = 2


def _listed(refusals: dict[str, str], nothing: str) -> str:
    listed = "; ".join(f"{place} {why}" for place, why in refusals.items())
    return f": {listed or nothing}"
