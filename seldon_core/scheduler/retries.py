"""When a model is looked at again although nothing happened to it.

One that failed to load, found no room or did not unload is tried again with growing pauses, without
end: what is broken is often elsewhere, and comes back. A deleted one is forgotten in the end. And
when memory comes free, those that found no room are tried at once, together for many that go.
"""

import heapq
from collections.abc import Iterator

from seldon_core.scheduler.state import (
    IN_TROUBLE,
    ModelRecord,
    ModelState,
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


def arm(state: SchedulerState, model: ModelRecord, now: float) -> None:
    """Set when `model` is looked at next; a time that is set and still wanted stays."""
    if model.is_deleted and model.is_gone:
        model.wake_at = _set(state, model, (model.deleted_at or now) + DELETED_TTL_S)
    elif not is_in_trouble(model):
        model.wake_at = None
        if model.latest.state is not ModelState.PROGRESSING:
            model.attempts = 0
    elif model.wake_at is None:
        model.wake_at = _set(state, model, now + pause(model.attempts))


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
    if state.homeless and state.sweep_at is None:
        state.sweep_at = now + SWEEP_PAUSE_S


def next_wakeup(state: SchedulerState) -> float | None:
    """Return when the machine wants its next Tick, None if it waits for nothing."""
    _drop_stale(state)
    times = [state.sweep_at] if state.sweep_at is not None else []
    times += [at for at, _ in state.wakeups[:1]]
    return min(times, default=None)


def due(state: SchedulerState, now: float) -> Iterator[ModelRecord]:
    """Yield the models whose time has come; each is asked for no more."""
    while state.wakeups and state.wakeups[0][0] <= now:
        at, name = heapq.heappop(state.wakeups)
        model = state.models.get(name)
        if model is not None and model.wake_at == at:
            model.wake_at = None
            yield model


def _set(state: SchedulerState, model: ModelRecord, at: float) -> float:
    if model.wake_at != at:
        heapq.heappush(state.wakeups, (at, model.name))
    return at


def _drop_stale(state: SchedulerState) -> None:
    while state.wakeups:
        at, name = state.wakeups[0]
        model = state.models.get(name)
        if model is not None and model.wake_at == at:
            return
        heapq.heappop(state.wakeups)
