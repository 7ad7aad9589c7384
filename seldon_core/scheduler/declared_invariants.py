"""What is true of pipelines and experiments after every event."""

from collections.abc import Iterator

from seldon_core.resources.experiment import ResourceType
from seldon_core.scheduler.declared_events import Side
from seldon_core.scheduler.declared_state import (
    DeclaredState,
    ExperimentRecord,
    Member,
    PipelineRecord,
    PipelineState,
)
from seldon_core.scheduler.experiments import own_route, problem_of, split_of
from seldon_core.scheduler.state import SchedulerState
from seldon_core.transport.control import RouteUpdate

_STANDING = frozenset(
    {
        PipelineState.CREATE,
        PipelineState.CREATING,
        PipelineState.READY,
        PipelineState.FAILED,
        PipelineState.REBALANCING,
    }
)


def declared_violations(state: SchedulerState) -> Iterator[str]:
    """Yield a sentence for each rule that is broken."""
    declared = state.declared
    for pipeline in declared.pipelines.values():
        for side in Side:
            yield from _side_violations(declared, pipeline, side)
    for experiment in declared.experiments.values():
        yield from _experiment_violations(state, experiment)
    yield from _split_violations(state)
    yield from _index_violations(declared)


def _side_violations(
    declared: DeclaredState, pipeline: PipelineRecord, side: Side
) -> Iterator[str]:
    latest = pipeline.latest.sides[side]
    what = f"pipeline {pipeline.name} at its {side.value}"
    if (latest.state in _STANDING) == pipeline.is_deleted:
        yield f"{what} is {latest.state.value}, deleted {pipeline.is_deleted}"
    is_with_nobody = latest.state in (PipelineState.CREATE, PipelineState.TERMINATED)
    if not is_with_nobody and latest.member not in declared.members[side]:
        yield f"{what} is {latest.state.value} and with {latest.member!r}, who is not connected"
    if latest.state is PipelineState.CREATE and declared.members[side]:
        yield f"{what} waits for somebody and somebody is connected"
    for number, record in pipeline.versions.items():
        old = record.sides[side]
        is_older = record is not pipeline.latest
        if (
            is_older
            and old.state is not PipelineState.TERMINATED
            and (
                latest.state
                in (PipelineState.READY, PipelineState.CREATE, PipelineState.TERMINATED)
            )
        ):
            yield f"{what}: version {number} is {old.state.value} though it was relieved"


def _experiment_violations(state: SchedulerState, record: ExperimentRecord) -> Iterator[str]:
    name = f"{record.name}.experiment"
    problem = "" if record.is_deleted else problem_of(state, record.spec)
    if record.problem != problem:
        yield f"experiment {record.name} is inactive for {record.problem!r}, not for {problem!r}"
    route = record.route or RouteUpdate(name)
    if record.is_deleted and route != RouteUpdate(name):
        yield f"experiment {record.name} was stopped and is still routed"
    if record.is_active and route.candidates != split_of(state, record.spec):
        yield f"experiment {record.name} has another route than its members"
    if not record.is_active and route.candidates:
        yield f"experiment {record.name} is inactive and routed"


def _split_violations(state: SchedulerState) -> Iterator[str]:
    declared = state.declared
    wanted: dict[Member, RouteUpdate] = {}
    for member, holder in declared.defaults.items():
        record = declared.experiments.get(holder)
        if record is None or record.is_deleted or record.spec.default != member[1]:
            yield f"{member[1]} is the default of {holder}, which does not have it"
        elif record.is_active:
            name = own_route(state, member).name
            wanted[member] = RouteUpdate(name, split_of(state, record.spec))
    if declared.taken != wanted:
        yield f"{sorted(name for _, name in declared.taken)} are split, not {sorted(wanted)}"


def _index_violations(declared: DeclaredState) -> Iterator[str]:
    pipelines: dict[str, dict[str, None]] = {}
    for pipeline in declared.pipelines.values():
        for model in () if pipeline.is_deleted else pipeline.latest.version.spec.models:
            pipelines.setdefault(model, {})[pipeline.name] = None
    if declared.pipelines_of != pipelines:
        yield f"models are in {declared.pipelines_of}, not in the pipelines {pipelines}"
    experiments: dict[tuple[ResourceType, str], dict[str, None]] = {}
    for experiment in declared.experiments.values():
        for name in () if experiment.is_deleted else experiment.spec.members:
            member = (experiment.spec.resource_type, name)
            experiments.setdefault(member, {})[experiment.name] = None
    if declared.experiments_of != experiments:
        yield f"members are in {declared.experiments_of}, not in the experiments {experiments}"
