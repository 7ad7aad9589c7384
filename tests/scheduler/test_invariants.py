"""Each rule notices when it is broken."""

from dataclasses import replace

import pytest

from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.decisions import PublishRoute
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.state import Assignment, ModelState, ReplicaState, ServerRecord
from seldon_core.transport.control import ReplicaId, RouteUpdate
from tests.support.scheduler_worlds import R0, a_machine, acts, load, report

TRITON = ReplicaId("triton", 0)


def a_sound_state():
    """One model, requiring sklearn, available on R0; TRITON is connected too."""
    machine = a_machine(R0, TRITON)
    load(machine, requirements=("sklearn",), memory_bytes=10)
    decisions = report(machine, 1, "Loaded")
    assert isinstance(acts(decisions)[0], PublishRoute)
    assert violations(machine.state) == []
    return machine.state


def miscount(state):
    state.replica(R0).used_bytes += 1


def reserve_too_much(state):
    state.replica(R0).reserved_bytes += 1


def have_loaded_what_is_not_counted(state):
    state.replica(R0).loaded["wine", 1] = 5


def count_what_is_not_held(state):
    state.replica(R0).hold("wine", 1, 5)


def forget_to_count(state):
    state.replica(R0).release("iris", 1)


def lose_a_replica(state):
    state.models["iris"].latest.assignments[ReplicaId("x", 0)] = Assignment(
        ReplicaState.UNLOADING, 0
    )


def route_to_a_lost_replica(state):
    model = state.models["iris"]
    (candidate,) = model.route.candidates
    gone = replace(candidate, replicas=(ReplicaId("x", 0),))
    model.route = replace(model.route, candidates=(gone,))


def route_elsewhere(state):
    state.models["iris"].route = RouteUpdate("iris", notice="is loading")


def delete_without_unrouting(state):
    state.models["iris"].deleted_at = 5.0


def use_two_servers(state):
    state.models["iris"].latest.assignments[TRITON] = Assignment(ReplicaState.LOADING, 0)
    state.replica(TRITON).hold("iris", 1, 10)


def lack_a_capability(state):
    state.replica(R0).capabilities = frozenset()


def be_available_nowhere(state):
    latest = state.models["iris"].latest
    latest.assignments[R0].state = ReplicaState.LOADING


def progress_while_deleted(state):
    state.models["iris"].deleted_at = 5.0
    state.models["iris"].latest.state = ModelState.PROGRESSING


def fall_back_on_the_latest(state):
    state.models["iris"].fallback = 1


def forget_to_try_again(state):
    state.models["iris"].latest.state = ModelState.FAILED


def wait_without_being_woken(state):
    state.models["iris"].wake_at = 77.0


def be_counted_as_homeless(state):
    state.homeless["iris"] = None


def be_counted_as_lacking(state):
    state.lacking["iris"] = None


def forget_to_keep(state):
    state.models["iris"].saved = None


def forget_to_keep_a_server(state):
    state.servers["mlserver"].spec = ServerSpec("mlserver")


def keep_what_has_gone(state):
    state.servers["far"] = ServerRecord("far", expected_replicas=0)


def wait_for_what_is_there(state):
    state.awaited["mlserver"] = {0}


def wait_for_what_is_no_server(state):
    state.awaited["far"] = {0}


def drain_in_secret(state):
    state.replica(R0).is_draining = True


def drain_for_ever(state):
    state.replica(R0).drain_callers.append(5)


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (miscount, "mlserver/0 counts 11 bytes, not the sum of its models"),
        (reserve_too_much, "mlserver/0 reserves 1 bytes, not 0"),
        (have_loaded_what_is_not_counted, "mlserver/0 has wine_1 loaded and does not count it"),
        (count_what_is_not_held, "mlserver/0 counts wine_1, which it does not hold"),
        (forget_to_count, "mlserver/0 does not count iris_1"),
        (lose_a_replica, "iris_1 is on x/0, which is not connected"),
        (route_to_a_lost_replica, "iris is routed to x/0, which is not connected"),
        (route_to_a_lost_replica, "iris_1 is routed to x/0 and not loaded there"),
        (route_elsewhere, "iris has another route than its state wants"),
        (route_elsewhere, "iris has version 1 loaded and no route"),
        (delete_without_unrouting, "iris is deleted and still routed"),
        (use_two_servers, "iris_1 is on more than one server: ['mlserver', 'triton']"),
        (lack_a_capability, "iris_1 is on mlserver/0, which lacks what it requires"),
        (be_available_nowhere, "iris_1 is ModelAvailable and loaded nowhere"),
        (fall_back_on_the_latest, "iris is to fall back on its latest version"),
        (forget_to_try_again, "iris is in trouble and never tried again"),
        (wait_without_being_woken, "iris waits for 77.0 and nothing wakes it"),
        (be_counted_as_homeless, "iris is counted wrongly among those without a place"),
        (be_counted_as_lacking, "iris is counted wrongly among those that lack replicas"),
        (forget_to_keep, "iris is kept otherwise than it is"),
        (forget_to_keep_a_server, "mlserver is kept otherwise than it is"),
        (keep_what_has_gone, "far has gone and is still known"),
        (wait_for_what_is_there, "mlserver is waited for, and all of it is there"),
        (wait_for_what_is_no_server, "replicas of far are waited for, which is no server"),
        (drain_in_secret, "mlserver/0 is counted wrongly among those that drain"),
        (drain_for_ever, "mlserver/0 has nothing left to drain, and [5] wait for it"),
        (progress_while_deleted, "iris_1 is on its way and nobody wants it"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_broken_rule_is_told(break_it, told):
    state = a_sound_state()
    break_it(state)
    assert told in violations(state)
