"""Models that leave every replica when nobody calls them, and come back for a call."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from seldon_core.proto import open_inference_pb2 as oip
from tests.support.server import serving
from tests.system.test_roles import PORTS, ROW, apply, ask, infer, until

RULES = ("--set=scaling.periodS=0.3", "--set=scaling.wakeTimeoutS=20")


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


def sleeps(server, model="iris-z"):
    row = row_of(server, model)
    return row is not None and row["state"] == "ModelScaledDown" and not row["replicas"]


def loads(server):
    return server.output.count("model loaded model=iris-z")


def grpc_infer(port, model, timeout=10):
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
        return [answer.error_message for answer in call(messages(), timeout=30)]


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
    assert loads(server) > 2


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
