"""What events about models lead to: requests to load and unload, and reports of replicas."""

from dataclasses import replace

from seldon_core.errors import InvalidResourceError, NotFoundError, NotReadyError, SeldonError
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.uris import is_relative
from seldon_core.scheduler.decisions import AnswerCaller, Decision, UnloadOnReplica
from seldon_core.scheduler.events import ModelLoadRequested, ModelReported, ModelUnloadRequested
from seldon_core.scheduler.lifecycle import (
    add_version,
    load_wanted,
    schedule,
    settle,
    unload,
    unload_unwanted,
)
from seldon_core.scheduler.state import (
    HOLDING,
    IN_TRANSIT,
    Assignment,
    ModelRecord,
    ModelState,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent


def on_load_requested(state: SchedulerState, event: ModelLoadRequested) -> list[Decision]:
    """Take in a spec: a new model, a new version, another number of replicas, or nothing new.

    Placement is tried in any case, so that applying the same again retries a failed model.
    """
    spec = event.spec
    model = state.models.get(spec.name)
    refusal = _refusal(model, spec)
    if refusal is not None:
        return [AnswerCaller(event.caller, refusal)]
    if model is None or (model.is_deleted and _is_gone(model)):
        model = state.models[spec.name] = ModelRecord(spec.name)
        add_version(model, spec, 1, event.now)
    else:
        _update(model, spec, event.now)
    return [AnswerCaller(event.caller), *schedule(state, model, event.now)]


def on_unload_requested(state: SchedulerState, event: ModelUnloadRequested) -> list[Decision]:
    """Take the route away, then unload every version; a repeated request retries failed ones."""
    model = state.models.get(event.model)
    if model is None:
        return [AnswerCaller(event.caller, NotFoundError("model", event.model))]
    model.is_deleted = True
    decisions = unload_unwanted(model, event.now)
    for record in model.versions.values():
        decisions += unload(record, record.replicas_in(ReplicaState.UNLOAD_FAILED), event.now)
    return [AnswerCaller(event.caller), *decisions, *settle(model, event.now)]


def on_reported(state: SchedulerState, event: ModelReported) -> list[Decision]:
    """Take in a report. One that answers no order changes nothing.

    But a replica that loaded what nobody wants there is told to unload it.
    """
    report = event.report
    replica = state.replicas.get(report.replica)
    if replica is None:
        return []
    found = _find(state, report)
    if found is None:
        if report.event is ReplicaModelEvent.LOADED:
            return [UnloadOnReplica(report.replica, report.model, report.version)]
        return []
    model, record, held = found
    after = _AFTER_REPORT.get((held.state, report.event))
    if after is None:
        return []
    record.assignments[report.replica] = Assignment(after, event.now, report.reason)
    _account(replica, record, after, report)
    loads: list[Decision] = []
    is_wanted = record is model.latest and not model.is_deleted and report.replica in record.wanted
    if after is ReplicaState.UNLOADED and is_wanted:
        loads = load_wanted(state, record, event.now)  # wanted again while it was going
    return [*settle(model, event.now), *loads, *unload_unwanted(model, event.now)]


_AFTER_REPORT = {
    (ReplicaState.LOADING, ReplicaModelEvent.LOADED): ReplicaState.AVAILABLE,
    (ReplicaState.LOADING, ReplicaModelEvent.LOAD_FAILED): ReplicaState.LOAD_FAILED,
    (ReplicaState.UNLOADING, ReplicaModelEvent.UNLOADED): ReplicaState.UNLOADED,
    (ReplicaState.UNLOADING, ReplicaModelEvent.UNLOAD_FAILED): ReplicaState.UNLOAD_FAILED,
}


def on_replica_gone(
    state: SchedulerState, model: ModelRecord, replica: ReplicaId, now: float
) -> list[Decision]:
    """Forget what `model` had on a replica that is gone, and place it anew."""
    for record in model.versions.values():
        record.wanted = tuple(other for other in record.wanted if other != replica)
        if record.assignments.pop(replica, None) is None:
            continue
        if model.is_deleted or record is not model.latest:
            record.assignments[replica] = Assignment(ReplicaState.UNLOADED, now)
    return settle(model, now) if model.is_deleted else schedule(state, model, now)


def _refusal(model: ModelRecord | None, spec: ModelSpec) -> SeldonError | None:
    """Return why a spec is not taken in, None if it is."""
    if is_relative(spec.storage_uri):
        return InvalidResourceError(
            "spec.storageUri",
            f"{spec.storage_uri!r} is relative, and the server knows no folder to start from",
        )
    if model is None:
        return None
    if model.is_deleted:
        if any(record.replicas_in(*IN_TRANSIT) for record in model.versions.values()):
            return NotReadyError(f"model {spec.name!r} is still being deleted; load it again later")
        return None
    namespace = model.latest.version.spec.namespace
    if namespace != spec.namespace:
        return InvalidResourceError(
            "metadata.namespace",
            f"model {spec.name!r} is already declared in namespace {namespace!r}",
        )
    return None


def _is_gone(model: ModelRecord) -> bool:
    return all(record.state is ModelState.TERMINATED for record in model.versions.values())


def _update(model: ModelRecord, spec: ModelSpec, now: float) -> None:
    """A changed model is a new version; a changed number of replicas is the same version.

    So is a deleted model of which some replica did not let go: its old name there is taken.
    """
    latest = model.latest
    scaled = replace(latest.version.spec, replicas=spec.replicas, min_replicas=spec.min_replicas)
    if scaled == spec and not model.is_deleted:
        latest.version = ModelVersion(spec, latest.version.version)
        return
    model.is_deleted = False
    add_version(model, spec, latest.version.version + 1, now)


def _find(
    state: SchedulerState, report: ModelReport
) -> tuple[ModelRecord, VersionRecord, Assignment] | None:
    model = state.models.get(report.model)
    record = model.versions.get(report.version) if model is not None else None
    held = record.assignments.get(report.replica) if record is not None else None
    if model is None or record is None or held is None:
        return None
    return model, record, held


def _account(
    replica: ReplicaRecord, record: VersionRecord, after: ReplicaState, report: ModelReport
) -> None:
    """Count the memory that the report tells of; a model without a size has the measured one."""
    if after not in HOLDING:
        replica.release(report.model, report.version)
    elif report.memory_bytes and not record.version.spec.memory_bytes:
        replica.hold(report.model, report.version, report.memory_bytes)
