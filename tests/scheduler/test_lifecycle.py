"""States computed from replicas, and versions that give way to newer ones."""

import pytest

from seldon_core.scheduler.decisions import LoadOnReplica, PublishRoute, UnloadOnReplica
from seldon_core.scheduler.events import ReplicaConnected, ReplicaLost, Tick
from seldon_core.scheduler.lifecycle import HISTORY, needs_room
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ReplicaConfig, ReplicaId
from tests.support.scheduler_worlds import R0, R1, R2, a_machine, acts, load, report, unload


def states(machine):
    versions = machine.state.models["iris"].versions
    return {number: record.state for number, record in versions.items()}


def row(machine):
    latest = machine.model("iris").latest
    return latest.state, latest.reason


@pytest.mark.parametrize(
    ("fields", "reports", "state"),
    [
        pytest.param({"replicas": 2}, ["Loaded"], ModelState.PROGRESSING, id="one of two"),
        pytest.param({"replicas": 2}, ["Loaded"] * 2, ModelState.AVAILABLE, id="two of two"),
        pytest.param(
            {"replicas": 3, "min_replicas": 2}, ["Loaded"], ModelState.PROGRESSING, id="below min"
        ),
        pytest.param(
            {"replicas": 3, "min_replicas": 2}, ["Loaded"] * 2, ModelState.AVAILABLE, id="the min"
        ),
        pytest.param({"replicas": 2}, ["Loaded", "LoadFailed"], ModelState.FAILED, id="one failed"),
        pytest.param({"replicas": 0}, [], ModelState.SCALED_DOWN, id="none wanted"),
    ],
)
def test_the_state_follows_from_the_replicas(fields, reports, state):
    machine = a_machine(R0, R1, R2)
    load(machine, **fields)
    for replica, event in zip((R0, R1, R2), reports, strict=False):
        report(machine, 1, event, replica)
    assert states(machine) == {1: state}


def test_the_reason_is_that_of_the_newest_failure():
    machine = a_machine(R0, R1)
    load(machine, replicas=2)
    report(machine, 1, "LoadFailed", R1, reason="newer", now=9)
    report(machine, 1, "LoadFailed", R0, reason="older", now=5)
    assert row(machine) == (ModelState.FAILED, "newer")


def test_a_failure_on_a_replica_that_is_not_wanted_any_more_does_not_count():
    machine = a_machine(R0, R1)
    load(machine, replicas=2)
    report(machine, 1, "Loaded", R0)
    load(machine, replicas=1)
    report(machine, 1, "LoadFailed", R1, reason="late")
    assert row(machine) == (ModelState.AVAILABLE, "")


def test_a_load_that_ends_where_it_is_not_wanted_any_more_is_undone():
    machine = a_machine(R0, R1)
    load(machine, replicas=2)
    report(machine, 1, "Loaded", R0)
    load(machine, replicas=1)
    assert UnloadOnReplica(R1, "iris", 1) in report(machine, 1, "Loaded", R1)
    assert row(machine) == (ModelState.AVAILABLE, "")


def test_a_changed_state_notes_when():
    machine = a_machine(R0)
    load(machine, now=3)
    report(machine, 1, "Loaded", now=7)
    load(machine, now=9)
    assert machine.state.models["iris"].latest.changed_at == 7


