"""Which replicas a version goes to: filters that say why not, then an order of preference.

Filters and order are Seldon's, by its names; the one for explainers is missing, since there are
none yet. A server passes if it has a replica, is the one asked for (or none is, and it is shared),
is not going away and has every requirement; a replica if it has them too, the version fits into its
memory, and it does not drain. Servers are tried in turn, the one that has the model first; of
a server's replicas those that have the version come first (loaded before loading), then those with
most free memory, then the lowest index. A model is on one server at a time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

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

T = TypeVar("T")

MOST_TOLD = 10
"""Servers or replicas of which a refusal tells; a large cluster's would fill memory."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The version goes to these replicas of `server`, the best first."""

    server: str
    replicas: tuple[ReplicaId, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no place; `reason` names what servers or replicas lack, MOST_TOLD at most."""

    reason: str


def place(state: SchedulerState, record: VersionRecord) -> Placed | Refused:
    """Return where a version goes: to its replicas of one server, or to enough if need be."""
    suitable = [s for s in state.servers.values() if not _refusal(SERVER_FILTERS, s, record)]
    if not suitable:
        return Refused("no matching server" + _listed(_server_refusals(state, record)))
    suitable.sort(key=lambda server: server.name != record.server)  # stable: else as they connected

    rooms: dict[str, list[ReplicaRecord]] = {}  # looked for as far as needed: there may be many
    for wanted in (record.replicas, record.enough_replicas):
        for server in suitable if wanted > 0 else ():
            room = rooms.get(server.name)
            if room is None:
                room = rooms[server.name] = _room_on(server, record)
            if wanted <= len(room):
                best = _best_first(room, record)[: record.replicas]
                return Placed(server.name, tuple(replica.replica for replica in best))
    found = max(map(len, rooms.values()))
    return Refused(
        f"not enough suitable replicas: {record.replicas} wanted, {found} found"
        + _listed(_replica_refusals(suitable, record), "no other replica is connected")
    )


def explain(state: SchedulerState, record: VersionRecord) -> Iterator[Verdict]:
    """Yield what the filters say of each server, and of each replica of those that pass."""
    for server in state.servers.values():
        name, reason = _judge(SERVER_FILTERS, server, record)
        yield Verdict(server.name, None, name, reason)
        if name:
            continue
        for replica in server.replicas.values():
            name, reason = _judge(REPLICA_FILTERS, replica, record)
            yield Verdict(server.name, replica.replica.replica_idx, name, reason)


def _has_replica(server: ServerRecord, record: VersionRecord) -> bool:
    return bool(server.replicas)


def _is_asked_for(server: ServerRecord, record: VersionRecord) -> bool:
    wanted = record.version.spec.server
    return wanted == server.name or (wanted is None and server.is_shared)


def _tell_who_is_asked_for(server: ServerRecord, record: VersionRecord) -> str:
    wanted = record.version.spec.server
    if wanted is None:
        return "is not shared, and takes only models that name it"
    return f"is not the server {wanted!r} that is asked for"


def _is_to_stay(server: ServerRecord, record: VersionRecord) -> bool:
    return server.expected_replicas != 0


def _has_requirements(server: ServerRecord, record: VersionRecord) -> bool:
    # The replicas of a server are alike, unless it is being changed or one of them lies.
    return any(_can_serve(replica, record) for replica in server.replicas.values())


def _tell_lack(server: ServerRecord, record: VersionRecord) -> str:
    return _tell_lack_of(list(server.replicas.values())[-1], record)


def _can_serve(replica: ReplicaRecord, record: VersionRecord) -> bool:
    return replica.capabilities.issuperset(record.version.spec.requirements)


def _tell_lack_of(replica: ReplicaRecord, record: VersionRecord) -> str:
    requirements = record.version.spec.requirements
    return f"lacks {', '.join(tag for tag in requirements if tag not in replica.capabilities)}"


def _is_here_to_stay(replica: ReplicaRecord, record: VersionRecord) -> bool:
    return not replica.is_draining


def _has_memory(replica: ReplicaRecord, record: VersionRecord) -> bool:
    # Its own memory is counted as used, so where it is held it needs no more.
    is_held = (record.version.spec.name, record.number) in replica.held
    return is_held or record.needed_bytes <= replica.free_bytes


def _tell_memory(replica: ReplicaRecord, record: VersionRecord) -> str:
    free, needed = replica.free_bytes, record.needed_bytes
    free_text, needed_text = describe_bytes(free), describe_bytes(needed)
    if free_text == needed_text:  # to the byte where rounded sizes would look the same
        free_text, needed_text = f"{free} bytes", f"{needed} bytes"
    return f"has {free_text} free of the {needed_text} needed"


@dataclass(frozen=True, slots=True)
class Filter(Generic[T]):
    """Whether a server or replica may have a version, and if not, why; the first that says no
    counts."""

    passes: Callable[[T, VersionRecord], bool]
    tell: Callable[[T, VersionRecord], str]


SERVER_FILTERS: dict[str, Filter[ServerRecord]] = {
    "ServerReplicaFilter": Filter(
        _has_replica, lambda server, record: "has no replica that is connected"
    ),
    "SharingServerFilter": Filter(_is_asked_for, _tell_who_is_asked_for),
    "DeletedServerFilter": Filter(_is_to_stay, lambda server, record: "is going away"),
    "ServerRequirementsFilter": Filter(_has_requirements, _tell_lack),
}
"""What is asked of a server."""

REPLICA_FILTERS: dict[str, Filter[ReplicaRecord]] = {
    "AvailableMemoryReplicaFilter": Filter(_has_memory, _tell_memory),
    "ReplicaDrainingFilter": Filter(_is_here_to_stay, lambda replica, record: "is draining"),
    "ReplicaRequirementsFilter": Filter(_can_serve, _tell_lack_of),
}
"""What is asked of the replicas of a server that passed; the last is not among Seldon's."""


def _refusal(filters: Mapping[str, Filter[T]], place: T, record: VersionRecord) -> str:
    """Return the name of the first filter that refuses, "" if none does."""
    for name, each in filters.items():
        if not each.passes(place, record):
            return name
    return ""


def _judge(filters: Mapping[str, Filter[T]], place: T, record: VersionRecord) -> tuple[str, str]:
    """Return the name of the first filter that refuses and its reason, "" twice if none does."""
    name = _refusal(filters, place, record)
    return name, filters[name].tell(place, record) if name else ""


def _room_on(server: ServerRecord, record: VersionRecord) -> list[ReplicaRecord]:
    """Return a server's suitable replicas."""
    replicas = server.replicas.values()
    return [each for each in replicas if not _refusal(REPLICA_FILTERS, each, record)]


def _best_first(room: list[ReplicaRecord], record: VersionRecord) -> list[ReplicaRecord]:
    return sorted(
        room,
        key=lambda each: (
            _rank(record, each.replica),
            -each.free_bytes,
            each.replica.replica_idx,
        ),
    )


def _rank(record: VersionRecord, replica: ReplicaId) -> int:
    held = record.assignments.get(replica)
    return _RANKS.get(held.state, _NOT_THERE) if held is not None else _NOT_THERE


_RANKS = {ReplicaState.AVAILABLE: 0, ReplicaState.LOADING: 1}
_NOT_THERE = 2


def _server_refusals(state: SchedulerState, record: VersionRecord) -> Iterator[str]:
    for server in state.servers.values():
        _, why = _judge(SERVER_FILTERS, server, record)
        yield f"{server.name} {why}"


def _replica_refusals(servers: Sequence[ServerRecord], record: VersionRecord) -> Iterator[str]:
    for server in servers:
        for replica in server.replicas.values():
            name, why = _judge(REPLICA_FILTERS, replica, record)
            if name:
                yield f"{replica.replica} {why}"


def _listed(refusals: Iterator[str], nothing: str = "no server is connected") -> str:
    told = list(islice(refusals, MOST_TOLD + 1))
    if len(told) > MOST_TOLD:
        told[-1] = "and so on"
    return f": {'; '.join(told) or nothing}"
