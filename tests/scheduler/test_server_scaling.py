"""How many replicas a server should have: Seldon's own points, and what follows from events."""

import pytest

from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.decisions import AskForReplicas, RunServer
from seldon_core.scheduler.events import ServerDeclared, ServerNotice, ServersNotified
from seldon_core.scheduler.server_scaling import max_hosted, target_down, target_up
from seldon_core.scheduler.state import Packing
from tests.support.scheduler_worlds import R0, R1, a_machine, load, report, unload


@pytest.mark.parametrize(
    ("expected", "most", "hosted", "target"),
    [(1, 2, 3, 2), (1, 4, 3, 3), (3, 3, 2, None), (-1, 2, 3, None), (1, 0, 3, None)],
)
def test_a_server_grows_to_what_its_largest_model_needs(expected, most, hosted, target):
    assert target_up(expected, most, hosted) == target


@pytest.mark.parametrize(
    ("expected", "least", "empty", "hosted", "is_packing", "target"),
    [
        (2, 1, 1, 0, False, 1),
        (3, 1, 2, 0, False, 1),
        (3, 2, 2, 0, False, 2),
        (3, 1, 1, 0, False, 2),
        (3, 0, 3, 0, False, 1),
        (2, 1, 0, 1, True, 1),
        (3, 1, 0, 1, True, 1),
        (3, 2, 0, 1, True, 2),
        (3, 1, 0, 1, False, None),
        (1, 1, 1, 0, False, None),
        (1, 1, 1, 0, True, None),
    ],
)
def test_a_server_shrinks_by_its_empty_replicas(expected, least, empty, hosted, is_packing, target):
    assert target_down(expected, least, empty, hosted, is_packing=is_packing) == target


def notify(machine, *counts):
    notice = ServerNotice("mlserver", *counts)
    machine.handle(ServersNotified(1, (notice,), is_first_sync=False, caller=9))


def asked(decisions):
    return [made for made in decisions if isinstance(made, AskForReplicas | RunServer)]


def test_nobody_is_asked_for_replicas_whose_number_nobody_told():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    assert asked(load(machine, replicas=3)) == []


def test_more_replicas_are_asked_for_when_a_model_on_the_server_finds_too_few():
    machine = a_machine(R0)
    notify(machine, 1, 1, 4)
    assert asked(load(machine, replicas=3)) == []  # it was never placed
    load(machine)
    report(machine, 1, "Loaded")
    assert asked(load(machine, replicas=3)) == [AskForReplicas("mlserver", 3)]
    assert asked(load(machine, replicas=9)) == [AskForReplicas("mlserver", 4)]


@pytest.mark.parametrize("event", ["Unloaded", "LoadFailed"])
def test_fewer_replicas_are_asked_for_when_a_model_has_left_one(event):
    machine = a_machine(R0, R1)
    notify(machine, 2, 1, 4)
    load(machine)
    if event == "Unloaded":
        report(machine, 1, "Loaded")
        unload(machine)
    assert asked(report(machine, 1, event)) == [AskForReplicas("mlserver", 1)]


def test_a_load_that_failed_takes_no_replica_away_that_the_model_is_to_have():
    machine = a_machine(R0, R1)
    notify(machine, 2, 1, 4)
    load(machine, replicas=2)
    report(machine, 1, "Loaded")
    assert asked(report(machine, 1, "LoadFailed", R1)) == []


def test_a_replica_whose_model_is_to_be_loaded_again_is_not_to_spare():
    machine = a_machine(R0, R1)
    notify(machine, 2, 1, 4)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=0)
    load(machine)  # it is wanted where it is being unloaded
    assert machine.state.models["iris"].latest.wanted == (R0,)
    machine.state.servers["mlserver"].replicas[R1].hold("other", 1, 0)
    assert asked(report(machine, 1, "Unloaded")) == []


def test_a_server_of_one_replica_has_none_to_spare():
    machine = a_machine(R0)
    notify(machine, 1, 0, 4)
    load(machine)
    assert asked(report(machine, 1, "LoadFailed")) == []


@pytest.mark.parametrize(("draw", "target"), [(0.9, [AskForReplicas("mlserver", 1)]), (0.4, [])])
def test_models_are_packed_on_a_share_of_the_occasions(draw, target):
    machine = a_machine(R0, R1)
    machine.state.packing = Packing(0.5, lambda: draw)
    notify(machine, 2, 1, 4)
    load(machine, uri="/1")
    report(machine, 1, "Loaded", R0)
    load(machine, uri="/2")
    place = machine.state.models["iris"].latest.wanted[0]
    report(machine, 2, "Loaded", place)
    machine.state.servers["mlserver"].replicas[R1].hold("other", 1, 0)
    assert asked(report(machine, 1, "Unloaded", R0)) == target


def test_a_server_that_runs_here_is_scaled_only_if_its_manifest_gives_bounds():
    for bounds, expected in (({}, []), ({"max_replicas": 2}, [2]), ({"min_replicas": 1}, [3])):
        machine = a_machine(R0)
        machine.handle(ServerDeclared(1, ServerSpec("mlserver", **bounds), caller=1))
        load(machine)
        report(machine, 1, "Loaded")
        made = asked(load(machine, replicas=3))
        assert [decision.replicas for decision in made] == expected
        assert machine.server("mlserver").expected_replicas == (expected or [1])[0]


def test_only_models_that_stand_count():
    machine = a_machine(R0)
    assert max_hosted(machine.state, "mlserver") == 0
    load(machine)
    assert max_hosted(machine.state, "mlserver") == 1
    unload(machine)
    assert max_hosted(machine.state, "mlserver") == 0
