"""Models that leave every replica when nobody calls them, and come back for a call."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest

from seldon_core.proto import open_inference_pb2 as oip
from tests.support.hop import free_port
from tests.support.server import serving
from tests.system.test_roles import PORTS, ROW, apply, ask, until

RULES = ("--set=scaling.periodS=0.3", "--set=scaling.wakeTimeoutS=60")


def sleepy(samples, folder, *, name="iris-z", after=1, spec="", uri="iris"):
    """A manifest of a model that is scaled to zero after a second."""
    manifest = folder / f"{name}.yaml"
    manifest.write_text(
        f"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata:\n  name: {name}\n"
        "  annotations:\n    seldon-core/scale-to-zero: 'true'\n"
        f"    seldon-core/scale-to-zero-after-s: '{after}'\n"
        f"spec: {{storageUri: {samples}/artifacts/{uri}, requirements: [sklearn]{spec}}}\n"
    )
    return manifest


def row_of(server, model="iris-z"):
    rows = ask(f"{server.admin}/status")[1]["models"]
    return next((row for row in rows if row["name"] == model), None)


def infer(url, model):
    """The status of a call with all the time in the world: a busy machine takes long to unload."""
    request = urllib.request.Request(
        f"{url}/v2/models/{model}/infer",
        json.dumps({"inputs": [ROW]}).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def sleeps(server, model="iris-z"):
    row = row_of(server, model)
    return row is not None and row["state"] == "ModelScaledDown" and not row["replicas"]


def sleeps_by(router):
    return row_of(router)["reason"] == "scaled to zero; the next call loads it"


def loads(server):
    return server.output.count("model loaded model=iris-z")


def grpc_infer(port, model, timeout=60):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelInferResponse.FromString,
        )
        return call(message_for(model), timeout=timeout).model_name


def message_for(model):
    row = oip.ModelInferRequest.InferInputTensor(name="predict", shape=[1, 4], datatype="FP32")
    row.contents.fp32_contents.extend(ROW["data"])
    return oip.ModelInferRequest(model_name=model, inputs=[row])


def grpc_stream(port, model, pauses):
    """Open a stream; send a message after each of `pauses`, and return the answers' texts."""

    def messages():
        for pause in pauses:
            pause()
            yield message_for(model)

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer",
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelStreamInferResponse.FromString,
        )
        return [answer.error_message for answer in call(messages(), timeout=90)]


@pytest.fixture
def all_in_one(samples, tmp_path):
    (tmp_path / "none").mkdir()
    data, trusted = str(tmp_path / "data"), f"--set=agent.trustedPrefixes={samples}"
    with serving("serve", "--data-dir", data, trusted, *RULES, *PORTS) as server:
        yield server


def test_a_model_that_nobody_calls_sleeps_and_many_calls_wake_it_once(
    all_in_one, samples, tmp_path
):
    server = all_in_one
    apply(server, sleepy(samples, tmp_path))
    until(lambda: row_of(server)["state"] == "ModelAvailable", "it is loaded")
    assert infer(server.url, "iris-z") == 200
    until(lambda: sleeps(server), "it sleeps")
    assert "the next call loads it" in row_of(server)["reason"]

    # Who asks whether it is ready does not wake it.
    assert ask(f"{server.url}/v2/models/iris-z/ready")[0] == 200
    assert sleeps(server)
    before = loads(server)
    with ThreadPoolExecutor(32) as pool:
        codes = list(pool.map(lambda _: infer(server.url, "iris-z"), range(64)))
    assert codes == [200] * 64
    assert loads(server) == before + 1

    until(lambda: sleeps(server), "it sleeps again")
    assert grpc_infer(server.port, "iris-z") == "iris-z_1"
    until(lambda: sleeps(server), "it sleeps again")
    nothing, nap = (lambda: None), (lambda: until(lambda: sleeps(server), "it sleeps"))
    assert grpc_stream(server.port, "iris-z", [nothing, nap, nothing, nap]) == [""] * 4
    until(lambda: sleeps(server), "it sleeps again")
    assert ask(f"{server.url}/v2/models/iris-z")[1]["name"] == "iris-z"


