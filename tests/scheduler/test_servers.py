"""What the transcripts do not show of servers that are declared, notified and deleted."""

from dataclasses import replace

from seldon_core.errors import NotFoundError
from seldon_core.resources.model import KubernetesMeta, ModelSpec, ModelVersion
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Drop,
    LoadOnReplica,
    PublishServer,
    RunServer,
    Save,
)
from seldon_core.scheduler.events import (
    ReplicaConnected,
    ReplicaLost,
    ServerDeclared,
    ServerNotice,
    ServerRestored,
    ServersNotified,
    ServerUnloadRequested,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ReplicaAddress, ReplicaConfig, ReplicaId
from tests.support.scheduler_worlds import R0, R1, a_machine, load, report, restart

OTHER = ReplicaId("other", 0)
IRIS = ModelVersion(ModelSpec("iris", "/iris"), 1)
MOVED = replace(IRIS, version=2)
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


def waiting_for_two_replicas(spec=SPEC):
    """A machine after a restart, whose model waits for what its server had."""
    machine = a_machine()
    decided = [
        *(declare(machine, spec) if spec is not None else ()),
        *machine.handle(ReplicaConnected(2, R0, REMOTE)),
        *machine.handle(ReplicaConnected(2, R1, REMOTE)),
        *load(machine),
    ]
    successor = restart(machine, decided)
    successor.handle(SyncReached(3, 600.0))
    assert successor.state.awaited == {"mlserver": {0, 1}}
    return successor


def test_models_do_not_wait_for_the_replicas_of_a_server_that_is_deleted():
    machine = waiting_for_two_replicas()
    machine.handle(ReplicaConnected(4, OTHER, REMOTE))
    decisions = delete(machine)
    assert Drop(Kind.SERVER, "mlserver") in decisions
    assert LoadOnReplica(OTHER, MOVED) in decisions
    assert (machine.state.awaited, machine.server("mlserver")) == ({}, None)


def test_models_do_not_wait_for_replicas_that_a_server_is_not_to_have_any_more():
    machine = waiting_for_two_replicas()
    machine.handle(ReplicaConnected(4, R0, REMOTE))
    decisions = declare(machine, ServerSpec("mlserver", capabilities=("sklearn",), replicas=1))
    assert machine.state.awaited == {}
    assert LoadOnReplica(R0, IRIS) in decisions


def test_models_do_not_wait_for_a_server_of_which_an_operator_says_that_it_goes():
    machine = waiting_for_two_replicas(spec=None)
    machine.handle(ReplicaConnected(4, OTHER, REMOTE))
    decisions = notify(machine, ServerNotice("mlserver", 0))
    assert LoadOnReplica(OTHER, MOVED) in decisions
    assert machine.state.awaited == {}


def test_replicas_that_come_back_with_other_numbers_are_those_that_were_waited_for():
    machine = waiting_for_two_replicas(spec=None)
    notify(machine, ServerNotice("mlserver", 2))
    machine.handle(ReplicaConnected(4, ReplicaId("mlserver", 9_001), REMOTE))
    decisions = machine.handle(ReplicaConnected(4, ReplicaId("mlserver", 9_002), REMOTE))
    assert machine.state.awaited == {}
    assert LoadOnReplica in map(type, decisions)


def test_a_server_that_was_going_when_the_scheduler_ended_does_not_come_back():
    machine = a_machine()
    decided = [
        *declare(machine),
        *machine.handle(ReplicaConnected(2, R0, REMOTE)),
        *delete(machine),
    ]
    saved = [made for made in decided if isinstance(made, Save)]
    successor = SchedulerMachine()
    restored = successor.handle(ServerRestored(3, saved[-1].stored))
    assert restored == [Drop(Kind.SERVER, "mlserver")]
    assert (successor.state.servers, successor.state.awaited) == ({}, {})


def test_a_server_that_nobody_declared_and_whose_replicas_are_gone_can_be_forgotten():
    machine = a_machine()
    machine.handle(ReplicaConnected(2, R0, REMOTE))
    machine.handle(ReplicaLost(3, R0))
    assert Drop(Kind.SERVER, "mlserver") in delete(machine)
    assert machine.server("mlserver") is None
    # Who runs one elsewhere and waits for it says so by notices.
    notify(machine, ServerNotice("mlserver", 2))
    (answer,) = delete(machine)
    assert isinstance(answer.error, NotFoundError)


def test_what_scaling_made_of_a_server_is_kept_within_bounds_that_changed():
    machine = a_machine(R0)
    declare(machine, ServerSpec("mlserver", max_replicas=4))
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, replicas=4)
    narrower = ServerSpec("mlserver", max_replicas=3)
    assert RunServer(narrower, 3) in declare(machine, narrower)
    higher = ServerSpec("mlserver", min_replicas=5, max_replicas=6)
    assert RunServer(higher, 5) in declare(machine, higher)


def test_of_a_server_that_is_declared_here_no_notice_counts():
    machine = a_machine(R0)
    declare(machine)
    decisions = notify(machine, ServerNotice("mlserver", 0, 1, 1), is_first_sync=True)
    assert decisions == [AnswerCaller(1)]
    assert machine.server("mlserver").expected_replicas == 2


def test_a_replica_that_did_not_come_back_in_time_is_not_waited_for_at_the_next_start():
    machine = waiting_for_two_replicas(spec=None)
    machine.handle(ReplicaConnected(4, R0, REMOTE))
    decisions = machine.handle(Tick(700))
    (saved,) = (made.stored for made in decisions if isinstance(made, Save))
    assert (saved.name, saved.replicas) == ("mlserver", (0,))
