"""Agent processes as they are started, watched and ended, with small programs in their place."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import uvloop

from seldon_core.aio.clock import SystemClock
from seldon_core.aio.supervise import open_tasks
from seldon_core.config.load import load_settings
from seldon_core.config.settings import show_settings
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler import processes as module
from seldon_core.scheduler.fleet import Fleet
from seldon_core.scheduler.fleet_values import StartProcess
from seldon_core.scheduler.interpreters import LACKS_LIBRARY, interpreter_of
from seldon_core.scheduler.processes import (
    Processes,
    ReplicaWatch,
    Start,
    devices_here,
    launcher,
    open_processes,
)
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteUpdate

A = ServerSpec("a")
WAITS = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None); "


def program(text):
    return lambda wanted: Start((sys.executable, "-c", text), dict(os.environ), {})


@asynccontextmanager
async def opened(text, inside=()):
    async with open_processes(inside, SystemClock()) as processes:
        processes.begin(program(text))
        yield processes


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_run_until_their_owner_ends():
    async def scenario():
        async with opened(WAITS, inside=["b"]) as processes:
            processes.run_server(A, 2)
            processes.run_server(ServerSpec("b"), 2)
            await until(lambda: len(processes.pids) == 3)
            pids = processes.pids
            assert set(pids) == {ReplicaId("a", 0), ReplicaId("a", 1), ReplicaId("b", 1)}
            assert all(map(is_running, pids.values()))
            assert os.getpgid(pids[ReplicaId("a", 0)]) == pids[ReplicaId("a", 0)]
        assert not any(map(is_running, pids.values()))

    asyncio.run(scenario())


def test_one_that_is_killed_is_there_again(caplog):
    pids = []

    async def scenario():
        async with opened(WAITS) as processes:
            processes.run_server(A, 1)
            await until(lambda: processes.pids)
            (first,) = processes.pids.values()
            processes.came(ReplicaId("a", 0))
            os.kill(first, signal.SIGKILL)
            await until(lambda: processes.pids and first not in processes.pids.values())
            pids.extend((first, *processes.pids.values()))

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    gone = [f"agent process gone replica=a/0 pid={pid}" in caplog.text for pid in pids]
    assert gone == [False, True]  # of the first the next line tells
    assert "agent process ended replica=a/0 reason='signal 9' ends=1 next_in_s=0.5" in caplog.text


def test_one_that_dies_in_a_loop_is_said_to(caplog, monkeypatch):
    monkeypatch.setattr("seldon_core.scheduler.fleet.FIRST_PAUSE_S", 0.001)

    async def scenario():
        async with opened("raise SystemExit(3)") as processes:
            processes.run_server(A, 1)
            await until(lambda: "dies in a loop" in caplog.text)

    asyncio.run(scenario())
    assert "agent process dies in a loop replica=a/0 reason='exit code 3' ends=3" in caplog.text


def test_a_program_that_there_is_not_is_reported(caplog):
    async def scenario():
        launch = lambda wanted: Start(("/no/such/python",), {}, {})  # noqa: E731 - one line
        async with open_processes((), SystemClock()) as processes:
            processes.run_server(A, 1)
            processes.begin(launch)
            await until(lambda: "could not be started" in caplog.text)
            assert processes.pids == {}

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as a process has it
        runner.run(scenario())
    reason = "could not be started: /no/such/python: No such file or directory"
    assert f"reason='{reason}'" in caplog.text


def test_a_number_with_too_many_zeros_does_not_take_the_machine(caplog):
    async def scenario():
        async with open_processes((), SystemClock(), most=2) as processes:
            processes.run_server(A, 100_000)
            processes.begin(program(WAITS))
            await until(lambda: len(processes.pids) == 2)
            assert len(processes.replicas()) == 2

    asyncio.run(scenario())
    assert (
        "server gets fewer processes than it asks for server=a replicas=100000 "
        "processes_of_all_servers=2"
    ) in caplog.text


def test_a_server_that_is_deleted_ends_at_once_and_for_good():
    async def scenario():
        async with opened(WAITS) as processes:
            processes.run_server(A, 1)
            processes.run_server(A, 0)  # before it has started
            await until(lambda: not processes._lives)
            assert processes.pids == {}

    asyncio.run(scenario())


def test_a_server_for_another_machine_is_said_not_to_run(caplog):
    async def scenario():
        async with opened(WAITS) as processes:
            processes.run_server(replace(A, labels={"zone": "b"}), 1)
            assert processes.replicas() == {}

    asyncio.run(scenario())
    assert "server=a labels_lacking=zone=b" in caplog.text


def test_a_changed_config_replaces_them():
    async def scenario():
        async with opened(WAITS) as processes:
            processes.run_server(ServerSpec("a", "c"), 1)
            await until(lambda: processes.pids)
            first = dict(processes.pids)
            processes.came(ReplicaId("a", 0))
            processes.configure(ServerConfigSpec("c", memory_bytes=1))
            await until(lambda: processes.pids and processes.pids != first)

    asyncio.run(scenario())


def test_what_somebody_else_runs_is_started_when_it_goes():
    async def scenario():
        async with opened(WAITS) as processes:
            watch = ReplicaWatch(processes)
            watch.publish(RouteUpdate("iris"))
            watch.publish_replica(ReplicaId("a", 0), ReplicaAddress("10.0.0.1", 1, 1))
            processes.run_server(A, 1)
            assert processes.replicas() == {}
            watch.publish_replica(ReplicaId("a", 0), None)
            await until(lambda: processes.pids)

    asyncio.run(scenario())


def test_one_that_does_not_end_with_its_owner_is_killed_with_what_it_started(monkeypatch, capfd):
    monkeypatch.setattr(module, "_GRACE_S", 0.2)
    text = STUBBORN + (
        "import subprocess, sys; "
        "print(subprocess.Popen(['sleep', '60']).pid, file=sys.stderr, flush=True); time.sleep(60)"
    )

    async def scenario():
        async with opened(text) as processes:
            processes.run_server(A, 1)
            said = []
            await until(lambda: said.append(capfd.readouterr().err) or any(map(str.strip, said)))
            return int("".join(said).split()[-1])

    child = asyncio.run(scenario())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and is_running(child) and not _is_zombie(child):
        time.sleep(0.01)
    assert not is_running(child) or _is_zombie(child)


def test_one_that_never_connects_is_killed(caplog):
    async def scenario():
        async with open_tasks("processes") as tasks:
            fleet = Fleet(start_timeout_s=0.2)
            processes = Processes(fleet, SystemClock(), tasks)
            processes.begin(program(WAITS))
            processes.run_server(A, 1)
            await until(lambda: "did not connect within 0.2 s" in caplog.text)
            await processes.end()

    asyncio.run(scenario())
    assert "agent process is killed replica=a/0" in caplog.text


def _is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_process_reads_its_settings_from_a_file_in_memory(tmp_path):
    there = tmp_path / "there.json"
    text = (
        "import pathlib, sys, time; "
        f"pathlib.Path({str(there)!r}).write_text(pathlib.Path(sys.argv[2]).read_text()); "
        "time.sleep(60)"
    )

    async def scenario():
        start = Start((sys.executable, "-c", text), dict(os.environ), {"agent": {"port": 1}})
        async with open_processes((), SystemClock()) as processes:
            processes.run_server(A, 1)
            processes.begin(lambda wanted: start)
            await until(lambda: there.exists() and there.read_text())

    asyncio.run(scenario())
    assert json.loads(there.read_text()) == {"agent": {"port": 1}}


def settings_of(start, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(start.settings))
    return load_settings(file, start.environment, {})


SERVER = ServerSpec(
    "a",
    capabilities=("x", "y"),
    memory_bytes=2**20,
    over_commit_percentage=7,
    python="/opt/python",
    environment_variables={"MINE": "1", "SELDON_LOG_LEVEL": "debug"},
    device_count=2,
)


def test_an_agent_has_our_settings_but_for_what_it_is(tmp_path):
    ours = load_settings(None, {}, {"listener.headerCount": 7, "listener.port": 9000}).settings
    environ = {"PATH": "/bin", "SELDON_AGENT__MEMORY": "1", "MEMORY_REQUEST": "2", "POD_NAME": "p"}
    environ["CONTROL_PLANE_SECURITY_PROTOCOL"] = "SSL"
    launch = launcher(lambda: show_settings(ours), environ, ("127.0.0.1", 4321), tmp_path)
    start = launch(StartProcess(ReplicaId("a", 1), SERVER, 1))
    assert start.program[0] == "/opt/python"
    assert start.program[-2:] == ["serve", "--role=agent"]
    loaded = settings_of(start, tmp_path)
    settings = loaded.settings
    assert loaded.notices == ()
    assert settings.listener.header_count == 7
    assert (settings.listener.port, settings.admin.port) == (0, 0)
    assert (settings.scheduler.host, settings.agent.port) == ("127.0.0.1", 4321)
    assert (settings.agent.server_name, settings.agent.replica_idx) == ("a", 1)
    assert settings.agent.capabilities == ("x", "y")
    assert (settings.agent.memory, settings.agent.over_commit_percentage) == (2**20, 7)
    assert settings.agent.parent == os.getpid()
    assert settings.log.level == "debug"
    assert start.environment["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert start.environment["MINE"] == "1"
    assert "CONTROL_PLANE_SECURITY_PROTOCOL" not in start.environment


def test_an_agent_runs_in_the_environment_that_is_named(tmp_path):
    python = tmp_path / "fraud" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    ours = load_settings(None, {}, {}).settings
    launch = launcher(lambda: show_settings(ours), {}, ("127.0.0.1", 1), tmp_path)
    named = replace(A, environment_name="team/fraud:1")
    assert launch(StartProcess(ReplicaId("a", 0), named, 1)).program[0] == str(python)


def test_a_server_whose_environment_is_missing_says_so_and_starts_once_it_is_there(tmp_path):
    def launch(wanted):
        interpreter_of(wanted.server, tmp_path)
        return program(WAITS)(wanted)

    async def scenario():
        async with open_processes((), SystemClock()) as processes:
            processes.begin(launch)
            processes.run_server(replace(A, environment_name="fraud"), 1)
            replica = ReplicaId("a", 0)
            await until(lambda: processes.replicas()[replica].ends == 1)
            last_end = processes.replicas()[replica].last_end
            assert last_end.startswith("could not be started: environment: 'fraud' is not on")
            (tmp_path / "fraud" / "bin").mkdir(parents=True)
            (tmp_path / "fraud" / "bin" / "python").touch()
            await until(lambda: processes.pids)

    asyncio.run(scenario())


def test_a_python_that_lacks_a_library_is_told_of():
    async def scenario():
        async with opened(f"raise SystemExit({LACKS_LIBRARY})") as processes:
            processes.run_server(A, 1)
            replica = ReplicaId("a", 0)
            await until(lambda: processes.replicas()[replica].ends)
            told = "its Python lacks a library that an agent needs; the log names it"
            assert processes.replicas()[replica].last_end == told

    asyncio.run(scenario())


def test_the_gpus_of_a_machine_are_counted(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "sda"):
        (tmp_path / name).touch()
    assert devices_here(tmp_path) == 2


@pytest.mark.parametrize("path", [None, "/lib/mine"], ids=["no path", "a path"])
def test_an_agent_runs_this_very_code(path, tmp_path):
    ours = load_settings(None, {}, {}).settings
    environ = {"PYTHONPATH": path} if path else {}
    launch = launcher(lambda: show_settings(ours), environ, ("127.0.0.1", 1), tmp_path)
    start = launch(StartProcess(ReplicaId("a", 0), A, 1))
    assert start.program[0] == sys.executable
    first, *others = start.environment["PYTHONPATH"].split(os.pathsep)
    assert os.path.isdir(os.path.join(first, "seldon_core"))
    assert others == ([path] if path else [])
    assert "CUDA_VISIBLE_DEVICES" not in start.environment
    assert settings_of(start, tmp_path).settings.agent.memory == ours.agent.memory
