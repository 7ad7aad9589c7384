"""Which agent processes run, whatever ends when."""

from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from seldon_core.resources.server import ServerConfigSpec, ServerSpec, combine
from seldon_core.scheduler.fleet import FIRST_PAUSE_S, HEALTHY_AFTER_S, LONGEST_PAUSE_S, Fleet
from seldon_core.scheduler.fleet_state import Phase
from seldon_core.scheduler.fleet_values import (
    ConfigDeclared,
    KillProcess,
    ProcessEnded,
    ReplicaCame,
    ReplicaWent,
    ReportEnd,
    ReportFull,
    ReportUnfit,
    ServerWanted,
    StartProcess,
    StopProcess,
    TimePassed,
)
from seldon_core.transport.control import ReplicaId

A = ServerSpec("a", "c", capabilities=("x",))
CONFIG = ServerConfigSpec("c", memory_bytes=5)


def a(index):
    return ReplicaId("a", index)


def running(replicas, *, ready=True, inside=()):
    """A fleet with so many processes of server `a`, whose lives count from 1."""
    fleet = Fleet(inside, start_timeout_s=60, stop_timeout_s=150)
    fleet.handle(ServerWanted(0, A, replicas))
    if ready:
        for index in range(replicas):
            assert fleet.handle(ReplicaCame(1, a(index))) == []
    return fleet


def test_as_many_processes_are_started_as_are_wanted():
    fleet = Fleet()
    assert fleet.handle(ServerWanted(0, A, 2)) == [
        StartProcess(a(0), A, 1),
        StartProcess(a(1), A, 2),
    ]
    assert fleet.handle(ServerWanted(1, A, 2)) == []
    assert fleet.next_wakeup() == 60


def test_the_replica_that_is_inside_needs_no_process():
    fleet = Fleet(inside=["a"])
    assert fleet.handle(ServerWanted(0, A, 1)) == []
    assert fleet.handle(ServerWanted(0, A, 2)) == [StartProcess(a(1), A, 1)]


def test_fewer_replicas_end_the_last_ones():
    fleet = running(3)
    assert fleet.handle(ServerWanted(2, A, 1)) == [StopProcess(a(2), 3), StopProcess(a(1), 2)]
    assert fleet.handle(ProcessEnded(3, a(2), 3, "")) == []
    assert fleet.handle(ServerWanted(3, A, 3)) == [StartProcess(a(2), A, 4)]
    assert fleet.handle(ProcessEnded(4, a(1), 2, "")) == [StartProcess(a(1), A, 5)]


def test_a_deleted_server_ends_with_its_last_process():
    fleet = running(1)
    assert fleet.handle(ServerWanted(2, A, 0)) == [StopProcess(a(0), 1)]
    assert fleet.handle(ProcessEnded(3, a(0), 1, "")) == []
    assert fleet.replicas() == {}
    assert fleet.next_wakeup() is None


def test_a_process_that_pauses_is_not_asked_to_end():
    fleet = running(1)
    fleet.handle(ProcessEnded(2, a(0), 1, "killed"))
    assert fleet.handle(ServerWanted(2, A, 0)) == []
    assert fleet.replicas() == {}


def test_one_that_lived_well_is_started_again_at_once():
    fleet = running(1)
    assert fleet.handle(ProcessEnded(1 + HEALTHY_AFTER_S, a(0), 1, "killed")) == [
        ReportEnd(a(0), "killed", 1, 0.0),
        StartProcess(a(0), A, 2),
    ]


