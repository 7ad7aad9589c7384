"""What of a model is kept across restarts, and how it comes back.

Kept are the declarations: every version's spec and number, which one serves, and what was deleted.
Where versions are loaded and in what state is not: after a restart no replica holds anything, and
the states follow from what happens then.
"""

from seldon_core.resources.model import ModelVersion
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.state import ModelRecord, ModelState, VersionRecord


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


def _stored_version(record: VersionRecord) -> StoredVersion:
    is_over = record.state is ModelState.TERMINATED
    return StoredVersion(
        record.number,
        record.version.spec,
        record.server,
        record.declared_at,
        record.changed_at if is_over else None,
    )
