"""What events about pipelines lead to: their versions, and who is told to run them.

A version has two sides, what runs it and what makes it callable, each with a state of its own that
follows from the answers of one connected member, chosen by the pipeline's name so that a change of
members moves few pipelines. With nobody connected nothing is ordered: what is declared waits, and
what is to go is gone.
"""

from seldon_core.errors import InvalidResourceError, NotFoundError, NotReadyError, SeldonError
from seldon_core.resources.pipeline import PipelineSpec, PipelineVersion
from seldon_core.scheduler.acknowledgements import Operation, Outcome, Round
from seldon_core.scheduler.choosing import member_for
from seldon_core.scheduler.decisions import AnswerCaller, Change, Decision
from seldon_core.scheduler.declared_decisions import OrderPipeline
from seldon_core.scheduler.declared_events import (
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.declared_state import (
    DeclaredState,
    PipelineRecord,
    PipelineState,
    PipelineVersionRecord,
)

HISTORY = 10
"""Terminated versions that are still shown of a pipeline; older ones are forgotten."""

MOST_ATTEMPTS = 10
"""So often an order that failed is given again."""

NOBODY = {
    Side.ENGINE: "no dataflow engine is connected: pipelines are not run yet",
    Side.GATEWAY: "no pipeline gateway is connected: pipelines cannot be called yet",
}
"""Why a side stays at Create."""

REMOVED = "pipeline removed"
REBALANCED = "Rebalance"

_LEAVING = (PipelineState.TERMINATE, PipelineState.TERMINATING)


def on_load_requested(state: DeclaredState, event: PipelineLoadRequested) -> list[Decision]:
    """Take in a spec as a new version, unless it is known to be the same."""
    spec = event.spec
    pipeline = state.pipelines.get(spec.name)
    refusal = _refusal(pipeline, spec)
    if refusal is not None:
        return [AnswerCaller(event.caller, refusal)]
    if pipeline is None or pipeline.is_deleted:
        state.pipelines.pop(spec.name, None)  # pipelines are listed as they came
        pipeline = state.pipelines[spec.name] = PipelineRecord(spec.name)
        change, number = Change.CREATED, 1
    elif _is_known(pipeline.latest.version.spec, event):
        return [AnswerCaller(event.caller, change=Change.UNCHANGED)]
    else:
        change, number = Change.CONFIGURED, pipeline.latest.version.version + 1
        _index(state, pipeline, is_in=False)
    version = PipelineVersion(spec, number, event.uid)
    pipeline.versions[number] = PipelineVersionRecord(version, event.now, event.now)
    pipeline.attempts = 0
    _index(state, pipeline, is_in=True)
    orders = [each for side in Side for each in _create(state, pipeline, side, "", event.now)]
    _forget_old(pipeline)
    return [AnswerCaller(event.caller, change=change), *orders]


def on_unload_requested(state: DeclaredState, event: PipelineUnloadRequested) -> list[Decision]:
    """Have every version go, wherever it is."""
    pipeline = state.pipelines.get(event.pipeline)
    if pipeline is None or (pipeline.is_deleted and pipeline.latest.is_over):
        return [AnswerCaller(event.caller, NotFoundError("pipeline", event.pipeline))]
    if _is_leaving(pipeline):
        return [AnswerCaller(event.caller, _still_leaving(pipeline.name))]
    if not pipeline.is_deleted:
        pipeline.deleted_at = event.now
        _index(state, pipeline, is_in=False)
    pipeline.attempts = 0
    orders = [each for side in Side for each in _delete(state, pipeline, side, event.now)]
    return [AnswerCaller(event.caller, change=Change.DELETED), *orders]


def on_joined(state: DeclaredState, event: PipelineMemberJoined) -> list[Decision]:
    """Have the new member take in what is now to be with it; it may be an old one that is back."""
    state.members[event.side][event.member] = None
    return _rebalance(state, event.side, event.member, event.now)


def on_left(state: DeclaredState, event: PipelineMemberLeft) -> list[Decision]:
    """Have others take in what was with a member that is gone."""
    state.members[event.side].pop(event.member, None)
    return _rebalance(state, event.side, event.member, event.now)


def on_acknowledged(state: DeclaredState, event: PipelineAcknowledged) -> list[Decision]:
    """Take in an answer; one to an order that was overtaken changes nothing, and is no error."""
    pipeline = state.pipelines.get(event.pipeline)
    record = pipeline.versions.get(event.version) if pipeline is not None else None
    if pipeline is None or record is None:
        return [AnswerCaller(event.caller, _unknown(event))]
    if record.version.uid != event.uid:
        return [AnswerCaller(event.caller, _other_uid(event, record.version.uid))]
    if record is pipeline.latest:  # no other was ordered last
        clocks = state.clocks[event.side]
        current = clocks.take(event.pipeline, event.member, event.timestamp, event.answer)
        if current is not None:
            _judge(state, pipeline, event.side, current, event.now)
    return [AnswerCaller(event.caller, change=Change.CONFIGURED)]


def on_due(state: DeclaredState, pipeline: PipelineRecord, now: float) -> list[Decision]:
    """Give orders that failed once more."""
    decisions: list[Decision] = []
    for side, record in pipeline.latest.sides.items():
        if record.state is PipelineState.FAILED:
            decisions += _create(state, pipeline, side, record.reason, now)
        elif record.state is PipelineState.FAILED_TERMINATING:
            decisions += _delete(state, pipeline, side, now)
    pipeline.attempts += bool(decisions)
    return decisions


def is_in_trouble(pipeline: PipelineRecord) -> bool:
    """Return whether an order failed that is to be given again."""
    failed = (PipelineState.FAILED, PipelineState.FAILED_TERMINATING)
    return pipeline.attempts < MOST_ATTEMPTS and any(
        side.state in failed for side in pipeline.latest.sides.values()
    )


def restore_sides(pipeline: PipelineRecord, now: float) -> None:
    """Set the sides as they are when nobody is connected: what was on its way out is gone."""
    for record in pipeline.versions.values():
        is_latest = record is pipeline.latest
        for side in Side:
            if is_latest and not pipeline.is_deleted:
                record.set(side, PipelineState.CREATE, NOBODY[side], now)
            else:
                record.set(side, PipelineState.TERMINATED, _farewell(pipeline, record), now)


def index(state: DeclaredState, pipeline: PipelineRecord) -> None:
    """Note which models a pipeline that is not deleted depends on."""
    _index(state, pipeline, is_in=True)


def _refusal(pipeline: PipelineRecord | None, spec: PipelineSpec) -> SeldonError | None:
    if pipeline is None or pipeline.is_deleted:
        return None  # whoever still lets it go is overtaken by the order to take it in
    declared = pipeline.latest.version.spec
    if declared.namespace != spec.namespace:
        return InvalidResourceError(
            "metadata.namespace",
            f"pipeline {spec.name!r} is already declared in namespace {declared.namespace!r}",
        )
    return None


def _is_known(declared: PipelineSpec, event: PipelineLoadRequested) -> bool:
    """Whether Kubernetes says that it is the same, or it is and that is enough."""
    known, told = declared.meta, event.spec.meta
    if known and told and 0 < known.generation == told.generation:
        return True
    return event.only_if_changed and declared == event.spec


def _create(
    state: DeclaredState, pipeline: PipelineRecord, side: Side, reason: str, now: float
) -> list[Decision]:
    """Have a member take in the latest version; without one it waits, and older ones are over."""
    latest = pipeline.latest
    chosen = _choose(state, side, pipeline.name)
    before = _holder(pipeline, side)
    if not chosen:
        state.clocks[side].forget(pipeline.name)
        latest.sides[side].member = ""
        latest.set(side, PipelineState.CREATE, NOBODY[side], now)
        _supersede(pipeline, side, now)
        return []
    orders: list[Decision] = []
    timestamp = state.clocks[side].begin(pipeline.name, Operation.CREATE, [chosen])
    if before not in ("", chosen) and before in state.members[side]:
        orders.append(OrderPipeline(side, before, Operation.DELETE, latest.version, 0))
    latest.sides[side].member = chosen
    latest.set(side, PipelineState.CREATING, reason, now)
    return [OrderPipeline(side, chosen, Operation.CREATE, latest.version, timestamp), *orders]


def _delete(
    state: DeclaredState, pipeline: PipelineRecord, side: Side, now: float
) -> list[Decision]:
    """Have the member that has the pipeline let it go; without one it is gone."""
    latest = pipeline.latest
    _supersede(pipeline, side, now)
    holder = _holder(pipeline, side)
    if holder not in state.members[side]:
        state.clocks[side].forget(pipeline.name)
        latest.set(side, PipelineState.TERMINATED, REMOVED, now)
        return []
    timestamp = state.clocks[side].begin(pipeline.name, Operation.DELETE, [holder])
    latest.set(side, PipelineState.TERMINATING, REMOVED, now)
    return [OrderPipeline(side, holder, Operation.DELETE, latest.version, timestamp)]


def _rebalance(state: DeclaredState, side: Side, member: str, now: float) -> list[Decision]:
    """Place anew what was with `member`, or is to be, since it came or went."""
    decisions: list[Decision] = []
    for pipeline in state.pipelines.values():
        if pipeline.latest.sides[side].state is PipelineState.TERMINATED:
            continue
        if (
            member not in (_holder(pipeline, side), _choose(state, side, pipeline.name))
            and (state.members[side])
        ):
            continue
        state.touched_pipelines[pipeline.name] = None
        if pipeline.is_deleted:
            decisions += _delete(state, pipeline, side, now)
        else:
            decisions += _create(state, pipeline, side, REBALANCED, now)
    return decisions


def _judge(
    state: DeclaredState, pipeline: PipelineRecord, side: Side, current: Round, now: float
) -> None:
    """Compute the state of the latest version on a side from the answers so far."""
    outcome = current.outcome
    after = _AFTER[current.operation, outcome]
    pipeline.latest.set(side, after, current.reason, now)
    if outcome is Outcome.DONE:
        pipeline.attempts = 0
        if after is PipelineState.TERMINATED:
            state.clocks[side].forget(pipeline.name)
        else:
            _supersede(pipeline, side, now)
            _forget_old(pipeline)


_AFTER = {
    (Operation.CREATE, Outcome.UNDER_WAY): PipelineState.CREATING,
    (Operation.CREATE, Outcome.DONE): PipelineState.READY,
    (Operation.CREATE, Outcome.FAILED): PipelineState.FAILED,
    (Operation.DELETE, Outcome.UNDER_WAY): PipelineState.TERMINATING,
    (Operation.DELETE, Outcome.DONE): PipelineState.TERMINATED,
    (Operation.DELETE, Outcome.FAILED): PipelineState.FAILED_TERMINATING,
    (Operation.REBALANCE, Outcome.UNDER_WAY): PipelineState.REBALANCING,
    (Operation.REBALANCE, Outcome.DONE): PipelineState.READY,
    (Operation.REBALANCE, Outcome.FAILED): PipelineState.FAILED,
}


def _supersede(pipeline: PipelineRecord, side: Side, now: float) -> None:
    """End the older versions: a member has one version of a name, the one it was told of last."""
    for record in pipeline.versions.values():
        if record is not pipeline.latest:
            record.set(side, PipelineState.TERMINATED, _farewell(pipeline, record), now)


def _farewell(pipeline: PipelineRecord, record: PipelineVersionRecord) -> str:
    if record is pipeline.latest:
        return REMOVED
    return f"version {pipeline.latest.version.version} has taken its place"


def _forget_old(pipeline: PipelineRecord) -> None:
    over = sorted(number for number, record in pipeline.versions.items() if record.is_over)
    for number in over[:-HISTORY]:
        del pipeline.versions[number]


def _choose(state: DeclaredState, side: Side, name: str) -> str:
    """Return the member that is to have a pipeline, "" if there is none."""
    return member_for(name, state.members[side])


def _holder(pipeline: PipelineRecord, side: Side) -> str:
    """Return who was told last to take in a version of `pipeline`, "" if nobody was."""
    for number in sorted(pipeline.versions, reverse=True):
        record = pipeline.versions[number].sides[side]
        if record.member and record.state is not PipelineState.TERMINATED:
            return record.member
    return ""


def _index(state: DeclaredState, pipeline: PipelineRecord, *, is_in: bool) -> None:
    for model in pipeline.latest.version.spec.models:
        if is_in:
            state.pipelines_of.setdefault(model, {})[pipeline.name] = None
        else:
            known = state.pipelines_of.get(model, {})
            known.pop(pipeline.name, None)
            if not known:
                state.pipelines_of.pop(model, None)


def _is_leaving(pipeline: PipelineRecord) -> bool:
    return any(side.state in _LEAVING for side in pipeline.latest.sides.values())


def _still_leaving(name: str) -> NotReadyError:
    return NotReadyError(
        f"pipeline {name!r} is still terminating; try again when it is gone, which "
        f"`seldon-core get pipeline {name}` tells"
    )


def _unknown(event: PipelineAcknowledged) -> SeldonError:
    return SeldonError(f"there is no version {event.version} of pipeline {event.pipeline!r}")


def _other_uid(event: PipelineAcknowledged, uid: str) -> SeldonError:
    return SeldonError(
        f"version {event.version} of pipeline {event.pipeline!r} has uid {uid!r}, not {event.uid!r}"
    )
