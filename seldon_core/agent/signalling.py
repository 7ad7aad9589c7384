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


@asynccontextmanager
async def open_signalling(
    replica: ReplicaId,
    figures: Callable[[], Iterable[Figures]],
    sink: SignalSink,
    rules: ScalingSettings,
    clock: Clock,
) -> AsyncIterator[None]:
    """Signal to `sink`, for the length of a block, how much the models of a replica are called.

    `figures` tells of every model that is served there.
    """
    if not rules.models:
        yield
        return
    async with open_tasks(f"signals of {replica}") as tasks:
        watch = ScalingWatch(replica, rules.lag, rules.inactivity_s)
        tasks.start(_keep_looking(watch, figures, sink, rules, clock), name="look")
        yield


async def _keep_looking(
    watch: ScalingWatch,
    figures: Callable[[], Iterable[Figures]],
    sink: SignalSink,
    rules: ScalingSettings,
    clock: Clock,
) -> None:
    looked_at = None
    while True:
        await asyncio.sleep(rules.period_s)
        now = monotonic()
        elapsed_s = now - looked_at if looked_at is not None else None
        looked_at = now
        for signal in watch.look(figures(), clock.wall(), elapsed_s):
            sink.signal(signal)
