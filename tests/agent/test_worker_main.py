"""The worker's side, spoken to over a socket pair without the agent."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from seldon_core.agent import frames, worker_main
from seldon_core.config.settings import LogSettings
from seldon_core.observability.logs import log_settings
from tests.support.estimators import Worker
from tests.support.models import FLOAT, node, tensor, write_joblib, write_onnx

LOG = ["--log", '{"level": "info", "format": "text", "levels": {}}']


class Agent:
    """Asks and reads the answers."""

    def __init__(self, link):
        self.link = link
        self.link.settimeout(20)
        self.reader = frames.FrameReader()
        self.frames = []

    def send(self, *request, arrays=()):
        for part in frames.encode(*request, arrays):
            self.link.sendall(part)

    def next(self):
        while not self.frames:
            try:
                count = self.link.recv_into(self.reader.room())
            except ConnectionResetError:  # it ended with something unread
                return None
            if not count:
                return None
            self.frames += self.reader.received(count)
        return self.frames.pop(0)

    def ask(self, *request, arrays=()):
        self.send(*request, arrays=arrays)
        return self.next()


@contextmanager
def served():
    """A worker in a thread of this process."""
    ours, theirs = socket.socketpair()
    with theirs:
        thread = threading.Thread(target=worker_main.serve, args=(theirs,))
        thread.start()
        with ours:
            yield Agent(ours)
        thread.join(20)
        assert not thread.is_alive()


def greeted(agent):
    assert agent.next()[:3] == ("hello", 0, [frames.VERSION])
    agent.send("hello", 0, [frames.VERSION])
    return agent


def double(folder):
    return write_onnx(
        folder,
        [node("Add", ["x", "x"], ["y"])],
        [tensor("x", FLOAT, ["n", 2])],
        [tensor("y", FLOAT, ["n", 2])],
    )


def test_a_model_is_loaded_run_and_let_go(tmp_path):
    with served() as agent:
        greeted(agent)
        answer = agent.ask("load", 1, frames.artifact_fields(double(tmp_path)))
        assert answer[:2] == ("load", 1)
        signature, memory_bytes = answer.fields
        assert frames.signature_from(signature).inputs[0].name == "x"
        assert memory_bytes >= (tmp_path / "model.onnx").stat().st_size
        rows = np.ones((3, 2), np.float32)
        answer = agent.ask("infer", 2, ["m_1", ["y"]], arrays=[rows])
        assert answer[:2] == ("infer", 2)
        assert np.array_equal(answer.arrays[0], rows * 2)
        assert 0 < answer.fields[0] < 20
        assert agent.ask("unload", 3, ["m_1"])[:2] == ("unload", 3)
        answer = agent.ask("infer", 4, ["m_1", ["y"]], arrays=[rows])
        assert answer[:2] == ("error", 4)
        assert answer.fields == ["model", "m_1 is not loaded in its worker process", ""]


def test_an_error_answers_its_request_and_the_next_one_is_served(tmp_path):
    with served() as agent:
        greeted(agent)
        answer = agent.ask("sing", 1)
        assert answer.fields == ["request", "the worker knows no request 'sing'", ""]
        fields = frames.artifact_fields(double(tmp_path))
        assert agent.ask("load", 2, fields).kind == "load"
        bad = [np.ones((1, 3), np.float32)]
        assert agent.ask("infer", 3, ["m_1", ["y"]], arrays=bad).kind == "error"
        assert agent.ask("infer", 4, ["m_1"]).fields[1].startswith("ValueError: ")


def test_another_version_is_refused():
    with served() as agent:
        agent.next()
        answer = agent.ask("hello", 0, [frames.VERSION + 1])
        assert answer.kind == "error"
        assert "speaks version 1" in answer.fields[1]


def test_the_agents_leaving_while_it_is_answered_ends_the_worker(tmp_path):
    with served() as agent:
        greeted(agent)
        agent.send("load", 1, frames.artifact_fields(double(tmp_path)))
        agent.link.close()


def test_a_process_ignores_ctrl_c_and_ends_with_its_link(tmp_path):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-m", "seldon_core.agent.worker_main"]
        process = subprocess.Popen(
            [*command, "--fd", str(theirs.fileno()), *LOG], pass_fds=(theirs.fileno(),)
        )
        theirs.close()
        agent = greeted(Agent(ours))
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        assert agent.ask("sing", 1).kind == "error"
        ours.close()
        assert process.wait(20) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_busy_process_dies_with_its_agent(tmp_path):
    artifact = write_joblib(tmp_path, Worker())
    ours, theirs = socket.socketpair()
    # An agent that starts a worker and then only waits: it hands us the other end of the link.
    agent_code = (
        "import subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-m', 'seldon_core.agent.worker_main', '--fd', "
        "*sys.argv[1:]], pass_fds=(int(sys.argv[1]),)); print(p.pid, flush=True); time.sleep(60)"
    )
    with ours:
        with theirs:
            parent = subprocess.Popen(
                [sys.executable, "-c", agent_code, str(theirs.fileno()), *LOG],
                pass_fds=(theirs.fileno(),),
                stdout=subprocess.PIPE,
            )
        agent = greeted(Agent(ours))
        agent.ask("load", 1, frames.artifact_fields(artifact))
        agent.send("infer", 2, ["m_1", ["predict"]], arrays=[np.full((1, 1), Worker.SLEEP)])
        parent.kill()
        parent.communicate()
        assert agent.next() is None  # its end of the link is closed: the process is gone


@pytest.mark.usefixtures("logging_as_before")
def test_main_serves_the_link_it_is_given_and_logs_as_it_is_told(monkeypatch):
    log = json.dumps({"level": "debug", "format": "json", "levels": {"seldon_core.agent": "error"}})
    ours, theirs = socket.socketpair()
    with ours:
        monkeypatch.setattr(sys, "argv", ["worker", "--fd", str(theirs.detach()), "--log", log])
        monkeypatch.setattr(worker_main, "_die_with_parent", lambda: None)
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            ours.shutdown(socket.SHUT_WR)
            worker_main.main()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert log_settings() == LogSettings(**json.loads(log))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        assert Agent(ours).next().kind == "hello"