def test_a_new_version_takes_over_from_the_old_replica_by_replica():
    machine = a_machine(R0, R1)
    load(machine, uri="/1", replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    load(machine, uri="/2", replicas=2)
    assert states(machine) == {1: ModelState.AVAILABLE, 2: ModelState.PROGRESSING}
    (published,) = acts(report(machine, 2, "Loaded", R1))
    weights = [(each.version, each.weight) for each in published.update.candidates]
    assert weights == [(1, 66), (2, 34)]
    assert states(machine) == {1: ModelState.AVAILABLE, 2: ModelState.AVAILABLE}
    published, *unloads = acts(report(machine, 2, "Loaded", R0))
    assert [candidate.version for candidate in published.update.candidates] == [2]
    assert unloads == [UnloadOnReplica(R0, "iris", 1), UnloadOnReplica(R1, "iris", 1)]
    assert states(machine)[1] is ModelState.TERMINATING


@pytest.mark.parametrize(
    ("fields", "reports", "state"),
    [
        pytest.param({}, ["LoadFailed"], ModelState.FAILED, id="does not load"),
        pytest.param(
            {"requirements": ("gpu",)}, [], ModelState.SCHEDULE_FAILED, id="has no server"
        ),
        pytest.param({"memory_bytes": 101}, [], ModelState.SCHEDULE_FAILED, id="does not fit"),
    ],
)
def test_a_healthy_version_keeps_its_route_when_a_new_one(fields, reports, state):
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    decisions = load(machine, uri="/2", **fields)
    for event in reports:
        decisions += report(machine, 2, event)
    assert not any(isinstance(decision, PublishRoute) for decision in decisions)
    assert states(machine) == {1: ModelState.AVAILABLE, 2: state}


def test_scaling_a_new_version_to_nothing_ends_the_old_one_too():
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    assert UnloadOnReplica(R0, "iris", 1) in load(machine, uri="/2", replicas=0)


def test_a_model_that_must_move_to_another_server_is_another_version():
    triton = ReplicaId("triton", 0)
    machine = a_machine(R0, triton)
    load(machine)
    report(machine, 1, "Loaded")
    decisions = machine.handle(ReplicaLost(2, R0))
    loads = [decision for decision in decisions if isinstance(decision, LoadOnReplica)]
    assert [(order.replica, order.version.version) for order in loads] == [(triton, 2)]


def test_a_model_that_had_no_place_left_starts_over_with_its_version():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    machine.handle(ReplicaLost(2, R0))
    machine.handle(ReplicaConnected(3, ReplicaId("triton", 0), ReplicaConfig((), 100, 0)))
    assert list(states(machine)) == [1]


def test_a_version_that_has_a_replica_stays_on_its_server_when_more_find_no_room():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=2)
    assert machine.state.models["iris"].latest.server == "mlserver"
    assert row(machine)[0] is ModelState.SCHEDULE_FAILED
    assert machine.model("iris").latest.available_replicas == 1


def test_a_failed_unload_is_told():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine)
    report(machine, 1, "UnloadFailed", reason="busy")
    assert row(machine) == (ModelState.TERMINATE_FAILED, "busy")


@pytest.mark.parametrize(
    ("prepare", "needs"),
    [
        pytest.param(lambda machine: load(machine, requirements=("gpu",)), True, id="no place"),
        pytest.param(lambda machine: load(machine), False, id="loading"),
        pytest.param(
            lambda machine: (load(machine), report(machine, 1, "LoadFailed")), True, id="failed"
        ),
        pytest.param(lambda machine: load(machine, replicas=2, min_replicas=1), True, id="too few"),
        pytest.param(lambda machine: (load(machine), unload(machine)), False, id="deleted"),
        pytest.param(lambda machine: load(machine, replicas=0), False, id="scaled down"),
    ],
)
def test_room_is_sought_for_a_model_that(prepare, needs):
    machine = a_machine(R0)
    prepare(machine)
    assert needs_room(machine.state.models["iris"]) == needs


