"""Which agent processes of the declared servers run on this machine, and which are to.

A replica's process is started, is ready once it has connected to the scheduler, is killed if it
loses that link and does not come back, as one that hangs does not, and is started again when it
ends: at once if it had lived well, else after a pause that doubles each time. One
that ends again and again is said to do so. A server that shall be something else is replaced one
replica after the other: the old process is told to end, which moves its models away first, and the
next one's turn comes when the new one has connected. So a server that cannot run as declared keeps
all its replicas but one.

A pure machine, of which `processes.py` is the shell; `now` is in seconds and never steps back.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final, assert_never

from seldon_core.resources.server import ServerConfigSpec, ServerSpec, combine
from seldon_core.resources.servers import default_capabilities
from seldon_core.scheduler.fleet_state import FleetServer, Phase, Replica, of_processes
from seldon_core.scheduler.fleet_values import (
    ConfigDeclared,
    FleetDecision,
    FleetEvent,
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

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
HEALTHY_AFTER_S: Final = 30.0
"""A process that was connected this long died of something new."""


class Fleet:
    """The machine. `inside` are servers whose replica 0 is in the process that asks.

    `labels` are this machine's: a server that asks for others is left to agents elsewhere.
    `start_timeout_s` is how long a process may take to connect, `stop_timeout_s` to end. At most
    `most` processes run, of all servers together, and `at_once` of them are being started: a start
    is all work, and too many of them would be too late together. The machine has so many `devices`.
    """

    def __init__(
        self,
        inside: Collection[str] = (),
        start_timeout_s: float = 60,
        stop_timeout_s: float = 150,
        labels: Mapping[str, str] | None = None,
        most: int = 64,
        at_once: int = 4,
        devices: int = 0,
    ) -> None:
        self._labels = labels or {}
        self._devices = devices
        self._most = most
        self._at_once = at_once
        self._inside = frozenset(inside)
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._configs: dict[str, ServerConfigSpec] = {}
        self._servers: dict[str, FleetServer] = {}
        self._foreign: set[ReplicaId] = set()  # connected, and started by somebody else
        self._lives = 0

    def handle(self, event: FleetEvent) -> list[FleetDecision]:
        """Take in an event; return what is to be done, in this order."""
        decisions = self._handle(event)
        for server in list(self._servers.values()):
            if server.is_waiting or server.is_cut:  # there may be room by now
                decisions += self._progress(event.now, server)
        return decisions

    def _handle(self, event: FleetEvent) -> list[FleetDecision]:
        match event:
            case ConfigDeclared(now, config):
                return self._on_config(now, config)
            case ServerWanted(now, server, replicas):
                return self._on_wanted(now, server, replicas)
            case ReplicaCame(now, replica):
                return self._on_came(now, replica)
            case ReplicaWent(now, replica):
                return self._on_went(now, replica)
            case ProcessEnded():
                return self._on_ended(event)
            case TimePassed(now):
                return self._on_time(now)
            case _:
                assert_never(event)

    def next_wakeup(self) -> float | None:
        """Return when to send TimePassed, None if not."""
        times = [
            replica.until
            for server in self._servers.values()
            for replica in server.replicas.values()
            if replica.phase in (Phase.STARTING, Phase.LOST, Phase.STOPPING)
            or (replica.phase is Phase.PAUSING and not server.is_waiting)
        ]
        return min(times, default=None)

    def replicas(self) -> Mapping[ReplicaId, Replica]:
        """Return every replica that has a process here, or pauses between two."""
        return dict(self._each())

    def notices(self) -> Mapping[str, str]:
        """Return what of servers is not as it was declared, and why, by their names."""
        said = {name: "; ".join(self._notices(server)) for name, server in self._servers.items()}
        return {name: notice for name, notice in said.items() if notice}

    def _notices(self, server: FleetServer) -> Iterator[str]:
        if server.is_unfit:
            lacking = ", ".join(f"{key}={value}" for key, value in self._lacking(server).items())
            yield f"this machine lacks {lacking} (agent.labels)"
            return
        if server.is_cut:
            yield f"this machine runs {self._most} processes in all (agent.processes)"
        wanted = server.wanted * server.effective.device_count
        if wanted > self._devices:
            yield f"its replicas ask for {wanted} devices, and this machine has {self._devices}"
        if server.declared.name in self._inside and server.wanted:
            unheeded = ", ".join(of_processes(server.effective))
            if unheeded:
                yield f"replica 0 is in the scheduler's process, which has its own {unheeded}"

    def _each(self) -> Iterator[tuple[ReplicaId, Replica]]:
        for name, server in self._servers.items():
            for index, replica in server.replicas.items():
                yield ReplicaId(name, index), replica

    def _on_config(self, now: float, config: ServerConfigSpec) -> list[FleetDecision]:
        self._configs[config.name] = config
        decisions: list[FleetDecision] = []
        for server in list(self._servers.values()):
            if (
                server.declared.config_name == config.name
                and not server.declared.disable_auto_update
            ):
                server.effective = self._effective(server.declared)
                decisions += self._progress(now, server)
        return decisions

    def _on_wanted(self, now: float, spec: ServerSpec, replicas: int) -> list[FleetDecision]:
        server = self._servers.get(spec.name)
        if server is None:
            server = self._servers[spec.name] = FleetServer(spec, self._effective(spec))
        elif server.declared.process != spec.process:
            server.effective = self._effective(spec)
        server.declared, server.wanted = spec, replicas
        return self._progress(now, server)

    def _effective(self, spec: ServerSpec) -> ServerSpec:
        name = spec.config_name
        config = self._configs.get(name) or ServerConfigSpec(name)
        capabilities = config.capabilities or default_capabilities(name)
        return combine(spec, replace(config, capabilities=capabilities))

    def _on_came(self, now: float, replica: ReplicaId) -> list[FleetDecision]:
        server = self._servers.get(replica.server)
        own = server.replicas.get(replica.replica_idx) if server is not None else None
        if server is None or own is None or own.phase is Phase.PAUSING:
            self._foreign.add(replica)
            if server is not None:
                server.replicas.pop(replica.replica_idx, None)
            return []
        if own.phase is Phase.STARTING:
            own.since = now
        elif own.phase is not Phase.LOST:
            return []
        own.phase = Phase.READY
        return self._progress(now, server)

    def _on_went(self, now: float, replica: ReplicaId) -> list[FleetDecision]:
        """A process of ours will come back or end; one of somebody else's leaves its place."""
        self._foreign.discard(replica)
        server = self._servers.get(replica.server)
        if server is None:
            return []
        own = server.replicas.get(replica.replica_idx)
        if own is not None and own.phase is Phase.READY:
            own.phase, own.until = Phase.LOST, now + self._start_timeout_s
        return self._progress(now, server)

    def _on_ended(self, event: ProcessEnded) -> list[FleetDecision]:
        now, replica = event.now, event.replica
        server = self._servers.get(replica.server)
        own = server.replicas.get(replica.replica_idx) if server is not None else None
        if server is None or own is None or own.life != event.life:
            return []
        was_asked = own.phase is Phase.STOPPING or (own.phase is Phase.KILLED and not own.reason)
        if was_asked or replica.replica_idx not in self._indices(server):
            del server.replicas[replica.replica_idx]
            return self._progress(now, server)
        lived_well = own.phase in (Phase.READY, Phase.LOST) and now - own.since >= HEALTHY_AFTER_S
        own.ends = 1 if lived_well else own.ends + 1
        pause_s = 0.0 if lived_well else _pause(own.ends)
        reason = own.reason or event.reason
        own.phase, own.since, own.until, own.reason = Phase.PAUSING, now, now + pause_s, ""
        own.last_end = reason
        report = ReportEnd(replica, reason, own.ends, pause_s)
        return [report, *self._progress(now, server)]

    def _on_time(self, now: float) -> list[FleetDecision]:
        decisions: list[FleetDecision] = []
        for replica, own in self._each():
            if own.until > now:
                continue
            if own.phase in (Phase.STARTING, Phase.LOST):
                own.reason = _TOO_LATE[own.phase].format(self._start_timeout_s)
                own.phase = Phase.KILLED
                decisions.append(KillProcess(replica, own.life))
            elif own.phase is Phase.STOPPING:
                own.phase = Phase.KILLED
                decisions.append(KillProcess(replica, own.life))
        for server in list(self._servers.values()):
            decisions += self._progress(now, server)
        return decisions

    def _indices(self, server: FleetServer) -> range:
        if server.is_unfit:
            return range(0)
        return range(int(server.declared.name in self._inside), server.wanted)

    def _progress(self, now: float, server: FleetServer) -> list[FleetDecision]:
        """Do what can be done now for a server to become what it shall be."""
        name, decisions = server.declared.name, self._look_at_labels(server)
        indices = self._indices(server)
        for index in sorted(set(server.replicas), reverse=True):
            if index not in indices:
                decisions += self._stop(now, ReplicaId(name, index), server)
        decisions += self._run_all(now, server, indices)
        decisions += self._roll(now, server, indices)
        if not server.wanted and not server.replicas:
            del self._servers[name]
        return decisions

    def _look_at_labels(self, server: FleetServer) -> list[FleetDecision]:
        lacking = self._lacking(server)
        was_unfit, server.is_unfit = server.is_unfit, bool(lacking)
        return [ReportUnfit(server.declared.name, lacking)] if lacking and not was_unfit else []

    def _lacking(self, server: FleetServer) -> dict[str, str]:
        asked = server.effective.labels if server.wanted else {}
        return {key: value for key, value in asked.items() if self._labels.get(key) != value}

    def _run_all(self, now: float, server: FleetServer, indices: range) -> list[FleetDecision]:
        """Start every replica that has no process, as far as there is room."""
        decisions: list[FleetDecision] = []
        was_cut, server.is_cut, server.is_waiting = server.is_cut, False, False
        due: list[int] = []
        for index, own in sorted(server.replicas.items()):
            if index not in indices or own.phase is not Phase.PAUSING:
                continue
            if not own.server.runs_as(server.effective):  # it may be mended
                own.until, own.ends, own.last_end = now, 0, ""
            if own.until <= now:
                due.append(index)
        # There may be any number of these, so that they are not listed.
        missing = (index for index in indices if index not in server.replicas)
        for index in chain(due, missing):
            replica = ReplicaId(server.declared.name, index)
            if replica in self._foreign:
                continue
            processes = [each.phase for _, each in self._each()]
            server.is_cut = index not in server.replicas and len(processes) >= self._most
            server.is_waiting = processes.count(Phase.STARTING) >= self._at_once
            if server.is_cut or server.is_waiting:
                break
            decisions.append(self._run(now, replica, server))
        if server.is_cut and not was_cut:
            decisions.append(ReportFull(server.declared.name, server.wanted, self._most))
        return decisions

    def _run(self, now: float, replica: ReplicaId, server: FleetServer) -> StartProcess:
        own = server.replicas.get(replica.replica_idx)
        self._lives += 1
        until = now + self._start_timeout_s
        started = server.replicas[replica.replica_idx] = Replica(
            server.effective, self._lives, Phase.STARTING, now, until
        )
        if own is not None:
            started.ends, started.last_end = own.ends, own.last_end
        return StartProcess(replica, server.effective, self._lives)

    def _stop(self, now: float, replica: ReplicaId, server: FleetServer) -> list[FleetDecision]:
        own = server.replicas[replica.replica_idx]
        if own.phase is Phase.PAUSING:
            del server.replicas[replica.replica_idx]
        elif own.phase in (Phase.STARTING, Phase.READY, Phase.LOST):
            own.phase, own.since, own.until = Phase.STOPPING, now, now + self._stop_timeout_s
            return [StopProcess(replica, own.life)]
        return []

    def _roll(self, now: float, server: FleetServer, indices: range) -> list[FleetDecision]:
        """Replace one replica that is not as it shall be, if all others are there.

        One that does not come up as it is may be replaced at once: nothing is lost by that.
        """
        own = [(index, each) for index, each in sorted(server.replicas.items()) if index in indices]
        old = [
            (index, each)
            for index, each in own
            if not each.server.runs_as(server.effective) and each.phase is not Phase.PAUSING
        ]
        for index, each in old:
            if each.phase in (Phase.STARTING, Phase.LOST):
                return self._stop(now, ReplicaId(server.declared.name, index), server)
        is_whole = not server.is_waiting and all(each.phase is Phase.READY for _, each in own)
        if not old or not is_whole:
            return []
        return self._stop(now, ReplicaId(server.declared.name, old[0][0]), server)


_TOO_LATE: Final = {
    Phase.STARTING: "did not connect within {:g} s",
    Phase.LOST: "lost the scheduler, and did not connect again within {:g} s",
}


def _pause(ends: int) -> float:
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(ends - 1, 10))
