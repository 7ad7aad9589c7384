"""Pipelines and experiments within the scheduler's machine: their events, and what follows.

decide      an event of theirs; then
follow      whatever event it was: who is affected, routes, what is to be kept and told
"""

import heapq
from collections.abc import Iterator
from typing import assert_never

from seldon_core.resources.experiment import ResourceType
from seldon_core.scheduler import experiments, pipelines
from seldon_core.scheduler.decisions import Decision, Drop, PublishRoute, Save
from seldon_core.scheduler.declared_decisions import PublishExperiment, PublishPipeline
from seldon_core.scheduler.declared_events import (
    DeclaredEvent,
    ExperimentRestored,
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineRestored,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.declared_keeping import (
    restored_experiment,
    restored_pipeline,
    stored_experiment,
    stored_pipeline,
)
from seldon_core.scheduler.declared_state import (
    DeclaredState,
    ExperimentRecord,
    PipelineRecord,
    PipelineState,
)
from seldon_core.scheduler.declared_story import tell_experiment, tell_pipeline
from seldon_core.scheduler.declared_views import experiment_status, pipeline_status
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.retries import DELETED_TTL_S
from seldon_core.scheduler.state import SchedulerState
from seldon_core.transport.control import RouteUpdate

RETRY_S = 60.0
"""Between attempts of an order to an engine or gateway that failed; Seldon's own default."""

_SPARE_WAKEUPS = 1_000


def decide(state: DeclaredState, event: DeclaredEvent) -> list[Decision]:
    """Take in what happened to a pipeline or experiment; return what to do about it, in order."""
    match event:
        case PipelineRestored() | ExperimentRestored():
            return _on_restored(state, event)
        case PipelineLoadRequested():
            state.touched_pipelines[event.spec.name] = None
            return pipelines.on_load_requested(state, event)
        case PipelineUnloadRequested():
            state.touched_pipelines[event.pipeline] = None
            return pipelines.on_unload_requested(state, event)
        case PipelineMemberJoined():
            return pipelines.on_joined(state, event)
        case PipelineMemberLeft():
            return pipelines.on_left(state, event)
        case PipelineAcknowledged():
            state.touched_pipelines[event.pipeline] = None
            return pipelines.on_acknowledged(state, event)
        case ExperimentStartRequested():
            return experiments.on_start_requested(state, event)
        case ExperimentStopRequested():
            return experiments.on_stop_requested(state, event)
        case _:
            assert_never(event)


def on_tick(state: DeclaredState, now: float) -> list[Decision]:
    """Give failed orders again, and forget what was deleted long ago."""
    decisions: list[Decision] = []
    while state.wakeups and state.wakeups[0][0] <= now:
        at, what, name = heapq.heappop(state.wakeups)
        if what == Kind.PIPELINE.value:
            pipeline = state.pipelines.get(name)
            if pipeline is not None and pipeline.wake_at == at:
                pipeline.wake_at = None
                decisions += _wake_pipeline(state, pipeline, now)
        else:
            experiment = state.experiments.get(name)
            if experiment is not None and experiment.wake_at == at:
                del state.experiments[name]
                decisions.append(Drop(Kind.EXPERIMENT, name))
    return decisions


def next_wakeup(state: DeclaredState) -> float | None:
    """Return when `on_tick` is wanted, None if time alone changes nothing."""
    while state.wakeups and not _is_wanted(state, *state.wakeups[0]):
        heapq.heappop(state.wakeups)
    return state.wakeups[0][0] if state.wakeups else None


def follow(
    state: SchedulerState, decisions: list[Decision], now: float
) -> tuple[list[Decision], list[Decision], list[Decision]]:
    """Return what is to be kept, `decisions` with the routes that follow, and what is to be told.

    `state.touched` are the models that the event may have changed.
    """
    declared = state.declared
    if not declared.pipelines and not declared.experiments:
        declared.touched_pipelines.clear()  # one that was asked for, and that there is not
        return [], decisions, []
    _spread(state)
    for name in declared.touched_pipelines:
        decisions = [*decisions, *_route_pipeline(declared, name)]
    decisions = experiments.rerouted(state, decisions)
    kept: list[Decision] = []
    told: list[Decision] = []
    for name in declared.touched_pipelines:
        pipeline = declared.pipelines.get(name)
        if pipeline is not None:
            _arm_pipeline(declared, pipeline, now)
            kept += _keep_pipeline(pipeline)
            told += _tell_pipeline(state, pipeline)
    for name in declared.touched_experiments:
        experiment = declared.experiments.get(name)
        if experiment is not None:
            _arm_experiment(declared, experiment)
            kept += _keep_experiment(experiment)
            told += _tell_experiment(state, experiment)
    for touched in (declared.touched_pipelines, declared.touched_experiments, declared.released):
        touched.clear()
    return kept, decisions, told


def _on_restored(
    state: DeclaredState, event: PipelineRestored | ExperimentRestored
) -> list[Decision]:
    if isinstance(event, PipelineRestored):
        pipeline = restored_pipeline(event.stored, event.now)
        state.pipelines[pipeline.name] = pipeline
        state.touched_pipelines[pipeline.name] = None
        if not pipeline.is_deleted:
            pipelines.index(state, pipeline)
        return []
    experiment = restored_experiment(event.stored)
    state.experiments[experiment.name] = experiment
    state.touched_experiments[experiment.name] = None
    if not experiment.is_deleted:
        experiments.enter(state, experiment)
    return []


def _wake_pipeline(state: DeclaredState, pipeline: PipelineRecord, now: float) -> list[Decision]:
    if pipeline.is_deleted and pipeline.latest.is_over:
        del state.pipelines[pipeline.name]
        return [Drop(Kind.PIPELINE, pipeline.name)]
    state.touched_pipelines[pipeline.name] = None
    return pipelines.on_due(state, pipeline, now)


def _is_wanted(state: DeclaredState, at: float, what: str, name: str) -> bool:
    records: dict[str, PipelineRecord] | dict[str, ExperimentRecord] = (
        state.pipelines if what == Kind.PIPELINE.value else state.experiments
    )
    record = records.get(name)
    return record is not None and record.wake_at == at


def _spread(state: SchedulerState) -> None:
    """Touch whatever shows the state of a model or pipeline that is touched."""
    declared = state.declared
    for name in state.touched:
        declared.touched_pipelines |= declared.pipelines_of.get(name, {})
    members = [
        *((ResourceType.MODEL, name) for name in state.touched),
        *((ResourceType.PIPELINE, name) for name in declared.touched_pipelines),
    ]
    for member in members:
        declared.touched_experiments |= declared.experiments_of.get(member, {})


def _route_pipeline(state: DeclaredState, name: str) -> Iterator[Decision]:
    """Publish a pipeline's own route if it changed; it says why it cannot answer."""
    pipeline = state.pipelines.get(name)
    if pipeline is None:
        return
    route = RouteUpdate(f"{name}.pipeline", notice=_notice(pipeline))
    if route != (pipeline.route or RouteUpdate(route.name)):
        yield PublishRoute(route)
    pipeline.route = route


def _notice(pipeline: PipelineRecord) -> str:
    if pipeline.is_deleted:
        return ""
    for side, record in pipeline.latest.sides.items():
        if record.state is not PipelineState.READY:
            return f"cannot be called: {record.reason or f'the {side.value} has yet to take it in'}"
    return f"cannot be called: its {Side.GATEWAY.value} takes no calls from this program"


def _arm_pipeline(state: DeclaredState, pipeline: PipelineRecord, now: float) -> None:
    """Set when a pipeline is looked at next; a time that is set and still wanted stays."""
    if pipeline.is_deleted and pipeline.latest.is_over:
        wake_at: float | None = (pipeline.deleted_at or now) + DELETED_TTL_S
    elif pipelines.is_in_trouble(pipeline):
        wake_at = pipeline.wake_at or now + RETRY_S
    else:
        wake_at = None
    is_new = wake_at is not None and wake_at != pipeline.wake_at
    pipeline.wake_at = wake_at
    if wake_at is not None and is_new:
        _push(state, wake_at, Kind.PIPELINE, pipeline.name)


def _arm_experiment(state: DeclaredState, experiment: ExperimentRecord) -> None:
    if experiment.deleted_at is not None and experiment.wake_at is None:
        experiment.wake_at = experiment.deleted_at + DELETED_TTL_S
        _push(state, experiment.wake_at, Kind.EXPERIMENT, experiment.name)


def _push(state: DeclaredState, at: float, what: Kind, name: str) -> None:
    heapq.heappush(state.wakeups, (at, what.value, name))
    known = len(state.pipelines) + len(state.experiments)
    if len(state.wakeups) > 2 * known + _SPARE_WAKEUPS:
        # Most are stale: a name that is deleted and declared over and over leaves one each time.
        state.wakeups = sorted({wakeup for wakeup in state.wakeups if _is_wanted(state, *wakeup)})


def _keep_pipeline(pipeline: PipelineRecord) -> Iterator[Decision]:
    stored = stored_pipeline(pipeline)
    if stored != pipeline.saved:
        pipeline.saved = stored
        yield Save(stored)


def _keep_experiment(experiment: ExperimentRecord) -> Iterator[Decision]:
    stored = stored_experiment(experiment)
    if stored != experiment.saved:
        experiment.saved = stored
        yield Save(stored)


def _tell_pipeline(state: SchedulerState, pipeline: PipelineRecord) -> Iterator[Decision]:
    shown = pipeline_status(state, pipeline)
    if shown != pipeline.shown:
        pipeline.shown = shown
        yield PublishPipeline(pipeline.name, tell_pipeline(shown))


def _tell_experiment(state: SchedulerState, experiment: ExperimentRecord) -> Iterator[Decision]:
    shown = experiment_status(state, experiment)
    if shown != experiment.shown:
        experiment.shown = shown
        yield PublishExperiment(experiment.name, tell_experiment(shown))
