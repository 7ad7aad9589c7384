"""What signals of how much a model is called lead to: more of its replicas, or fewer.

A signal of lag or idleness is good for one replica, a rate or a number from outside for as many as
it asks for. What was chosen stands beside the spec, never in it. More replicas than a server has
make the server grow, if it may; and it shrinks when they are gone.
"""

from seldon_core.scheduler.decisions import Decision, ScaleModel
from seldon_core.scheduler.events import (
    ModelScalingRestored,
    ModelScalingSignalled,
    ModelWakeRequested,
)
from seldon_core.scheduler.lifecycle import schedule, settle
from seldon_core.scheduler.server_scaling import scale_up
from seldon_core.scheduler.sleeping import on_unused, on_wake_requested
from seldon_core.scheduler.state import (
    PLACED,
    Chosen,
    ModelRecord,
    ModelState,
    ReplicaState,
    SchedulerState,
)
from seldon_core.scheduler.targets import clamped, replicas_for
from seldon_core.transport.control import ScalingSignal, SignalKind


def decide(
    state: SchedulerState,
    event: ModelScalingRestored | ModelScalingSignalled | ModelWakeRequested,
) -> list[Decision]:
    """Return what follows from an event about scaling."""
    if isinstance(event, ModelWakeRequested):
        return on_wake_requested(state, event)
    if isinstance(event, ModelScalingRestored):
        return on_restored(state, event)
    return on_signalled(state, event)


def on_restored(state: SchedulerState, event: ModelScalingRestored) -> list[Decision]:
    """Take up what was chosen before the restart. Comes after the model itself."""
    stored = event.stored
    model = state.models.get(stored.name)
    if model is None or model.is_deleted:
        return []
    model.saved_scaling = stored
    if model.latest.number == stored.version:
        model.latest.chosen = Chosen(stored.replicas, stored.why, stored.at)
    return settle(state, model, event.now)


def on_signalled(state: SchedulerState, event: ModelScalingSignalled) -> list[Decision]:
    """Take in a signal. One that is not about the version that serves changes nothing."""
    signal, now = event.signal, event.now
    model = state.models.get(signal.model)
    if model is None or not _may_be_scaled(state, model):
        return []
    if signal.kind is SignalKind.UNUSED:
        return on_unused(state, model, signal, now)
    if not model.latest.version.spec.is_scaled:
        return []
    has_target = model.latest.version.spec.knobs.target_rps is not None
    if signal.kind is SignalKind.RATE:
        wanted = _for_rate(state, model, signal, now) if has_target else None
    elif signal.kind is SignalKind.CUSTOM:
        wanted = _settled(state, model, int(signal.amount), now), "asked for from outside"
    elif model.latest.number != signal.version:
        wanted = None
    elif has_target:
        wanted = None  # it is the rate that counts
    elif signal.kind is SignalKind.LAG:
        wanted = _for_lag(model, signal)
    else:
        wanted = _for_idleness(state, model, signal, now)
    return [] if wanted is None else _choose(state, model, *wanted, now)


_Wanted = tuple[int, str]  # so many replicas, and why


def _may_be_scaled(state: SchedulerState, model: ModelRecord) -> bool:
    is_in_order = state.is_synced and model.name not in state.to_place and not model.is_deleted
    return state.scaling.scales_models and is_in_order


def _for_lag(model: ModelRecord, signal: ScalingSignal) -> _Wanted | None:
    """One more, but not while the last one is on its way, or there is no room for it."""
    latest = model.latest
    if latest.state is not ModelState.AVAILABLE:
        return None
    if len(latest.replicas_in(ReplicaState.AVAILABLE)) < latest.replicas:
        return None
    return latest.replicas + 1, f"{signal.amount:.0f} calls under way on {signal.replica}"


def _for_idleness(
    state: SchedulerState, model: ModelRecord, signal: ScalingSignal, now: float
) -> _Wanted | None:
    """One less, if the model has been as it is for long."""
    latest = model.latest
    times = [held.since for held in latest.assignments.values()]
    if latest.chosen is not None:
        times.append(latest.chosen.at)
    if now - max([latest.changed_at, *times]) < state.scaling.stable_s:
        return None
    idle_s = max(0.0, now - signal.amount)
    return latest.replicas - 1, f"no call to {signal.replica} for {idle_s:.0f} s"


def _for_rate(
    state: SchedulerState, model: ModelRecord, signal: ScalingSignal, now: float
) -> _Wanted | None:
    """As many as the rate over all replicas asks for; all versions that serve count."""
    target = model.latest.version.spec.knobs.target_rps
    assert target is not None
    where = signal.replica, signal.version
    rate = model.load.note_rate(where, signal.amount, now, state.scaling.rates_last_s)
    if model.latest.state is not ModelState.AVAILABLE:
        return None
    wanted = _settled(state, model, replicas_for(rate, target), now)
    return wanted, f"{rate:.1f} requests a second, {target:g} for each replica"


def _settled(state: SchedulerState, model: ModelRecord, wanted: int, now: float) -> int:
    latest = model.latest
    within = clamped(latest.version.spec, wanted)
    return model.load.settled_on(within, latest.replicas, now, state.scaling)


def _choose(
    state: SchedulerState, model: ModelRecord, wanted: int, why: str, now: float
) -> list[Decision]:
    """Have a model on so many replicas as its bounds allow of those wanted, if that is news."""
    latest = model.latest
    replicas = clamped(latest.version.spec, wanted)
    if replicas == latest.replicas:
        return []
    decisions: list[Decision] = [ScaleModel(model.name, latest.replicas, replicas, why)]
    latest.chosen = Chosen(replicas, why, now)
    decisions += schedule(state, model, now)
    server = model.latest.server
    if server and len(model.latest.replicas_in(*PLACED)) < replicas:
        decisions += scale_up(state, server, model)
    return decisions
