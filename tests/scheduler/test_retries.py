"""When a model is looked at again."""

import pytest

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler import retries
from seldon_core.scheduler.decisions import LoadOnReplica
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    Tick,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaModelEvent
from tests.support.scheduler_worlds import R0, R1, a_machine, load, report, unload


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 1), (1, 2), (4, 16), (8, 256), (9, 300), (10_000, 300)]
)
def test_pauses_double_up_to_five_minutes(attempts, seconds):
    assert retries.pause(attempts) == seconds


def a_failing_machine(now=10):
    machine = a_machine(R0)
    load(machine, now=now)
    report(machine, 1, "LoadFailed", reason="why", now=now)
    return machine


def test_nothing_is_waited_for_when_all_is_well():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    assert machine.next_wakeup() is None


def test_a_failure_is_looked_at_a_second_later():
    machine = a_failing_machine()
    assert machine.next_wakeup() == 11
    assert retries.is_in_trouble(machine.state.models["iris"])


def test_what_happens_meanwhile_does_not_put_it_off():
    machine = a_failing_machine()
    load(machine, now=10.5, replicas=2)  # there is one replica only
    assert machine.next_wakeup() == 11.5  # somebody asked, so it starts over
    machine.handle(Tick(10.9))
    assert machine.next_wakeup() == 11.5


def test_attempts_are_counted_from_when_it_last_worked():
    machine = a_failing_machine()
    for now, pause in ((11, 2), (13, 4), (17, 8)):
        machine.handle(Tick(now))
        report(machine, 1, "LoadFailed", now=now)
        assert machine.next_wakeup() == now + pause
    machine.handle(Tick(25))
    report(machine, 1, "Loaded", now=25)
    assert machine.state.models["iris"].attempts == 0


def test_unloads_in_vain_are_tried_ever_more_rarely_too():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine, now=10)
    report(machine, 1, "UnloadFailed", now=10)
    for now, pause in ((11, 2), (13, 4), (17, 8)):
        machine.handle(Tick(now))
        report(machine, 1, "UnloadFailed", now=now)
        assert machine.next_wakeup() == now + pause


def test_an_early_tick_changes_nothing():
    machine = a_failing_machine()
    assert machine.handle(Tick(10.99)) == []
    assert machine.next_wakeup() == 11


def test_a_wakeup_that_is_not_wanted_any_more_is_forgotten():
    machine = a_failing_machine()
    load(machine, now=10.1)
    report(machine, 1, "Loaded", now=10.2)
    assert machine.next_wakeup() is None
    assert machine.state.wakeups == []
    assert list(retries.due(machine.state, 99)) == []


def test_a_failure_that_a_new_replica_mends_is_not_looked_at_again():
    machine = a_failing_machine()
    machine.handle(ReplicaConnected(10.5, R0, ReplicaConfig((), 100, 0)))
    report(machine, 1, "Loaded", now=10.6)
    assert machine.next_wakeup() is None
    assert machine.state.models["iris"].wake_at is None


def test_who_deletes_again_starts_the_pauses_over():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine, now=10)
    report(machine, 1, "UnloadFailed", now=10)
    machine.handle(Tick(11))
    report(machine, 1, "UnloadFailed", now=11)
    unload(machine, now=12)
    report(machine, 1, "UnloadFailed", now=12)
    assert machine.next_wakeup() == 13


def test_a_stale_wakeup_behind_another_rings_for_nobody():
    machine = a_failing_machine()
    machine.state.wakeups.append((500.0, "iris"))
    machine.state.wakeups.append((600.0, "no such model"))
    assert [model.name for model in retries.due(machine.state, 1000)] == ["iris"]


def test_a_deleted_model_is_looked_at_a_day_later():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    unload(machine, now=50)
    assert machine.next_wakeup() is None
    report(machine, 1, "Unloaded", now=60)
    assert machine.next_wakeup() == 50 + retries.DELETED_TTL_S
    machine.handle(Tick(50 + retries.DELETED_TTL_S))
    assert machine.model("iris") is None


