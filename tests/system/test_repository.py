"""The repository extension against a real server: models come, change and go while it is called."""

import http.client
import json
import os
import threading
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException

from seldon_core.proto import extensions_pb2 as pb
from tests.support.numbered_models import INPUT, OUTPUT, ArtifactShop, Sort
from tests.support.server import serving

pytestmark = pytest.mark.system

ZERO = {"inputs": [{"name": INPUT, "shape": [1], "datatype": "FP32", "data": [0.0]}]}


class Folder:
    """A folder of models, whose files are replaced in one step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shop = ArtifactShop(path.parent / "artifacts")

    def put(self, name: str, sort: Sort = Sort.HEALTHY) -> int:
        """Put an artifact in the place of a model's; return the number that it answers with."""
        number, spec = self._shop.make(name, sort)
        (self.path / name).mkdir(exist_ok=True)
        made = Path(spec.storage_uri) / "model.onnx"
        os.replace(made, self.path / name / "model.onnx")
        return number


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("repository") / "models"
    path.mkdir()
    made = Folder(path)
    made.put("first")
    return made


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """A server of a folder that the tests change; each works on a model of its own."""
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    data = tmp_path_factory.mktemp("data")
    with serving("serve", "--models", str(folder.path), "--data-dir", str(data), *ports) as started:
        yield started


@pytest.fixture
def client(server):
    with triton_http.InferenceServerClient(f"127.0.0.1:{server.port}") as made:
        yield made