def test_a_call_in_the_moment_of_an_unload_is_answered(all_in_one, samples, tmp_path):
    server = all_in_one
    apply(server, sleepy(samples, tmp_path))
    until(lambda: row_of(server)["state"] == "ModelAvailable", "it is loaded")
    over = time.monotonic() + 6
    codes = []
    while time.monotonic() < over:
        until(lambda: sleeps(server), "it sleeps")
        codes.append(infer(server.url, "iris-z"))
        time.sleep(0.9 + len(codes) * 0.05)  # about when it goes
        codes.append(infer(server.url, "iris-z"))
    assert set(codes) == {200}
    assert loads(server) >= 2


def test_sleep_outlives_a_restart_and_a_failed_load_is_said(samples, tmp_path):
    data, trusted = str(tmp_path / "data"), f"--set=agent.trustedPrefixes={samples}"
    copied = tmp_path / "artifacts" / "own"
    subprocess.run(["cp", "-r", f"{samples}/artifacts/iris", str(copied.parent) + "-"], check=True)
    home = tmp_path / "artifacts-"
    options = ("serve", "--data-dir", data, trusted, f"--set=agent.trustedPrefixes={home}", *RULES)
    manifest = sleepy(samples, tmp_path)
    manifest.write_text(manifest.read_text().replace(f"{samples}/artifacts/iris", str(home)))
    with serving(*options, *PORTS) as server:
        apply(server, manifest)
        until(lambda: sleeps(server), "it sleeps")
    with serving(*options, *PORTS) as server:
        assert sleeps(server)
        assert loads(server) == 0
        home.rename(tmp_path / "away")
        code, text = ask(f"{server.url}/v2/models/iris-z/infer", {"inputs": [ROW]})
        assert code == 503
        assert b"cannot be" in text
        assert str(tmp_path).encode() not in text
        (tmp_path / "away").rename(home)
        until(lambda: infer(server.url, "iris-z") == 200, "it is loaded after all")


@contextmanager
def a_scheduler(tmp_path, port="0", agent="0"):
    ports = [f"--scheduler-port={port}", f"--agent-port={agent}", "--admin-port=0"]
    data = ["--data-dir", str(tmp_path / "scheduler")]
    with serving("serve", "--role=scheduler", *data, *RULES, *ports) as scheduler:
        yield scheduler


@contextmanager
def a_router(scheduler, *rules):
    link = [f"--scheduler-port={scheduler.ports['agent']}", "--port=0", "--admin-port=0"]
    with serving("serve", "--role=router", *(rules or RULES), *link) as router:
        yield router


@contextmanager
def three_processes(samples, tmp_path):
    with a_scheduler(tmp_path) as scheduler:
        link = [f"--scheduler-port={scheduler.ports['agent']}", "--port=0", "--admin-port=0"]
        options = ["--data-dir", str(tmp_path / "agent"), f"--set=agent.trustedPrefixes={samples}"]
        with (
            serving("serve", "--role=agent", *options, *RULES, *link) as agent,
            a_router(scheduler) as router,
        ):
            yield scheduler, agent, router


def asleep_somewhere(scheduler):
    return until(lambda: sleeps(scheduler), "it sleeps")


