"""What the transcripts do not show of replicas that connect, are lost, and drain."""

from dataclasses import replace

import pytest

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    LoadOnReplica,
    PublishReplica,
    PublishRoute,
    Save,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ReplicaConnected,
    ReplicaDrainRequested,
    ReplicaLost,
    ServerNotice,
    ServersNotified,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.replicas import drained, needing_room
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    RuntimeInfo,
)
from tests.support.scheduler_worlds import R0, R1, a_machine, acts, load, report, restart, unload

ADDRESS = ReplicaAddress("there", 9000, 9000, is_ours=True)
TRITON = ReplicaId("triton", 0)


def held(number=1, uri="/iris", name="iris", **fields):
    return HeldModel(ModelVersion(ModelSpec(name, uri, **fields), number))


def connect(machine, replica, *models, address=ADDRESS, now=2, has=("sklearn",), memory=100):
    config = ReplicaConfig(has, memory, 0, address=address, held=models)
    return machine.handle(ReplicaConnected(now, replica, config))


def drain(machine, replica, caller=7):
    return machine.handle(ReplicaDrainRequested(2, replica, caller))


def states(machine, name="iris"):
    return [version.state for version in machine.model(name).versions]


def test_a_replica_of_this_process_needs_no_address():
    machine = a_machine()
    assert acts(connect(machine, R0, address=None)) == []
    assert acts(machine.handle(ReplicaLost(3, R0))) == []


FOREIGN = ReplicaAddress("there", 9000, 9500)


def test_the_room_that_an_agent_of_another_kind_reports_counts():
    machine = a_machine()
    config = ReplicaConfig(("sklearn",), 100, 0, address=FOREIGN, available_bytes=20)
    machine.handle(ReplicaConnected(2, R0, config))
    load(machine, memory_bytes=30)
    assert states(machine) == [ModelState.SCHEDULE_FAILED]
    (reason,) = [version.reason for version in machine.model("iris").versions]
    assert "mlserver/0 has 20 bytes free of the 30 bytes needed" in reason
    machine.handle(ModelLoadRequested(3, ModelSpec("wine", "/w", memory_bytes=5), caller=1))
    loaded = ModelReport(R0, "wine", 1, ReplicaModelEvent.LOADED, available_bytes=60)
    machine.handle(ModelReported(4, loaded))
    machine.handle(Tick(4))
    assert states(machine) == [ModelState.PROGRESSING]  # there is room by now
    assert violations(machine.state) == []


def test_our_own_agents_room_is_reckoned_here():
    machine = a_machine()
    config = ReplicaConfig(("sklearn",), 100, 0, address=ADDRESS, available_bytes=20)
    machine.handle(ReplicaConnected(2, R0, config))
    load(machine, memory_bytes=30)
    assert states(machine) == [ModelState.PROGRESSING]


def test_a_model_takes_its_memory_as_often_as_it_is_loaded():
    machine = a_machine(R0, R1)
    load(machine, memory_bytes=30, replicas=2)
    first = ModelReport(R0, "iris", 1, ReplicaModelEvent.LOADED, runtime=RuntimeInfo("mlserver", 3))
    for report_ in (first, replace(first, replica=R1)):
        machine.handle(ModelReported(3, report_))
    assert [each.available_memory_bytes for each in machine.server("mlserver").replicas] == [10, 10]
    assert machine.model("iris").latest.runtime == RuntimeInfo("mlserver", 3)
    load(machine, uri="/other", memory_bytes=30, replicas=2)  # the next one is taken to be like it
    assert "has 10 bytes free of the 90 bytes needed" in machine.model("iris").latest.reason
    assert violations(machine.state) == []


def test_routers_learn_where_a_replica_is_before_they_are_sent_there():
    machine = a_machine()
    first, second, *_ = acts(connect(machine, R0, held()))
    assert first == PublishReplica(R0, ADDRESS)
    assert isinstance(second, PublishRoute)


def test_a_held_model_that_nobody_declared_is_taken_over_and_not_kept():
    machine = a_machine()
    decisions = connect(machine, R0, held(4))
    assert states(machine) == [ModelState.AVAILABLE]
    assert machine.model("iris").latest.version.version == 4
    assert [made.stored.name for made in decisions if isinstance(made, Save)] == ["mlserver"]