def request(server, method, path, document=None):
    """Return the status and the body, None if it is empty."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data else None
    finally:
        connection.close()


def answer(server, model):
    """Return the status of a call, and the number that the model answers with."""
    status, body = request(server, "POST", f"/v2/models/{model}/infer", ZERO)
    return status, body["outputs"][0]["data"][0] if status == 200 else None


def load(server, model, document=None):
    return request(server, "POST", f"/v2/repository/models/{model}/load", document)


def unload(server, model):
    return request(server, "POST", f"/v2/repository/models/{model}/unload")


def index(server, model, document=None):
    _, rows = request(server, "POST", "/v2/repository/index", document)
    return [(row.get("version"), row["state"]) for row in rows if row["name"] == model]


@contextmanager
def calling(server, model):
    """Call a model without a pause; yields the list of what came of it."""
    seen = []
    stop = threading.Event()

    def call():
        while not stop.is_set():
            seen.append(answer(server, model))

    caller = threading.Thread(target=call)
    caller.start()
    try:
        yield seen
    finally:
        stop.set()
        caller.join()


def test_a_model_that_was_unloaded_is_gone_until_it_is_loaded(server, folder):
    number = folder.put("comes")
    assert answer(server, "comes") == (404, None)
    assert index(server, "comes") == [(None, "UNAVAILABLE")]
    assert load(server, "comes") == (200, None)
    assert answer(server, "comes") == (200, number)
    assert index(server, "comes") == [("1", "READY")]
    assert unload(server, "comes") == (200, None)
    assert answer(server, "comes") == (404, None)
    assert index(server, "comes") == [(None, "UNAVAILABLE")]
    assert index(server, "comes", {"ready": True}) == []
    assert load(server, "comes") == (200, None)
    assert answer(server, "comes") == (200, number)


def test_a_new_file_is_served_without_a_call_failing_in_between(server, folder):
    before = folder.put("changes")
    load(server, "changes")
    with calling(server, "changes") as seen:
        while not seen:
            pass
        after = folder.put("changes")
        assert load(server, "changes") == (200, None)
        settled = len(seen) + 1  # a call that is under way may have come before
        while len(seen) < settled + 5:
            pass
    assert {status for status, _ in seen} == {200}
    assert seen[0] == (200, before)
    assert {number for _, number in seen[settled:]} == {after}


def test_a_broken_file_is_an_error_and_the_old_one_goes_on(server, folder):
    number = folder.put("breaks")
    load(server, "breaks")
    with calling(server, "breaks") as seen:
        folder.put("breaks", Sort.BROKEN)
        status, body = load(server, "breaks")
        assert status == 400
        assert "breaks" in body["error"]
    assert set(seen) <= {(200, number)}
    assert answer(server, "breaks") == (200, number)
    assert index(server, "breaks")[0] == ("1", "READY")
    mended = folder.put("breaks")
    assert load(server, "breaks") == (200, None)
    assert answer(server, "breaks") == (200, mended)


def test_a_model_that_is_nowhere_is_an_error(server):
    assert load(server, "nowhere")[0] in (400, 404)
    assert unload(server, "nowhere")[0] in (400, 404)


def test_a_configuration_is_kept_as_far_as_there_is_one_of_ours(server, folder):
    folder.put("tuned")
    wanted = {"seldon-core/max-queue": {"string_value": "7"}}
    named = {"name": "tuned", "parameters": wanted}
    assert load(server, "tuned", {"parameters": {"config": json.dumps(named)}}) == (200, None)
    _, config = request(server, "GET", "/v2/models/tuned/config")
    assert (config["name"], config["parameters"]) == ("tuned", wanted)
    status, body = load(server, "tuned", {"parameters": {"config": '{"backend": "python"}'}})
    assert status == 400
    assert "backend" in body["error"]


@pytest.mark.parametrize("transport", [triton_http, triton_grpc], ids=["http", "grpc"])
def test_tritonclient_loads_calls_and_unloads(server, folder, transport):
    name = f"triton-{transport.__name__.rpartition('.')[2]}"
    number = folder.put(name)
    port = server.port
    with transport.InferenceServerClient(f"127.0.0.1:{port}") as triton:
        triton.load_model(name)
        assert triton.is_model_ready(name)
        zero = transport.InferInput(INPUT, [1], "FP32")
        zero.set_data_from_numpy(np.zeros(1, np.float32))
        assert triton.infer(name, [zero]).as_numpy(OUTPUT).tolist() == [number]
        triton.unload_model(name)
        with pytest.raises(InferenceServerException):
            triton.infer(name, [zero])


def test_what_was_called_is_counted_until_the_model_goes(server, folder, client):
    folder.put("counted")
    client.load_model("counted")
    for _ in range(3):
        answer(server, "counted")
    [counts] = client.get_inference_statistics("counted")["model_stats"]
    assert (counts["name"], counts["version"]) == ("counted", "1")
    assert (counts["inference_count"], counts["execution_count"]) == (3, 3)
    stats = counts["inference_stats"]
    assert stats["success"]["count"] == 3
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    assert sum(stats[part]["ns"] for part in parts) <= stats["success"]["ns"] + 4
    assert stats["compute_infer"]["ns"] > 0
    assert counts["last_inference"] > 1_700_000_000_000
    client.load_model("counted")
    [counts] = client.get_inference_statistics("counted")["model_stats"]
    assert (counts["version"], counts["inference_count"]) == ("2", 0)


def test_some_requests_are_traced_while_that_is_on(server, folder, client):
    folder.put("traced")
    client.load_model("traced")
    client.update_trace_settings("traced", {"trace_level": ["TIMESTAMPS"], "trace_rate": "2"})
    for _ in range(4):
        answer(server, "traced")
    settings = client.update_trace_settings("traced", {"trace_level": None, "trace_rate": None})
    assert (settings["trace_level"], settings["trace_rate"]) == (["OFF"], "1000")
    answer(server, "traced")
    lines = [line for line in server.lines if " trace model=traced_1 " in line]
    assert len(lines) == 2
    assert "request_id=" in lines[0]


def test_the_log_tells_more_while_that_is_on(server, client):
    assert client.update_log_settings({"log_verbose_level": 1})["log_verbose_level"] == 1
    client.is_server_live()
    assert client.update_log_settings({"log_verbose_level": 0})["log_verbose_level"] == 0
    with pytest.raises(InferenceServerException, match="log_file"):
        client.update_log_settings({"log_file": "/tmp/log"})


def test_a_proxy_that_speaks_http_2_is_told_by_the_name_that_was_called(server):
    call = "/inference.GRPCInferenceService/LogSettings"
    message = pb.LogSettingsRequest()
    message.settings["log_verbose_level"].uint32_param = 0

    def change(authority):
        options = [("grpc.default_authority", authority)]
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", options=options) as channel:
            channel.unary_unary(call)(message.SerializeToString(), timeout=30)

    change("localhost")
    with pytest.raises(grpc.RpcError, match=r"'iris\.example:9000'") as caught:
        change("iris.example:9000")
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
