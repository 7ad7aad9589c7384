"""How a model's versions come and go: placing the latest, computing states, unloading the rest.

A version's state follows from its replicas and is computed after every change, and so is the
model's route (`settle`). A version that another superseded keeps its state and its route until the
newer one is available; one that was still loading then is unloaded when its load ends, unless
nothing else serves.
"""

from collections.abc import Iterable

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import Decision, LoadOnReplica, PublishRoute, UnloadOnReplica
from seldon_core.scheduler.placement import Refused, place
from seldon_core.scheduler.routes import derive, serving_version
from seldon_core.scheduler.state import (
    IN_TRANSIT,
    PLACED,
    Assignment,
    ModelRecord,
    ModelState,
    ReplicaState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.transport.control import ReplicaId


def add_version(model: ModelRecord, spec: ModelSpec, number: int, now: float) -> VersionRecord:
    """Make `spec` the latest version of `model`."""
    record = VersionRecord(ModelVersion(spec, number), changed_at=now)
    model.versions[number] = record
    return record


def schedule(state: SchedulerState, model: ModelRecord, now: float) -> list[Decision]:
    """Find places for the latest version; load it there, unload what is not wanted any more."""
    latest = model.latest
    latest.refusal = ""
    if latest.version.spec.replicas == 0:
        latest.wanted = ()
    else:
        placement = place(state, latest)
        if isinstance(placement, Refused):
            latest.refusal = placement.reason
            if not latest.replicas_in(*PLACED):
                latest.server = ""
            return settle(model, now)
        if latest.server not in ("", placement.server):
            # Replicas know a model as `<model>_<version>`: on another server it is a new version,
            # and the old one serves until that is loaded.
            latest = add_version(model, latest.version.spec, latest.version.version + 1, now)
        latest.server = placement.server
        latest.wanted = placement.replicas
    loads = load_wanted(state, latest, now)
    # The route comes before the unloads, so that no call is sent to what goes.
    return [*settle(model, now), *loads, *unload_unwanted(model, now)]


def needs_room(model: ModelRecord) -> bool:
    """Return whether the model failed, or has fewer replicas than it should."""
    if model.is_deleted:
        return False
    latest = model.latest
    failed = latest.state in (ModelState.FAILED, ModelState.SCHEDULE_FAILED)
    return failed or len(latest.replicas_in(*PLACED)) < latest.version.spec.replicas


def load_wanted(state: SchedulerState, latest: VersionRecord, now: float) -> list[Decision]:
    """Load on the wanted replicas that neither have the version nor owe a report about it."""
    decisions: list[Decision] = []
    spec, number = latest.version.spec, latest.version.version
    for replica in latest.wanted:
        held = latest.assignments.get(replica)
        if held is not None and held.state in (ReplicaState.AVAILABLE, *IN_TRANSIT):
            continue
        latest.assignments[replica] = Assignment(ReplicaState.LOADING, now)
        state.replicas[replica].hold(spec.name, number, spec.memory_bytes)
        decisions.append(LoadOnReplica(replica, latest.version))
    return decisions


def unload(record: VersionRecord, replicas: Iterable[ReplicaId], now: float) -> list[Decision]:
    """Unload a version on `replicas`."""
    decisions: list[Decision] = []
    version = record.version
    for replica in replicas:
        record.assignments[replica] = Assignment(ReplicaState.UNLOADING, now)
        decisions.append(UnloadOnReplica(replica, version.spec.name, version.version))
    return decisions


def unload_unwanted(model: ModelRecord, now: float) -> list[Decision]:
    """Unload what is loaded and not to stay, after the route that does without it.

    A load under way is not interrupted: its report brings us here again.
    """
    decisions: list[Decision] = []
    staying = _staying(model)
    for record in model.versions.values():
        loaded = record.replicas_in(ReplicaState.AVAILABLE)
        if record.version.version not in staying:
            decisions += unload(record, loaded, now)
        elif record is model.latest:
            decisions += unload(record, [r for r in loaded if r not in record.wanted], now)
    return [*settle(model, now), *decisions]


def _staying(model: ModelRecord) -> set[int]:
    """The versions that are not to go: the latest, and until that has come the one that serves."""
    if model.is_deleted:
        return set()
    staying = {model.latest.version.version}
    serving = serving_version(model)
    has_come = model.latest.state in (ModelState.AVAILABLE, ModelState.SCALED_DOWN)
    if serving is not None and not has_come:
        staying.add(serving.version.version)
    return staying


def settle(model: ModelRecord, now: float) -> list[Decision]:
    """Compute the state of every version, and the route; publish it if it changed."""
    latest = model.latest
    for record in model.versions.values():
        if model.is_deleted or record is not latest:
            state, reason = _state_of_leaving(model, record)
        else:
            state, reason = _state_of_latest(model, record)
        if (state, reason) != (record.state, record.reason):
            record.state, record.reason, record.changed_at = state, reason, now
    route = derive(model)
    if route == model.route:
        return []
    model.route = route
    return [PublishRoute(route)]


def _state_of_leaving(model: ModelRecord, record: VersionRecord) -> tuple[ModelState, str]:
    """The state of a version that is deleted or superseded."""
    failed = _newest(record, ReplicaState.UNLOAD_FAILED)
    if failed is not None:
        return ModelState.TERMINATE_FAILED, failed.reason
    if record.replicas_in(ReplicaState.AVAILABLE, *IN_TRANSIT):
        serves = record.replicas_in(ReplicaState.AVAILABLE) and not model.is_deleted
        if record.state is ModelState.AVAILABLE and serves:
            return ModelState.AVAILABLE, ""
        return ModelState.TERMINATING, ""
    return ModelState.TERMINATED, ""


def _state_of_latest(model: ModelRecord, latest: VersionRecord) -> tuple[ModelState, str]:
    """The state of the version that is wanted."""
    if latest.refusal:
        return ModelState.SCHEDULE_FAILED, latest.refusal
    failed = _newest(latest, ReplicaState.LOAD_FAILED)
    if failed is not None:
        return ModelState.FAILED, failed.reason
    spec = latest.version.spec
    if spec.replicas == 0:
        return ModelState.SCALED_DOWN, ""
    available = sum(r in latest.wanted for r in latest.replicas_in(ReplicaState.AVAILABLE))
    enough = spec.min_replicas or spec.replicas
    if _older_is_available(model, latest):
        enough = 1  # to take over
    if available >= enough:
        return ModelState.AVAILABLE, ""
    return ModelState.PROGRESSING, ""


def _older_is_available(model: ModelRecord, latest: VersionRecord) -> bool:
    return any(
        record is not latest and record.state is ModelState.AVAILABLE
        for record in model.versions.values()
    )


def _newest(record: VersionRecord, state: ReplicaState) -> Assignment | None:
    """The newest assignment in `state`; of failed loads only those on wanted replicas count."""
    held = [
        held
        for replica, held in record.assignments.items()
        if held.state is state
        and (state is not ReplicaState.LOAD_FAILED or replica in record.wanted)
    ]
    return max(held, key=lambda held: held.since, default=None)