def test_a_folder_may_declare_otherwise_what_a_replica_brought():
    machine = a_machine()
    connect(machine, R0, held())
    (answer, *_) = acts(load(machine, uri="/new", from_folder=True))
    assert answer.error is None
    assert machine.model("iris").latest.version.version == 2
    assert machine.model("iris").from_folder  # so its next change is taken in, too


def test_a_deleted_model_that_a_replica_brings_again_is_unloaded():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine)
    report(machine, 1, "Unloaded")
    decisions = acts(connect(machine, R1, held()))
    assert UnloadOnReplica(R1, "iris", 1) in decisions
    assert states(machine) == [ModelState.TERMINATING]
    assert violations(machine.state) == []


@pytest.mark.parametrize(
    ("held_model", "has"),
    [
        (held(uri="/other", requirements=("sklearn",)), ("sklearn",)),
        (held(requirements=("sklearn",)), ("onnx",)),
    ],
    ids=["other-files", "lacks-what-it-needs"],
)
def test_a_held_version_that_is_not_what_its_number_says_does_not_serve(held_model, has):
    machine = a_machine()
    load(machine, requirements=("sklearn",))
    decisions = acts(connect(machine, R0, held_model, has=has))
    assert decisions[1] == UnloadOnReplica(R0, "iris", 1)
    assert not machine.state.models["iris"].route.candidates
    assert violations(machine.state) == []


def test_a_held_version_that_is_on_another_server_by_now_is_unloaded():
    machine = a_machine(R0)
    load(machine)
    machine.handle(ReplicaLost(2, R0))
    connect(machine, TRITON)
    report(machine, 1, "Loaded", TRITON)
    assert UnloadOnReplica(R0, "iris", 1) in connect(machine, R0, held())
    assert machine.model("iris").latest.server == "triton"


def test_what_is_held_more_often_than_it_should_be_is_unloaded_where_it_was_not_wanted():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    decisions = acts(connect(machine, R1, held()))
    (unloaded,) = [made for made in decisions if isinstance(made, UnloadOnReplica)]
    (serving,) = machine.state.models["iris"].route.candidates[0].replicas
    assert {unloaded.replica, serving} == {R0, R1}


def test_before_models_are_placed_what_is_held_serves_already():
    machine = a_machine(R0)
    decided = load(machine)
    successor = restart(machine, decided)
    decisions = acts(connect(successor, R0, held()))
    assert not any(isinstance(made, LoadOnReplica | UnloadOnReplica) for made in decisions)
    assert states(successor) == [ModelState.AVAILABLE]
    assert acts(successor.handle(SyncReached(3))) == []


def test_a_drained_replica_gets_nothing_new():
    machine = a_machine(R0)
    drain(machine, R0)
    load(machine)
    assert states(machine) == [ModelState.SCHEDULE_FAILED]
    assert machine.server("mlserver").replicas == ()
    (verdict,) = [v for v in machine.explain("iris") if v.replica_idx is not None]
    assert verdict.filter == "ReplicaDrainingFilter"


def test_a_replica_that_holds_nothing_may_end_at_once_however_often_it_asks():
    machine = a_machine(R0)
    assert acts(drain(machine, R0, 7)) == [AnswerCaller(7)]
    assert acts(drain(machine, R0, 8)) == [AnswerCaller(8)]


def test_a_model_that_drains_is_shown_so_and_unloaded_when_it_is_superseded():
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "Loaded", R0)
    drain(machine, R0)
    shown = {each.replica_idx: each for each in machine.model("iris").latest.replicas}
    assert (shown[0].state, shown[0].reason) == (ReplicaState.DRAINING, "trigger to drain")
    assert shown[1].state is ReplicaState.LOADING
    report(machine, 1, "Loaded", R1)
    load(machine, uri="/2")
    assert UnloadOnReplica(R0, "iris", 1) in report(machine, 2, "Loaded", R1)


def test_who_drains_a_replica_waits_for_a_load_that_failed_elsewhere():
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "Loaded", R0)
    assert acts(drain(machine, R0)) == [LoadOnReplica(R1, machine.model("iris").latest.version)]
    assert AnswerCaller(7) not in report(machine, 1, "LoadFailed", R1)
    assert machine.state.models["iris"].route.candidates[0].replicas == (R0,)


@pytest.mark.parametrize("replicas", [0, 1], ids=["scaled-down", "deleted"])
def test_who_drains_a_replica_does_not_wait_for_models_that_nobody_wants(replicas):
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "Loaded", R0)
    drain(machine, R0)
    decisions = load(machine, replicas=0) if replicas == 0 else unload(machine)
    assert AnswerCaller(7) in decisions


