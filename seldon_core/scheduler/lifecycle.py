"""How a model's versions come and go: placing them, computing states, unloading the rest.

A version's state follows from its replicas and is computed after every change, and so is the
model's route (`settle`). Two versions may stand: the latest, and until that has come the one that
serves, the fallback, which stays until the latest is on all of its replicas. All others are
unloaded, those that still load as soon as their load ends.
"""

from collections.abc import Iterable

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import Decision, LoadOnReplica, PublishRoute, UnloadOnReplica
from seldon_core.scheduler.placement import Refused, place
from seldon_core.scheduler.routes import derive
from seldon_core.scheduler.state import (
    HAS_COME,
    IN_TRANSIT,
    IN_TROUBLE,
    LIVE,
    PLACED,
    Assignment,
    ModelRecord,
    ModelState,
    ReplicaState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.scheduler.targets import kept_choice
from seldon_core.transport.control import ReplicaId

HISTORY = 10
"""Terminated versions that are still shown of a model; older ones are forgotten."""


def add_version(model: ModelRecord, spec: ModelSpec, number: int, now: float) -> VersionRecord:
    """Make `spec` the latest version of `model`."""
    record = VersionRecord(ModelVersion(spec, number), declared_at=now, changed_at=now)
    if model.versions:  # what the model was called so far, it will be called from now on
        before = model.latest
        record.runtime = before.runtime
        if before.replicas > 0:  # but one that sleeps is loaded: who declares it wants to see it
            record.chosen = kept_choice(before.chosen, before.version.spec, spec)
        if before.state is ModelState.AVAILABLE and before.serving_replicas():
            # Somebody was told that it has come, though an older one may still serve beside it.
            model.fallback = before.number
    model.versions[number] = record
    terminated = [
        old for old, other in model.versions.items() if other.state is ModelState.TERMINATED
    ]
    for old in sorted(terminated)[:-HISTORY]:
        del model.versions[old]
    return record


def schedule(state: SchedulerState, model: ModelRecord, now: float) -> list[Decision]:
    """Find places for what is to stand; load it there, unload what is not wanted any more.

    Of a deleted model nothing is to stand. A version on a server whose replicas are waited for has
    its place already, though it may not be known yet.
    """
    state.to_place.pop(model.name, None)
    if not state.is_synced:
        return settle(state, model, now)
    if model.fallback is not None:  # not to load it in vain, if the latest has come by now
        latest = model.latest
        if latest.refusal and latest.server not in state.awaited:
            _place(state, model, latest)
        _judge_latest(state, model, now)
    decisions: list[Decision] = []
    for record in model.standing():
        if record.server in state.awaited or not _place(state, model, record):
            continue
        if record is model.latest and _is_elsewhere(record):
            # Replicas know a model as `<model>_<version>`: on another server it is a new version,
            # and the old one serves until that is loaded.
            record = _move(model, record, now)
        decisions += load_wanted(state, record, now)
    # The route comes before the unloads, so that no call is sent to what goes.
    return [*settle(state, model, now), *decisions, *unload_unwanted(state, model, now)]


def _place(state: SchedulerState, model: ModelRecord, record: VersionRecord) -> bool:
    """Choose the replicas of a version; return False if there is no place."""
    record.refusal = ""
    if record.replicas == 0:
        record.wanted = ()
        return True
    placement = place(state, record)
    if isinstance(placement, Refused):
        record.refusal = placement.reason
        if not record.replicas_in(*PLACED, *LIVE):
            record.server = ""
        return False
    if record is not model.latest and record.server not in ("", placement.server):
        if record.replicas_in(*PLACED, *LIVE):
            return False  # it serves where it is; only a new version could move
        record.server = ""
    record.wanted = placement.replicas
    if not record.server:
        record.server = placement.server
    return True


def _is_elsewhere(record: VersionRecord) -> bool:
    return any(replica.server != record.server for replica in record.wanted)


def _move(model: ModelRecord, record: VersionRecord, now: float) -> VersionRecord:
    moved = add_version(model, record.version.spec, record.number + 1, now)
    moved.wanted, record.wanted = record.wanted, record.replicas_in(*PLACED)
    moved.server = moved.wanted[0].server
    return moved


def load_wanted(state: SchedulerState, record: VersionRecord, now: float) -> list[Decision]:
    """Load on the wanted replicas that neither have the version nor owe a report about it."""
    decisions: list[Decision] = []
    spec, number = record.version.spec, record.number
    for wanted in record.wanted:
        held = record.assignments.get(wanted)
        if held is not None and held.state in (ReplicaState.AVAILABLE, *IN_TRANSIT):
            continue
        record.assignments[wanted] = Assignment(ReplicaState.LOADING, now)
        replica = state.replica(wanted)
        assert replica is not None, "only connected replicas are wanted"
        replica.hold(spec.name, number, record.counted_bytes)
        decisions.append(LoadOnReplica(wanted, record.version))
    return decisions


def unload(record: VersionRecord, replicas: Iterable[ReplicaId], now: float) -> list[Decision]:
    """Unload a version on `replicas`."""
    decisions: list[Decision] = []
    for replica in replicas:
        record.assignments[replica] = Assignment(ReplicaState.UNLOADING, now)
        decisions.append(UnloadOnReplica(replica, record.version.spec.name, record.number))
    return decisions


def unload_unwanted(state: SchedulerState, model: ModelRecord, now: float) -> list[Decision]:
    """Unload what is loaded and not to stay, after the route that does without it.

    A load under way is not interrupted: its report brings us here again.
    """
    decisions: list[Decision] = []
    standing = model.standing()
    for record in model.versions.values():
        if record not in standing:
            decisions += unload(record, record.replicas_in(*LIVE), now)
        elif record is model.latest:
            # Not where it drains: there it serves until it is elsewhere, and ends with the replica.
            is_wanted = record.replicas > 0
            loaded = record.replicas_in(*((ReplicaState.AVAILABLE,) if is_wanted else LIVE))
            decisions += unload(record, [r for r in loaded if r not in record.wanted], now)
    return [*settle(state, model, now), *decisions] if decisions else []


def unload_again(model: ModelRecord, now: float) -> list[Decision]:
    """Unload once more where that failed, unless the version is wanted there by now."""
    decisions: list[Decision] = []
    standing = model.standing()
    for record in model.versions.values():
        failed = record.replicas_in(ReplicaState.UNLOAD_FAILED)
        wanted = record.wanted if record in standing else ()
        decisions += unload(record, [replica for replica in failed if replica not in wanted], now)
    return decisions


def settle(state: SchedulerState, model: ModelRecord, now: float) -> list[Decision]:
    """Compute the state of every version, and the route; publish it if it changed."""
    state.touched[model.name] = None
    _judge_latest(state, model, now)
    standing = model.standing()
    for record in model.versions.values():
        if record not in standing:
            _set_state(record, *_state_of_leaving(record), now)
        elif record is not model.latest:
            _set_state(record, *_state_of_standing(state, model, record), now)
    _note(state.homeless, model, is_in=any(lacks_room(state, record) for record in standing))
    _note(state.lacking, model, is_in=needs_room(model))
    route = derive(model)
    if route == model.route:
        return []
    model.route = route
    return [PublishRoute(route)]


def lacks_room(state: SchedulerState, record: VersionRecord) -> bool:
    """Return whether there was no room for all replicas that a version is to have."""
    if record.refusal:
        return True
    is_placed = state.is_synced and record.server not in state.awaited
    return is_placed and len(record.wanted) < record.replicas


def needs_room(model: ModelRecord) -> bool:
    """Return whether a version that is to stand failed, or has fewer replicas than it should."""
    return any(
        record.state in IN_TROUBLE or len(record.replicas_in(*PLACED)) < record.replicas
        for record in model.standing()
    )


def _note(names: dict[str, None], model: ModelRecord, *, is_in: bool) -> None:
    if is_in:
        names[model.name] = None
    else:
        names.pop(model.name, None)


def _judge_latest(state: SchedulerState, model: ModelRecord, now: float) -> None:
    """Compute the latest version's state, and which one is to serve for as long as it cannot.

    Also one that was superseded before it came is to, if it is loaded and nothing else is.
    """
    latest = model.latest
    if not model.is_deleted:
        _set_state(latest, *_state_of_standing(state, model, latest), now)
    # Before that not all may be restored that was chosen for the latest.
    has_come = state.is_synced and latest.state in HAS_COME
    if model.is_deleted or (has_come and not _is_rolling(state, model)):
        model.fallback = None
    elif not (
        _fallback_is_loaded(model)
        or latest.serving_replicas()
        # What served may be where nobody has said yet what is there: nothing older takes its place.
        or not state.is_synced
        or any(each.server in state.awaited and not each.wanted for each in model.standing())
    ):
        loaded = [
            record.number
            for record in model.versions.values()
            if record is not latest and record.serving_replicas()
        ]
        model.fallback = max(loaded, default=model.fallback)


def _is_rolling(state: SchedulerState, model: ModelRecord) -> bool:
    """Whether the latest version has come, but not everywhere, and another serves beside it."""
    latest = model.latest
    if latest.state is ModelState.SCALED_DOWN or not _fallback_is_loaded(model):
        return False
    if not state.is_synced or latest.server in state.awaited:
        return True  # where it is to be is not known yet
    available = latest.replicas_in(ReplicaState.AVAILABLE)
    return any(replica not in available for replica in latest.wanted)


def _set_state(record: VersionRecord, state: ModelState, reason: str, now: float) -> None:
    if (state, reason) != (record.state, record.reason):
        record.state, record.reason, record.changed_at = state, reason, now


def _state_of_leaving(record: VersionRecord) -> tuple[ModelState, str]:
    """The state of a version that is deleted or superseded."""
    failed = _newest(record, ReplicaState.UNLOAD_FAILED)
    if failed is not None:
        return ModelState.TERMINATE_FAILED, failed.reason
    if record.replicas_in(*LIVE, *IN_TRANSIT):
        return ModelState.TERMINATING, ""
    return ModelState.TERMINATED, ""


def _state_of_standing(
    state: SchedulerState, model: ModelRecord, record: VersionRecord
) -> tuple[ModelState, str]:
    """The state of a version that is wanted."""
    if record.replicas == 0:
        return ModelState.SCALED_DOWN, _resting(record)
    if record.refusal:
        return ModelState.SCHEDULE_FAILED, record.refusal
    failed = _newest(record, ReplicaState.LOAD_FAILED)
    if failed is not None:
        return ModelState.FAILED, failed.reason
    available = sum(r in record.wanted for r in record.replicas_in(ReplicaState.AVAILABLE))
    enough = record.enough_replicas or record.replicas
    if record is model.latest and _fallback_is_loaded(model):
        enough = 1  # to take over
    if available >= enough:
        return ModelState.AVAILABLE, ""
    if record.server in state.awaited:
        return ModelState.PROGRESSING, _waiting(state, record)
    if record.last_failure:
        return ModelState.PROGRESSING, f"trying again, last failure: {record.last_failure}"
    return ModelState.PROGRESSING, ""


def _resting(record: VersionRecord) -> str:
    if not record.is_asleep:
        return ""
    why = "declared with no replica" if record.chosen is None else record.chosen.why
    return f"{why}; the next call loads it"


def _waiting(state: SchedulerState, record: VersionRecord) -> str:
    missing = ", ".join(
        f"{record.server}/{index}" for index in sorted(state.awaited[record.server])
    )
    return f"waits for {missing}, connected when the scheduler ran last"


def _fallback_is_loaded(model: ModelRecord) -> bool:
    return model.fallback is not None and bool(model.versions[model.fallback].serving_replicas())


def _newest(record: VersionRecord, state: ReplicaState) -> Assignment | None:
    """The newest assignment in `state`; of failed loads only those on wanted replicas count."""
    held = [
        held
        for replica, held in record.assignments.items()
        if held.state is state
        and (state is not ReplicaState.LOAD_FAILED or replica in record.wanted)
    ]
    return max(held, key=lambda held: held.since, default=None)
