"""What signals of how much a model is called lead to; worked cases stand in `cases/scaling_*`."""

import pytest

from seldon_core.resources.knobs import Knobs
from seldon_core.scheduler.decisions import (
    AskForReplicas,
    LoadOnReplica,
    Save,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelScalingRestored,
    ModelScalingSignalled,
    ServerNotice,
    ServersNotified,
)
from seldon_core.scheduler.records import StoredScaling
from seldon_core.scheduler.state import Chosen, ModelState
from seldon_core.scheduler.targets import ScalingRules
from seldon_core.transport.control import ScalingSignal, SignalKind
from tests.support.scheduler_worlds import R0, R1, R2, a_machine, load, report, restart, unload


def signal(machine, kind, amount, version=1, replica=R0, now=2):
    told = ScalingSignal(replica, "iris", version, SignalKind(kind), amount)
    return machine.handle(ModelScalingSignalled(now, told))


def loaded(*replicas, **fields):
    machine = a_machine(*replicas)
    load(machine, **fields)
    report(machine, 1, "Loaded")
    return machine


def scaled(decisions):
    return [(made.before, made.replicas) for made in decisions if isinstance(made, ScaleModel)]


@pytest.mark.parametrize(
    ("kind", "amount"), [("lag", 99), ("idle", 0), ("rate", 99), ("custom", 3)]
)
@pytest.mark.parametrize("fields", [{}, {"max_replicas": 3, "replicas": 0}])
def test_a_model_without_bounds_is_as_it_was_declared(kind, amount, fields):
    assert signal(loaded(R0, R1, **fields), kind, amount, now=999) == []


def test_nothing_is_scaled_that_is_unknown_deleted_or_not_to_be():
    assert signal(a_machine(R0), "lag", 99) == []
    machine = loaded(R0, R1, max_replicas=2)
    machine.state.scaling = ScalingRules(scales_models=False)
    assert signal(machine, "lag", 99) == []
    machine.state.scaling = ScalingRules()
    unload(machine)
    assert signal(machine, "lag", 99) == []


def test_a_model_that_serves_not_yet_gets_no_more_replicas():
    machine = a_machine(R0, R1)
    load(machine, max_replicas=2, knobs=Knobs(target_rps=1))
    assert signal(machine, "rate", 9) == []
    machine = a_machine(R0, R1)
    load(machine, max_replicas=2)
    assert signal(machine, "lag", 99) == []


def test_a_rate_says_nothing_about_a_model_without_a_target():
    assert signal(loaded(R0, R1, max_replicas=2), "rate", 99) == []


@pytest.mark.parametrize("kind", ["lag", "idle"])
def test_where_there_is_a_target_only_the_rate_counts(kind):
    machine = loaded(R0, R1, max_replicas=2, knobs=Knobs(target_rps=1))
    assert signal(machine, kind, 99, now=999) == []


@pytest.mark.parametrize("kind", ["lag", "idle"])
def test_another_version_says_nothing_about_the_latest(kind):
    machine = loaded(R0, R1, R2, max_replicas=3)
    signal(machine, "custom", 2)
    report(machine, 1, "Loaded", R1, now=3)
    assert signal(machine, kind, 1, version=7, now=999) == []
    assert signal(machine, kind, 1, now=999) != []


def test_somebody_outside_says_how_many_there_should_be_of_whatever_version():
    machine = loaded(R0, R1, R2, max_replicas=2)
    assert scaled(signal(machine, "custom", 7, version=0, replica=None)) == [(1, 2)]


def test_fewer_that_somebody_outside_wants_are_had_once_nobody_wanted_more_for_the_window():
    machine = loaded(R0, R1, R2, max_replicas=3)
    assert scaled(signal(machine, "custom", 3, replica=None)) == [(1, 3)]
    for now, expected in ((10, []), (200, []), (302, [(3, 1)])):
        assert scaled(signal(machine, "custom", 1, replica=None, now=now)) == expected


def test_a_model_serves_on_where_there_is_no_room_for_what_is_wanted():
    machine = loaded(R0, max_replicas=3)
    assert scaled(signal(machine, "lag", 99)) == [(1, 2)]
    assert machine.model("iris").latest.state is ModelState.AVAILABLE
    assert signal(machine, "lag", 99) == []  # the last one has no place yet
    assert machine.model("iris").latest.chosen == Chosen(2, "99 calls under way on mlserver/0", 2)


def test_a_server_that_others_run_is_asked_to_grow_but_not_if_that_is_off():
    for scales_servers, expected in ((True, 1), (False, 0)):
        machine = a_machine(R0)
        machine.state.scaling = ScalingRules(scales_servers=scales_servers)
        notice = ServerNotice("mlserver", 1, 1, 4)
        machine.handle(ServersNotified(1, (notice,), is_first_sync=False, caller=9))
        load(machine, max_replicas=3)
        report(machine, 1, "Loaded")
        asked = [made for made in signal(machine, "lag", 9) if isinstance(made, AskForReplicas)]
        assert len(asked) == expected


def test_an_idle_model_loses_a_replica_once_it_has_been_as_it_is_for_five_minutes():
    machine = loaded(R0, R1, min_replicas=1, replicas=2)
    report(machine, 1, "Loaded", R1, now=10)
    assert signal(machine, "idle", 0, now=309) == []
    decisions = signal(machine, "idle", 0, now=310)
    assert scaled(decisions) == [(2, 1)]
    assert UnloadOnReplica(R1, "iris", 1) in decisions
    assert scaled(signal(machine, "idle", 0, now=311)) == []
    assert scaled(signal(machine, "idle", 0, now=999)) == []  # one stays


def test_a_new_version_has_as_many_replicas_as_the_old_one_came_to_need():
    machine = loaded(R0, R1, max_replicas=3)
    signal(machine, "lag", 9)
    report(machine, 1, "Loaded", R1)
    decisions = load(machine, "/other", max_replicas=3)
    assert sum(isinstance(made, LoadOnReplica) for made in decisions) == 2


def test_what_was_chosen_comes_back_after_a_restart_for_the_version_that_it_was_chosen_for():
    machine = a_machine(R0, R1)
    decided = load(machine, max_replicas=3)
    report(machine, 1, "Loaded")
    decided += signal(machine, "lag", 9)
    stored = StoredScaling("iris", "default", 1, 2, "9 calls under way on mlserver/0", 2)
    assert Save(stored) in decided
    assert restart(machine, decided).model("iris").latest.chosen == Chosen(2, stored.why, 2)

    again = a_machine(R0)
    assert again.handle(ModelScalingRestored(1, stored)) == []  # no such model
    load(again, max_replicas=3)
    again.handle(ModelScalingRestored(1, StoredScaling("iris", "default", 7, 2, "", 2)))
    assert again.model("iris").latest.chosen is None
