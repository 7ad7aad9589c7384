"""Models that are scaled to zero and woken; a worked case stands in `cases/scale_to_zero.txt`."""

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.knobs import Knobs
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    AskForReplicas,
    Change,
    LoadOnReplica,
    ScaleModel,
)
from seldon_core.scheduler.events import (
    ModelScalingSignalled,
    ModelWakeRequested,
    ReplicaConnected,
    ReplicaLost,
    ServerNotice,
    ServersNotified,
    SyncReached,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.sleeping import failure_of
from seldon_core.scheduler.state import ModelState
from seldon_core.scheduler.targets import ScalingRules
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaConfig,
    RouteCandidate,
    RouteUpdate,
    ScalingSignal,
    SignalKind,
)
from tests.support.scheduler_worlds import R0, R1, R2, a_machine, load, report, restart, unload

SLEEPY = Knobs(scale_to_zero=True)
ELSEWHERE = ReplicaConfig(
    ("sklearn",), 100, 0, address=ReplicaAddress("there", 9000, 9000, is_ours=True)
)
ASLEEP = RouteUpdate("iris", (RouteCandidate("iris", 1, 100, ()),))


def unused(machine, replica=R0, now=100, used_at=40, version=1):
    told = ScalingSignal(replica, "iris", version, SignalKind.UNUSED, used_at)
    return machine.handle(ModelScalingSignalled(now, told))


def wake(machine, now=200):
    return machine.handle(ModelWakeRequested(now, "iris", 9))


def loaded(*replicas, **fields):
    machine = a_machine(*replicas)
    load(machine, knobs=SLEEPY, **fields)
    for replica in replicas[: fields.get("replicas", 1)]:
        report(machine, 1, "Loaded", replica)
    return machine


def asleep(**fields):
    machine = loaded(R0, **fields)
    unused(machine)
    report(machine, 1, "Unloaded")
    assert machine.model("iris").latest.state is ModelState.SCALED_DOWN
    return machine


def scaled(decisions):
    return [(made.before, made.replicas) for made in decisions if isinstance(made, ScaleModel)]


def test_a_model_sleeps_once_every_replica_says_lately_that_nobody_calls_it():
    machine = loaded(R0, R1, replicas=2)
    assert unused(machine, R0) == []
    assert unused(machine, R1, now=100 + 61) == []  # too long ago
    assert scaled(unused(machine, R0, now=170, used_at=60)) == [(2, 0)]
    latest = machine.model("iris").latest
    assert latest.state is ModelState.SCALED_DOWN
    assert latest.reason == "no call for 110 s; the next call loads it"
    assert machine.state.models["iris"].route == ASLEEP
    assert violations(machine.state) == []


@pytest.mark.parametrize("knobs", [Knobs(), Knobs(target_rps=2.0)])
def test_a_model_that_did_not_ask_for_it_never_sleeps(knobs):
    machine = a_machine(R0)
    load(machine, knobs=knobs)
    report(machine, 1, "Loaded")
    assert unused(machine) == []


def test_a_model_sleeps_neither_before_it_serves_nor_while_it_rolls_nor_for_another_version():
    machine = a_machine(R0, R1)
    load(machine, knobs=SLEEPY)
    assert unused(machine) == []
    report(machine, 1, "Loaded")
    assert unused(machine, version=7) == []
    load(machine, "/other", knobs=SLEEPY)
    assert unused(machine) == []
    assert unused(machine, version=2) == []


def test_a_model_is_not_scaled_to_zero_where_models_are_not_scaled_and_is_woken_all_the_same():
    machine = loaded(R0)
    machine.state.scaling = ScalingRules(scales_models=False)
    assert unused(machine) == []
    machine = asleep()
    machine.state.scaling = ScalingRules(scales_models=False)
    assert scaled(wake(machine)) == [(0, 1)]


@pytest.mark.parametrize("kind", ["lag", "idle", "rate"])
def test_only_to_zero_is_no_wish_for_more(kind):
    machine = loaded(R0, R1)
    told = ScalingSignal(R0, "iris", 1, SignalKind(kind), 99)
    assert machine.handle(ModelScalingSignalled(999, told)) == []