def test_one_that_dies_in_a_loop_is_started_ever_more_rarely_and_said_to():
    fleet, now, pauses = running(1, ready=False), 0.0, []
    for life in range(1, 12):
        (report,) = fleet.handle(ProcessEnded(now, a(0), life, "it is broken"))
        assert report == ReportEnd(a(0), "it is broken", life, report.pause_s)
        assert report.is_loop is (life >= 3)
        pauses.append(report.pause_s)
        assert fleet.handle(TimePassed(now + report.pause_s / 2)) == []
        now += report.pause_s
        assert fleet.next_wakeup() == now
        assert fleet.handle(TimePassed(now)) == [StartProcess(a(0), A, life + 1)]
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_one_that_never_connects_is_killed_and_counts_as_ended():
    fleet = running(1, ready=False)
    assert fleet.handle(TimePassed(60)) == [KillProcess(a(0), 1)]
    assert fleet.handle(ReplicaCame(61, a(0))) == []
    assert fleet.handle(ProcessEnded(61, a(0), 1, "signal 9")) == [
        ReportEnd(a(0), "did not connect within 60 s", 1, FIRST_PAUSE_S)
    ]


def test_one_that_does_not_end_is_killed():
    fleet = running(1)
    fleet.handle(ServerWanted(2, A, 0))
    assert fleet.handle(TimePassed(151)) == []
    assert fleet.handle(TimePassed(152)) == [KillProcess(a(0), 1)]
    assert fleet.handle(ProcessEnded(153, a(0), 1, "signal 9")) == []
    assert fleet.replicas() == {}


def test_an_end_of_an_earlier_life_is_no_news():
    fleet = running(1)
    assert fleet.handle(ProcessEnded(2, a(0), 7, "")) == []
    assert fleet.handle(ProcessEnded(2, ReplicaId("b", 0), 1, "")) == []


def test_a_changed_config_replaces_one_replica_after_the_other():
    fleet, changed = running(2), combine(A, CONFIG)
    assert fleet.handle(ConfigDeclared(5, CONFIG)) == [StopProcess(a(0), 1)]
    assert fleet.handle(ProcessEnded(6, a(0), 1, "")) == [StartProcess(a(0), changed, 3)]
    assert fleet.handle(ReplicaCame(7, a(0))) == [StopProcess(a(1), 2)]
    assert fleet.handle(ProcessEnded(8, a(1), 2, "")) == [StartProcess(a(1), changed, 4)]
    assert fleet.handle(ReplicaCame(9, a(1))) == []


def test_a_change_that_does_not_come_up_leaves_the_others_as_they_are():
    fleet = running(2)
    fleet.handle(ConfigDeclared(5, CONFIG))
    fleet.handle(ProcessEnded(6, a(0), 1, ""))
    (report,) = fleet.handle(ProcessEnded(7, a(0), 3, "no memory"))
    assert report == ReportEnd(a(0), "no memory", 1, FIRST_PAUSE_S)
    assert fleet.replicas()[a(1)].phase is Phase.READY
    mended = replace(CONFIG, memory_bytes=4)
    assert fleet.handle(ConfigDeclared(8, mended)) == [StartProcess(a(0), combine(A, mended), 4)]
    assert fleet.handle(ReplicaCame(9, a(0))) == [StopProcess(a(1), 2)]


def test_one_that_has_not_come_yet_is_replaced_at_once():
    fleet = running(1, ready=False)
    assert fleet.handle(ConfigDeclared(5, CONFIG)) == [StopProcess(a(0), 1)]


def test_a_changed_server_is_replaced_too():
    fleet, changed = running(1), replace(A, memory_bytes=9)
    assert fleet.handle(ServerWanted(5, changed, 1)) == [StopProcess(a(0), 1)]
    assert fleet.handle(ProcessEnded(6, a(0), 1, "")) == [StartProcess(a(0), changed, 2)]


def test_a_config_of_others_or_not_for_those_who_run_changes_nothing():
    fleet = Fleet()
    fleet.handle(ServerWanted(0, replace(A, disable_auto_update=True), 1))
    fleet.handle(ServerWanted(0, ServerSpec("b", "other"), 1))
    assert fleet.handle(ConfigDeclared(1, CONFIG)) == []