def test_freed_memory_is_of_interest_only_to_those_who_wait_for_it():
    machine = a_machine(R0)
    retries.free(machine.state, 5)
    assert machine.next_wakeup() is None
    machine.state.homeless["iris"] = None
    retries.free(machine.state, 5)
    retries.free(machine.state, 5.05)
    assert machine.next_wakeup() == 5 + retries.SWEEP_PAUSE_S


def test_a_model_with_fewer_replicas_than_it_should_have_gets_them_when_memory_is_free():
    machine = a_machine(R0, R1)
    machine.handle(ModelLoadRequested(1, ModelSpec("wine", "/wine", memory_bytes=60), caller=1))
    load(machine, memory_bytes=50, replicas=2, min_replicas=1)
    report(machine, 1, "Loaded", R1)
    latest = machine.state.models["iris"].latest
    assert (latest.state, latest.wanted) == (ModelState.AVAILABLE, (R1,))
    machine.handle(ModelUnloadRequested(2, "wine", caller=1))
    machine.handle(ModelReported(3, ModelReport(R0, "wine", 1, ReplicaModelEvent.LOAD_FAILED)))
    decisions = machine.handle(Tick(machine.next_wakeup()))
    assert [made.replica for made in decisions if isinstance(made, LoadOnReplica)] == [R0]


def declare(machine, count, now=1):
    """Models too large for any place."""
    for place in range(count):
        spec = ModelSpec(f"m{place}", "/m", memory_bytes=1000 + place)
        machine.handle(ModelLoadRequested(now, spec, caller=1))


def test_a_tick_looks_at_so_many_and_the_next_follows_at_once(monkeypatch):
    monkeypatch.setattr(retries, "MOST_AT_ONCE", 4)
    machine = a_machine(R0)
    declare(machine, 10)
    attempts = []
    while machine.next_wakeup() <= 2:
        machine.handle(Tick(2))
        attempts.append(sum(model.attempts for model in machine.state.models.values()))
    assert attempts == [4, 8, 10]


def swept(machine, now):
    return [model.name for model in retries.sweep(machine.state, now)]


def test_those_without_a_place_are_tried_in_turn_when_memory_comes_free(monkeypatch):
    monkeypatch.setattr(retries, "MOST_AT_ONCE", 4)
    machine = a_machine(R0)
    declare(machine, 6)
    assert swept(machine, 99) == []
    retries.free(machine.state, 1)
    assert swept(machine, 1.05) == []
    assert swept(machine, 1.1) == ["m0", "m1", "m2", "m3"]
    assert machine.state.sweep_at == 1.1
    assert swept(machine, 1.1) == ["m4", "m5"]
    assert machine.state.sweep_at is None
    assert swept(machine, 99) == []


def test_memory_that_comes_free_between_two_turns_is_offered_to_all(monkeypatch):
    monkeypatch.setattr(retries, "MOST_AT_ONCE", 2)
    machine = a_machine(R0)
    declare(machine, 3)
    retries.free(machine.state, 1)
    assert swept(machine, 2) == ["m0", "m1"]
    retries.free(machine.state, 2)
    assert swept(machine, 2) + swept(machine, 2) == ["m2", "m0", "m1"]
    assert machine.state.sweep_at is None


def test_a_name_that_comes_and_goes_leaves_no_wakeups_behind(monkeypatch):
    monkeypatch.setattr(retries, "_SPARE_WAKEUPS", 5)
    machine = a_machine(R0)
    machine.handle(ModelLoadRequested(1, ModelSpec("wine", "/wine"), caller=1))  # needs none
    for now in range(1, 30):
        load(machine, now=now)
        unload(machine, now=now)
        report(machine, 1, "Loaded", now=now)
        report(machine, 1, "Unloaded", now=now)
        assert len(machine.state.wakeups) <= 9
        assert violations(machine.state) == []
