"""A router before two agents in processes of their own, which are killed under load in turns."""

import http.client
import json
import os
import signal
import sys
import threading
import time

import pytest

from perf.harness import bodies
from perf.harness.artifacts import Artifacts
from perf.harness.processes import ServerProcess, free_port
from perf.harness.servers import READY, ROOT

pytestmark = pytest.mark.system

PATH = "/v2/models/iris/infer"


class Processes:
    """Starts routers and agents, and stops them."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.model = str(Artifacts(folder / "artifacts").make().one / "iris")

    def start(self, *arguments):
        command = [sys.executable, "-m", "perf.two_processes", *map(str, arguments)]
        log = self.folder / f"log{len(self.started)}"
        process = ServerProcess(command, log, env={"PYTHONPATH": str(ROOT)}, cwd=ROOT)
        self.started.append(process)
        return process

    def agent(self, port):
        process = self.start("agent", port, self.model)
        process.wait_ready(port, READY)
        return process

    def stop(self):
        for process in self.started:
            process.stop()


class Caller(threading.Thread):
    """Calls until it is told to stop; `failed` are the statuses other than 200, and errors."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.calls = 0
        self.failed = []
        self.over = threading.Event()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.over.is_set():
            try:
                connection.request("POST", PATH, bodies.IRIS_JSON)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    self.failed.append(content)
            except OSError as error:
                self.failed.append(error)
            self.calls += 1
        connection.close()


def calls_of(port):
    """How many calls an agent has answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/v2/models/iris/stats")
    (counts,) = json.loads(connection.getresponse().read())["model_stats"]
    connection.close()
    return counts["inference_count"]


def test_no_call_is_lost_with_a_replica_that_is_killed(tmp_path):
    processes = Processes(tmp_path)
    try:
        ports = [free_port(), free_port()]
        agents = [processes.agent(port) for port in ports]
        front = free_port()
        router = processes.start("router", front, ",".join(map(str, ports)), "iris")
        router.wait_ready(front, "/v2/models/iris/ready")
        callers = [Caller(front) for _ in range(4)]
        for caller in callers:
            caller.start()
        for turn in range(2):
            before = sum(caller.calls for caller in callers)
            os.kill(agents[turn].pid, signal.SIGKILL)
            agents[turn] = processes.agent(ports[turn])
            assert sum(caller.calls for caller in callers) > before
            while not calls_of(ports[turn]):  # until the router has found it again
                pass
        for caller in callers:
            caller.over.set()
        for caller in callers:
            caller.join(30)
        assert [caller.failed for caller in callers] == [[]] * 4
    finally:
        processes.stop()


def test_a_replica_that_is_silent_is_given_up_and_no_call_fails(tmp_path):
    processes = Processes(tmp_path)
    try:
        ports = [free_port(), free_port()]
        agents = [processes.agent(port) for port in ports]
        front = free_port()
        router = processes.start("router", front, ",".join(map(str, ports)), "iris")
        router.wait_ready(front, "/v2/models/iris/ready")
        callers = [Caller(front) for _ in range(4)]
        for caller in callers:
            caller.start()
        while not calls_of(ports[0]):
            pass
        os.kill(agents[0].pid, signal.SIGSTOP)
        aims = [caller.calls + 500 for caller in callers]
        end = time.monotonic() + 25  # of which one that the stopped one has waits 15 at most
        while any(caller.calls < aim for caller, aim in zip(callers, aims, strict=True)):
            assert time.monotonic() < end
            time.sleep(0.05)
        for caller in callers:
            caller.over.set()
        for caller in callers:
            caller.join(30)
        assert [caller.failed for caller in callers] == [[]] * 4
    finally:
        os.kill(agents[0].pid, signal.SIGCONT)
        processes.stop()
