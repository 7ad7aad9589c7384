"""Requests and reports: what is taken in, what is refused, what is counted."""

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError, NotReadyError, OverloadedError
from seldon_core.resources.model import KubernetesMeta, ModelSpec, ModelVersion
from seldon_core.scheduler import models
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    LoadOnReplica,
    Save,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import ModelLoadRequested, ReplicaConnected, ReplicaLost, Tick
from seldon_core.scheduler.records import StoredModel
from seldon_core.scheduler.retries import SWEEP_PAUSE_S
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.transport.control import ReplicaConfig
from tests.support.scheduler_worlds import R0, R1, a_machine, acts, load, report, unload


def error_of(decisions):
    (answer,) = acts(decisions)
    assert isinstance(answer, AnswerCaller)
    return answer.error


def latest(machine):
    return machine.state.models["iris"].latest


def used(machine, replica=R0):
    return machine.state.replica(replica).used_bytes


def test_the_caller_is_answered_before_anything_is_loaded():
    decisions = acts(load(a_machine(R0)))
    assert decisions[0] == AnswerCaller(1, change=Change.CREATED)
    assert decisions[-1] == LoadOnReplica(R0, ModelVersion(ModelSpec("iris", "/iris"), 1))


def test_a_changed_model_is_a_new_version():
    machine = a_machine(R0)
    load(machine, parameters={"a": "1"})
    load(machine, parameters={"a": "2"})
    assert list(machine.state.models["iris"].versions) == [1, 2]


@pytest.mark.parametrize("change", [{}, {"replicas": 2}, {"min_replicas": 1}])
def test_the_same_model_or_another_number_of_replicas_is_the_same_version(change):
    machine = a_machine(R0, R1)
    load(machine)
    load(machine, **change)
    assert latest(machine).version == ModelVersion(ModelSpec("iris", "/iris", **change), 1)


@pytest.mark.parametrize(
    ("uri", "fields", "path"),
    [
        ("iris", {}, "spec.storageUri"),
        ("/iris", {"meta": KubernetesMeta("team-b")}, "metadata.namespace"),
    ],
    ids=["a relative uri", "another namespace"],
)
def test_a_spec_that_cannot_be_is_refused_and_changes_nothing(uri, fields, path):
    machine = a_machine(R0)
    load(machine)
    before = repr(machine)
    error = error_of(load(machine, uri, **fields))
    assert isinstance(error, InvalidResourceError)
    assert error.path == path
    assert repr(machine) == before


def test_a_model_on_its_way_out_cannot_be_loaded_until_it_is_gone():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine)
    assert isinstance(error_of(load(machine, uri="/other")), NotReadyError)
    report(machine, 1, "Unloaded")
    load(machine, uri="/other")
    assert list(machine.state.models["iris"].versions) == [1]


def test_a_name_that_a_replica_did_not_let_go_of_is_not_used_again():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine)
    report(machine, 1, "UnloadFailed", reason="busy")
    assert LoadOnReplica(R0, ModelVersion(ModelSpec("iris", "/iris"), 2)) in load(machine)


def test_unloading_what_does_not_exist_is_an_error():
    assert isinstance(error_of(unload(a_machine(R0))), NotFoundError)


def test_unloading_again_retries_what_failed_to_unload():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine)
    report(machine, 1, "UnloadFailed", reason="busy")
    assert acts(unload(machine)) == [
        AnswerCaller(1, change=Change.UNCHANGED),
        UnloadOnReplica(R0, "iris", 1),
    ]
    assert latest(machine).state is ModelState.TERMINATING


@pytest.mark.parametrize(
    ("declared", "measured", "counted"),
    [(0, 40, 40), (30, 40, 30), (0, 0, 0)],
    ids=["only measured", "declared", "neither"],
)
def test_a_loaded_model_counts_as_declared_or_else_as_measured(declared, measured, counted):
    machine = a_machine(R0)
    load(machine, memory_bytes=declared)
    report(machine, 1, "Loaded", memory_bytes=measured)
    assert used(machine) == counted


def test_memory_is_counted_from_the_order_to_the_report_that_it_is_gone():
    machine = a_machine(R0)
    load(machine, memory_bytes=30)
    assert used(machine) == 30
    report(machine, 1, "Loaded")
    unload(machine)
    assert used(machine) == 30
    report(machine, 1, "Unloaded")
    assert used(machine) == 0