def test_a_config_that_is_there_already_is_what_a_server_has():
    fleet = Fleet()
    fleet.handle(ConfigDeclared(0, CONFIG))
    assert fleet.handle(ServerWanted(0, A, 1)) == [StartProcess(a(0), combine(A, CONFIG), 1)]


def test_what_is_declared_anew_waits_for_no_pause():
    fleet = running(1, ready=False)
    fleet.handle(ProcessEnded(1, a(0), 1, "exit code 1"))
    fleet.handle(TimePassed(1.5))
    fleet.handle(ProcessEnded(2, a(0), 2, "exit code 1"))
    assert fleet.handle(ServerWanted(2.1, A, 1)) == []
    (pausing,) = fleet.replicas().values()
    assert (pausing.ends, pausing.last_end) == (2, "exit code 1")
    mended = replace(A, python="/usr/bin/python3")
    assert fleet.handle(ServerWanted(2.2, mended, 1)) == [StartProcess(a(0), mended, 3)]
    (started,) = fleet.replicas().values()
    assert (started.ends, started.last_end) == (0, "")


def test_a_replica_that_somebody_else_runs_is_left_to_them():
    fleet = Fleet()
    fleet.handle(ReplicaCame(0, a(0)))
    assert fleet.handle(ServerWanted(0, A, 2)) == [StartProcess(a(1), A, 1)]
    assert fleet.handle(ReplicaWent(1, a(0))) == [StartProcess(a(0), A, 2)]
    assert fleet.handle(ReplicaWent(1, ReplicaId("b", 0))) == []


def test_a_replica_that_comes_while_its_process_pauses_is_somebody_elses():
    fleet = running(1)
    fleet.handle(ProcessEnded(2, a(0), 1, "killed"))
    assert fleet.handle(ReplicaCame(2, a(0))) == []
    assert fleet.handle(TimePassed(60)) == []
    assert fleet.handle(ReplicaWent(61, a(0))) == [StartProcess(a(0), A, 2)]


def test_a_replica_that_connects_again_is_no_news():
    fleet = running(1)
    assert fleet.handle(ReplicaWent(2, a(0))) == []
    assert fleet.handle(ReplicaCame(3, a(0))) == []


def test_one_that_hangs_is_killed_and_started_again():
    fleet = running(1)
    assert fleet.handle(ReplicaWent(100, a(0))) == []
    assert fleet.replicas()[a(0)].phase is Phase.LOST
    assert fleet.next_wakeup() == 160
    assert fleet.handle(TimePassed(160)) == [KillProcess(a(0), 1)]
    (report,) = fleet.handle(ProcessEnded(161, a(0), 1, "signal 9"))
    assert report.reason == "lost the scheduler, and did not connect again within 60 s"
    assert fleet.handle(TimePassed(161 + FIRST_PAUSE_S)) == [StartProcess(a(0), A, 2)]


def test_one_that_connects_again_in_time_lives_on():
    fleet = running(1)
    fleet.handle(ReplicaWent(2, a(0)))
    fleet.handle(ReplicaCame(40, a(0)))
    assert (fleet.next_wakeup(), fleet.handle(TimePassed(200))) == (None, [])
    # It has lived well since it connected first.
    assert fleet.handle(ProcessEnded(41, a(0), 1, "x"))[0].pause_s == 0


def test_one_that_loses_its_link_as_it_dies_has_lived_well():
    fleet = running(1)
    fleet.handle(ReplicaWent(40, a(0)))
    assert fleet.handle(ProcessEnded(40, a(0), 1, "signal 9"))[0].pause_s == 0


def test_one_that_lost_its_link_may_be_told_to_end():
    fleet = running(1)
    fleet.handle(ReplicaWent(2, a(0)))
    assert fleet.handle(ServerWanted(3, A, 0)) == [StopProcess(a(0), 1)]