def test_a_call_wakes_it_once():
    machine = asleep()
    decisions = wake(machine)
    assert AnswerCaller(9, change=Change.CONFIGURED) in decisions
    assert scaled(decisions) == [(0, 1)]
    assert sum(isinstance(made, LoadOnReplica) for made in decisions) == 1
    route = machine.state.models["iris"].route
    assert (route.candidates, route.notice) == (ASLEEP.candidates, "is loading")
    assert wake(machine) == [AnswerCaller(9, change=Change.UNCHANGED)]
    report(machine, 1, "Loaded")
    assert machine.model("iris").latest.state is ModelState.AVAILABLE


def test_what_replicas_said_before_it_slept_does_not_have_it_sleep_again():
    machine = loaded(R0, R1, replicas=2)
    unused(machine, R0)
    assert scaled(unused(machine, R1)) == [(2, 0)]
    for event in ("Unloaded", "Loaded"):
        report(machine, 1, event, R0, now=101)
        report(machine, 1, event, R1, now=101)
        wake(machine, now=101)
    assert machine.model("iris").latest.state is ModelState.AVAILABLE
    assert unused(machine, R0, now=110) == []
    assert scaled(unused(machine, R1, now=111)) == [(2, 0)]


def test_a_version_that_rolls_out_does_not_sleep_before_it_is_everywhere():
    machine = loaded(R0, R1, replicas=2)
    load(machine, "/other", knobs=SLEEPY, replicas=2)
    report(machine, 2, "Loaded", R0)
    assert machine.model("iris").latest.state is ModelState.AVAILABLE
    assert unused(machine, R0, version=2) == []


def test_a_call_while_it_still_goes_has_it_back_when_it_is_gone():
    machine = loaded(R0)
    unused(machine)
    assert scaled(wake(machine)) == [(0, 1)]
    decisions = report(machine, 1, "Unloaded")
    assert any(isinstance(made, LoadOnReplica) for made in decisions)
    assert machine.model("iris").latest.state is ModelState.PROGRESSING


def test_what_is_unknown_or_deleted_is_not_woken():
    machine = a_machine(R0)
    for _ in range(2):
        (answer,) = wake(machine)
        assert isinstance(answer.error, NotFoundError)
        load(machine, knobs=SLEEPY)
        report(machine, 1, "Loaded")
        unload(machine)


def test_a_model_that_is_declared_without_a_replica_waits_for_a_call_and_then_has_one():
    machine = a_machine(R0, R1)
    load(machine, knobs=SLEEPY, replicas=0, max_replicas=2)
    latest = machine.model("iris").latest
    assert latest.reason == "declared with no replica; the next call loads it"
    assert scaled(wake(machine)) == [(0, 1)]
    report(machine, 1, "Loaded")
    assert machine.model("iris").latest.available_replicas == 1
    told = ScalingSignal(R0, "iris", 1, SignalKind.LAG, 99)
    assert scaled(machine.handle(ModelScalingSignalled(300, told))) == [(1, 2)]


def test_it_sleeps_after_a_restart_and_wakes_where_there_is_room():
    machine = a_machine(R0)
    decided = load(machine, knobs=SLEEPY)
    report(machine, 1, "Loaded")
    decided += unused(machine)
    again = restart(machine, decided)
    assert again.model("iris").latest.state is ModelState.SCALED_DOWN
    assert again.state.models["iris"].route == ASLEEP


def test_a_new_version_of_what_sleeps_is_loaded_and_the_old_one_woken_if_that_fails():
    machine = asleep()
    load(machine, "/other", knobs=SLEEPY)
    assert wake(machine) == [AnswerCaller(9, change=Change.UNCHANGED)]  # it is on its way
    report(machine, 2, "LoadFailed", reason="why")
    assert machine.model("iris").latest.state is ModelState.FAILED
    assert scaled(wake(machine)) == [(0, 1)]
    report(machine, 1, "Loaded")
    candidates = machine.state.models["iris"].route.candidates
    assert candidates == (RouteCandidate("iris", 1, 100, (R0,)),)
    assert violations(machine.state) == []