def test_a_load_that_ends_on_a_draining_replica_serves_until_another_does():
    machine = a_machine(R0, R1)
    load(machine)
    drain(machine, R0)
    report(machine, 1, "Loaded", R0)
    assert machine.state.models["iris"].route.candidates[0].replicas == (R0,)
    decisions = report(machine, 1, "Loaded", R1)
    assert AnswerCaller(7) in decisions
    assert machine.state.models["iris"].route.candidates[0].replicas == (R1,)


def test_a_replica_that_comes_back_while_it_drains_is_one_like_others():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    drain(machine, R0)
    drain(machine, R0, 8)
    decisions = connect(machine, R0, held())
    assert {made.caller for made in decisions if isinstance(made, AnswerCaller)} <= {7, 8}
    assert machine.server("mlserver").replicas != ()
    assert states(machine) == [ModelState.AVAILABLE]


def test_a_measured_size_stands_beside_the_declared_one():
    machine = a_machine(R0)
    load(machine, memory_bytes=30)
    report(machine, 1, "Loaded", memory_bytes=77)
    (shown,) = machine.server("mlserver").replicas
    assert (shown.available_memory_bytes, shown.measured_bytes) == (70, 77)


def test_what_was_measured_counts_also_when_the_replica_is_back_and_on_the_next():
    machine = a_machine()
    connect(machine, R0)
    load(machine)
    report(machine, 1, "Loaded", memory_bytes=77)
    connect(machine, R0, held())
    (shown,) = machine.server("mlserver").replicas
    assert (shown.available_memory_bytes, shown.measured_bytes) == (23, 77)
    connect(machine, R1)
    load(machine, replicas=2)
    assert machine.state.replica(R1).free_bytes == 23


def test_a_replica_that_lies_about_its_server_gets_only_what_it_can_serve():
    machine = a_machine()
    connect(machine, R0, has=("onnx",), memory=1000)
    connect(machine, R1, has=("sklearn",))
    machine.handle(
        ModelLoadRequested(1, ModelSpec("iris", "/i", requirements=("sklearn",)), caller=1)
    )
    assert machine.state.models["iris"].latest.wanted == (R1,)
    assert violations(machine.state) == []


def test_a_replica_is_awaited_no_longer_than_patience_lasts():
    machine = a_machine()
    decided = [*connect(machine, R0), *load(machine)]
    successor = restart(machine, decided)
    successor.handle(SyncReached(2, 5.0))
    assert successor.next_wakeup() == 7
    assert successor.is_settled("iris")


def test_the_loss_of_a_replica_that_is_not_known_changes_nothing():
    machine = a_machine(R0)
    assert machine.handle(ReplicaLost(2, TRITON)) == []
    assert machine.handle(ReplicaLost(2, R1)) == []


def test_who_drains_a_replica_that_is_not_known_is_answered_at_once():
    assert acts(drain(a_machine(), R0)) == [AnswerCaller(7)]


def test_routers_are_told_of_a_loss_before_the_routes_change():
    machine = a_machine()
    connect(machine, R0, held())
    published, route = acts(machine.handle(ReplicaLost(3, R0)))
    assert published == PublishReplica(R0, None)
    assert isinstance(route, PublishRoute)


def test_models_that_stand_and_lack_replicas_need_room():
    machine = a_machine(R0)
    load(machine, replicas=2)
    assert [model.name for model in needing_room(machine.state)] == ["iris"]
    unload(machine)
    assert list(needing_room(machine.state)) == []


def test_a_servers_models_are_placed_when_the_last_of_its_replicas_is_back():
    machine = a_machine()
    decided = [*connect(machine, R0), *connect(machine, R1), *load(machine)]
    successor = restart(machine, decided)
    successor.handle(SyncReached(2, 5.0))
    assert LoadOnReplica not in map(type, connect(successor, R0))
    connect(successor, ReplicaId("mlserver", 2))  # one that nobody waited for
    assert successor.state.awaited == {"mlserver": {1}}
    assert LoadOnReplica in map(type, connect(successor, R1))


