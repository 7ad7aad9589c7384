"""The scheduler's machine: worked cases as transcripts, and anything in any order."""

from pathlib import Path

import pytest

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.decisions import (
    LoadOnReplica,
    PublishStatus,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ReplicaConnected,
    ReplicaLost,
    SyncReached,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ReplicaConfig
from tests.support.scheduler_any_order import AnyOrder
from tests.support.scheduler_worlds import R0, R1, a_machine, load, report, unload
from tests.support.transcripts import replay

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_scheduler_decides_as_the_transcript_says(path, request):
    written = path.read_text()
    played = replay(written)
    if request.config.getoption("--rewrite"):
        path.write_text(played)
    else:
        assert played == written


def test_the_repr_is_the_state_in_one_line():
    machine = a_machine()
    load(machine)
    assert repr(machine) == "<SchedulerMachine 0 replicas; iris v1 ScheduleFailed>"


def test_a_model_is_settled_when_nothing_is_under_way():
    machine = a_machine(R0)
    assert machine.is_settled("iris")
    load(machine)
    assert not machine.is_settled("iris")
    report(machine, 1, "Loaded")
    assert machine.is_settled("iris")
    unload(machine)
    assert not machine.is_settled("iris")
    report(machine, 1, "Unloaded")
    assert machine.is_settled("iris")


def test_a_deleted_model_is_settled_when_each_of_its_versions_is_gone():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, is_again=True)
    report(machine, 2, "Loaded")
    unload(machine)
    report(machine, 2, "Unloaded")
    assert not machine.is_settled("iris")
    report(machine, 1, "Unloaded")
    assert machine.is_settled("iris")


def test_models_and_servers_are_shown_by_name_and_all_together():
    machine = a_machine(R0)
    load(machine)
    assert machine.models() == [machine.model("iris")]
    assert machine.model_names() == ["iris"]
    assert machine.servers() == [machine.server("mlserver")]
    assert machine.model("rose") is None
    assert machine.server("rose") is None


def test_what_the_filters_say_is_told_of_models_that_are_not_deleted():
    machine = a_machine(R0)
    load(machine)
    assert [verdict.replica_idx for verdict in machine.explain("iris")] == [None, 0]
    unload(machine)
    assert machine.explain("iris") == []
    assert machine.explain("rose") == []


def test_nothing_is_placed_before_the_expected_replicas_are_there():
    machine = SchedulerMachine()
    decisions = load(machine)
    decisions += machine.handle(ReplicaConnected(2, R0, ReplicaConfig((), 100, 0)))
    assert not any(isinstance(made, LoadOnReplica) for made in decisions)
    assert machine.model("iris").latest.state is ModelState.PROGRESSING
    assert LoadOnReplica in {type(made) for made in machine.handle(SyncReached(3))}


def test_a_status_is_told_of_when_it_changes_only():
    machine = a_machine(R0)
    assert PublishStatus("iris") in load(machine)
    assert PublishStatus("iris") in report(machine, 1, "Loaded")
    assert PublishStatus("iris") not in load(machine)
    assert PublishStatus("iris") in load(machine, replicas=2)


def test_only_what_an_event_changes_is_looked_at():
    machine = a_machine(R0)
    load(machine)
    machine.handle(ModelLoadRequested(1, ModelSpec("wine", "/wine"), caller=1))
    assert list(machine.state.touched) == ["wine"]


def test_a_replica_that_connects_before_models_are_placed_concerns_none():
    machine = SchedulerMachine()
    load(machine)
    machine.handle(ReplicaConnected(2, R0, ReplicaConfig((), 100, 0)))
    assert not machine.state.touched


def test_capabilities_are_taken_without_the_blanks_around_them():
    machine = a_machine()
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig((" sklearn ",), 100, 0)))
    load(machine, requirements=("sklearn",))
    assert machine.model("iris").latest.state is ModelState.PROGRESSING


def test_what_failed_is_tried_again_when_a_replica_is_lost():
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "LoadFailed", R0)
    decisions = machine.handle(ReplicaLost(2, R1))
    assert [made.replica for made in decisions if isinstance(made, LoadOnReplica)] == [R0]


TestAnyOrder = AnyOrder.TestCase