def test_one_that_lost_its_link_is_replaced_at_once_if_it_shall_be_different():
    fleet = running(1)
    fleet.handle(ReplicaWent(2, a(0)))
    assert fleet.handle(ConfigDeclared(3, CONFIG)) == [StopProcess(a(0), 1)]


def test_a_server_that_asks_for_what_this_machine_lacks_is_left_to_others():
    fleet = Fleet(labels={"disk": "ssd"})
    there = replace(A, labels={"disk": "ssd", "zone": "b"})
    assert fleet.handle(ServerWanted(0, there, 2)) == [ReportUnfit("a", {"zone": "b"})]
    assert fleet.handle(ServerWanted(1, there, 3)) == []
    assert fleet.notices() == {"a": "this machine lacks zone=b (agent.labels)"}
    here = replace(A, labels={"disk": "ssd"})
    assert fleet.handle(ServerWanted(2, here, 1)) == [StartProcess(a(0), here, 1)]
    assert fleet.handle(ServerWanted(3, there, 1)) == [
        ReportUnfit("a", {"zone": "b"}),
        StopProcess(a(0), 1),
    ]
    assert fleet.handle(ServerWanted(4, there, 0)) == []
    assert fleet.notices() == {}


def test_processes_are_started_a_few_at_a_time():
    fleet = Fleet(at_once=2)
    assert fleet.handle(ServerWanted(0, A, 3)) == [
        StartProcess(a(0), A, 1),
        StartProcess(a(1), A, 2),
    ]
    b = ServerSpec("b", "c", capabilities=("x",))
    assert fleet.handle(ServerWanted(1, b, 1)) == []
    assert fleet.handle(ReplicaCame(2, a(1))) == [StartProcess(a(2), A, 3)]
    assert fleet.handle(ProcessEnded(3, a(0), 1, "killed")) == [
        ReportEnd(a(0), "killed", 1, FIRST_PAUSE_S),
        StartProcess(ReplicaId("b", 0), b, 4),
    ]
    assert fleet.handle(TimePassed(9)) == []
    assert fleet.next_wakeup() == 62
    assert fleet.handle(ReplicaCame(9, a(2))) == [StartProcess(a(0), A, 5)]


def test_a_server_is_not_rolled_while_one_of_its_replicas_waits_for_its_turn():
    fleet = Fleet(at_once=1)
    fleet.handle(ServerWanted(0, A, 2))
    fleet.handle(ServerWanted(0, ServerSpec("b", "other"), 1))
    assert fleet.handle(ReplicaCame(1, a(0))) == [StartProcess(a(1), A, 2)]
    fleet.handle(ProcessEnded(1, a(1), 2, "killed"))
    assert fleet.handle(ConfigDeclared(2, CONFIG)) == []


def test_no_more_processes_are_started_than_the_machine_is_to_have():
    fleet = Fleet(most=2, at_once=9)
    *starts, full = fleet.handle(ServerWanted(0, A, 10**9))
    assert starts == [StartProcess(a(0), A, 1), StartProcess(a(1), A, 2)]
    assert full == ReportFull("a", 10**9, 2)
    assert fleet.notices() == {"a": "this machine runs 2 processes in all (agent.processes)"}
    for index in range(2):
        assert fleet.handle(ReplicaCame(1, a(index))) == []
    assert fleet.handle(TimePassed(2)) == []
    assert fleet.handle(ConfigDeclared(3, CONFIG)) == [StopProcess(a(0), 1)]
    changed = combine(A, CONFIG)
    assert fleet.handle(ProcessEnded(4, a(0), 1, "")) == [StartProcess(a(0), changed, 3)]
    b = ServerSpec("b", "other", capabilities=("x",))
    assert fleet.handle(ServerWanted(5, b, 1)) == [ReportFull("b", 1, 2)]
    assert fleet.handle(ServerWanted(6, A, 1)) == [StopProcess(a(1), 2)]
    assert fleet.handle(ProcessEnded(7, a(1), 2, "")) == [StartProcess(ReplicaId("b", 0), b, 4)]