def test_processes_of_each_role_wake_a_model_over_the_link_that_they_have(samples, tmp_path):
    with three_processes(samples, tmp_path) as (scheduler, agent, router):
        apply(scheduler, sleepy(samples, tmp_path))
        until(lambda: infer(router.url, "iris-z") == 200, "the model is loaded")
        asleep_somewhere(scheduler)
        before = loads(agent)
        with ThreadPoolExecutor(32) as pool:
            codes = list(pool.map(lambda _: infer(router.url, "iris-z"), range(64)))
        assert codes == [200] * 64
        assert loads(agent) == before + 1
        asleep_somewhere(scheduler)
        assert grpc_infer(router.port, "iris-z") == "iris-z_1"
        nothing, nap = (lambda: None), (lambda: asleep_somewhere(scheduler))
        assert grpc_stream(router.port, "iris-z", [nap, nothing, nap]) == [""] * 3
        asleep_somewhere(scheduler)
        assert ask(f"{router.url}/v2/models/iris-z/ready")[0] == 200

        # A router that starts now knows that it sleeps, and wakes it.
        with a_router(scheduler) as another:
            until(lambda: row_of(another), "it knows the routes")
            assert sleeps(scheduler)
            assert infer(another.url, "iris-z") == 200


def test_a_call_outlives_a_scheduler_that_restarts_and_not_one_that_stays_away(samples, tmp_path):
    port, agent_port = str(free_port()), str(free_port())
    options = ["--data-dir", str(tmp_path / "agent"), f"--set=agent.trustedPrefixes={samples}"]
    link = [f"--scheduler-port={agent_port}", "--port=0", "--admin-port=0"]
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(a_scheduler(tmp_path, port, agent_port))
        stack.enter_context(serving("serve", "--role=agent", *options, *RULES, *link))
        router = stack.enter_context(a_router(scheduler))
        hasty = stack.enter_context(a_router(scheduler, "--set=scaling.wakeTimeoutS=1"))
        apply(scheduler, sleepy(samples, tmp_path, after=3))
        until(lambda: infer(router.url, "iris-z") == 200, "the model is loaded")
        until(lambda: sleeps_by(router) and sleeps_by(hasty), "the routers know that it sleeps")
        scheduler.process.kill()
        scheduler.process.wait()

        code, text = ask(f"{hasty.url}/v2/models/iris-z/infer", {"inputs": [ROW]})
        assert code == 503
        assert b"was not loaded within 1 s: the scheduler" in text
        with pytest.raises(grpc.RpcError) as caught:
            grpc_infer(router.port, "iris-z", timeout=0.5)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(grpc_infer, router.port, "iris-z", timeout=60) for _ in range(4)]
            time.sleep(0.5)
            assert not any(call.done() for call in calls)
            stack.enter_context(a_scheduler(tmp_path, port, agent_port))
            assert {call.result(60) for call in calls} == {"iris-z_1"}


def test_a_model_that_is_deleted_while_calls_wait_is_not_found(samples, tmp_path):
    with a_scheduler(tmp_path) as scheduler, a_router(scheduler) as router:
        # No agent: there is no place for it, so a load takes as long as it takes.
        apply(scheduler, sleepy(samples, tmp_path, spec=", replicas: 0"))
        until(lambda: sleeps(scheduler), "it sleeps")
        code, text = ask(f"{router.url}/v2/models/iris-z/infer", {"inputs": [ROW]})
        assert code == 503
        assert b"no server is connected" in text
        delete(scheduler, "iris-z")
        until(lambda: infer(router.url, "iris-z") == 404, "it is gone")


def delete(server, model):
    where = ("--scheduler-host", f"127.0.0.1:{server.ports['scheduler']}")
    program = (sys.executable, "-m", "seldon_core", "delete", "model", model, *where)
    subprocess.run(program, check=True, capture_output=True)


def test_other_rules_are_followed_while_the_process_runs(samples, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("scaling: {periodS: 3600}\n")
    data, trusted = str(tmp_path / "data"), f"--set=agent.trustedPrefixes={samples}"
    with serving("serve", "--config", str(config), "--data-dir", data, trusted, *PORTS) as server:
        apply(server, sleepy(samples, tmp_path))
        until(lambda: row_of(server)["state"] == "ModelAvailable", "it is loaded")
        config.write_text("scaling: {periodS: 0.3, wakeQueue: 5}\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: sleeps(server), "it sleeps")
        assert "changed=scaling.periodS,scaling.wakeQueue" in server.output
        assert infer(server.url, "iris-z") == 200
