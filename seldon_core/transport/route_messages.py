"""The messages by which the scheduler tells routers in other processes where calls go."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seldon_core.proto import control_pb2 as pb
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaId,
    RouteCandidate,
    RouteUpdate,
)

PART_BYTES: Final = 1024 * 1024
"""A message is no longer than that by more than one route; clients of gRPC take in 4 MiB."""

_MAX_PORT = 65535

Replicas = Mapping[ReplicaId, ReplicaAddress | None]


@dataclass(frozen=True, slots=True)
class RouteChanges:
    """Routes and replicas that changed; where `is_snapshot`, all there are.

    A replica's address is None, and a route has neither candidates nor a notice, if it is gone.
    """

    is_snapshot: bool = False
    routes: tuple[RouteUpdate, ...] = ()
    replicas: Replicas = field(default_factory=dict)


def parts_of(changes: RouteChanges) -> Iterator[pb.RoutesMessage]:
    """Yield the messages that say `changes`, at least one; their `sequence` is to be set."""
    message = pb.RoutesMessage(isSnapshot=changes.is_snapshot)
    size = 0
    for each in _entries(changes):
        if size > PART_BYTES:
            yield message
            message = pb.RoutesMessage(isSnapshot=changes.is_snapshot)
            size = 0
        size += each.ByteSize()
        if isinstance(each, pb.Route):
            message.routes.append(each)
        else:
            message.replicas.append(each)
    message.isComplete = True
    yield message


def changes_of(parts: Sequence[pb.RoutesMessage]) -> RouteChanges:
    """Return what `parts`, of which the last is complete, say.

    Raises ValueError if that cannot be.
    """
    if any(part.isSnapshot != parts[0].isSnapshot for part in parts):
        raise ValueError("parts of a snapshot and of what changed are mixed")
    return RouteChanges(
        is_snapshot=parts[0].isSnapshot,
        routes=tuple(_route_of(route) for part in parts for route in part.routes),
        replicas=dict(_place_of(place) for part in parts for place in part.replicas),
    )


def _entries(changes: RouteChanges) -> Iterable[pb.Route | pb.ReplicaPlace]:
    for replica, address in changes.replicas.items():
        yield _place_message(replica, address)
    for update in changes.routes:
        yield _route_message(update)


def _place_message(replica: ReplicaId, address: ReplicaAddress | None) -> pb.ReplicaPlace:
    if address is None:
        return pb.ReplicaPlace(replica=_replica_message(replica))
    return pb.ReplicaPlace(
        replica=_replica_message(replica),
        host=address.host,
        httpPort=address.http_port,
        grpcPort=address.grpc_port,
        isOurs=address.is_ours,
    )


def _place_of(message: pb.ReplicaPlace) -> tuple[ReplicaId, ReplicaAddress | None]:
    replica = _replica_of(message.replica)
    if not message.host:
        return replica, None
    for port in (message.httpPort, message.grpcPort):
        if port > _MAX_PORT:
            raise ValueError(f"replica {replica} is at port {port}, which is none")
    return replica, ReplicaAddress(message.host, message.httpPort, message.grpcPort, message.isOurs)


def _route_message(update: RouteUpdate) -> pb.Route:
    return pb.Route(
        name=update.name,
        candidates=[
            pb.RouteCandidate(
                model=candidate.model,
                version=candidate.version,
                weight=candidate.weight,
                replicas=map(_replica_message, candidate.replicas),
            )
            for candidate in update.candidates
        ],
        notice=update.notice,
    )


def _route_of(message: pb.Route) -> RouteUpdate:
    candidates = tuple(
        RouteCandidate(
            candidate.model,
            candidate.version,
            candidate.weight,
            tuple(map(_replica_of, candidate.replicas)),
        )
        for candidate in message.candidates
    )
    return RouteUpdate(message.name, candidates, message.notice)


def _replica_message(replica: ReplicaId) -> pb.Replica:
    return pb.Replica(server=replica.server, replicaIdx=replica.replica_idx)


def _replica_of(message: pb.Replica) -> ReplicaId:
    return ReplicaId(message.server, message.replicaIdx)
