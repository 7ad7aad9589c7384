"""What of models and servers is kept across restarts, and how it comes back.

Kept are the declarations: every version's spec and number, which one serves, and what was deleted.
Where versions are loaded and in what state is not: replicas tell what they hold when they connect,
and the states follow from what happens then.
"""

from collections.abc import Collection

from seldon_core.resources.model import ModelVersion
from seldon_core.scheduler.decisions import Decision, Drop, Save
from seldon_core.scheduler.records import (
    Kind,
    StoredModel,
    StoredScaling,
    StoredServer,
    StoredVersion,
)
from seldon_core.scheduler.state import ModelRecord, ModelState, ServerRecord, VersionRecord


def stored_of(model: ModelRecord) -> StoredModel:
    """Return what is to be kept of a model."""
    versions = [_stored_version(model.versions[number]) for number in sorted(model.versions)]
    return StoredModel(model.name, tuple(versions), model.fallback, model.deleted_at)


def restored(stored: StoredModel, now: float) -> ModelRecord:
    """Return a model as it is after a restart, before it is placed.

    Of its versions those that are not to stand have nothing left to wait for: they are terminated.
    """
    model = ModelRecord(
        stored.name, fallback=stored.fallback, deleted_at=stored.deleted_at, saved=stored
    )
    for kept in stored.versions:
        record = VersionRecord(
            ModelVersion(kept.spec, kept.number),
            declared_at=kept.declared_at,
            changed_at=kept.terminated_at or now,
            server=kept.server,
        )
        if kept.terminated_at is not None:
            record.state = ModelState.TERMINATED
        model.versions[kept.number] = record
    return model


def keep_scaling(model: ModelRecord) -> list[Decision]:
    """Return what is to be done that what scaling chose for a model is kept, and nothing else."""
    latest = model.latest
    stored, chosen = None, latest.chosen
    if chosen is not None:
        namespace = latest.version.spec.namespace
        number, why = latest.number, chosen.why
        stored = StoredScaling(model.name, namespace, number, chosen.replicas, why, chosen.at)
    if stored == model.saved_scaling:
        return []
    model.saved_scaling = stored
    return [Save(stored) if stored is not None else Drop(Kind.SCALING, model.name)]


def _stored_version(record: VersionRecord) -> StoredVersion:
    is_over = record.state is ModelState.TERMINATED
    return StoredVersion(
        record.number,
        record.version.spec,
        record.server,
        record.declared_at,
        record.changed_at if is_over else None,
    )


def stored_server_of(server: ServerRecord, awaited: Collection[int] = ()) -> StoredServer | None:
    """Return what is to be kept of a server, None if nothing is.

    Replicas of this process come again by themselves. Of those in others the ones that are
    `awaited` are remembered, and the last one that went: they may come back with all they held.
    """
    connected = [r.replica.replica_idx for r in server.replicas.values() if r.address is not None]
    remote = {*connected, *awaited}
    if server.saved is not None and server.expected_replicas != 0 and not remote:
        remote = set(server.saved.replicas)
    stored = StoredServer(
        server.name,
        server.spec,
        server.expected_replicas,
        server.min_replicas,
        server.max_replicas,
        server.is_shared,
        tuple(sorted(remote)),
        server.meta,
    )
    is_known = server.spec is not None or server.expected_replicas > 0 or bool(remote)
    return stored if is_known else None


def restored_server(stored: StoredServer) -> ServerRecord:
    """Return a server as it is after a restart, before a replica connects."""
    return ServerRecord(
        stored.name,
        {},
        stored.spec,
        stored.expected_replicas,
        stored.min_replicas,
        stored.max_replicas,
        stored.is_shared,
        stored.meta,
        stored,
    )
