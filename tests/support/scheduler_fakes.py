"""Agents, routers, a store and clocks for tests of the scheduler's shell."""

from seldon_core.errors import StoreError
from seldon_core.transport.control import ModelReport, ReplicaModelEvent


class FakeLink:
    """Obeys at once: every load works unless the model's name is in `faults`."""

    def __init__(self, replica, faults=()):
        self.replica = replica
        self.faults = dict(faults)
        self.sink = None
        self.orders = []

    def load_model(self, version, remote=None):
        self.orders.append(f"load {version.internal_name}")
        fault = self.faults.get(version.spec.name)
        event = ReplicaModelEvent.LOAD_FAILED if fault else ReplicaModelEvent.LOADED
        self._report(version.spec.name, version.version, event, fault or "")

    def unload_model(self, model, version):
        self.orders.append(f"unload {model}_{version}")
        self._report(model, version, ReplicaModelEvent.UNLOADED)

    def _report(self, model, version, event, reason=""):
        if self.sink is not None:  # without one it never reports
            self.sink.report(ModelReport(self.replica, model, version, event, reason))


class FakeRoutes:
    """Remembers what was published, in order."""

    def __init__(self):
        self.updates = []
        self.replicas = {}

    def publish(self, update):
        self.updates.append(update)

    def publish_replica(self, replica, address):
        self.replicas[replica] = address


class StoppedClock:
    """It is always one o'clock."""

    def monotonic(self):
        return 1.0

    def wall(self):
        return 1.0


class FakeStore:
    """Keeps models in memory, after `faults` writes that fail; `held` holds writes back."""

    def __init__(self, stored=(), faults=0):
        self.stored = tuple(stored)
        self.faults = faults
        self.held = None
        self.writes = []

    async def write(self, saved, dropped, now):
        if self.held is not None:
            await self.held.wait()
        if self.faults:
            self.faults -= 1
            raise StoreError("the disk is full")
        self.writes.append(([each.name for each in saved], [name for _, name in dropped]))
        kept = {(each.kind, each.name): each for each in (*self.stored, *saved)}
        self.stored = tuple(each for key, each in kept.items() if key not in dropped)


class HandClock(StoppedClock):
    """It is what the test says."""

    def __init__(self):
        self.now = 1.0

    def wall(self):
        return self.now