def test_what_a_replica_inside_does_not_have_of_its_server_is_told():
    fleet = Fleet(inside=["a"], devices=2)
    fleet.handle(ServerWanted(0, ServerSpec("a"), 1))
    assert fleet.notices() == {}
    own = ServerSpec("a", python="/p", environment_variables={"A": "b"}, memory_bytes=5)
    fleet.handle(ServerWanted(0, own, 2))
    told = "replica 0 is in the scheduler's process, which has its own memory, python, env"
    assert fleet.notices() == {"a": told}
    fleet.handle(ServerWanted(0, own, 0))
    assert fleet.notices() == {}


def test_a_server_that_asks_for_more_devices_than_there_are_is_told_of():
    fleet = Fleet(devices=2)
    fleet.handle(ServerWanted(0, ServerSpec("a", device_count=1), 2))
    assert fleet.notices() == {}
    fleet.handle(ServerWanted(0, ServerSpec("a", device_count=1), 3))
    assert fleet.notices() == {"a": "its replicas ask for 3 devices, and this machine has 2"}


@pytest.mark.parametrize(
    ("config", "capability"),
    [("triton", "onnx"), ("mine", "sklearn")],
    ids=["a default server's", "any other"],
)
def test_a_server_can_what_its_config_can_or_the_default_server_of_that_name(config, capability):
    (start,) = Fleet().handle(ServerWanted(0, ServerSpec("a", config), 1))
    assert capability in start.server.capabilities
    fleet = Fleet()
    fleet.handle(ConfigDeclared(0, ServerConfigSpec(config, ("y",))))
    (start,) = fleet.handle(ServerWanted(0, ServerSpec("a", config), 1))
    assert start.server.capabilities == ("y",)


NAMES = st.sampled_from(["a", "b"])
INDICES = st.integers(0, 3)


