"""What of pipelines and experiments is kept across restarts, and how it comes back.

Kept is what was declared. Who had taken it in is not: after a restart nobody is connected, and the
states follow from who comes.
"""

from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.declared_state import (
    ExperimentRecord,
    PipelineRecord,
    PipelineVersionRecord,
)
from seldon_core.scheduler.pipelines import restore_sides
from seldon_core.scheduler.records import (
    StoredExperiment,
    StoredPipeline,
    StoredPipelineVersion,
)


def stored_pipeline(pipeline: PipelineRecord) -> StoredPipeline:
    """Return what is to be kept of a pipeline."""
    versions = [_stored_version(pipeline.versions[number]) for number in sorted(pipeline.versions)]
    return StoredPipeline(pipeline.name, tuple(versions), pipeline.deleted_at)


def restored_pipeline(stored: StoredPipeline, now: float) -> PipelineRecord:
    """Return a pipeline as it is after a restart, before anybody has taken it in."""
    pipeline = PipelineRecord(stored.name, deleted_at=stored.deleted_at, saved=stored)
    for kept in stored.versions:
        version = PipelineVersion(kept.spec, kept.number, kept.uid)
        pipeline.versions[kept.number] = PipelineVersionRecord(version, kept.declared_at, now)
    restore_sides(pipeline, now)
    for kept in stored.versions:
        if kept.terminated_at is not None:
            pipeline.versions[kept.number].changed_at = kept.terminated_at
    return pipeline


def stored_experiment(experiment: ExperimentRecord) -> StoredExperiment:
    """Return what is to be kept of an experiment."""
    return StoredExperiment(
        experiment.name, experiment.spec, experiment.declared_at, experiment.deleted_at
    )


def restored_experiment(stored: StoredExperiment) -> ExperimentRecord:
    """Return an experiment as it is after a restart, before its members have come."""
    return ExperimentRecord(
        stored.name, stored.spec, stored.declared_at, deleted_at=stored.deleted_at, saved=stored
    )


def _stored_version(record: PipelineVersionRecord) -> StoredPipelineVersion:
    version = record.version
    return StoredPipelineVersion(
        version.version,
        version.uid,
        version.spec,
        record.declared_at,
        record.changed_at if record.is_over else None,
    )