def test_a_new_version_of_what_sleeps_takes_its_place():
    machine = asleep()
    load(machine, "/other", knobs=SLEEPY)
    report(machine, 2, "Loaded")
    versions = machine.model("iris").versions
    assert [version.state for version in versions] == [ModelState.TERMINATED, ModelState.AVAILABLE]


def test_what_fails_to_be_woken_is_failed_and_no_call_tries_again():
    machine = asleep()
    wake(machine)
    report(machine, 1, "LoadFailed", reason="no file")
    assert failure_of(machine.model("iris")) == "no file"
    assert machine.state.models["iris"].route.notice == "failed to load: no file"
    assert wake(machine) == [AnswerCaller(9, change=Change.UNCHANGED)]


def test_a_deployment_that_changes_its_replicas_is_awake_and_one_that_does_not_sleeps_on():
    machine = asleep()
    load(machine, knobs=SLEEPY, log_payloads=True)
    assert machine.model("iris").latest.state is ModelState.SCALED_DOWN
    load(machine, knobs=SLEEPY, replicas=1, max_replicas=3)
    assert machine.model("iris").latest.state is ModelState.PROGRESSING


def test_a_server_is_asked_for_replicas_where_a_woken_model_finds_too_few():
    machine = a_machine(R0, R1)
    notice = ServerNotice("mlserver", 2, 1, 4)
    machine.handle(ServersNotified(1, (notice,), is_first_sync=False, caller=8))
    load(machine, knobs=SLEEPY, replicas=2)
    report(machine, 1, "Loaded", R0)
    report(machine, 1, "Loaded", R1)
    for replica in (R0, R1):
        unused(machine, replica)
    for replica in (R0, R1):
        report(machine, 1, "Unloaded", replica)
    notice = ServerNotice("mlserver", 1, 1, 4)
    machine.handle(ServersNotified(1, (notice,), is_first_sync=False, caller=8))
    machine.handle(ReplicaLost(2, R1))
    assert AskForReplicas("mlserver", 2) in wake(machine)
    report(machine, 1, "Loaded", R0)
    assert machine.model("iris").latest.state is ModelState.AVAILABLE


def test_least_replicas_and_none_at_all_contradict_each_other():
    machine = a_machine(R0)
    (answer,) = load(machine, knobs=SLEEPY, min_replicas=2)
    assert isinstance(answer.error, InvalidResourceError)
    assert "2 replicas are to be kept" in str(answer.error)


def test_why_a_call_cannot_be_served():
    machine = a_machine()
    assert failure_of(machine.model("iris")) == "it was deleted"
    load(machine, knobs=SLEEPY)
    assert "no matching server" in failure_of(machine.model("iris"))
    machine = a_machine(R0, R2)
    load(machine, replicas=0)
    assert failure_of(machine.model("iris")) == "it is ModelScaledDown"
    load(machine)
    assert failure_of(machine.model("iris")) == ""
    report(machine, 1, "Loaded")
    assert failure_of(machine.model("iris")) == ""
    unload(machine)
    assert failure_of(machine.model("iris")) == "it was deleted"


def test_what_is_woken_before_the_replica_that_had_it_is_back_waits_for_that():
    machine = SchedulerMachine()
    machine.handle(SyncReached(0))
    decided = machine.handle(ReplicaConnected(0, R0, ELSEWHERE))
    decided += load(machine, knobs=SLEEPY)
    report(machine, 1, "Loaded")
    decided += unused(machine)
    decided += report(machine, 1, "Unloaded")
    again = restart(machine, decided, now=150)
    again.handle(SyncReached(150, 60))
    assert scaled(wake(again)) == [(0, 1)]
    assert again.model("iris").latest.state is ModelState.PROGRESSING
    assert failure_of(again.model("iris")) == ""
    decisions = again.handle(ReplicaConnected(201, R0, ELSEWHERE))
    assert any(isinstance(made, LoadOnReplica) for made in decisions)
