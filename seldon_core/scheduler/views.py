"""Turns what the scheduler knows into what operators see."""

from seldon_core.scheduler.state import (
    ModelRecord,
    ModelState,
    ReplicaRecord,
    ReplicaState,
    ServerRecord,
    VersionRecord,
)
from seldon_core.scheduler.status import (
    ModelReplicaStatus,
    ModelStatus,
    ModelVersionStatus,
    ServerReplicaStatus,
    ServerStatus,
)


def model_status(model: ModelRecord) -> ModelStatus:
    """Return a model with all its versions, the oldest first."""
    versions = [version_status(model.versions[number]) for number in sorted(model.versions)]
    return ModelStatus(model.name, model.is_deleted, tuple(versions), model.from_folder)


def version_status(record: VersionRecord) -> ModelVersionStatus:
    """Return one version as it is now."""
    available = len(record.replicas_in(ReplicaState.AVAILABLE))
    if record.state is ModelState.SCHEDULE_FAILED:
        available = len(record.serving_replicas())  # those that drain, if there are no others
        unavailable = max(0, record.replicas - available)
    else:
        unavailable = len(record.replicas_in(ReplicaState.LOADING, ReplicaState.LOAD_FAILED))
    changes = [held.since for held in record.assignments.values()]
    return ModelVersionStatus(
        record.version,
        record.server,
        record.state,
        record.reason,
        max([record.changed_at, *changes]),
        available,
        unavailable,
        tuple(
            ModelReplicaStatus(replica.replica_idx, held.state, held.reason, held.since)
            for replica, held in record.assignments.items()
            if replica.server == record.server
        ),
        record.chosen,
        record.runtime,
    )


def server_status(server: ServerRecord) -> ServerStatus:
    """Return a server with its connected replicas, by their index, without those that drain."""
    here = (record for record in server.replicas.values() if not record.is_draining)
    replicas = sorted(here, key=lambda record: record.replica.replica_idx)
    capabilities = tuple(sorted(replicas[0].capabilities)) if replicas else ()
    return ServerStatus(
        server.name,
        server.expected_replicas,
        capabilities,
        tuple(_replica_status(record) for record in replicas),
        server.spec,
        server.meta,
    )


def _replica_status(record: ReplicaRecord) -> ServerReplicaStatus:
    return ServerReplicaStatus(
        record.replica.replica_idx,
        record.memory_bytes,
        record.free_bytes,
        record.over_commit_percentage,
        len({model for model, _ in record.loaded}),
        sum(record.loaded.values()),
    )
