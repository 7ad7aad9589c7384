"""What operators see."""

from seldon_core.scheduler.events import ReplicaConnected, ReplicaDrainRequested, ReplicaLost
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.scheduler.status import ModelReplicaStatus, ServerReplicaStatus
from seldon_core.transport.control import ReplicaConfig, ReplicaId
from tests.support.scheduler_worlds import R0, R1, R2, a_machine, load, report, unload


def test_a_model_has_its_versions_from_the_oldest_to_the_latest():
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    load(machine, uri="/2")
    model = machine.model("iris")
    assert [version.version.version for version in model.versions] == [1, 2]
    assert model.latest is model.versions[-1]
    assert not model.is_deleted
    unload(machine)
    assert machine.model("iris").is_deleted


def test_replicas_are_counted_by_what_they_can_do():
    machine = a_machine(R0, R1, R2)
    load(machine, replicas=3)
    report(machine, 1, "Loaded", R0)
    report(machine, 1, "LoadFailed", R1, reason="why")
    latest = machine.model("iris").latest
    assert (latest.available_replicas, latest.unavailable_replicas) == (1, 2)
    assert {(replica.replica_idx, replica.state) for replica in latest.replicas} == {
        (0, ReplicaState.AVAILABLE),
        (1, ReplicaState.LOAD_FAILED),
        (2, ReplicaState.LOADING),
    }


def test_of_a_model_that_finds_no_room_for_all_the_rest_is_unavailable():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=4)
    latest = machine.model("iris").latest
    assert latest.state is ModelState.SCHEDULE_FAILED
    assert (latest.available_replicas, latest.unavailable_replicas) == (1, 3)


def test_a_version_without_room_that_drains_is_available_as_long_as_it_serves():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    machine.handle(ReplicaDrainRequested(2, R0, caller=5))
    latest = machine.model("iris").latest
    assert latest.state is ModelState.SCHEDULE_FAILED
    assert (latest.available_replicas, latest.unavailable_replicas) == (1, 0)


def test_the_last_change_is_that_of_the_version_or_of_a_replica():
    machine = a_machine(R0, R1)
    load(machine, replicas=2, now=5)
    assert machine.model("iris").latest.changed_at == 5
    report(machine, 1, "Loaded", R1, now=9)
    latest = machine.model("iris").latest
    assert latest.changed_at == 9
    assert ModelReplicaStatus(1, ReplicaState.AVAILABLE, "", 9) in latest.replicas


def test_a_server_shows_its_replicas_by_their_index():
    machine = a_machine(R1)
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig(("sklearn",), 200, 10)))
    load(machine, memory_bytes=30, replicas=2)
    report(machine, 1, "Loaded", R0)
    server = machine.server("mlserver")
    assert server.replicas == (
        ServerReplicaStatus(0, 200, 190, 10, 1),
        ServerReplicaStatus(1, 100, 70, 0, 0),
    )
    assert server.num_loaded_model_replicas == 1
    assert server.capabilities == ("sklearn",)
    assert server.expected_replicas == -1


def test_two_versions_of_a_model_are_one_model_on_a_replica():
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    load(machine, uri="/2")
    report(machine, 2, "Loaded")
    assert machine.server("mlserver").num_loaded_model_replicas == 1


def test_a_server_that_lost_its_replicas_is_still_shown():
    triton = ReplicaId("triton", 0)
    machine = a_machine(triton)
    machine.handle(ReplicaLost(2, triton))
    server = machine.server("triton")
    assert (server.replicas, server.capabilities) == ((), ())


def test_a_servers_capabilities_are_always_in_the_same_order():
    machine = a_machine()
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig(tuple("hgfedcba"), 100, 0)))
    assert machine.server("mlserver").capabilities == tuple("abcdefgh")
