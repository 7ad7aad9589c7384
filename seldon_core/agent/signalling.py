"""Looks at a replica's models once in a period, and signals what the scheduler should know."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic

from seldon_core.agent.scaling import Figures, ScalingWatch
from seldon_core.aio.clock import Clock
from seldon_core.aio.supervise import open_tasks
from seldon_core.config.settings import ScalingSettings
from seldon_core.transport.control import ReplicaId, SignalSink


class Signalling:
    """Looks, and signals to `sink`. Got from `open_signalling`."""

    def __init__(
        self,
        replica: ReplicaId,
        figures: Callable[[], Iterable[Figures]],
        sink: SignalSink,
        rules: ScalingSettings,
        clock: Clock,
    ) -> None:
        self._watch = ScalingWatch(replica, rules.lag, rules.inactivity_s)
        self._figures = figures
        self._sink = sink
        self._rules = rules
        self._clock = clock
        self._is_changed = asyncio.Event()

    def change(self, rules: ScalingSettings) -> None:
        """Follow other settings from now on; the next look is one period away."""
        self._rules = rules
        self._watch.lag, self._watch.inactive_s = rules.lag, rules.inactivity_s
        self._is_changed.set()

    async def run(self) -> None:
        """Look once in a period, for ever."""
        looked_at = None
        while True:
            if await self._is_interrupted():
                continue
            now = monotonic()
            elapsed_s = now - looked_at if looked_at is not None else None
            looked_at = now
            for signals in self._watch.look(self._figures(), self._clock.wall(), elapsed_s):
                for signal in signals:
                    self._sink.signal(signal)
                await asyncio.sleep(0)

    async def _is_interrupted(self) -> bool:
        """Wait for a period; return whether the rules changed before it ended."""
        self._is_changed.clear()
        try:
            async with asyncio.timeout(self._rules.period_s if self._rules.models else None):
                await self._is_changed.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def open_signalling(
    replica: ReplicaId,
    figures: Callable[[], Iterable[Figures]],
    sink: SignalSink,
    rules: ScalingSettings,
    clock: Clock,
) -> AsyncIterator[Signalling]:
    """Signal to `sink`, for the length of a block, how much the models of a replica are called.

    `figures` tells of every model that is served there, also if the loop runs in between.
    """
    async with open_tasks(f"signals of {replica}") as tasks:
        signalling = Signalling(replica, figures, sink, rules, clock)
        tasks.start(signalling.run(), name="look")
        yield signalling