def test_what_does_not_unload_counts_as_it_was_measured():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded", memory_bytes=40)
    unload(machine)
    report(machine, 1, "UnloadFailed")
    assert used(machine) == 40


@pytest.mark.parametrize("event", ["Unloaded", "LoadFailed"])
def test_memory_that_comes_free_is_offered_to_those_without_a_place(event):
    machine = a_machine(R0)
    load(machine, memory_bytes=90)
    machine.handle(ModelLoadRequested(1, ModelSpec("wine", "/wine", memory_bytes=20), caller=1))
    machine.state.models["wine"].wake_at = None  # not because its own time has come
    if event == "Unloaded":
        report(machine, 1, "Loaded")
        unload(machine)
    report(machine, 1, event, now=5)
    assert machine.next_wakeup() == 5 + SWEEP_PAUSE_S
    (load_wine,) = acts(machine.handle(Tick(5 + SWEEP_PAUSE_S)))[1:]
    assert load_wine.version.spec.name == "wine"


def test_a_failed_load_counts_nothing():
    machine = a_machine(R0)
    load(machine, memory_bytes=30)
    report(machine, 1, "LoadFailed", reason="corrupt")
    assert used(machine) == 0


@pytest.mark.parametrize("event", ["Unloaded", "UnloadFailed"])
def test_a_report_that_answers_no_order_is_ignored(event):
    machine = a_machine(R0)
    load(machine, memory_bytes=30)
    before = repr(machine), used(machine)
    assert report(machine, 1, event, now=9) == []
    assert (repr(machine), used(machine)) == before


def test_a_report_of_a_replica_that_is_not_connected_is_ignored():
    assert report(a_machine(R0), 1, "Loaded", replica=R1) == []


@pytest.mark.parametrize(("version", "replica"), [(9, R0), (1, R1)], ids=["version", "replica"])
def test_what_was_loaded_and_is_not_wanted_there_is_unloaded(version, replica):
    machine = a_machine(R0, R1)
    load(machine)
    assert report(machine, version, "LoadFailed", replica) == []
    assert report(machine, version, "Loaded", replica) == [
        UnloadOnReplica(replica, "iris", version)
    ]


def test_what_is_wanted_again_while_it_goes_is_loaded_when_it_is_gone():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=0)
    load(machine, replicas=1)
    assert acts(report(machine, 1, "Unloaded")) == [LoadOnReplica(R0, latest(machine).version)]


def test_what_is_wanted_again_is_not_loaded_where_its_replica_was_lost_meanwhile():
    machine = a_machine(R0, R1)
    load(machine, replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    load(machine, replicas=0)
    load(machine, replicas=2)
    machine.handle(ReplicaLost(2, R1))
    assert acts(report(machine, 1, "Unloaded", R0)) == [LoadOnReplica(R0, latest(machine).version)]


def test_a_model_is_on_its_way_out_while_any_of_its_versions_is():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, "/other", requirements=("gpu",))  # so it is nowhere
    unload(machine)
    assert isinstance(error_of(load(machine)), NotReadyError)


def test_a_lost_replica_takes_only_its_own():
    machine = a_machine(R0, R1)
    load(machine, replicas=2)
    for replica in (R0, R1):
        report(machine, 1, "Loaded", replica)
    machine.handle(ReplicaLost(2, R0))
    assert latest(machine).replicas_in(ReplicaState.AVAILABLE) == (R1,)


def test_the_version_that_serves_is_placed_anew_when_its_replica_is_lost():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, uri="/other", requirements=("gpu",))  # so it is nowhere
    machine.handle(ReplicaLost(2, R0))
    assert latest(machine).state is ModelState.SCHEDULE_FAILED
    decisions = machine.handle(ReplicaConnected(3, R1, ReplicaConfig((), 100, 0)))
    version = machine.state.models["iris"].versions[1].version
    assert acts(decisions)[-1] == LoadOnReplica(R1, version)


def test_the_first_number_is_that_of_kubernetes():
    machine = a_machine(R0)
    load(machine, meta=KubernetesMeta(generation=7))
    load(machine, "/other", meta=KubernetesMeta(generation=30))
    assert list(machine.state.models["iris"].versions) == [7, 8]


def test_metadata_alone_is_taken_in_without_a_new_version():
    machine = a_machine(R0)
    load(machine, meta=KubernetesMeta("default", 1))
    (answer,) = acts(load(machine, meta=KubernetesMeta("default", 2)))
    assert answer.change is Change.CONFIGURED
    assert latest(machine).version.spec.meta == KubernetesMeta("default", 2)
    assert latest(machine).number == 1


