"""Pipelines: versions, and who is told to run them."""

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError, NotReadyError, SeldonError
from seldon_core.resources.model import KubernetesMeta
from seldon_core.scheduler.acknowledgements import Answer, Operation
from seldon_core.scheduler.decisions import AnswerCaller, Change
from seldon_core.scheduler.declared_decisions import OrderPipeline
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.events import Tick
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.pipelines import HISTORY, MOST_ATTEMPTS, NOBODY
from tests.support.declared_worlds import (
    ENGINE,
    GATEWAY,
    a_pipeline,
    acknowledge,
    join,
    leave,
    load_pipeline,
    made,
    unload_pipeline,
)
from tests.support.scheduler_worlds import a_machine

CREATE, CREATING, READY, FAILED = (
    PipelineState.CREATE,
    PipelineState.CREATING,
    PipelineState.READY,
    PipelineState.FAILED,
)
TERMINATING, TERMINATED = PipelineState.TERMINATING, PipelineState.TERMINATED


def answer(decisions):
    (one,) = made(decisions, AnswerCaller)
    return one


def order(decisions):
    (one,) = made(decisions, OrderPipeline)
    return one


def gateway(machine, name="p", version=None):
    status = machine.pipeline(name)
    shown = status.latest if version is None else status.versions[version - 1]
    return shown.gateway_state, shown.gateway_reason


def test_with_nobody_connected_a_pipeline_waits_and_says_for_whom():
    machine = a_machine()
    assert answer(load_pipeline(machine)).change is Change.CREATED
    shown = machine.pipeline("p").latest
    assert (shown.state, shown.reason) == (CREATE, NOBODY[ENGINE])
    assert (shown.gateway_state, shown.gateway_reason) == (CREATE, NOBODY[GATEWAY])
    assert not shown.is_ready
    assert shown.version.uid == "uid1"


def test_every_load_is_a_version_even_of_the_same():
    machine = a_machine()
    load_pipeline(machine)
    assert answer(load_pipeline(machine, now=2)).change is Change.CONFIGURED
    first, second = machine.pipeline("p").versions
    assert (first.version.version, second.version.version) == (1, 2)
    assert second.version.uid == "uid2"
    assert (first.state, first.gateway_state) == (TERMINATED, TERMINATED)
    assert first.reason == "version 2 has taken its place"


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        pytest.param(a_pipeline(), {"only_if_changed": True}, id="the same and that is enough"),
        pytest.param(a_pipeline("p", "b", meta=KubernetesMeta("", 3)), {}, id="same generation"),
    ],
)
def test_what_is_known_is_no_new_version(spec, fields):
    machine = a_machine()
    load_pipeline(machine, a_pipeline(meta=spec.meta))
    assert answer(load_pipeline(machine, spec, **fields)).change is Change.UNCHANGED
    assert len(machine.pipeline("p").versions) == 1


@pytest.mark.parametrize("generation", [0, 4], ids=["none", "another"])
def test_another_generation_or_none_is_a_new_version(generation):
    machine = a_machine()
    load_pipeline(machine, a_pipeline(meta=KubernetesMeta("", 0 if generation == 0 else 3)))
    load_pipeline(machine, a_pipeline(meta=KubernetesMeta("", generation)))
    assert len(machine.pipeline("p").versions) == 2


def test_a_name_belongs_to_one_namespace():
    machine = a_machine()
    load_pipeline(machine)
    refused = answer(load_pipeline(machine, a_pipeline(meta=KubernetesMeta("team"))))
    assert isinstance(refused.error, InvalidResourceError)
    assert "already declared in namespace 'default'" in str(refused.error)


def test_a_deleted_pipeline_that_nobody_has_is_gone():
    machine = a_machine()
    load_pipeline(machine)
    assert answer(unload_pipeline(machine, now=2)).change is Change.DELETED
    status = machine.pipeline("p")
    assert status.is_deleted
    assert (status.latest.state, status.latest.reason) == (TERMINATED, "pipeline removed")
    again = answer(unload_pipeline(machine, now=3))
    assert isinstance(again.error, NotFoundError)
    assert str(again.error) == "pipeline 'p' not found"


