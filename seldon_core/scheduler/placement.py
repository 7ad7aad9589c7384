"""Which replicas a version goes to: filters that say why not, then an order of preference.

Filters and order are Seldon's, by its names; the one for explainers is missing, since there are
none yet. A server passes if it has a replica, is the one asked for (or none is, and it is shared),
is not going away and has every requirement; a replica if it has them too, the version fits into its
memory, and it does not drain. Servers are tried in turn, the one that has the model first; of
a server's replicas those that have the version come first (loaded before loading), then those with
most free memory, then the lowest index. A model is on one server at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seldon_core.config.sizes import describe_bytes
from seldon_core.scheduler.state import (
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    ServerRecord,
    VersionRecord,
)
from seldon_core.scheduler.status import Verdict
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


def place(state: SchedulerState, record: VersionRecord) -> Placed | Refused:
    """Return where a version goes: to its replicas of one server, or to enough if need be."""
    refusals: dict[str, str] = {}
    suitable: list[ServerRecord] = []
    for server in state.servers.values():
        _, reason = _judge_server(server, record)
        if reason:
            refusals[server.name] = reason
        else:
            suitable.append(server)
    if not suitable:
        return Refused("no matching server" + _listed(refusals, "no server is connected"))
    suitable.sort(key=lambda server: server.name != record.server)  # stable: else as they connected

    rooms = {server.name: _room_on(server, record) for server in suitable}
    for wanted in (record.replicas, record.enough_replicas):
        for name, room in rooms.items():
            if 0 < wanted <= len(room.replicas):
                return Placed(name, room.replicas[: record.replicas])
    found = max(len(room.replicas) for room in rooms.values())
    refused = {place: why for room in rooms.values() for place, why in room.refusals.items()}
    return Refused(
        f"not enough suitable replicas: {record.replicas} wanted, {found} found"
        + _listed(refused, "no other replica is connected")
    )


def explain(state: SchedulerState, record: VersionRecord) -> Iterator[Verdict]:
    """Yield what the filters say of each server, and of each replica of those that pass."""
    for server in state.servers.values():
        name, reason = _judge_server(server, record)
        yield Verdict(server.name, None, name, reason)
        if reason:
            continue
        for replica in server.replicas.values():
            name, reason = _judge_replica(replica, record)
            yield Verdict(server.name, replica.replica.replica_idx, name, reason)


def _has_replica(server: ServerRecord, record: VersionRecord) -> str:
    return "" if server.replicas else "has no replica that is connected"


def _is_asked_for(server: ServerRecord, record: VersionRecord) -> str:
    wanted = record.version.spec.server
    if wanted == server.name or (wanted is None and server.is_shared):
        return ""
    if wanted is None:
        return "is not shared, and takes only models that name it"
    return f"is not the server {wanted!r} that is asked for"


def _is_to_stay(server: ServerRecord, record: VersionRecord) -> str:
    return "" if server.expected_replicas != 0 else "is going away"


def _has_requirements(server: ServerRecord, record: VersionRecord) -> str:
    # The replicas of a server are alike, unless it is being changed or one of them lies.
    refusal = ""
    for replica in server.replicas.values():
        refusal = _can_serve(replica, record)
        if not refusal:
            return ""
    return refusal


def _can_serve(replica: ReplicaRecord, record: VersionRecord) -> str:
    requirements = record.version.spec.requirements
    if replica.capabilities.issuperset(requirements):
        return ""
    return f"lacks {', '.join(tag for tag in requirements if tag not in replica.capabilities)}"


def _is_here_to_stay(replica: ReplicaRecord, record: VersionRecord) -> str:
    return "is draining" if replica.is_draining else ""


def _has_memory(replica: ReplicaRecord, record: VersionRecord) -> str:
    spec = record.version.spec
    free, needed = replica.free_bytes, spec.memory_bytes
    # Its own memory is counted as used, so where it is held it needs no more.
    if needed <= free or (spec.name, record.number) in replica.held:
        return ""
    free_text, needed_text = describe_bytes(free), describe_bytes(needed)
    if free_text == needed_text:  # to the byte where rounded sizes would look the same
        free_text, needed_text = f"{free} bytes", f"{needed} bytes"
    return f"has {free_text} free of the {needed_text} needed"


SERVER_FILTERS: dict[str, Callable[[ServerRecord, VersionRecord], str]] = {
    "ServerReplicaFilter": _has_replica,
    "SharingServerFilter": _is_asked_for,
    "DeletedServerFilter": _is_to_stay,
    "ServerRequirementsFilter": _has_requirements,
}
"""Each returns why a server is out of the question, "" if it is not; the first refusal counts."""

REPLICA_FILTERS: dict[str, Callable[[ReplicaRecord, VersionRecord], str]] = {
    "AvailableMemoryReplicaFilter": _has_memory,
    "ReplicaDrainingFilter": _is_here_to_stay,
    "ReplicaRequirementsFilter": _can_serve,
}
"""The same for the replicas of a server that passed; the last one is not among Seldon's."""


def _judge_server(server: ServerRecord, record: VersionRecord) -> tuple[str, str]:
    """Return the name of the first filter that refuses and its reason, "" twice if none does."""
    for name, refuse in SERVER_FILTERS.items():
        if reason := refuse(server, record):
            return name, reason
    return "", ""


def _judge_replica(replica: ReplicaRecord, record: VersionRecord) -> tuple[str, str]:
    for name, refuse in REPLICA_FILTERS.items():
        if reason := refuse(replica, record):
            return name, reason
    return "", ""


@dataclass(frozen=True, slots=True)
class _Room:
    replicas: tuple[ReplicaId, ...]
    refusals: dict[str, str]


def _room_on(server: ServerRecord, record: VersionRecord) -> _Room:
    """Return a server's suitable replicas, best first, and why the others are not."""
    suitable: list[ReplicaRecord] = []
    refusals: dict[str, str] = {}
    for replica in server.replicas.values():
        _, reason = _judge_replica(replica, record)
        if reason:
            refusals[str(replica.replica)] = reason
        else:
            suitable.append(replica)
    # Stable sorts, applied in turn: the last one decides first.
    suitable.sort(key=lambda replica: replica.replica.replica_idx)
    suitable.sort(key=lambda replica: -replica.free_bytes)
    suitable.sort(key=lambda replica: _rank(record, replica.replica))
    return _Room(tuple(replica.replica for replica in suitable), refusals)


def _rank(record: VersionRecord, replica: ReplicaId) -> int:
    held = record.assignments.get(replica)
    return _RANKS.get(held.state, _NOT_THERE) if held is not None else _NOT_THERE


_RANKS = {ReplicaState.AVAILABLE: 0, ReplicaState.LOADING: 1}
_NOT_THERE = 2


def _listed(refusals: dict[str, str], nothing: str) -> str:
    listed = "; ".join(f"{place} {why}" for place, why in refusals.items())
    return f": {listed or nothing}"