def test_the_metadata_of_a_deletion_is_kept():
    machine = a_machine(R0)
    load(machine)
    unload(machine, meta=KubernetesMeta("default", 4))
    assert latest(machine).version.spec.meta == KubernetesMeta("default", 4)
    unload(machine)
    assert latest(machine).version.spec.meta == KubernetesMeta("default", 4)


def test_a_model_is_not_deleted_from_another_namespace():
    machine = a_machine(R0)
    load(machine, meta=KubernetesMeta("team-a", 1))
    before = repr(machine)
    error = error_of(unload(machine, meta=KubernetesMeta("team-b", 2)))
    assert isinstance(error, NotFoundError)
    assert repr(machine) == before
    unload(machine, meta=KubernetesMeta("", 2))
    assert latest(machine).version.spec.meta == KubernetesMeta("team-a", 2)
    assert machine.state.models["iris"].is_deleted


def test_a_model_has_only_so_many_versions_on_their_way(monkeypatch):
    monkeypatch.setattr(models, "MOST_UNFINISHED", 3)
    machine = a_machine(R0)
    for uri in ("/1", "/2", "/3"):
        load(machine, uri)
    error = error_of(load(machine, "/4"))
    assert isinstance(error, OverloadedError)
    assert "3 versions of model 'iris' are still loading" in str(error)
    assert acts(load(machine, "/3", replicas=0))[0] == AnswerCaller(1, change=Change.CONFIGURED)
    report(machine, 1, "LoadFailed")
    load(machine, "/4")
    assert latest(machine).number == 4


def test_the_time_of_a_deletion_is_that_of_the_first_request():
    machine = a_machine(R0)
    load(machine)
    unload(machine, now=5)
    unload(machine, now=9)
    assert machine.state.models["iris"].deleted_at == 5


def kept(decisions):
    return [
        made.stored
        for made in decisions
        if isinstance(made, Save) and isinstance(made.stored, StoredModel)
    ]


def test_what_a_folder_declares_is_not_kept():
    machine = a_machine(R0)
    assert kept(load(machine, from_folder=True)) == []
    assert kept(report(machine, 1, "Loaded")) == []
    assert kept(unload(machine)) == []


def test_who_declares_a_folders_model_by_hand_takes_it_over():
    machine = a_machine(R0)
    load(machine, from_folder=True)
    (stored,) = kept(load(machine))
    assert [version.number for version in stored.versions] == [1]
    assert kept(load(machine, "/other", from_folder=True)) == []


def test_a_folder_may_change_what_a_folder_declared():
    machine = a_machine(R0)
    load(machine, from_folder=True)
    assert error_of(load(machine, from_folder=True)) is None
    (answer, *_) = acts(load(machine, "/other", from_folder=True))
    assert answer == AnswerCaller(1, change=Change.CONFIGURED)


def test_a_folder_does_not_undo_what_was_declared_by_hand():
    machine = a_machine(R0)
    load(machine)
    error = error_of(load(machine, "/other", from_folder=True))
    assert isinstance(error, InvalidResourceError)
    assert "delete it to serve what the folder says" in str(error)
    (answer,) = acts(load(machine, from_folder=True))
    assert answer.change is Change.UNCHANGED
    assert not machine.state.models["iris"].from_folder


def test_a_model_that_is_declared_again_is_the_last_in_the_list():
    machine = a_machine(R0)
    load(machine)
    machine.handle(ModelLoadRequested(1, ModelSpec("wine", "/wine"), caller=1))
    report(machine, 1, "Loaded")
    unload(machine)
    report(machine, 1, "Unloaded")
    load(machine)
    assert [model.name for model in machine.models()] == ["wine", "iris"]


def test_a_model_that_is_to_be_loaded_anew_is_a_new_version():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    decisions = acts(load(machine, is_again=True))
    assert decisions[0] == AnswerCaller(1, change=Change.CONFIGURED)
    assert decisions[-1] == LoadOnReplica(R0, ModelVersion(ModelSpec("iris", "/iris"), 2))


def test_no_more_versions_are_loaded_anew_than_are_counted(monkeypatch):
    monkeypatch.setattr(models, "MOST_UNFINISHED", 1)
    machine = a_machine(R0)
    load(machine)
    assert isinstance(error_of(load(machine, is_again=True)), OverloadedError)
