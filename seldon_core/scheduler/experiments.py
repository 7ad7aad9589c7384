"""What events about experiments lead to, and the routes that follow from them.

An experiment has the route `<name>.experiment`; its default's own route it takes over, for as long
as every member can serve. Otherwise it is inactive: nothing is split, and the default has its own
route back. Routes follow from the members' own, whenever one of those changes.
"""

from collections.abc import Iterator

from seldon_core.errors import InvalidResourceError, NotFoundError, SeldonError
from seldon_core.resources.experiment import ExperimentSpec, ResourceType, experiment_fault
from seldon_core.scheduler.decisions import AnswerCaller, Change, Decision, PublishRoute
from seldon_core.scheduler.declared_events import ExperimentStartRequested, ExperimentStopRequested
from seldon_core.scheduler.declared_state import DeclaredState, ExperimentRecord, Member
from seldon_core.scheduler.state import SchedulerState
from seldon_core.transport.control import RouteCandidate, RouteUpdate

MOST_WEIGHT = 2**32 - 1
"""The largest weight that a router in another process can be told."""


def on_start_requested(state: DeclaredState, event: ExperimentStartRequested) -> list[Decision]:
    """Take in an experiment, in the place of one of the same name."""
    spec = event.spec
    record = state.experiments.get(spec.name)
    refusal = _refusal(state, record, spec)
    if refusal is not None:
        return [AnswerCaller(event.caller, refusal)]
    if record is None or record.is_deleted:
        state.experiments.pop(spec.name, None)  # experiments are listed as they came
        state.experiments[spec.name] = ExperimentRecord(spec.name, spec, event.now)
        change = Change.CREATED
    else:
        change = Change.UNCHANGED if record.spec == spec else Change.CONFIGURED
        leave(state, record)
        record.spec = spec
    enter(state, state.experiments[spec.name])
    return [AnswerCaller(event.caller, change=change)]


def on_stop_requested(state: DeclaredState, event: ExperimentStopRequested) -> list[Decision]:
    """Stop an experiment. One that is stopped may be stopped again."""
    record = state.experiments.get(event.experiment)
    if record is None:
        return [AnswerCaller(event.caller, NotFoundError("experiment", event.experiment))]
    change = Change.UNCHANGED if record.is_deleted else Change.DELETED
    if not record.is_deleted:
        record.deleted_at = event.now
        leave(state, record)
        state.touched_experiments[record.name] = None
    return [AnswerCaller(event.caller, change=change)]


def enter(state: DeclaredState, record: ExperimentRecord) -> None:
    """Note what a running experiment has to do with."""
    state.touched_experiments[record.name] = None
    for member in _members(record.spec):
        state.experiments_of.setdefault(member, {})[record.name] = None
    default = _default(record.spec)
    if default is not None:
        state.defaults[default] = record.name
        state.released[default] = None


def leave(state: DeclaredState, record: ExperimentRecord) -> None:
    """Note that an experiment has nothing to do with its members any more."""
    for member in _members(record.spec):
        known = state.experiments_of[member]
        known.pop(record.name, None)
        if not known:
            del state.experiments_of[member]
    default = _default(record.spec)
    if default is not None:
        # An import may have had two experiments of one default.
        if state.defaults.get(default) == record.name:
            del state.defaults[default]
        state.released[default] = None


def rerouted(state: SchedulerState, decisions: list[Decision]) -> list[Decision]:
    """Return `decisions` with the routes of experiments that follow from those in it.

    They stand where the first route stands, so before any unload of what a route has left; what an
    experiment has taken over is not published as its own.
    """
    declared = state.declared
    if not declared.experiments:
        return decisions
    routed = _routed(decisions)
    for member in routed:
        declared.touched_experiments |= declared.experiments_of.get(member, {})
    updates: list[Decision] = []
    defaults = dict.fromkeys(routed)
    for name in declared.touched_experiments:
        updates += _settle(state, declared.experiments[name])
        default = _default(declared.experiments[name].spec)
        if default is not None:
            defaults[default] = None
    for member in {**defaults, **declared.released}:
        updates += _hand_over(state, member)
    if not updates:
        return decisions
    rest: list[Decision] = []
    place: int | None = None
    for decision in decisions:
        if isinstance(decision, PublishRoute):
            place = len(rest) if place is None else place
            if _member_of(decision.update.name) in declared.taken:
                continue
        rest.append(decision)
    place = len(rest) if place is None else place
    return [*rest[:place], *updates, *rest[place:]]


