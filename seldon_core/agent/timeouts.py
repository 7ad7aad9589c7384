"""How long a call may wait for its answer, for models that limit it (`seldon-core/timeout-ms`).

A call of such a model is given up when its time has passed, wherever it waits: for its model's
load, for its turn, or for a run. A run that is under way goes on, and what it answers is dropped.
Time-outs are swept as those of the callers are, so they are noticed up to 50 ms late, and nothing
ticks where no model has one.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import cast

from seldon_core.agent.batching import Array, Entry
from seldon_core.errors import DeadlineError
from seldon_core.resources.knobs import KNOBS
from seldon_core.transport.sweeper import Sweeper, Watch


class Timeouts:
    """The time-outs of one agent's models."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sweeper: Sweeper | None = None

    def of(self, timeout_ms: int | None) -> "CallTimeout | None":
        """Return what a model's calls are watched by, None if they may take any time."""
        if timeout_ms is None:
            return None
        if self._sweeper is None:
            self._sweeper = Sweeper(self._loop)
            self._sweeper.start()
        return CallTimeout(timeout_ms, self._sweeper, self._loop)

    def close(self) -> None:
        """Stop ticking; no call is under way."""
        if self._sweeper is not None:
            self._sweeper.stop()


class CallTimeout:
    """The time-out of one model's calls."""

    __slots__ = ("_loop", "_sweeper", "_timeout_ms")

    def __init__(self, timeout_ms: int, sweeper: Sweeper, loop: asyncio.AbstractEventLoop) -> None:
        self._timeout_ms = timeout_ms
        self._sweeper = sweeper
        self._loop = loop

    def watch(self, began: float, give_up: Callable[[DeadlineError], None]) -> Watch:
        """Call `give_up` when a call that arrived at `began`, monotonic time, has had its time.

        The caller cancels the watch when the call is answered.
        """
        due = self._loop.time() + self._timeout_ms / 1000 - (monotonic() - began)
        watch = self._sweeper.watch(due, lambda: give_up(self._error()))
        assert watch is not None  # it would be for an infinite deadline
        return watch

    async def outputs(
        self, entry: Entry, began: float, withdraw: Callable[[Entry], None]
    ) -> list[Array]:
        """Wait for the outputs of `entry`, whose call arrived at `began`.

        Raises DeadlineError when its time has passed: then it was withdrawn from its batch.
        """
        waiter = entry.waiter
        assert waiter is not None  # it was taken in and is not answered yet

        def give_up(error: DeadlineError) -> None:
            if not waiter.done():
                withdraw(entry)
                waiter.set_exception(error)

        watch = self.watch(began, give_up)
        try:
            return await cast("asyncio.Future[list[Array]]", waiter)
        finally:
            watch.cancel()

    def _error(self) -> DeadlineError:
        return DeadlineError(
            f"the call was not answered within {self._timeout_ms} ms, "
            f"the model's {KNOBS['timeout_ms'].name}"
        )