def test_a_new_version_is_placed_beside_the_fallback_and_not_instead_of_it():
    machine = a_machine(R0, R1)
    load(machine, uri="/1", replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    load(machine, uri="/2", replicas=1, requirements=("gpu",))
    decisions = machine.handle(ReplicaLost(2, R1))
    assert [made for made in decisions if isinstance(made, LoadOnReplica | UnloadOnReplica)] == []
    assert states(machine) == {1: ModelState.SCHEDULE_FAILED, 2: ModelState.SCHEDULE_FAILED}
    assert machine.state.models["iris"].route.candidates[0].replicas == (R0,)


def test_a_fallback_that_serves_does_not_move_to_another_server():
    triton = ReplicaId("triton", 0), ReplicaId("triton", 1)
    machine = a_machine(R0, R1)
    load(machine, uri="/1", replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    load(machine, uri="/2", requirements=("gpu",))
    machine.handle(ReplicaLost(2, R1))
    for replica in triton:
        machine.handle(ReplicaConnected(3, replica, ReplicaConfig((), 100, 0)))
    assert set(machine.state.models["iris"].versions[1].assignments) == {R0}


def test_a_fallback_that_is_nowhere_goes_to_whichever_server_there_is():
    triton = ReplicaId("triton", 0)
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    load(machine, uri="/2", requirements=("gpu",))
    machine.handle(ReplicaConnected(3, triton, ReplicaConfig((), 100, 0)))
    decisions = machine.handle(ReplicaLost(2, R0))
    loads = [made for made in decisions if isinstance(made, LoadOnReplica)]
    assert [(made.replica, made.version.version) for made in loads] == [(triton, 1)]
    assert machine.state.models["iris"].versions[1].server == "triton"


def test_a_failure_is_remembered_while_it_is_tried_again():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "LoadFailed", reason="no such folder")
    machine.handle(Tick(machine.next_wakeup()))
    assert row(machine) == (
        ModelState.PROGRESSING,
        "trying again, last failure: no such folder",
    )
    report(machine, 1, "Loaded")
    assert row(machine) == (ModelState.AVAILABLE, "")
    machine.handle(ReplicaConnected(9, R0, ReplicaConfig((), 100, 0)))
    assert row(machine) == (ModelState.PROGRESSING, "")


def test_only_the_last_terminated_versions_are_remembered():
    machine = a_machine()
    for number in range(HISTORY + 5):
        load(machine, uri=f"/{number}")
    # Beside the latest, and the one that was the latest when the others were counted.
    versions = list(machine.state.models["iris"].versions)
    assert versions == list(range(4, HISTORY + 6))


def a_failed_fallback():
    """Version 1, which served, is lost and does not load again; version 2 is loading."""
    machine = a_machine(R0, R1)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    load(machine, uri="/2", replicas=3)  # there are two
    machine.handle(ReplicaLost(2, R0))
    for replica in (R0, R2):
        machine.handle(ReplicaConnected(3, replica, ReplicaConfig((), 100, 0)))
    report(machine, 1, "LoadFailed", R1)
    assert states(machine) == {1: ModelState.FAILED, 2: ModelState.PROGRESSING}
    assert machine.state.models["iris"].fallback == 1
    assert machine.next_wakeup() == 2  # it is tried again, whatever becomes of the other
    return machine


def test_a_superseded_version_that_alone_serves_relieves_a_fallback_that_failed():
    machine = a_failed_fallback()
    report(machine, 2, "Loaded", R0)
    load(machine, uri="/3")
    model = machine.state.models["iris"]
    assert model.fallback == 2
    assert [candidate.version for candidate in model.route.candidates] == [2]
    assert states(machine) == {
        1: ModelState.TERMINATED,
        2: ModelState.PROGRESSING,
        3: ModelState.PROGRESSING,
    }


@pytest.mark.parametrize("replicas", [0, 1], ids=["is scaled down", "has enough replicas"])
def test_a_failed_fallback_is_not_loaded_again_if_the_latest(replicas):
    machine = a_failed_fallback()
    report(machine, 2, "Loaded", R0)
    decisions = load(machine, uri="/2", replicas=replicas)
    assert not any(isinstance(made, LoadOnReplica) for made in decisions)
    assert machine.state.models["iris"].fallback is None


def test_scaling_down_what_has_no_place_ends_the_version_that_served_in_its_place():
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    load(machine, uri="/2", requirements=("gpu",))
    report(machine, 1, "Loaded")
    load(machine, uri="/2", requirements=("gpu",), replicas=0)
    assert states(machine) == {1: ModelState.TERMINATING, 2: ModelState.SCALED_DOWN}


def test_a_model_that_moves_to_another_server_serves_where_it_is_until_then():
    triton = [ReplicaId("triton", index) for index in range(2)]
    machine = a_machine(R0, *triton)
    load(machine, replicas=1)
    report(machine, 1, "Loaded")
    decisions = acts(load(machine, replicas=2, min_replicas=1))
    orders = [(made.replica, made.version.version) for made in decisions[1:]]
    assert orders == [(replica, 2) for replica in triton]  # and nothing is routed or unloaded
    assert states(machine) == {1: ModelState.AVAILABLE, 2: ModelState.PROGRESSING}
    (published,) = acts(report(machine, 2, "Loaded", triton[0]))
    assert [each.replicas for each in published.update.candidates] == [(R0,), (triton[0],)]
    published, unloaded = acts(report(machine, 2, "Loaded", triton[1]))
    assert [each.replicas for each in published.update.candidates] == [tuple(triton)]
    assert unloaded == UnloadOnReplica(R0, "iris", 1)


def test_what_is_loaded_where_it_is_not_wanted_relieves_no_version():
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    machine.handle(ReplicaConnected(1, R1, ReplicaConfig((), 100, 0)))
    load(machine, uri="/2", replicas=2)
    load(machine, uri="/2", replicas=1)
    (unwanted,) = {R0, R1} - set(machine.state.models["iris"].latest.wanted)
    assert acts(report(machine, 2, "Loaded", unwanted)) == [UnloadOnReplica(unwanted, "iris", 2)]
    assert states(machine) == {1: ModelState.AVAILABLE, 2: ModelState.PROGRESSING}


def test_a_fallback_has_come_back_with_all_its_replicas():
    machine = a_machine(R0, R1)
    load(machine, uri="/1", replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    load(machine, uri="/2", requirements=("gpu",))
    machine.handle(ReplicaLost(2, R1))
    machine.handle(ReplicaConnected(3, R1, ReplicaConfig((), 100, 0)))
    assert states(machine)[1] is ModelState.PROGRESSING
    report(machine, 1, "Loaded", R1)
    assert states(machine)[1] is ModelState.AVAILABLE


def test_a_deleted_model_falls_back_on_nothing():
    machine = a_machine(R0)
    load(machine, uri="/1")
    report(machine, 1, "Loaded")
    load(machine, uri="/2", requirements=("gpu",))
    unload(machine)
    report(machine, 1, "UnloadFailed")
    decisions = load(machine, uri="/3", requirements=("gpu",))
    assert not any(isinstance(made, LoadOnReplica) for made in decisions)
    assert machine.state.models["iris"].fallback is None


def test_what_did_not_unload_and_is_wanted_again_is_loaded():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=0)
    load(machine, replicas=1)
    report(machine, 1, "UnloadFailed")
    (again,) = acts(machine.handle(Tick(machine.next_wakeup())))
    assert isinstance(again, LoadOnReplica)


def test_what_was_said_to_be_available_serves_when_it_is_followed_before_it_is_everywhere():
    machine = a_machine(R0, R1)
    load(machine, uri="/1", replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    load(machine, uri="/2", replicas=2)
    report(machine, 2, "Loaded", R0)
    assert machine.model("iris").latest.state is ModelState.AVAILABLE
    decisions = load(machine, uri="/3", replicas=2, requirements=("gpu",))
    (candidate,) = machine.state.models["iris"].route.candidates
    assert (candidate.version, candidate.replicas) == (2, (R0,))
    assert UnloadOnReplica(R0, "iris", 1) in decisions
    report(machine, 2, "Loaded", R1)
    (candidate,) = machine.state.models["iris"].route.candidates
    assert set(candidate.replicas) == {R0, R1}
