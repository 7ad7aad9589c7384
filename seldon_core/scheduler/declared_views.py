"""Turns what the scheduler knows of pipelines and experiments into what operators see."""

from collections.abc import Callable

from seldon_core.resources.experiment import ResourceType
from seldon_core.scheduler.declared_events import Side
from seldon_core.scheduler.declared_state import (
    ExperimentRecord,
    PipelineRecord,
    PipelineState,
    PipelineVersionRecord,
)
from seldon_core.scheduler.declared_status import (
    ExperimentStatus,
    PipelineStatus,
    PipelineVersionStatus,
)
from seldon_core.scheduler.state import ModelRecord, ModelState, SchedulerState

ACTIVE = "experiment active"
STOPPED = "experiment stopped"


def pipeline_status(state: SchedulerState, pipeline: PipelineRecord) -> PipelineStatus:
    """Return a pipeline with all its versions, the oldest first.

    Whether its models are ready is said of the latest version, unless it is deleted: what becomes
    of other models is of no interest to it.
    """
    latest = pipeline.latest
    ready = not pipeline.is_deleted and all(
        _can_be_called(state.models.get(model)) for model in latest.version.spec.models
    )
    versions = [
        _version_status(record, models_ready=ready and record is latest)
        for _, record in sorted(pipeline.versions.items())
    ]
    return PipelineStatus(pipeline.name, pipeline.is_deleted, tuple(versions))


def experiment_status(state: SchedulerState, experiment: ExperimentRecord) -> ExperimentStatus:
    """Return an experiment as it is now; one that was stopped has to do with nothing any more."""
    spec = experiment.spec
    if experiment.is_deleted:
        return ExperimentStatus(
            spec,
            is_deleted=True,
            is_active=False,
            candidates_ready=False,
            mirror_ready=False,
            description=STOPPED,
        )
    is_ready = _readiness(state, spec.resource_type)
    return ExperimentStatus(
        spec,
        experiment.is_deleted,
        experiment.is_active,
        all(is_ready(candidate.name) for candidate in spec.candidates),
        spec.mirror is None or is_ready(spec.mirror.name),
        experiment.problem or ACTIVE,
    )


def _version_status(record: PipelineVersionRecord, *, models_ready: bool) -> PipelineVersionStatus:
    engine, gateway = record.sides[Side.ENGINE], record.sides[Side.GATEWAY]
    return PipelineVersionStatus(
        record.version,
        engine.state,
        engine.reason,
        gateway.state,
        gateway.reason,
        models_ready,
        record.changed_at,
    )


def _can_be_called(model: ModelRecord | None) -> bool:
    """Whether some version of a model is available; it need not be the latest."""
    return (
        model is not None
        and not model.is_deleted
        and any(record.state is ModelState.AVAILABLE for record in model.versions.values())
    )


def _readiness(state: SchedulerState, sort: ResourceType) -> Callable[[str], bool]:
    """Return what says whether a member of this sort is ready: its latest version is."""

    def is_model_ready(name: str) -> bool:
        model = state.models.get(name)
        return (
            model is not None
            and not model.is_deleted
            and model.latest.state is ModelState.AVAILABLE
        )

    def is_pipeline_ready(name: str) -> bool:
        pipeline = state.declared.pipelines.get(name)
        return (
            pipeline is not None
            and not pipeline.is_deleted
            and all(side.state is PipelineState.READY for side in pipeline.latest.sides.values())
        )

    return is_model_ready if sort is ResourceType.MODEL else is_pipeline_ready
