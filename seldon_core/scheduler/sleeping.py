"""Models that are scaled to zero when nobody calls them, and loaded again by the next call.

Only a model with the knob `scale-to-zero`. What is chosen is no replica, and that it sleeps follows
from it: so it outlives a restart like any other choice. Its route stays, without replicas, and a
router that is called asks for it to be woken.
"""

from seldon_core.errors import NotFoundError
from seldon_core.resources.words import without_folders
from seldon_core.scheduler.decisions import AnswerCaller, Change, Decision, ScaleModel
from seldon_core.scheduler.events import ModelWakeRequested
from seldon_core.scheduler.lifecycle import schedule
from seldon_core.scheduler.server_scaling import scale_up
from seldon_core.scheduler.state import (
    HOLDING,
    IN_TROUBLE,
    LIVE,
    PLACED,
    Chosen,
    ModelRecord,
    ModelState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.scheduler.status import ModelStatus
from seldon_core.scheduler.targets import Load
from seldon_core.transport.control import ScalingSignal

_WOKEN = "loaded by a call"


def on_unused(
    state: SchedulerState, model: ModelRecord, signal: ScalingSignal, now: float
) -> list[Decision]:
    """Scale a model to zero once every replica that has it says that nobody calls it.

    Each has to say so again and again: what it said before a call is soon too old to count.
    """
    latest = model.latest
    may_sleep = latest.version.spec.knobs.scale_to_zero and latest.state is ModelState.AVAILABLE
    if not may_sleep or latest.number != signal.version:
        return []
    unused = model.load.unused
    unused[signal.replica] = (now, signal.amount)
    holding = latest.replicas_in(*PLACED, *LIVE)
    oldest = now - state.scaling.rates_last_s
    if any(replica not in unused or unused[replica][0] < oldest for replica in holding):
        return []
    used_at = max(unused[replica][1] for replica in holding)
    why = f"no call for {max(0.0, now - used_at):.0f} s"
    return [_scale(model, latest, Chosen(0, why, now)), *schedule(state, model, now)]


def on_wake_requested(state: SchedulerState, event: ModelWakeRequested) -> list[Decision]:
    """Load a model that sleeps as it was declared, on one replica at least.

    Where a new version cannot be had and the one before it sleeps, that is woken instead. Who asks
    for what is awake, or on its way, changes nothing.
    """
    model = state.models.get(event.model)
    if model is None or model.is_deleted:
        return [AnswerCaller(event.caller, NotFoundError("model", event.model))]
    record = _sleeper(model)
    if record is None:
        return [AnswerCaller(event.caller, change=Change.UNCHANGED)]
    # Chosen, though it is what was declared: then fewer do where its server has shrunk meanwhile.
    chosen = Chosen(max(record.version.spec.replicas, 1), _WOKEN, event.now)
    before = record.server
    if not record.replicas_in(*HOLDING) and before not in state.awaited:
        record.server = ""  # it may go anywhere
    answer = AnswerCaller(event.caller, change=Change.CONFIGURED)
    scaled = _scale(model, record, chosen)
    decisions: list[Decision] = [answer, scaled, *schedule(state, model, event.now)]
    server = model.latest.server or before
    if server and len(model.latest.replicas_in(*PLACED)) < model.latest.replicas:
        decisions += scale_up(state, server, model)
    return decisions


def failure_of(model: ModelStatus | None) -> str:
    """Return why a model cannot be called; "" if it can be, or is on its way."""
    if model is None or model.is_deleted:
        return "it was deleted"
    latest = model.latest
    is_to_come = latest.state is ModelState.PROGRESSING
    if is_to_come or any(version.available_replicas for version in model.versions):
        return ""
    reason = without_folders(latest.reason, latest.version.spec.storage_uri)
    return reason or f"it is {latest.state.value}"


def _sleeper(model: ModelRecord) -> VersionRecord | None:
    """Return the version that a call is to wake, None if none is."""
    latest = model.latest
    if latest.is_asleep:
        return latest
    before = model.versions[model.fallback] if model.fallback is not None else None
    if before is not None and before.is_asleep and latest.state in IN_TROUBLE:
        return before
    return None


def _scale(model: ModelRecord, record: VersionRecord, chosen: Chosen) -> Decision:
    """Choose how many replicas a version has; what was known of its load was of before."""
    before = record.replicas
    record.chosen = chosen
    model.load = Load()
    return ScaleModel(model.name, before, chosen.replicas, chosen.why)
