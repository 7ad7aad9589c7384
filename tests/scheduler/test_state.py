"""What the scheduler knows: memory that is counted, versions in their order."""

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.state import (
    Assignment,
    ModelRecord,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    VersionRecord,
)
from seldon_core.transport.control import ReplicaId

R0, R1, R2 = (ReplicaId("mlserver", index) for index in range(3))


def a_version(number=1, **states):
    record = VersionRecord(ModelVersion(ModelSpec("iris", "/iris"), number))
    for replica, state in zip((R0, R1, R2), states.values(), strict=False):
        record.assignments[replica] = Assignment(state, 0.0)
    return record


def test_memory_is_counted_once_for_each_version():
    replica = ReplicaRecord(R0, frozenset(), 100)
    replica.hold("iris", 1, 30)
    replica.hold("iris", 1, 40)
    replica.hold("iris", 2, 5)
    assert (replica.used_bytes, replica.free_bytes) == (45, 55)
    replica.release("iris", 1)
    replica.release("iris", 1)
    assert (replica.used_bytes, replica.free_bytes) == (5, 95)


def test_free_memory_is_never_negative():
    replica = ReplicaRecord(R0, frozenset(), 100)
    replica.hold("iris", 1, 130)
    assert replica.free_bytes == 0


def test_the_latest_version_has_the_highest_number():
    model = ModelRecord("iris", {1: a_version(1), 10: a_version(10), 9: a_version(9)})
    assert model.latest.version.version == 10


def test_replicas_are_found_by_state_in_the_order_of_assignment():
    record = a_version(a=ReplicaState.LOADING, b=ReplicaState.AVAILABLE, c=ReplicaState.LOADING)
    assert record.replicas_in(ReplicaState.LOADING) == (R0, R2)
    assert record.replicas_in(ReplicaState.LOADING, ReplicaState.AVAILABLE) == (R0, R1, R2)


def test_replicas_are_grouped_by_server_in_the_order_they_came():
    triton = ReplicaId("triton", 0)
    state = SchedulerState()
    for replica in (R1, triton, R0):
        state.replicas[replica] = ReplicaRecord(replica, frozenset(), 1)
    found = {name: [r.replica for r in records] for name, records in state.servers().items()}
    assert list(found.items()) == [("mlserver", [R1, R0]), ("triton", [triton])]
