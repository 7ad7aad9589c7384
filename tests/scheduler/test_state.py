"""What the scheduler knows: memory that is counted, versions in their order."""

import pytest

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.state import (
    Assignment,
    ModelRecord,
    ModelState,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    ServerRecord,
    VersionRecord,
)
from seldon_core.transport.control import ReplicaId, RuntimeInfo

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


def test_what_was_loaded_is_not_when_it_is_released():
    replica = ReplicaRecord(R0, frozenset(), 100)
    for version in (1, 2):
        replica.hold("iris", version, 1)
        replica.note_loaded("iris", version, 7)
    replica.release("iris", 1)
    assert replica.loaded == {("iris", 2): 7}


def test_room_is_what_is_free_by_what_is_known_on_both_sides():
    replica = ReplicaRecord(R0, frozenset(), 100, reported_bytes=50)
    assert replica.free_bytes == 50
    replica.hold("iris", 1, 20)  # which the replica does not know of yet
    assert (replica.free_bytes, replica.reserved_bytes) == (30, 20)
    replica.note_loaded("iris", 1, 0)
    replica.reported_bytes = 90
    assert (replica.free_bytes, replica.reserved_bytes) == (80, 0)
    replica.note_loaded("iris", 1, 0)
    replica.hold("iris", 1, 40)
    assert (replica.free_bytes, replica.reserved_bytes) == (60, 0)
    replica.hold("wine", 1, 10)
    replica.release("wine", 1)
    replica.reported_bytes = 0
    assert (replica.free_bytes, replica.reserved_bytes) == (0, 0)


def test_a_version_needs_its_memory_for_each_instance():
    record = VersionRecord(ModelVersion(ModelSpec("iris", "/m", memory_bytes=7), 1))
    assert (record.needed_bytes, record.counted_bytes) == (7, 7)
    record.runtime = RuntimeInfo("triton", 3)
    assert (record.needed_bytes, record.counted_bytes) == (21, 21)


@pytest.mark.parametrize(("percentage", "capacity"), [(0, 90), (10, 99), (150, 225)])
def test_over_commit_is_room(percentage, capacity):
    assert ReplicaRecord(R0, frozenset(), 90, percentage).capacity_bytes == capacity


def test_a_replica_is_found_on_its_server():
    record = ReplicaRecord(R1, frozenset(), 1)
    state = SchedulerState(servers={"mlserver": ServerRecord("mlserver", {R1: record})})
    assert state.replica(R1) is record
    assert state.replica(R0) is None
    assert state.replica(ReplicaId("triton", 0)) is None


@pytest.mark.parametrize(
    ("fallback", "deleted_at", "standing"),
    [(None, None, [2]), (1, None, [1, 2]), (None, 5.0, [])],
    ids=["the latest", "the one that serves first", "none of a deleted model"],
)
def test_the_versions_that_are_to_stay_are(fallback, deleted_at, standing):
    model = ModelRecord("iris", {1: a_version(1), 2: a_version(2)})
    model.fallback, model.deleted_at = fallback, deleted_at
    assert [record.number for record in model.standing()] == standing
    assert model.is_deleted == (deleted_at is not None)


def test_a_model_is_gone_when_every_version_is():
    model = ModelRecord("iris", {1: a_version(1), 2: a_version(2)})
    model.versions[1].state = ModelState.TERMINATED
    assert not model.is_gone
    model.versions[2].state = ModelState.TERMINATED
    assert model.is_gone