def test_a_pipeline_that_nobody_declared_is_not_found():
    assert isinstance(answer(unload_pipeline(a_machine())).error, NotFoundError)


def test_a_deleted_pipeline_begins_at_one_again():
    machine = a_machine()
    load_pipeline(machine)
    load_pipeline(machine)
    unload_pipeline(machine)
    assert answer(load_pipeline(machine, now=5)).change is Change.CREATED
    (only,) = machine.pipeline("p").versions
    assert only.version.version == 1


def test_a_gateway_is_told_and_its_answer_is_the_state():
    machine = a_machine()
    join(machine)
    told = order(load_pipeline(machine))
    assert (told.operation, told.member, told.timestamp) == (Operation.CREATE, "g", 1)
    assert gateway(machine) == (CREATING, "")
    assert answer(acknowledge(machine, told)).error is None
    assert gateway(machine) == (READY, "1/1 ready ")
    assert machine.pipeline("p").latest.state is CREATE


def test_whoever_joins_is_told_what_there_is():
    machine = a_machine()
    load_pipeline(machine)
    load_pipeline(machine, a_pipeline("gone"))
    unload_pipeline(machine, "gone")
    told = order(join(machine))
    assert told.version.spec.name == "p"
    assert gateway(machine) == (CREATING, "Rebalance")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"timestamp": 9}, id="overtaken"),
        pytest.param({"member": "other"}, id="somebody else's"),
    ],
)
def test_an_answer_that_nobody_waits_for_changes_nothing(changed):
    machine = a_machine()
    join(machine)
    told = order(load_pipeline(machine))
    assert answer(acknowledge(machine, told, **changed)).error is None
    assert gateway(machine) == (CREATING, "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"version": 2}, "there is no version 2 of pipeline 'p'", id="version"),
        pytest.param({"uid": "x"}, "version 1 of pipeline 'p' has uid 'uid1', not 'x'", id="uid"),
    ],
)
def test_an_answer_about_what_there_is_not_is_refused(changed, said):
    machine = a_machine()
    join(machine)
    told = order(load_pipeline(machine))
    refused = answer(acknowledge(machine, told, **changed))
    assert type(refused.error) is SeldonError
    assert str(refused.error) == said


def test_an_answer_about_a_pipeline_that_there_is_not_is_refused():
    machine = a_machine()
    join(machine)
    told = order(load_pipeline(machine))
    other = a_machine()
    assert "there is no version 1" in str(answer(acknowledge(other, told)).error)


def test_an_older_version_serves_until_the_new_one_is_ready():
    machine = a_machine()
    join(machine)
    acknowledge(machine, order(load_pipeline(machine)))
    told = order(load_pipeline(machine, now=2))
    assert told.timestamp == 2
    assert gateway(machine, version=1)[0] is READY
    acknowledge(machine, told, version=1, uid="uid1")  # no order about it is under way
    assert gateway(machine) == (CREATING, "")
    acknowledge(machine, told)
    assert gateway(machine, version=1) == (TERMINATED, "version 2 has taken its place")
    assert gateway(machine) == (READY, "1/1 ready ")


def test_a_deletion_waits_for_who_has_it():
    machine = a_machine()
    join(machine)
    acknowledge(machine, order(load_pipeline(machine)))
    told = order(unload_pipeline(machine))
    assert told.operation is Operation.DELETE
    assert gateway(machine) == (TERMINATING, "pipeline removed")
    refused = answer(unload_pipeline(machine))
    assert isinstance(refused.error, NotReadyError)
    assert "pipeline 'p' is still terminating" in str(refused.error)
    acknowledge(machine, told, Answer.TERMINATED)
    assert gateway(machine) == (TERMINATED, "1/1 terminated ")
    again = order(load_pipeline(machine))
    assert again.timestamp == 1


