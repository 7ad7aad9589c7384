"""Roles in processes of their own, started by hand and by the process that owns a server."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import grpc

from seldon_core.proto import servers_pb2 as pb
from tests.support.server import serving

LISTENS = re.compile(r"agent process listens replica=(\S+) inference=(\S+) admin=(\S+)")
STARTED = re.compile(r"agent process started replica=(\S+) pid=(\d+)")
ROW = {"name": "predict", "shape": [1, 4], "datatype": "FP32", "data": [5.1, 3.5, 1.4, 0.2]}
WHOLE = {"mlserver/0", "mlserver/1", "mlserver/2"}
PORTS = ["--port=0", "--scheduler-port=0", "--agent-port=0", "--admin-port=0"]


def until(condition, what, timeout_s=40.0):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise TimeoutError(what)


def ask(url, body=None):
    request = urllib.request.Request(
        url,
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def infer(url, model):
    return ask(f"{url}/v2/models/{model}/infer", {"inputs": [ROW]})[0]


def places_of(server, model):
    """The replicas that a model is on."""
    (found,) = [row for row in ask(f"{server.admin}/status")[1]["models"] if row["name"] == model]
    return set(found["replicas"])


def servers(port, method, request, response):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            f"/seldon_core.control.Servers/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return call(request, timeout=10)


def run_three(server):
    """Have the default server `mlserver` run three replicas, two of which are processes."""
    declared = pb.Server(name="mlserver", configName="mlserver", replicas=3)
    servers(server.ports["scheduler"], "ApplyServer", declared, pb.ServerChange)


def seen(server, pattern):
    return [match.groups() for match in pattern.finditer(server.output)]


def replicated(samples, folder):
    """A manifest of a model that is on three replicas."""
    manifest = folder / "iris-x.yaml"
    manifest.write_text(
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: iris-x}\n"
        f"spec: {{storageUri: {samples}/artifacts/iris, requirements: [sklearn], replicas: 3}}\n"
    )
    return manifest


def apply(server, manifest):
    where = ("--scheduler-host", f"127.0.0.1:{server.ports['scheduler']}")
    program = (sys.executable, "-m", "seldon_core", "apply", "-f", str(manifest), *where)
    subprocess.run(program, check=True, capture_output=True)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def all_in_one(samples, tmp_path):
    (tmp_path / "none").mkdir()
    trusted = f"agent.trustedPrefixes={samples}"
    data = str(tmp_path / "data")
    with serving("serve", "--data-dir", data, "--set", trusted, *PORTS) as server:
        yield server


def test_replicas_are_processes_that_answer_and_one_that_is_killed_is_back(samples, tmp_path):
    with all_in_one(samples, tmp_path) as server:
        run_three(server)
        apply(server, replicated(samples, tmp_path))
        until(lambda: places_of(server, "iris-x") == WHOLE, "the model is on three replicas")
        assert {infer(server.url, "iris-x") for _ in range(300)} == {200}
        places = {replica: f"http://{inference}" for replica, inference, _ in seen(server, LISTENS)}
        assert set(places) == {"mlserver/1", "mlserver/2"}
        for url in places.values():
            _, stats = ask(f"{url}/v2/models/iris-x/stats")
            assert stats["model_stats"][0]["inference_count"] > 0

        (pid,) = [int(pid) for replica, pid in seen(server, STARTED) if replica == "mlserver/1"]
        os.kill(pid, signal.SIGKILL)
        codes = [infer(server.url, "iris-x") for _ in range(500)]
        assert codes.count(200) >= len(codes) - 1  # one may have been on its way to it
        until(lambda: len(seen(server, STARTED)) == 3, "it was started again")
        until(lambda: len(seen(server, LISTENS)) == 3, "it is back")
        until(lambda: places_of(server, "iris-x") == WHOLE, "it is on three replicas again")
        assert "agent process ended replica=mlserver/1 reason='signal 9' ends=1" in server.output

        pids = [int(pid) for _, pid in seen(server, STARTED)]
        assert server.stop() == 0
        assert not any(map(is_running, pids))


def test_a_changed_config_replaces_replicas_while_all_calls_are_answered(samples, tmp_path):
    with all_in_one(samples, tmp_path) as server:
        run_three(server)
        apply(server, replicated(samples, tmp_path))
        until(lambda: places_of(server, "iris-x") == WHOLE, "the model is on three replicas")
        config = pb.ServerConfig(name="mlserver", process=pb.ServerProcess(overCommitPercentage=20))
        servers(server.ports["scheduler"], "ApplyServerConfig", config, pb.ServerChange)
        codes = []

        def replaced():
            codes.append(infer(server.url, "iris-x"))
            return len(seen(server, LISTENS)) == 4

        until(replaced, "both processes are replaced")
        until(lambda: places_of(server, "iris-x") == WHOLE, "it is on three replicas again")
        assert set(codes) == {200}


def test_agents_end_with_a_process_that_is_killed(samples, tmp_path):
    with all_in_one(samples, tmp_path) as server:
        run_three(server)
        until(lambda: len(seen(server, LISTENS)) == 2, "the agents are there")
        pids = [int(pid) for _, pid in seen(server, STARTED)]
        assert all(map(is_running, pids))
        server.process.kill()
        until(lambda: not any(map(is_running, pids)), "the agents have ended")


def test_a_router_serves_on_while_the_scheduler_is_down(samples, tmp_path):
    trusted = f"agent.trustedPrefixes={samples}"
    models = ["--models", str(samples / "models"), "--data-dir", str(tmp_path / "scheduler")]
    with serving("serve", "--role=scheduler", *models, *PORTS[1:]) as scheduler:
        link = [f"--scheduler-port={scheduler.ports['agent']}", "--port=0", "--admin-port=0"]
        agent_at = ["--data-dir", str(tmp_path / "agent"), "--set", trusted]
        with (
            serving("serve", "--role=agent", *agent_at, *link) as agent,
            serving("serve", "--role=router", *link) as router,
        ):
            until(lambda: infer(router.url, "iris") == 200, "the model is loaded")
            assert ask(f"{agent.url}/v2/models/iris")[0] == 200
            scheduler.process.kill()
            scheduler.process.wait()
            assert {infer(router.url, "iris") for _ in range(50)} == {200}
            assert router.stop() == 0
            assert agent.stop() == 0


def test_scheduler_and_agents_without_a_router_run_the_default_servers_as_processes(
    samples, tmp_path
):
    models = ["--models", str(samples / "models"), "--data-dir", str(tmp_path)]
    with serving("serve", "--role=scheduler,agent", *models, *PORTS) as server:
        link = [f"--scheduler-port={server.ports['agent']}", "--port=0", "--admin-port=0"]
        with serving("serve", "--role=router", *link) as router:
            until(lambda: infer(router.url, "iris") == 200, "the model is loaded")
            assert {replica for replica, _, _ in seen(server, LISTENS)} == {
                "mlserver/0",
                "triton/0",
            }
            assert router.stop() == 0
