"""A scheduler's state, made by events, for tests of its parts."""

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    SyncReached,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent

R0, R1, R2 = (ReplicaId("mlserver", index) for index in range(3))


def a_machine(*replicas, memory_bytes=100):
    """A machine with these replicas connected, which places models."""
    machine = SchedulerMachine()
    machine.handle(SyncReached(0))
    for replica in replicas:
        machine.handle(ReplicaConnected(0, replica, ("sklearn",), memory_bytes, 0))
    return machine


def load(machine, uri="/iris", now=1, **fields):
    return machine.handle(ModelLoadRequested(now, ModelSpec("iris", uri, **fields), caller=1))


def unload(machine, now=1):
    return machine.handle(ModelUnloadRequested(now, "iris", caller=1))


def report(machine, version, event, replica=R0, reason="", memory_bytes=0, now=1):
    told = ModelReport(replica, "iris", version, ReplicaModelEvent(event), reason, memory_bytes)
    return machine.handle(ModelReported(now, told))
