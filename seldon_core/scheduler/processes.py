"""Agent processes of this machine: the shell of `fleet.py`.

Each is executed, never forked, in a session of its own, so that Ctrl-C is for the one that owns it
alone. It logs to our standard error, and gets our settings through a file that only exists in
memory; of our environment it gets all but Seldon's variables, which are in those settings.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

import seldon_core
from seldon_core.aio.clock import Clock
from seldon_core.aio.supervise import Tasks, open_tasks
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.fleet import Fleet
from seldon_core.scheduler.fleet_state import Replica
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
from seldon_core.scheduler.interpreters import LACKS_LIBRARY, importable_by, interpreter_of
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteUpdate

_log = logging.getLogger(__name__)

_GRACE_S: Final = 5.0
"""When their owner ends, no request needs them any more; so long they have for what they hold."""

_AT_ONCE: Final = 4
"""Processes that are started at a time, or one for each CPU: each is busy for a second or two."""

_DEVICES = "CUDA_VISIBLE_DEVICES"
_OURS = ("SELDON_", "CONTROL_PLANE_", "MEMORY_REQUEST", "POD_NAME")


@dataclass(frozen=True, slots=True)
class Start:
    """How an agent process is started: its program, its environment, its settings by group."""

    program: Sequence[str]
    environment: Mapping[str, str]
    settings: Mapping[str, Mapping[str, object]]


Launch = Callable[[StartProcess], Start]


def launcher(
    settings: Callable[[], Mapping[str, Mapping[str, object]]],
    environ: Mapping[str, str],
    scheduler: tuple[str, int],
    environments: Path,
) -> Launch:
    """Return what says how agents are started that connect to `scheduler`, a host and a port.

    `settings` is asked at each start: they are an agent's by then, whatever replica it is. Named
    environments are in the folder `environments`. What it returns raises InvalidResourceError for a
    server whose environment is not there.
    """
    inherited = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    path = inherited.get("PYTHONPATH")

    def launch(wanted: StartProcess) -> Start:
        replica, server = wanted.replica, wanted.server
        python = interpreter_of(server, environments)
        program = [
            python,
            "-P",  # nothing in the working directory is taken for a library
            "-m",
            "seldon_core",
            "serve",
            "--role=agent",
        ]
        package = Path(seldon_core.__file__).parent
        here = str(importable_by(python, package, environments))
        inherited["PYTHONPATH"] = f"{here}{os.pathsep}{path}" if path else here
        environment = {**inherited, **server.environment_variables}
        if server.device_count and _DEVICES not in server.environment_variables:
            first = replica.replica_idx * server.device_count
            devices = range(first, first + server.device_count)
            environment[_DEVICES] = ",".join(map(str, devices))
        given = {group: dict(values) for group, values in settings().items()}
        host, port = scheduler
        given["scheduler"]["host"] = host
        given["listener"]["port"] = given["admin"]["port"] = 0
        given["agent"] |= {
            "port": port,
            "serverName": replica.server,
            "replicaIdx": replica.replica_idx,
            "capabilities": list(server.capabilities),
            "parent": os.getpid(),
        }
        if server.memory_bytes:
            given["agent"]["memory"] = server.memory_bytes
        if server.over_commit_percentage is not None:
            given["agent"]["overCommitPercentage"] = server.over_commit_percentage
        return Start(program, environment, given)

    return launch


def devices_here(folder: Path = Path("/dev")) -> int:
    """Return how many GPUs this machine has, whose devices are in `folder`."""
    return len(list(folder.glob("nvidia[0-9]*")))


@asynccontextmanager
async def open_processes(
    inside: Collection[str],
    clock: Clock,
    labels: Mapping[str, str] | None = None,
    most: int = 64,
    devices: int = 0,
) -> AsyncIterator["Processes"]:
    """Own agent processes for the length of a block; at its end they are told to end, then killed.

    `inside` are the servers whose replica 0 needs no process, since it is in this one, `labels`
    what this machine has, besides so many `devices`. At most `most` run, and none is started before
    `begin`.
    """
    async with open_tasks("processes") as tasks:
        fleet = Fleet(
            inside,
            labels=labels,
            most=most,
            at_once=max(_AT_ONCE, os.cpu_count() or 1),
            devices=devices,
        )
        processes = Processes(fleet, clock, tasks)
        try:
            yield processes
        finally:
            await processes.end()


class Processes:
    """Keeps as many agent processes of each server as are wanted. Got from `open_processes`."""

    def __init__(self, fleet: Fleet, clock: Clock, tasks: Tasks) -> None:
        self._fleet = fleet
        self._launch: Launch | None = None
        self._early: list[FleetEvent] = []
        self._clock = clock
        self._tasks = tasks
        self._lives: dict[int, asyncio.Task[None]] = {}
        self._running: dict[int, Process] = {}
        self._stopped: dict[int, signal.Signals] = {}  # what is to be sent, started or not yet
        self._alarm: asyncio.TimerHandle | None = None
        self._is_over = False

    @property
    def pids(self) -> Mapping[ReplicaId, int]:
        """The ids of the processes that run."""
        return {
            replica: self._running[each.life].pid
            for replica, each in self._fleet.replicas().items()
            if each.life in self._running
        }

    def begin(self, launch: Launch) -> None:
        """Start what is wanted by now: the port is open that agents connect to."""
        self._launch = launch
        early, self._early = self._early, []
        for event in early:
            self._take(event)

    def replicas(self) -> Mapping[ReplicaId, Replica]:
        """Return every replica that has a process here, or pauses between two."""
        return self._fleet.replicas()

    def notices(self) -> Mapping[str, str]:
        """Return why servers have fewer processes here than they ask for, by their names."""
        return self._fleet.notices()

    def configure(self, config: ServerConfigSpec) -> None:
        """Have the servers that name `config` be as it says."""
        self._take(ConfigDeclared(self._clock.monotonic(), config))

    def run_server(self, spec: ServerSpec, replicas: int) -> None:
        """Keep so many replicas of a server running; 0 ends them all."""
        self._take(ServerWanted(self._clock.monotonic(), spec, replicas))

    def came(self, replica: ReplicaId) -> None:
        """A replica has connected to the scheduler, whoever started it."""
        self._take(ReplicaCame(self._clock.monotonic(), replica))

    def went(self, replica: ReplicaId) -> None:
        """A replica is connected no longer."""
        self._take(ReplicaWent(self._clock.monotonic(), replica))

    async def end(self) -> None:
        """End every process, by force if it does not within a few seconds."""
        self._is_over = True
        if self._alarm is not None:
            self._alarm.cancel()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for life in self._lives:
                self._signal(life, number)
            if self._lives:
                await asyncio.wait(self._lives.values(), timeout=_GRACE_S)

    def _take(self, event: FleetEvent) -> None:
        if self._is_over:
            return
        if self._launch is None:
            self._early.append(event)
            return
        for decision in self._fleet.handle(event):
            self._carry_out(decision)
        self._set_alarm()

    def _carry_out(self, decision: FleetDecision) -> None:
        match decision:
            case StartProcess():
                self._lives[decision.life] = self._tasks.start(
                    self._live(decision), name=f"agent {decision.replica}"
                )
            case StopProcess(replica, life):
                _log.info("agent process is told to end replica=%s", replica)
                self._signal(life, signal.SIGTERM)
            case KillProcess(replica, life):
                _log.warning("agent process is killed replica=%s", replica)
                self._signal(life, signal.SIGKILL)
            case ReportEnd(replica, reason, ends, pause_s):
                _log.error(
                    "agent process %s replica=%s reason=%r ends=%d next_in_s=%g",
                    "dies in a loop" if decision.is_loop else "ended",
                    replica,
                    reason,
                    ends,
                    pause_s,
                )
            case ReportUnfit(server, lacking):
                labels = ",".join(f"{name}={value}" for name, value in sorted(lacking.items()))
                _log.warning(
                    "server does not run here, start its agents where it may server=%s "
                    "labels_lacking=%s hint='agent.labels says what this machine has'",
                    server,
                    labels,
                )
            case ReportFull(server, wanted, most):
                _log.error(
                    "server gets fewer processes than it asks for server=%s replicas=%d "
                    "processes_of_all_servers=%d hint='agent.processes says how many this machine "
                    "is to run; start others on other machines'",
                    server,
                    wanted,
                    most,
                )
            case _:
                assert_never(decision)

    async def _live(self, wanted: StartProcess) -> None:
        """Run one process to its end, whatever it is."""
        replica, life = wanted.replica, wanted.life
        assert self._launch is not None
        try:
            start = self._launch(wanted)
            process = await _spawn(start)
        except InvalidResourceError as error:
            reason = f"could not be started: {error}"
        except OSError as error:  # uvloop's does not say of what
            reason = f"could not be started: {start.program[0]}: {error.strerror}"
        else:
            _log.info("agent process started replica=%s pid=%d", replica, process.pid)
            self._running[life] = process
            if life in self._stopped:
                self._signal(life, self._stopped[life])
            code = await process.wait()
            reason = _why(code)
            if life in self._stopped:  # of another end ReportEnd tells
                _log.info("agent process gone replica=%s pid=%d %s", replica, process.pid, reason)
        for of_lives in (self._running, self._stopped, self._lives):
            of_lives.pop(life, None)
        self._take(ProcessEnded(self._clock.monotonic(), replica, life, reason))

    def _signal(self, life: int, number: signal.Signals) -> None:
        """Send a signal, once the process is there; with SIGKILL to all that it started, too."""
        self._stopped[life] = number
        process = self._running.get(life)
        if process is None:
            return
        with suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wakeup = self._fleet.next_wakeup()
        if wakeup is not None:
            delay = max(0.0, wakeup - self._clock.monotonic())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._take(TimePassed(self._clock.monotonic()))


def _why(code: int) -> str:
    if code == LACKS_LIBRARY:
        return "its Python lacks a library that an agent needs; the log names it"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


class ReplicaWatch:
    """A RouteSink that tells `processes` which replicas are connected, whoever runs them."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def publish(self, update: RouteUpdate) -> None:
        """Leave routes to others."""

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """Note that a replica has come; None: it is gone."""
        if address is None:
            self._processes.went(replica)
        else:
            self._processes.came(replica)


async def _spawn(start: Start) -> Process:
    """Start a process. Raises OSError if that cannot be done."""
    file = os.memfd_create("settings", 0)
    try:
        with os.fdopen(os.dup(file), "w") as settings:
            json.dump(start.settings, settings)
        return await asyncio.create_subprocess_exec(
            *start.program,
            "--config",
            f"/dev/fd/{file}",
            stdin=DEVNULL,
            stdout=sys.__stderr__,
            start_new_session=True,
            pass_fds=(file,),
            env=start.environment,
        )
    finally:
        os.close(file)