class FleetWorld(RuleBasedStateMachine):
    """A machine room: processes that connect, end when they are asked to, or die."""

    def __init__(self):
        super().__init__()
        self.fleet = Fleet(inside=["b"], most=4, at_once=2)
        self.now = 0.0
        self.processes: dict[ReplicaId, StartProcess] = {}
        self.connected: set[ReplicaId] = set()
        self.asked: set[ReplicaId] = set()
        self.foreign: set[ReplicaId] = set()
        self.wanted: dict[str, tuple[ServerSpec, int]] = {}
        self.configs: dict[str, ServerConfigSpec] = {}

    def tell(self, event):
        for decision in self.fleet.handle(event):
            match decision:
                case StartProcess(replica, server):
                    assert replica not in self.processes, "it has a process"
                    assert replica not in self.foreign, "somebody else has it"
                    assert server == self.effective(replica.server)
                    self.processes[replica] = decision
                case StopProcess(replica, life):
                    assert self.processes[replica].life == life
                    if self.is_wanted(replica) and replica in self.connected:
                        self.check_roll(replica)
                    self.asked.add(replica)
                case KillProcess(replica, life):
                    assert self.processes[replica].life == life
                    self.end(replica)
                case ReportEnd(replica):
                    assert self.is_wanted(replica)
                case ReportFull(name, wanted, most):
                    assert (wanted, most) == (self.wanted[name][1], 4)

    def check_roll(self, replica):
        """One that serves is stopped only for what is to be different, and no other is away."""
        assert not self.processes[replica].server.runs_as(self.effective(replica.server))
        _, count = self.wanted[replica.server]
        for index in range(int(replica.server == "b"), count):
            other = ReplicaId(replica.server, index)
            known = self.fleet.replicas()
            has_no_room = other not in known and len(known) >= 4
            assert other in self.connected | self.foreign or has_no_room
            assert other not in self.asked

    def effective(self, name):
        spec, _ = self.wanted[name]
        return combine(spec, self.configs.get(spec.config_name, ServerConfigSpec("")))

    def is_wanted(self, replica):
        count = self.wanted.get(replica.server, (A, 0))[1]
        return int(replica.server == "b") <= replica.replica_idx < count

    def end(self, replica):
        life = self.processes.pop(replica).life
        self.connected.discard(replica)
        self.asked.discard(replica)
        self.tell(ProcessEnded(self.now, replica, life, "ended"))

    @initialize()
    def begin(self):
        self.want("a", 2, 0)

    @rule(name=NAMES, count=INDICES, memory=st.integers(0, 1))
    def want(self, name, count, memory):
        spec = ServerSpec(name, "c", ("x",), memory_bytes=memory)
        self.wanted[name] = (spec, count)
        self.tell(ServerWanted(self.now, spec, count))

    @rule(commit=st.integers(0, 2))
    def configure(self, commit):
        self.configs["c"] = ServerConfigSpec("c", over_commit_percentage=commit)
        self.tell(ConfigDeclared(self.now, self.configs["c"]))

    @rule(name=NAMES, index=INDICES)
    def connect(self, name, index):
        replica = ReplicaId(name, index)
        if replica in self.processes and replica not in self.connected:
            self.connected.add(replica)
            self.tell(ReplicaCame(self.now, replica))

    @rule(name=NAMES, index=INDICES)
    def lose_its_link(self, name, index):
        replica = ReplicaId(name, index)
        if replica in self.connected:
            self.connected.discard(replica)
            self.tell(ReplicaWent(self.now, replica))

    @rule(name=NAMES, index=INDICES)
    def die(self, name, index):
        replica = ReplicaId(name, index)
        if replica in self.processes:
            self.end(replica)

    @rule(name=NAMES, index=INDICES)
    def come_from_elsewhere(self, name, index):
        replica = ReplicaId(name, index)
        if replica not in self.processes and replica not in self.foreign:
            self.foreign.add(replica)
            self.tell(ReplicaCame(self.now, replica))

    @rule(name=NAMES, index=INDICES)
    def leave_for_elsewhere(self, name, index):
        replica = ReplicaId(name, index)
        if replica in self.foreign:
            self.foreign.discard(replica)
            self.tell(ReplicaWent(self.now, replica))

    @rule(seconds=st.sampled_from([0.5, 5.0, 60.0, 200.0]))
    def wait(self, seconds):
        self.now += seconds
        self.tell(TimePassed(self.now))

    @invariant()
    def every_process_is_known(self):
        known = self.fleet.replicas()
        assert set(self.processes) == {
            replica for replica, each in known.items() if each.phase is not Phase.PAUSING
        }

    @invariant()
    def no_more_run_or_start_than_may(self):
        assert len(self.processes) <= 4
        phases = [each.phase for each in self.fleet.replicas().values()]
        assert phases.count(Phase.STARTING) <= 2

    def teardown(self):
        """Left alone, it comes to what is wanted, whatever happened before."""
        for replica in list(self.foreign):
            self.leave_for_elsewhere(replica.server, replica.replica_idx)
        for _ in range(60):
            for replica in list(self.asked):
                self.end(replica)
            for replica in list(self.processes):
                self.connect(replica.server, replica.replica_idx)
            wakeup = self.fleet.next_wakeup()
            if not self.asked and wakeup is None:
                break
            self.now = max(self.now, wakeup or self.now)
            self.tell(TimePassed(self.now))
        wanted = {
            ReplicaId(name, index)
            for name, (_, count) in self.wanted.items()
            for index in range(int(name == "b"), count)
        }
        assert set(self.processes) == self.connected
        assert self.connected <= wanted
        assert len(self.connected) == min(len(wanted), 4)
        for replica, process in self.processes.items():
            assert process.server.runs_as(self.effective(replica.server))


TestFleet = FleetWorld.TestCase
