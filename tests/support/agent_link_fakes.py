"""An agent that a link gives orders, and that does as it is told at once."""

from seldon_core.transport.control import HeldModel, ModelReport, ReplicaId, ReplicaModelEvent

R0 = ReplicaId("mlserver", 0)


class FakeAgent:
    """`orders` are what it was told; `reports` is where it says what it did, once that is set.

    `remotes` are those by which it was to load. `faults` has by name why a load fails. With
    `is_slow` nothing is reported.
    """

    def __init__(self, held=(), replica=R0):
        self.reports = None
        self.replica = replica
        self.orders = []
        self.remotes = []
        self.faults = {}
        self.is_slow = False
        self._held = {version.internal_name: version for version in held}

    def load_model(self, version, remote=None):
        self.orders.append(f"load {version.internal_name}")
        self.remotes.append(remote)
        fault = self.faults.get(version.spec.name, "")
        if not fault:
            self._held[version.internal_name] = version
        event = ReplicaModelEvent.LOAD_FAILED if fault else ReplicaModelEvent.LOADED
        self.tell(version.spec.name, version.version, event, fault)

    def unload_model(self, model, version):
        self.orders.append(f"unload {model}_{version}")
        self._held.pop(f"{model}_{version}", None)
        self.tell(model, version, ReplicaModelEvent.UNLOADED)

    def held(self):
        return tuple(map(HeldModel, self._held.values()))

    def available_bytes(self):
        return max(1000 - 100 * len(self._held), 0)

    def tell(self, model, version, event, reason=""):
        if not self.is_slow:
            self.reports.report(ModelReport(self.replica, model, version, event, reason, 77))
