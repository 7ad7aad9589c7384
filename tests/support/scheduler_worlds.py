"""A scheduler's state, made by events, for tests of its parts."""

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import PublishServer, PublishStatus, Save
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    SyncReached,
    restored_event,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.state import ReplicaState
from seldon_core.scheduler.status import ModelReplicaStatus, ModelStatus, ModelVersionStatus
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaId, ReplicaModelEvent

R0, R1, R2 = (ReplicaId("mlserver", index) for index in range(3))


def a_machine(*replicas, memory_bytes=100):
    """A machine with these replicas connected, which places models."""
    machine = SchedulerMachine()
    machine.handle(SyncReached(0))
    for replica in replicas:
        machine.handle(ReplicaConnected(0, replica, ReplicaConfig(("sklearn",), memory_bytes, 0)))
    return machine


def load(machine, uri="/iris", now=1, from_folder=False, is_again=False, **fields):
    spec = ModelSpec("iris", uri, **fields)
    asked = ModelLoadRequested(now, spec, caller=1, from_folder=from_folder, is_again=is_again)
    return machine.handle(asked)


def unload(machine, now=1, meta=None):
    return machine.handle(ModelUnloadRequested(now, "iris", caller=1, meta=meta))


def report(machine, version, event, replica=R0, reason="", memory_bytes=0, now=1):
    told = ModelReport(replica, "iris", version, ReplicaModelEvent(event), reason, memory_bytes)
    return machine.handle(ModelReported(now, told))


def acts(decisions):
    """What is sent or answered, without what is only kept and shown."""
    return [
        made for made in decisions if not isinstance(made, Save | PublishStatus | PublishServer)
    ]


def restart(machine, decided, now=1):
    """A machine that has what was kept, from all that was decided, and is not synced."""
    kept = {
        (made.stored.kind, made.stored.name): made.stored
        for made in decided
        if isinstance(made, Save)
    }
    successor = SchedulerMachine()
    for stored in kept.values():
        successor.handle(restored_event(now, stored))
    return successor


def a_status(name, state, reason=""):
    """A model's only version, on one replica, as an operator sees it."""
    version = ModelVersion(ModelSpec(name, f"/{name}"), 1)
    replicas = (ModelReplicaStatus(0, ReplicaState.AVAILABLE, "", 1.0),)
    shown = ModelVersionStatus(version, "mlserver", state, reason, 1.0, 1, 0, replicas)
    return ModelStatus(name, False, (shown,))
