"""When a model is looked at again although nothing happened to it.

One that failed to load, found no room or did not unload is tried again with growing pauses, without
end: what is broken is often elsewhere, and comes back. A deleted one is forgotten in the end. And
when memory comes free, those that found no room are tried at once, together for many that go.
"""

import heapq
from itertools import islice

from seldon_core.scheduler.state import (
    IN_TRANSIT,
    IN_TROUBLE,
    ModelRecord,
    ReplicaState,
    SchedulerState,
)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
_MOST_DOUBLINGS = 10

DELETED_TTL_S = 86_400.0
"""How long a deleted model is still shown; Seldon's own default for what it keeps."""

SWEEP_PAUSE_S = 0.1
"""Unloads within so long are one occasion to place what found no room."""

MOST_AT_ONCE = 64
"""Models that one Tick looks at, 0.1 ms each; whatever else is due has to wait for the next."""

_SPARE_WAKEUPS = 1_000


def arm(state: SchedulerState, model: ModelRecord, now: float) -> None:
    """Set when `model` is looked at next; a time that is set and still wanted stays."""
    if model.is_deleted and model.is_gone:
        _wake(state, model, (model.deleted_at or now) + DELETED_TTL_S)
    elif not is_in_trouble(model):
        model.wake_at = None
        if not any(record.replicas_in(*IN_TRANSIT) for record in model.versions.values()):
            model.attempts = 0  # while an order is under way, it may yet be one more in vain
    elif model.wake_at is None:
        _wake(state, model, now + pause(model.attempts))


def try_soon(state: SchedulerState, model: ModelRecord, now: float) -> None:
    """Have `model` tried at the next Tick: what it failed for may be mended."""
    model.attempts = 0
    _wake(state, model, now)


def is_in_trouble(model: ModelRecord) -> bool:
    """Return whether trying again is all that can help `model`."""
    return any(record.state in IN_TROUBLE for record in model.standing()) or any(
        record.replicas_in(ReplicaState.UNLOAD_FAILED) for record in model.versions.values()
    )


def pause(attempts: int) -> float:
    """Return the seconds to wait after so many attempts in vain beyond the first."""
    doubled: float = FIRST_PAUSE_S * 2.0 ** min(attempts, _MOST_DOUBLINGS)
    return min(doubled, LONGEST_PAUSE_S)


def free(state: SchedulerState, now: float) -> None:
    """Note that memory has come free somewhere."""
    state.to_sweep = len(state.homeless)  # those who were tried by now, too
    if state.homeless and state.sweep_at is None:
        state.sweep_at = now + SWEEP_PAUSE_S


def next_wakeup(state: SchedulerState) -> float | None:
    """Return when the machine wants its next Tick, None if it waits for nothing."""
    _drop_stale(state)
    times = [state.sweep_at] if state.sweep_at is not None else []
    times += [at for at, _ in state.wakeups[:1]]
    if state.to_place:
        times.append(state.place_at)
    if state.awaited and state.patience_until is not None:
        times.append(state.patience_until)
    return min(times, default=None)


def due(state: SchedulerState, now: float) -> list[ModelRecord]:
    """Return models whose time has come, MOST_AT_ONCE at most; each is asked for no more."""
    found: list[ModelRecord] = []
    while state.wakeups and state.wakeups[0][0] <= now and len(found) < MOST_AT_ONCE:
        at, name = heapq.heappop(state.wakeups)
        model = state.models.get(name)
        if model is not None and model.wake_at == at:
            model.wake_at = None
            found.append(model)
    return found


def sweep(state: SchedulerState, now: float) -> list[ModelRecord]:
    """Return models without a place that are to be tried since memory came free.

    MOST_AT_ONCE at most; those that have waited longest for their turn come first.
    """
    if state.sweep_at is None or state.sweep_at > now:
        return []
    names = list(islice(state.homeless, min(state.to_sweep, MOST_AT_ONCE)))
    for name in names:
        state.homeless[name] = state.homeless.pop(name)  # to the end
    state.to_sweep -= len(names)
    state.sweep_at = now if state.to_sweep > 0 and names else None
    return [state.models[name] for name in names]


def _wake(state: SchedulerState, model: ModelRecord, at: float) -> None:
    if model.wake_at == at:
        return
    model.wake_at = at
    heapq.heappush(state.wakeups, (at, model.name))
    if len(state.wakeups) > 2 * len(state.models) + _SPARE_WAKEUPS:
        # Most are stale: a name that is deleted and declared over and over leaves one each time.
        state.wakeups = [
            (model.wake_at, model.name)
            for model in state.models.values()
            if model.wake_at is not None
        ]
        heapq.heapify(state.wakeups)


def _drop_stale(state: SchedulerState) -> None:
    while state.wakeups:
        at, name = state.wakeups[0]
        model = state.models.get(name)
        if model is not None and model.wake_at == at:
            return
        heapq.heappop(state.wakeups)