@pytest.mark.parametrize("is_followed", [False, True], ids=["by the latest", "by one that serves"])
def test_what_was_superseded_does_not_serve_while_what_superseded_it_is_awaited(is_followed):
    machine = a_machine()
    decided = [*connect(machine, R0), *connect(machine, R1), *load(machine, uri="/1")]
    decided += report(machine, 1, "Loaded", R0)
    decided += load(machine, uri="/2")
    (place,) = machine.state.models["iris"].latest.wanted
    decided += report(machine, 2, "Loaded", place)
    if is_followed:
        decided += load(machine, uri="/3", requirements=("gpu",))
    successor = restart(machine, decided)
    successor.handle(SyncReached(3, 60.0))
    # It was told to unload what is superseded, and has not done it yet.
    assert UnloadOnReplica(R0, "iris", 1) in connect(successor, R0, held(1, "/1"))
    assert not successor.state.models["iris"].route.candidates
    connect(successor, R1, held(2, "/2"))
    (candidate,) = successor.state.models["iris"].route.candidates
    assert candidate.version == 2
    assert violations(successor.state) == []


def test_what_moves_to_a_server_that_is_not_all_there_serves_until_it_is_loaded():
    machine = a_machine()
    decided = [*connect(machine, TRITON), *connect(machine, R0)]
    successor = restart(machine, decided)
    successor.handle(SyncReached(3, 60.0))
    connect(successor, R0, held(7))
    connect(successor, ReplicaId("triton", 1))  # and triton/0 is awaited
    assert LoadOnReplica in map(type, drain(successor, R0))
    (candidate,) = successor.state.models["iris"].route.candidates
    assert (candidate.version, candidate.replicas) == (7, (R0,))


def test_a_version_that_has_come_is_not_preceded_by_one_that_it_relieved():
    machine = a_machine()
    connect(machine, R0, held(9))
    connect(machine, TRITON)
    drain(machine, R0)  # it moves
    expect(machine, 0)
    machine.handle(ReplicaLost(3, R0))
    report(machine, 10, "Loaded", TRITON)
    assert states(machine)[-1] is ModelState.SCHEDULE_FAILED
    decisions = expect(machine, 1)
    assert [made for made in decisions if isinstance(made, LoadOnReplica)] == []
    assert states(machine) == [ModelState.TERMINATED, ModelState.AVAILABLE]


def expect(machine, replicas, name="triton"):
    notice = ServerNotice(name, replicas)
    return machine.handle(ServersNotified(4, (notice,), is_first_sync=False, caller=8))


def test_a_replica_that_lost_what_it_held_is_not_routed_to_when_it_is_back():
    machine = a_machine()
    connect(machine, R0, held())
    route, published, *_ = acts(connect(machine, R0))
    assert not route.update.candidates
    assert published == PublishReplica(R0, ADDRESS)


def test_who_drains_a_replica_is_answered_when_it_is_lost():
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "Loaded", R0)
    drain(machine, R0)
    assert AnswerCaller(7) in machine.handle(ReplicaLost(3, R0))


def test_a_model_that_was_forgotten_keeps_nobody_from_leaving():
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "Loaded", R0)
    drain(machine, R0)
    del machine.state.models["iris"]
    machine.state.touched["iris"] = None
    assert drained(machine.state) == [AnswerCaller(7)]


def test_a_model_that_was_scaled_down_is_not_served_by_an_older_version_that_a_replica_brings():
    machine = a_machine(R0)
    decided = load(machine, uri="/1") + report(machine, 1, "Loaded")
    decided += load(machine, uri="/2", requirements=("gpu",))
    decided += load(machine, uri="/2", requirements=("gpu",), replicas=0)
    successor = restart(machine, decided)
    connect(successor, R0, held(uri="/1"))
    assert not successor.state.models["iris"].route.candidates
    assert UnloadOnReplica(R0, "iris", 1) in successor.handle(SyncReached(3))


def test_a_deleted_model_that_a_replica_still_holds_is_declared_with_another_number(monkeypatch):
    monkeypatch.setattr("seldon_core.scheduler.slices.SLICE", 1)
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine)
    report(machine, 1, "Unloaded")
    connect(machine, R1, held(name="first"), held())
    machine.state.to_place["iris"] = None  # its turn has yet to come
    load(machine, uri="/new")
    assert machine.model("iris").latest.version.version == 2
    assert violations(machine.state) == []


def test_what_is_held_is_the_version_also_if_it_does_not_say_by_which_secret():
    machine = a_machine()
    load(machine, storage_secret="minio")
    assert UnloadOnReplica(R0, "iris", 1) not in connect(machine, R0, held())
    assert [state.value for state in states(machine)] == ["ModelAvailable"]
