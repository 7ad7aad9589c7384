"""Calls that wait until a model is loaded that was scaled to zero.

However many wait for a model, one asks the scheduler, again and again until the route leads to a
replica or nobody waits any more: a scheduler that restarts meanwhile costs no call. What ends a
wait is the route, never the scheduler's word alone, since only a route can be called.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from seldon_core.aio.backoff import Backoff
from seldon_core.aio.supervise import Tasks, open_tasks
from seldon_core.errors import AsleepError, DeadlineError, OverloadedError, SeldonError
from seldon_core.transport.control import RouteUpdate, Wake

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0

RETRY_AFTER_S: Final = 5.0
"""A load that failed is tried again with growing pauses, the first ones shorter than that."""


@dataclass(frozen=True, slots=True)
class WakeLimits:
    """A call waits for `timeout_s` at most, and `most_waiting` of them for one model."""

    timeout_s: float
    most_waiting: int


@dataclass(slots=True)
class _Sleeper:
    """A model that calls wait for; `trouble` is why the scheduler could not be asked last."""

    asking: asyncio.Task[None] | None = None
    trouble: str = ""
    waits: set[asyncio.Future[None]] = field(default_factory=set)


class Waking:
    """Calls that wait, by model. Got from `open_waking`."""

    def __init__(self, wake: Wake, limits: WakeLimits, tasks: Tasks) -> None:
        self.limits = limits
        self._wake = wake
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._sleepers: dict[str, _Sleeper] = {}

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return sum(len(sleeper.waits) for sleeper in self._sleepers.values())

    async def wait(self, model: str, deadline: float) -> None:
        """Wait until the routes tell of `model` anew, and have it loaded for that.

        `deadline` is an instant on the monotonic clock. Raises AsleepError if the model cannot be
        loaded or not in time, DeadlineError if the call's own time is over before, OverloadedError
        if too many calls wait for it.
        """
        sleeper = self._sleepers.get(model)
        if sleeper is None:
            sleeper = self._sleepers[model] = _Sleeper()
        if len(sleeper.waits) >= self.limits.most_waiting:
            raise OverloadedError(
                f"{len(sleeper.waits)} calls wait for model {model!r} to be loaded already"
            )
        wait: asyncio.Future[None] = self._loop.create_future()
        sleeper.waits.add(wait)
        left_s = max(deadline - monotonic(), 0.0)
        timer = self._loop.call_later(
            min(left_s, self.limits.timeout_s),
            self._give_up,
            model,
            wait,
            left_s <= self.limits.timeout_s,
        )
        if sleeper.asking is None:
            sleeper.asking = self._tasks.start(self._ask(model, sleeper), name=f"wake {model}")
        try:
            await wait
        finally:
            timer.cancel()
            sleeper.waits.discard(wait)
            if not sleeper.waits and self._sleepers.get(model) is sleeper:
                self._forget(model)

    def published(self, update: RouteUpdate) -> None:
        """Let those go on whom a route concerns, which is in force by now."""
        if not self._sleepers:
            return
        for candidate in update.candidates:
            if candidate.replicas:
                self._end(candidate.model, "")
        if not update.candidates:
            self._end(update.name, "")

    async def _ask(self, model: str, sleeper: _Sleeper) -> None:
        """Ask until nobody waits; who has been asked and says so without a route is asked again."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, random.random)
        while True:
            try:
                failure = await self._wake(model)
            except SeldonError as error:
                sleeper.trouble = str(error)
            else:
                sleeper.trouble = ""
                if failure:
                    sleeper.asking = None  # who ends the waits is not to cancel this
                    self._end(model, failure)
                    return
            await asyncio.sleep(backoff.pause_s())

    def _give_up(self, model: str, wait: asyncio.Future[None], is_callers: bool) -> None:
        """End a wait whose time is over; `is_callers`: it was the caller who gave it so much."""
        if wait.done():
            return
        if is_callers:
            wait.set_exception(
                DeadlineError(f"the call's time was over before model {model!r} was loaded")
            )
            return
        trouble = self._sleepers[model].trouble
        because = f": {trouble}" if trouble else ""
        text = f"model {model!r} was not loaded within {self.limits.timeout_s:g} s{because}"
        wait.set_exception(AsleepError(text, RETRY_AFTER_S))

    def _end(self, model: str, failure: str) -> None:
        """End every wait for a model, by an error if there is a `failure`."""
        sleeper = self._sleepers.get(model)
        if sleeper is None:
            return
        self._forget(model)
        for wait in sleeper.waits:
            if wait.done():
                continue
            if failure:
                text = f"model {model!r} is to be loaded by a call, and cannot be: {failure}"
                wait.set_exception(AsleepError(text, RETRY_AFTER_S))
            else:
                wait.set_result(None)

    def _forget(self, model: str) -> None:
        sleeper = self._sleepers.pop(model)
        if sleeper.asking is not None:
            sleeper.asking.cancel()


@asynccontextmanager
async def open_waking(wake: Wake, limits: WakeLimits) -> AsyncIterator[Waking]:
    """Have models loaded by `wake` for the length of a block, when they are called."""
    async with open_tasks("waking") as tasks:
        yield Waking(wake, limits, tasks)
