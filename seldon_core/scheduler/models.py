"""What events about models lead to: requests to load and unload, and reports of replicas."""

from dataclasses import replace

from seldon_core.errors import (
    InvalidResourceError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    SeldonError,
)
from seldon_core.resources.model import KubernetesMeta, ModelVersion
from seldon_core.resources.uris import is_relative
from seldon_core.scheduler import retries
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Decision,
    Drop,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import ModelLoadRequested, ModelReported, ModelUnloadRequested
from seldon_core.scheduler.lifecycle import (
    add_version,
    load_wanted,
    schedule,
    settle,
    unload_again,
    unload_unwanted,
)
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.server_scaling import scale_down, scale_up
from seldon_core.scheduler.state import (
    HOLDING,
    IN_TRANSIT,
    LIVE,
    PLACED,
    Assignment,
    ModelRecord,
    ModelState,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.scheduler.targets import Load, kept_choice
from seldon_core.transport.control import ModelReport, ReplicaModelEvent

MOST_UNFINISHED = 100
"""Versions of a model that are not gone from every replica; another is refused then."""


def on_load_requested(state: SchedulerState, event: ModelLoadRequested) -> list[Decision]:
    """Take in a spec: a new model, a new version, another number of replicas, or nothing new.

    Placement is tried in any case, so that applying the same again retries a failed model.
    """
    spec = event.spec
    model = state.models.get(spec.name)
    settled: list[Decision] = []
    if model is not None and model.name in state.to_place:
        # Its states are those of before a replica came or went.
        settled = settle(state, model, event.now)
    refusal = _refusal(model, event)
    if refusal is not None:
        return [AnswerCaller(event.caller, refusal), *settled]
    if model is None or (model.is_deleted and model.is_gone):
        # A record that is there may only be moved to the end: models are listed as they came.
        state.models.pop(spec.name, None)
        model = state.models[spec.name] = ModelRecord(spec.name)
        add_version(model, spec, _first_number(spec.meta), event.now)
        change = Change.CREATED
    else:
        change = _update(model, event)
    # Whoever declares a folder's model by hand takes it over, and any what a replica brought.
    is_anybodys = change is Change.CREATED or model.from_folder or model.is_adopted
    model.from_folder = event.from_folder and is_anybodys
    model.is_adopted = False
    _start_over(model)
    answer = AnswerCaller(event.caller, change=change)
    server = model.latest.server  # "" if it was never placed: then no server has too few replicas
    decisions = [answer, *settled, *schedule(state, model, event.now)]
    if server and len(model.latest.replicas_in(*PLACED)) < model.latest.replicas:
        decisions += scale_up(state, server, model)
    return decisions


def on_unload_requested(state: SchedulerState, event: ModelUnloadRequested) -> list[Decision]:
    """Take the route away, then unload every version; a repeated request retries failed ones."""
    model = state.models.get(event.model)
    if model is None or not _is_in_namespace(model, event.meta):
        return [AnswerCaller(event.caller, NotFoundError("model", event.model))]
    change = Change.UNCHANGED if model.is_deleted else Change.DELETED
    if not model.is_deleted:
        model.deleted_at = event.now
        model.latest.chosen = None
    model.is_adopted = False  # the deletion is kept, lest the replica brings it again
    if event.meta is not None:
        latest = model.latest
        meta = replace(event.meta, namespace=latest.version.spec.namespace)
        latest.version = replace(latest.version, spec=replace(latest.version.spec, meta=meta))
    _start_over(model)
    decisions = unload_unwanted(state, model, event.now)
    decisions += unload_again(model, event.now)
    answer = AnswerCaller(event.caller, change=change)
    return [answer, *decisions, *settle(state, model, event.now)]


def on_due(state: SchedulerState, model: ModelRecord, now: float) -> list[Decision]:
    """Try again what failed, or forget a model that was deleted long ago."""
    if model.is_deleted and model.is_gone and model.name not in state.to_place:
        del state.models[model.name]
        return [Drop(Kind.MODEL, model.name)]
    model.attempts += 1
    return [*unload_again(model, now), *schedule(state, model, now)]


def on_reported(state: SchedulerState, event: ModelReported) -> list[Decision]:
    """Take in a report. One that answers no order changes nothing.

    But a replica that loaded what nobody wants there is told to unload it.
    """
    report = event.report
    replica = state.replica(report.replica)
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
    if after is ReplicaState.AVAILABLE and replica.is_draining:
        after = ReplicaState.DRAINING
    record.assignments[report.replica] = Assignment(after, event.now, report.reason)
    _note(state, replica, record, after, report, event.now)
    loads: list[Decision] = []
    scaling: list[Decision] = []
    is_wanted = record in model.standing() and report.replica in record.wanted
    if after is ReplicaState.UNLOADED and is_wanted:
        loads = load_wanted(state, record, event.now)  # wanted again while it was going
    if after in (ReplicaState.UNLOADED, ReplicaState.LOAD_FAILED):
        scaling = scale_down(state, report.replica.server, model)
    return [
        *settle(state, model, event.now),
        *loads,
        *unload_unwanted(state, model, event.now),
        *scaling,
    ]


_AFTER_REPORT = {
    (ReplicaState.LOADING, ReplicaModelEvent.LOADED): ReplicaState.AVAILABLE,
    (ReplicaState.LOADING, ReplicaModelEvent.LOAD_FAILED): ReplicaState.LOAD_FAILED,
    (ReplicaState.UNLOADING, ReplicaModelEvent.UNLOADED): ReplicaState.UNLOADED,
    (ReplicaState.UNLOADING, ReplicaModelEvent.UNLOAD_FAILED): ReplicaState.UNLOAD_FAILED,
}


def _is_in_namespace(model: ModelRecord, meta: KubernetesMeta | None) -> bool:
    """Whether `meta` speaks of `model`, and not of one of that name in another namespace."""
    namespace = meta.namespace if meta is not None else ""
    return namespace in ("", model.latest.version.spec.namespace)


def _first_number(meta: KubernetesMeta | None) -> int:
    return max(1, meta.generation if meta is not None else 0)


def _start_over(model: ModelRecord) -> None:
    """Forget the failures of the past: somebody may have mended their cause."""
    model.attempts = 0
    model.wake_at = None
    for record in model.versions.values():
        record.last_failure = ""


def _refusal(model: ModelRecord | None, event: ModelLoadRequested) -> SeldonError | None:
    """Return why a spec is not taken in, None if it is."""
    spec = event.spec
    if is_relative(spec.storage_uri):
        return InvalidResourceError(
            "spec.storageUri",
            f"{spec.storage_uri!r} is relative, and the server knows no folder to start from",
        )
    if spec.knobs.scale_to_zero and spec.min_replicas > 0:
        return InvalidResourceError(
            "spec.minReplicas",
            f"{spec.min_replicas} replicas are to be kept, and seldon-core/scale-to-zero keeps "
            "none; leave one of them out",
        )
    if model is None:
        return None
    if model.is_deleted:
        if any(record.replicas_in(*IN_TRANSIT) for record in model.versions.values()):
            return NotReadyError(f"model {spec.name!r} is still being deleted; load it again later")
        return None
    declared = model.latest.version.spec
    if declared.namespace != spec.namespace:
        return InvalidResourceError(
            "metadata.namespace",
            f"model {spec.name!r} is already declared in namespace {declared.namespace!r}",
        )
    unfinished = sum(v.state is not ModelState.TERMINATED for v in model.versions.values())
    is_new_version = event.is_again or declared.deployed_as(spec) != spec
    if unfinished >= MOST_UNFINISHED and is_new_version:
        return OverloadedError(
            f"{unfinished} versions of model {spec.name!r} are still loading or unloading; "
            "declare another when they are gone"
        )
    is_declared = not (model.from_folder or model.is_adopted)
    if event.from_folder and is_declared and declared != spec:
        return InvalidResourceError(
            "metadata.name",
            f"model {spec.name!r} was declared otherwise since, which stands; "
            "delete it to serve what the folder says",
        )
    return None


def _update(model: ModelRecord, event: ModelLoadRequested) -> Change:
    """A changed model is a new version; a changed deployment is the same version.

    A deleted model of which some replica did not let go is a new version in any case: its old name
    there is taken.
    """
    latest, spec = model.latest, event.spec
    declared = latest.version.spec
    if model.is_deleted or event.is_again or declared.deployed_as(spec) != spec:
        change = Change.CREATED if model.is_deleted else Change.CONFIGURED
        # What sleeps is woken if the new version cannot be had.
        fallback = latest.number if latest.is_asleep and not model.is_deleted else None
        model.deleted_at = None
        add_version(model, spec, latest.number + 1, event.now)
        model.fallback = model.fallback if fallback is None else fallback
        return change
    if declared == spec:
        return Change.UNCHANGED
    latest.chosen = kept_choice(latest.chosen, declared, spec)
    if latest.chosen is None:
        model.load = Load()
    latest.version = ModelVersion(spec, latest.number)
    return Change.CONFIGURED


def _find(
    state: SchedulerState, report: ModelReport
) -> tuple[ModelRecord, VersionRecord, Assignment] | None:
    model = state.models.get(report.model)
    record = model.versions.get(report.version) if model is not None else None
    held = record.assignments.get(report.replica) if record is not None else None
    if model is None or record is None or held is None:
        return None
    return model, record, held


def _note_runtime(state: SchedulerState, record: VersionRecord, report: ModelReport) -> None:
    """Count a version as often as it is in memory, on every replica that has it."""
    if report.runtime is None or report.runtime == record.runtime:
        return
    record.runtime = report.runtime
    for place in record.replicas_in(*HOLDING):
        replica = state.replica(place)
        if replica is not None:
            replica.hold(report.model, report.version, record.counted_bytes)


def _note(
    state: SchedulerState,
    replica: ReplicaRecord,
    record: VersionRecord,
    after: ReplicaState,
    report: ModelReport,
    now: float,
) -> None:
    """Count the memory that the report tells of, and keep in mind why a load failed.

    A model without a size has the measured one.
    """
    if after is ReplicaState.LOAD_FAILED:
        record.last_failure = report.reason
    elif after in LIVE:
        record.last_failure = ""
        replica.note_loaded(report.model, report.version, report.memory_bytes)
        _note_runtime(state, record, report)
    if report.available_bytes is not None:
        replica.reported_bytes = report.available_bytes
        retries.free(state, now)
    if after not in HOLDING:
        replica.release(report.model, report.version)
        retries.free(state, now)
    elif report.memory_bytes:
        record.measured_bytes = report.memory_bytes
        replica.hold(report.model, report.version, record.counted_bytes)
