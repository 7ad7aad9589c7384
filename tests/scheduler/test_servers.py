"""What the transcripts do not show of servers that are declared, notified and deleted."""

from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Drop,
    PublishServer,
    RunServer,
    Save,
)
from seldon_core.scheduler.events import (
    ReplicaConnected,
    ServerDeclared,
    ServerNotice,
    ServersNotified,
    ServerUnloadRequested,
    SyncReached,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ReplicaAddress, ReplicaConfig
from tests.support.scheduler_worlds import R0, R1, a_machine, load, report, restart

SPEC = ServerSpec("mlserver", capabilities=("sklearn",), replicas=2)
REMOTE = ReplicaConfig(("sklearn",), 100, 0, address=ReplicaAddress("there", 1, 1, is_ours=True))


def declare(machine, spec=SPEC):
    return machine.handle(ServerDeclared(1, spec, caller=1))


def notify(machine, *notices, is_first_sync=False):
    return machine.handle(ServersNotified(1, notices, is_first_sync, caller=1))


def delete(machine, name="mlserver", meta=None):
    return machine.handle(ServerUnloadRequested(1, name, 1, meta))


def test_a_server_is_shown_as_it_was_declared():
    machine = a_machine()
    decisions = declare(machine)
    assert PublishServer("mlserver") in decisions
    shown = machine.server("mlserver")
    assert (shown.expected_replicas, shown.spec, shown.replicas) == (2, SPEC, ())


def test_a_server_that_runs_already_is_declared_for_the_first_time():
    machine = a_machine(R0)
    assert AnswerCaller(1, change=Change.CREATED) in declare(machine)


def test_a_changed_server_keeps_what_scaling_made_of_it_unless_its_replicas_change():
    machine = a_machine(R0)
    declare(machine, ServerSpec("mlserver", max_replicas=4))
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=3)
    again = ServerSpec("mlserver", max_replicas=4, memory_bytes=7)
    assert RunServer(again, 3) in declare(machine, again)
    other = ServerSpec("mlserver", max_replicas=4, replicas=2)
    assert RunServer(other, 2) in declare(machine, other)


def test_a_server_of_this_process_outlives_the_manifest_that_named_it():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    declare(machine)
    assert RunServer(SPEC, 0) in delete(machine)
    assert machine.server("mlserver").expected_replicas == -1
    assert machine.model("iris").latest.state is ModelState.AVAILABLE


def test_only_a_declared_server_of_that_namespace_is_deleted():
    def refusal(name="mlserver", meta=None):
        (answer,) = delete(machine, name, meta)
        return str(answer.error)

    machine = a_machine(R0)
    assert refusal("other") == "server 'other' not found"
    # It is there: a process has brought it along.
    assert refusal() == "server 'mlserver' not found among those of a manifest"
    declare(machine)
    assert refusal(meta=KubernetesMeta("other")) == "server 'mlserver' not found"
    decisions = delete(machine, meta=KubernetesMeta("default", 2))
    assert AnswerCaller(1, change=Change.DELETED) in decisions


def test_a_server_is_forgotten_when_its_last_replica_has_gone():
    machine = a_machine()
    notify(machine, ServerNotice("far", 1))
    decisions = notify(machine, ServerNotice("far", 0))
    assert Drop(Kind.SERVER, "far") in decisions
    assert machine.server("far") is None


def test_a_notice_says_whether_a_server_is_shared_until_a_replica_does():
    machine = a_machine()
    notify(machine, ServerNotice("mlserver", 1, is_shared=False, meta=KubernetesMeta("ns", 3)))
    assert not machine.state.servers["mlserver"].is_shared
    assert machine.server("mlserver").meta == KubernetesMeta("ns", 3)
    machine.handle(ReplicaConnected(2, R0, REMOTE))
    assert machine.state.servers["mlserver"].is_shared


def test_a_server_with_nothing_to_keep_is_not_kept():
    machine = a_machine()
    decisions = machine.handle(ReplicaConnected(1, R0, ReplicaConfig((), 100, 0)))
    assert not any(isinstance(made, Save) for made in decisions)


def test_after_a_first_sync_a_servers_models_wait_for_all_its_replicas():
    machine = SchedulerMachine()
    load(machine, server="mlserver")
    machine.handle(ReplicaConnected(1, R0, REMOTE))
    notify(machine, ServerNotice("mlserver", 2), is_first_sync=True)
    assert machine.state.awaited == {"mlserver": {1}}
    machine.handle(SyncReached(2, 60.0))
    machine.handle(ReplicaConnected(3, R1, REMOTE))
    assert machine.state.awaited == {}
    notify(machine, ServerNotice("mlserver", 2), is_first_sync=True)
    assert machine.state.awaited == {}


def test_a_first_sync_that_comes_late_lets_nobody_wait():
    machine = a_machine()
    notify(machine, ServerNotice("mlserver", 2), is_first_sync=True)
    assert machine.state.awaited == {}


def test_a_server_comes_back_with_what_was_said_of_it():
    machine = a_machine()
    decided = [
        *declare(machine),
        *notify(
            machine, ServerNotice("far", 3, 1, 5, is_shared=False, meta=KubernetesMeta("n", 1))
        ),
        *machine.handle(ReplicaConnected(2, R0, REMOTE)),
    ]
    successor = restart(machine, decided)
    for name in ("mlserver", "far"):
        before, after = machine.state.servers[name], successor.state.servers[name]
        assert after.saved == before.saved
        assert (after.spec, after.expected_replicas) == (before.spec, before.expected_replicas)
        assert (after.is_shared, after.meta) == (before.is_shared, before.meta)
    assert successor.state.awaited == {"mlserver": {0}}


def test_a_server_is_not_taken_over_from_another_namespace():
    machine = a_machine()
    declare(machine)
    other = ServerSpec("mlserver", meta=KubernetesMeta("other", 1))
    (answer,) = declare(machine, other)
    assert "already declared in namespace 'default'" in str(answer.error)


def test_what_scaling_made_of_a_server_ends_with_its_bounds():
    machine = a_machine(R0)
    declare(machine, ServerSpec("mlserver", max_replicas=4))
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=3)
    assert machine.server("mlserver").expected_replicas == 3
    assert RunServer(ServerSpec("mlserver"), 1) in declare(machine, ServerSpec("mlserver"))