def test_one_that_is_declared_again_while_it_is_terminating_begins_anew():
    machine = a_machine()
    join(machine)
    load_pipeline(machine)
    acknowledge(machine, order(load_pipeline(machine, now=2)))
    leaving = order(unload_pipeline(machine, now=3))
    decisions = load_pipeline(machine, now=4)
    assert answer(decisions).change is Change.CREATED
    told = order(decisions)
    assert (told.version.version, told.timestamp) == (1, leaving.timestamp + 1)
    assert len(machine.pipeline("p").versions) == 1
    acknowledge(machine, leaving, Answer.TERMINATED)  # late, of the one before
    assert gateway(machine) == (CREATING, "")
    acknowledge(machine, told)
    assert gateway(machine) == (READY, "1/1 ready ")
    assert violations(machine.state) == []


def test_a_deletion_is_over_when_nobody_is_left():
    machine = a_machine()
    join(machine)
    acknowledge(machine, order(load_pipeline(machine)))
    unload_pipeline(machine)
    assert leave(machine)[-1:] != []
    assert gateway(machine) == (TERMINATED, "pipeline removed")


def test_a_deletion_that_another_would_know_nothing_of_is_not_ordered_from_him():
    machine = a_machine()
    join(machine, "g")
    acknowledge(machine, order(load_pipeline(machine)))
    leave(machine, "g")
    assert gateway(machine) == (CREATE, NOBODY[GATEWAY])
    unload_pipeline(machine)
    assert made(join(machine, "h"), OrderPipeline) == []


def test_one_of_several_members_has_a_pipeline_and_few_move():
    machine = a_machine()
    for name in ("g", "h"):
        join(machine, name)
    holders = {}
    for number in range(20):
        told = order(load_pipeline(machine, a_pipeline(f"p{number}")))
        holders[f"p{number}"] = told.member
        acknowledge(machine, told)
    assert set(holders.values()) == {"g", "h"}

    moved = made(join(machine, "i"), OrderPipeline)

    creates = [one for one in moved if one.operation is Operation.CREATE]
    deletes = [one for one in moved if one.operation is Operation.DELETE]
    assert {one.member for one in creates} == {"i"}
    assert [(one.version.spec.name, one.member) for one in deletes] == [
        (one.version.spec.name, holders[one.version.spec.name]) for one in creates
    ]
    assert all(one.timestamp == 0 for one in deletes)  # no answer is wanted
    assert 0 < len(creates) < 20
    assert gateway(machine, creates[0].version.spec.name) == (CREATING, "Rebalance")

    back = made(leave(machine, "i"), OrderPipeline)
    assert [(one.version.spec.name, one.member, one.operation) for one in back] == [
        (one.version.spec.name, one.member, Operation.CREATE) for one in deletes
    ]


def test_a_failed_order_is_given_again_so_often():
    machine = a_machine()
    join(machine)
    told = order(load_pipeline(machine))
    acknowledge(machine, told, Answer.FAILED)
    assert gateway(machine) == (FAILED, "1/1 failed ")
    assert machine.next_wakeup() == 61.0
    now = 1.0
    for attempt in range(MOST_ATTEMPTS):
        now = machine.next_wakeup()
        told = order(machine.handle(Tick(now)))
        assert told.timestamp == attempt + 2
        acknowledge(machine, told, Answer.FAILED, now=now)
    assert machine.next_wakeup() is None


def test_a_failed_deletion_is_ordered_again_and_may_be_asked_for():
    machine = a_machine()
    join(machine)
    acknowledge(machine, order(load_pipeline(machine)))
    acknowledge(machine, order(unload_pipeline(machine)), Answer.TERMINATE_FAILED)
    assert gateway(machine)[0] is PipelineState.FAILED_TERMINATING
    told = order(machine.handle(Tick(machine.next_wakeup())))
    assert told.operation is Operation.DELETE
    acknowledge(machine, told, Answer.TERMINATE_FAILED)
    assert order(unload_pipeline(machine)).operation is Operation.DELETE


def test_old_versions_are_forgotten():
    machine = a_machine()
    for now in range(HISTORY + 5):
        load_pipeline(machine, now=now)
    versions = machine.pipeline("p").versions
    assert len(versions) == HISTORY + 1
    assert versions[0].version.version == 5
