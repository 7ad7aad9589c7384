"""An agent looks at its models once in a period."""

import asyncio
from dataclasses import replace

from seldon_core.agent.scaling import Figures
from seldon_core.agent.signalling import open_signalling
from seldon_core.config.settings import ScalingSettings
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.transport.control import ReplicaId, ScalingSignal, SignalKind
from tests.support.scheduler_fakes import StoppedClock

R0 = ReplicaId("mlserver", 0)
RULES = ScalingSettings(
    models=True,
    servers=True,
    period_s=0.001,
    lag=30,
    inactivity_s=600,
    stable_s=300,
    up_window_s=0,
    down_window_s=300,
    wake_timeout_s=120,
    wake_queue=1000,
    packing=0,
)
BUSY = Figures(ModelVersion(ModelSpec("iris", "/iris", max_replicas=2), 1), 31, 0, "life")


class Sink:
    """Keeps the signals, and says when there are two."""

    def __init__(self):
        self.told = []
        self.are_two = asyncio.Event()

    def signal(self, signal):
        self.told.append(signal)
        if len(self.told) == 2:
            self.are_two.set()


def test_what_is_found_at_each_look_is_signalled():
    async def test():
        sink = Sink()
        async with open_signalling(R0, lambda: [BUSY], sink, RULES, StoppedClock()):
            async with asyncio.timeout(5):
                await sink.are_two.wait()
        assert sink.told[:2] == [ScalingSignal(R0, "iris", 1, SignalKind.LAG, 31)] * 2

    asyncio.run(test())


def test_nobody_looks_where_models_are_not_scaled_until_that_is_changed():
    async def test():
        sink, looks = Sink(), []
        off = replace(RULES, models=False)

        def figures():
            looks.append(1)
            return [BUSY]

        async with open_signalling(R0, figures, sink, off, StoppedClock()) as signalling:
            for _ in range(100):
                await asyncio.sleep(0)
            assert looks == []
            signalling.change(RULES)
            async with asyncio.timeout(5):
                await sink.are_two.wait()

    asyncio.run(test())


def test_other_rules_count_from_the_next_look_on_which_does_not_wait_for_the_old_period():
    async def test():
        sink = Sink()
        slow = replace(RULES, period_s=3600, lag=99)
        async with open_signalling(R0, lambda: [BUSY], sink, slow, StoppedClock()) as signalling:
            await asyncio.sleep(0)
            signalling.change(RULES)
            async with asyncio.timeout(5):
                await sink.are_two.wait()

    asyncio.run(test())
