"""A scheduler's shell as the agents' API sees it: it remembers what it was told."""

import asyncio

from seldon_core.errors import NotFoundError


class FakeReplicas:
    """`told` is what happened, in order. While it `is_busy` it does not catch up."""

    def __init__(self):
        self.told = []
        self.drained = asyncio.Event()
        self.is_busy = False
        self.actors = []
        self._changed = asyncio.Event()

    def connect_replica(self, replica, config):
        self._note("connected", str(replica), config)

    def lose_replica(self, replica):
        self._note("lost", str(replica))

    def report(self, report):
        self._note("report", f"{report.model}_{report.version} {report.event.value}", report)

    def signal(self, signal, *, actor=""):
        self.actors.append(actor)
        self._note("signal", f"{signal.model}_{signal.version} {signal.kind.value}", signal)

    def check_scaled(self, model):
        if model == "unknown":
            raise NotFoundError("model", model)

    async def drain_replica(self, replica, *, actor):
        self._note("drain", str(replica))
        await self.drained.wait()

    async def caught_up(self):
        await asyncio.sleep(0)
        while self.is_busy:
            await asyncio.sleep(0.01)

    def names(self):
        """What happened, without the values."""
        return [" ".join(entry[:2]) for entry in self.told]

    async def has(self, *names):
        """Wait until exactly this has happened."""
        while self.names() != list(names):
            self._changed.clear()
            await self._changed.wait()

    def _note(self, *entry):
        self.told.append(entry)
        self._changed.set()