def _settle(state: SchedulerState, record: ExperimentRecord) -> Iterator[Decision]:
    """Compute whether an experiment is active, and its own route; publish it if it changed."""
    record.problem = "" if record.is_deleted else problem_of(state, record.spec)
    route = _route(state, record)
    if route != (record.route or RouteUpdate(route.name)):
        yield PublishRoute(route)
    record.route = route


def _hand_over(state: SchedulerState, member: Member) -> Iterator[Decision]:
    """Give a member's own name to the experiment that has it as default, or back to itself."""
    declared = state.declared
    holder = declared.defaults.get(member)
    record = declared.experiments[holder] if holder is not None else None
    split = None
    if record is not None and record.is_active:
        split = RouteUpdate(_name_of(member), split_of(state, record.spec))
    before = declared.taken.get(member)
    if split == before:
        return
    if split is None:
        del declared.taken[member]
        yield PublishRoute(own_route(state, member))
    else:
        declared.taken[member] = split
        yield PublishRoute(split)


def _route(state: SchedulerState, record: ExperimentRecord) -> RouteUpdate:
    name = f"{record.name}.experiment"
    if record.is_deleted:
        return RouteUpdate(name)
    if record.problem:
        return RouteUpdate(name, notice=f"is not active: {record.problem}")
    split = split_of(state, record.spec)
    if not split:
        return RouteUpdate(name, notice="only mirrors: it has no candidate that could answer")
    return RouteUpdate(name, split)


def split_of(state: SchedulerState, spec: ExperimentSpec) -> tuple[RouteCandidate, ...]:
    """Return the versions of all candidates; those of one share its weight as in its own route."""
    split = [
        (one, candidate.weight * one.weight)
        for candidate in spec.candidates
        for one in own_route(state, (spec.resource_type, candidate.name)).candidates
    ]
    most = max((weight for _, weight in split), default=0)
    unit = -(-most // MOST_WEIGHT) or 1  # nearly always 1; whoever had some share keeps some
    return tuple(
        RouteCandidate(one.model, one.version, -(-weight // unit), one.replicas)
        for one, weight in split
    )


def problem_of(state: SchedulerState, spec: ExperimentSpec) -> str:
    """Return why calls cannot be split, "" if they can: who cannot serve."""
    for name in spec.members:
        route = own_route(state, (spec.resource_type, name))
        if not route.candidates:
            why = route.notice or "there is none of this name"
            return (
                f"{spec.resource_type.value} {name!r} of route '{spec.name}.experiment' "
                f"cannot serve: {why}"
            )
    return ""


def own_route(state: SchedulerState, member: Member) -> RouteUpdate:
    """Return where calls to a member go if no experiment takes them."""
    sort, name = member
    if sort is ResourceType.MODEL:
        model = state.models.get(name)
        route = model.route if model is not None else None
    else:
        pipeline = state.declared.pipelines.get(name)
        route = pipeline.route if pipeline is not None else None
    return route or RouteUpdate(_name_of(member))


def _routed(decisions: list[Decision]) -> list[Member]:
    return [_member_of(each.update.name) for each in decisions if isinstance(each, PublishRoute)]


def _name_of(member: Member) -> str:
    sort, name = member
    return name if sort is ResourceType.MODEL else f"{name}.pipeline"


def _member_of(route: str) -> Member:
    name = route.removesuffix(".pipeline")
    return (ResourceType.MODEL if name == route else ResourceType.PIPELINE, name)


def _members(spec: ExperimentSpec) -> list[Member]:
    return [(spec.resource_type, name) for name in spec.members]


def _default(spec: ExperimentSpec) -> Member | None:
    return None if spec.default is None else (spec.resource_type, spec.default)


def _refusal(
    state: DeclaredState, record: ExperimentRecord | None, spec: ExperimentSpec
) -> SeldonError | None:
    default = _default(spec)
    holder = state.defaults.get(default) if default is not None else None
    fault = experiment_fault(spec, None if holder == spec.name else holder)
    if fault is not None:
        return fault.error()
    if record is not None and not record.is_deleted:
        declared = record.spec.namespace
        if declared != spec.namespace:
            return InvalidResourceError(
                "metadata.namespace",
                f"experiment {spec.name!r} is already declared in namespace {declared!r}",
            )
    return None
