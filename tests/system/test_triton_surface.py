"""Everything public of tritonclient's four clients, against a real process.

What there is to call is found by looking at the clients: a method that a later version adds fails
here until something tries it.
"""

import http.client
import json
import queue
import re
import shutil
import time

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto
from tritonclient.utils import InferenceServerException

from tests.support.models import FLOAT, node, tensor, write_onnx
from tests.support.server import serving
from tests.support.triton_clients import (
    MODULES,
    answered,
    plain,
    public_methods,
    with_client,
)

ROW = np.array([[1, 2, 3, 4]], np.float32)
PATIENCE_S = 20

TYPES = {
    "BOOL": (TensorProto.BOOL, np.array([True, False])),
    "UINT8": (TensorProto.UINT8, np.array([0, 255], np.uint8)),
    "UINT16": (TensorProto.UINT16, np.array([0, 65535], np.uint16)),
    "UINT32": (TensorProto.UINT32, np.array([0, 2**32 - 1], np.uint32)),
    "UINT64": (TensorProto.UINT64, np.array([0, 2**64 - 1], np.uint64)),
    "INT8": (TensorProto.INT8, np.array([-128, 127], np.int8)),
    "INT16": (TensorProto.INT16, np.array([-(2**15), 2**15 - 1], np.int16)),
    "INT32": (TensorProto.INT32, np.array([-(2**31), 2**31 - 1], np.int32)),
    "INT64": (TensorProto.INT64, np.array([-(2**63), 2**63 - 1], np.int64)),
    "FP16": (TensorProto.FLOAT16, np.array([0.5, -65504], np.float16)),
    "FP32": (TensorProto.FLOAT, np.array([0.1, -1e38], np.float32)),
    "FP64": (TensorProto.DOUBLE, np.array([0.1, -1e300])),
    "BYTES": (TensorProto.STRING, np.array(["ü".encode(), b""], np.object_)),
}


@pytest.fixture(scope="module")
def process(samples, tmp_path_factory):
    """A process with models that give back what they are given, a slow one, and two of iris."""
    models = tmp_path_factory.mktemp("models")
    for datatype, (kind, _) in TYPES.items():
        (models / datatype.lower()).mkdir()
        write_onnx(
            models / datatype.lower(),
            [node("Identity", ["text_input"], ["text_output"])],
            [tensor("text_input", kind, [None])],
            [tensor("text_output", kind, [None])],
        )
    (models / "scores").mkdir()
    write_onnx(
        models / "scores",
        [node("Identity", ["x"], ["scores"])],
        [tensor("x", FLOAT, [None, 4])],
        [tensor("scores", FLOAT, [None, 4])],
    )
    (models / "slow").mkdir()
    write_onnx(
        models / "slow",
        [
            node("Expand", ["x", "shape"], ["0"]),
            *(node("MatMul", [str(step), "0"], [str(step + 1)]) for step in range(4)),
            node("ReduceSum", ["4"], ["sum"], keepdims=0),
        ],
        [tensor("x", FLOAT, [1])],
        [tensor("sum", FLOAT, [])],
        {"shape": np.array([1500, 1500])},
    )
    for name in ("iris", "moving"):
        shutil.copytree(samples / "artifacts" / "iris", models / name)
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    data = str(tmp_path_factory.mktemp("data"))
    with serving("serve", "--models", str(models), "--data-dir", data, *ports) as started:
        yield started


@pytest.fixture
def port(process):
    return process.port


def rows(client, **options):
    return [client.tensor("predict", ROW, "FP32", **options)]


def answers():
    """A queue of results and errors, and what puts them there."""
    found: queue.Queue[tuple[object, object]] = queue.Queue()
    return found, lambda result, error: found.put((result, error))


def label(result):
    return result.as_numpy("predict").tolist()


# What is called, by the name of the method: each gets a client that has called nothing.


async def is_server_live(client):
    assert await client.call("is_server_live")


async def is_server_ready(client):
    assert await client.call("is_server_ready")


async def is_model_ready(client):
    assert await client.call("is_model_ready", "iris")
    assert await client.call("is_model_ready", "iris", "1")


async def get_server_metadata(client):
    metadata = await client.call("get_server_metadata")
    assert metadata["name"] == "seldon-core"
    assert "statistics" in metadata["extensions"]


async def get_model_metadata(client):
    metadata = await client.call("get_model_metadata", "iris")
    (spec,) = metadata["inputs"]
    assert (metadata["name"], spec["name"], spec["datatype"]) == ("iris", "predict", "FP32")
    assert [int(size) for size in spec["shape"]] == [-1, 4]
    with pytest.raises(InferenceServerException, match="nope"):
        await client.call("get_model_metadata", "nope")


async def get_model_config(client):
    config = plain(await client.call("get_model_config", "iris"))
    assert config["name"] == "iris"
    assert config["max_batch_size"] > 0
    (spec,) = config["input"]
    assert [int(size) for size in spec["dims"]] == [4]


async def get_model_repository_index(client):
    index = plain(await client.call("get_model_repository_index"))
    states = {model["name"]: model["state"] for model in index}
    assert states["iris"] == "READY"
    assert set(states) == {"iris", "moving", "scores", "slow", *map(str.lower, TYPES)}


async def get_inference_statistics(client):
    def count(statistics):
        (model,) = statistics["model_stats"]
        assert model["name"] == "iris"
        return int(model["inference_stats"]["success"].get("count", 0))

    before = count(await client.call("get_inference_statistics", "iris"))
    await client.infer("iris", rows(client))
    assert count(await client.call("get_inference_statistics", "iris")) == before + 1
    every = await client.call("get_inference_statistics")
    assert {"iris", "scores"} <= {model["name"] for model in every["model_stats"]}


async def get_trace_settings(client):
    settings = plain(await client.call("get_trace_settings"))
    assert plain(settings["trace_level"]) == ["OFF"]


async def update_trace_settings(client):
    def rate(settings):
        return plain(plain(settings)["trace_rate"])

    before = rate(await client.call("get_trace_settings", "scores"))
    changed = await client.call("update_trace_settings", "scores", {"trace_rate": "7"})
    assert rate(changed) in ("7", ["7"])
    assert rate(await client.call("get_trace_settings", "scores")) in ("7", ["7"])
    assert rate(await client.call("get_trace_settings", "iris")) == before
    reset = await client.call("update_trace_settings", "scores", {"trace_rate": None})
    assert rate(reset) == before


async def get_log_settings(client):
    settings = plain(await client.call("get_log_settings"))
    assert plain(settings["log_error"]) is True


async def update_log_settings(client):
    for level in (1, 0):
        settings = plain(await client.call("update_log_settings", {"log_verbose_level": level}))
        assert plain(settings["log_verbose_level"]) == level


async def load_model(client):
    await client.call("load_model", "moving")
    config = json.dumps({"dynamic_batching": {"max_queue_delay_microseconds": 2000}})
    await client.call("load_model", "moving", config=config)
    told = plain(await client.call("get_model_config", "moving"))
    delay = told["dynamic_batching"]["max_queue_delay_microseconds"]
    assert int(delay) == 2000
    with pytest.raises(InferenceServerException, match="nope"):
        await client.call("load_model", "nope")
    with pytest.raises(InferenceServerException, match="folder"):
        await client.call("load_model", "moving", config="{}", files={"file:1/model.onnx": b"x"})
    assert label(await client.infer("moving", rows(client))) == [[2]]


async def unload_model(client):
    await client.call("load_model", "moving")
    await client.call("unload_model", "moving", unload_dependents=True)
    with pytest.raises(InferenceServerException, match="moving"):
        await client.infer("moving", rows(client))
    await client.call("load_model", "moving")
    assert label(await client.infer("moving", rows(client))) == [[2]]


async def infer(client):
    assert label(await client.call("infer", "iris", rows(client))) == [[2]]
    with pytest.raises(InferenceServerException, match="nope"):
        await client.call("infer", "nope", rows(client))


async def async_infer(client):
    if not client.is_grpc:
        waiting = [await client.call("async_infer", "iris", rows(client)) for _ in range(5)]
        assert [label(each.get_result(timeout=PATIENCE_S)) for each in waiting] == [[[2]]] * 5
        return
    results, callback = answers()
    await client.call("async_infer", "iris", rows(client), callback)
    result, error = results.get(timeout=PATIENCE_S)
    assert error is None
    assert label(result) == [[2]]


async def stream(client):
    """The three methods that a stream of the blocking client takes."""
    results, callback = answers()
    await client.call("start_stream", callback)
    options = {"request_id": "7", "enable_empty_final_response": True}
    await client.call("async_stream_infer", "iris", rows(client), **options)
    result, error = results.get(timeout=PATIENCE_S)
    assert error is None
    assert label(result) == [[2]]
    assert result.get_response().id == "7"
    assert result.get_response().parameters["triton_final_response"].bool_param
    await client.call("async_stream_infer", "nope", rows(client))
    result, error = results.get(timeout=PATIENCE_S)
    assert "nope" in str(error)
    await client.call("stop_stream")


async def stream_infer(client):
    async def requests():
        for name in ("iris", "nope", "moving"):
            yield {"model_name": name, "inputs": rows(client), "request_id": name}

    found = []
    answers = await client.call("stream_infer", requests())
    async for result, error in answers:
        found.append(str(error) if error else result.get_response().id)
    assert {"iris", "moving"} < set(found)  # the order is that of each model's own
    assert any("nope" in each for each in found)


async def plugins(client):
    """A plugin changes the headers of every call: here it names the model."""

    class Names(client.module.InferenceServerClientPlugin):
        def __call__(self, request):
            request.headers["seldon-model"] = "iris"

    named = Names()
    await client.call("register_plugin", named)
    assert await client.call("plugin") is named
    assert label(await client.infer("whatever", rows(client))) == [[2]]
    await client.call("unregister_plugin")
    with pytest.raises(InferenceServerException, match="whatever"):
        await client.infer("whatever", rows(client))


async def bodies(client):
    """The two methods by which a body is sent by something else."""
    body, length = await client.call("generate_request_body", rows(client))
    connection = http.client.HTTPConnection(client.url, timeout=PATIENCE_S)
    headers = {"Inference-Header-Content-Length": str(length)}
    connection.request("POST", "/v2/models/iris/infer", body, headers)
    response = connection.getresponse()
    length = int(response.headers["Inference-Header-Content-Length"])
    result = await client.call("parse_response_body", response.read(), header_length=length)
    assert label(result) == [[2]]
    connection.close()


async def close(client):
    assert await client.call("is_server_live")
    await client.call("close")


EXERCISES = {
    exercise.__name__: exercise
    for exercise in (
        is_server_live,
        is_server_ready,
        is_model_ready,
        get_server_metadata,
        get_model_metadata,
        get_model_config,
        get_model_repository_index,
        get_inference_statistics,
        get_trace_settings,
        update_trace_settings,
        get_log_settings,
        update_log_settings,
        load_model,
        unload_model,
        infer,
        async_infer,
        stream_infer,
        close,
    )
}
EXERCISES |= dict.fromkeys(("start_stream", "async_stream_infer", "stop_stream"), stream)
EXERCISES |= dict.fromkeys(("register_plugin", "plugin", "unregister_plugin"), plugins)
EXERCISES |= dict.fromkeys(("generate_request_body", "parse_response_body"), bodies)

# Triton's shared memory is its clients' on the same machine: the server would read and write memory
# that others name. Triton itself has it off by default, and tensors here are not copied anyway.
NOT_OFFERED = {
    "register_system_shared_memory": ("region", "/key", 64),
    "get_system_shared_memory_status": (),
    "unregister_system_shared_memory": (),
    "register_cuda_shared_memory": ("region", b"aGFuZGxl", 0, 64),
    "get_cuda_shared_memory_status": (),
    "unregister_cuda_shared_memory": (),
}

EVERY_METHOD = [(kind, method) for kind in MODULES for method in public_methods(kind)]


def test_the_clients_have_what_is_tried_and_nothing_else():
    assert {method for _, method in EVERY_METHOD} == EXERCISES.keys() | NOT_OFFERED.keys()


@pytest.mark.parametrize(("kind", "method"), EVERY_METHOD)
def test_every_public_method(kind, method, port):
    async def refused(client):
        with pytest.raises(InferenceServerException) as caught:
            await client.call(method, *NOT_OFFERED[method])
        wanted = "StatusCode.UNIMPLEMENTED" if client.is_grpc else "404"
        assert caught.value.status() == wanted
        assert "SharedMemory" in str(caught.value) or "sharedmemory" in str(caught.value)

    client = with_client(kind, port, refused if method in NOT_OFFERED else EXERCISES[method])
    assert method in client.called


# What can be said with a request.

kinds = pytest.mark.parametrize("kind", MODULES)


def answer(kind, port, model, make_inputs, **options):
    """Infer once and return the result."""
    results = []

    async def ask(client):
        made = {
            name: [client.wanted(**each) for each in value] if name == "outputs" else value
            for name, value in options.items()
        }
        results.append(await client.infer(model, make_inputs(client), **made))

    with_client(kind, port, ask)
    return results[0]


@pytest.mark.parametrize(
    ("kind", "binary", "datatype"),
    [
        pytest.param(
            kind, binary, datatype, id=f"{kind}-{'binary' if binary else 'json'}-{datatype}"
        )
        for kind in MODULES
        for binary in ((True,) if kind.startswith("grpc") else (True, False))
        for datatype in TYPES
        if binary or datatype != "FP16"  # which tritonclient refuses to send as JSON
    ],
)
def test_every_datatype_comes_back_as_it_was(kind, datatype, binary, port):
    array = TYPES[datatype][1]
    result = answer(
        kind,
        port,
        datatype.lower(),
        lambda client: [client.tensor("text_input", array, datatype, binary_data=binary)],
        outputs=[{"name": "text_output", "binary_data": binary}],
    )
    found = result.as_numpy("text_output")
    if found.dtype == np.object_ and not binary and not kind.startswith("grpc"):
        found = np.array([each if isinstance(each, bytes) else each.encode() for each in found])
    assert np.array_equal(found, array)


@kinds
def test_bf16_is_read(kind, port):
    row = ROW.astype(ml_dtypes.bfloat16)
    result = answer(kind, port, "iris", lambda client: [client.tensor("predict", row, "BF16")])
    assert label(result) == [[2]]


@kinds
def test_a_request_may_say_everything_that_triton_knows(kind, port):
    result = answer(
        kind,
        port,
        "iris",
        rows,
        model_version="1",
        request_id="mine",
        sequence_id=7,
        sequence_start=True,
        sequence_end=True,
        priority=2,
        timeout=5_000_000,
        parameters={"text": "a", "number": 1, "flag": True, "ratio": 0.5},
        outputs=[{"name": "predict"}],
    )
    assert label(result) == [[2]]
    assert answered(result)["id"] == "mine"


@kinds
def test_a_sequence_may_be_named_by_text(kind, port):
    result = answer(kind, port, "iris", rows, sequence_id="conversation", sequence_start=True)
    assert label(result) == [[2]]


@kinds
def test_a_header_names_the_model_and_the_request(kind, port):
    headers = {"seldon-model": "iris", "x-request-id": "mine"}
    assert label(answer(kind, port, "whatever", rows, headers=headers)) == [[2]]


@pytest.mark.parametrize("kind", ["http", "http.aio"])
def test_a_query_is_accepted(kind, port):
    assert label(answer(kind, port, "iris", rows, query_params={"a": "1", "b": [2, 3]})) == [[2]]


@kinds
@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_requests_and_answers_may_be_compressed(kind, algorithm, port):
    options = {
        "request_compression_algorithm": algorithm,
        "response_compression_algorithm": algorithm,
    }
    assert label(answer(kind, port, "iris", rows, **options)) == [[2]]


@kinds
@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_the_highest_classes_are_answered(kind, binary, port):
    result = answer(
        kind,
        port,
        "scores",
        lambda client: [client.tensor("x", np.array([[1, 4, 2, 3]], np.float32), "FP32")],
        outputs=[{"name": "scores", "class_count": 2, "binary_data": binary}],
    )
    (found,) = result.as_numpy("scores").tolist()
    texts = [each.decode() if isinstance(each, bytes) else each for each in found]
    assert [text.split(":")[1] for text in texts] == ["1", "3"]
    assert float(texts[0].split(":")[0]) == 4


@pytest.mark.parametrize("kind", ["grpc", "grpc.aio"])
def test_a_time_limit_of_the_client_is_kept(kind, port):
    assert label(answer(kind, port, "iris", rows, client_timeout=PATIENCE_S)) == [[2]]
    zero = np.zeros(1, np.float32)
    with pytest.raises(InferenceServerException, match="DEADLINE_EXCEEDED"):
        answer(
            kind,
            port,
            "slow",
            lambda client: [client.tensor("x", zero, "FP32")],
            client_timeout=0.02,
        )


@kinds
def test_outputs_are_those_that_are_asked_for(kind, port):
    names = ["predict_proba", "predict"]
    result = answer(kind, port, "iris", rows, outputs=[{"name": name} for name in names])
    assert [output["name"] for output in answered(result)["outputs"]] == names
    assert result.as_numpy("predict_proba").shape == (1, 3)
    with pytest.raises(InferenceServerException, match="no output 'nope'"):
        answer(kind, port, "iris", rows, outputs=[{"name": "nope"}])


# What the server says that it can do.


async def classification(client):
    scores = [client.tensor("x", np.array([[1, 4, 2, 3]], np.float32), "FP32")]
    result = await client.infer("scores", scores, outputs=[client.wanted("scores", class_count=1)])
    ((best,),) = result.as_numpy("scores").tolist()
    assert best in (b"4.000000:1", "4.000000:1")


async def model_repository(client):
    await get_model_repository_index(client)
    await load_model(client)
    await unload_model(client)


async def binary_tensor_data(client):
    wanted = [client.wanted("predict", binary_data=True)]
    result = await client.infer("iris", rows(client, binary_data=True), outputs=wanted)
    assert label(result) == [[2]]
    (output,) = answered(result)["outputs"]
    assert "data" not in output
    assert "contents" not in output


async def parameters(client):
    given = {"text": "a", "number": 1, "flag": True}
    assert label(await client.infer("iris", rows(client), parameters=given)) == [[2]]


async def trace(client):
    on = {"trace_level": ["TIMESTAMPS"], "trace_rate": "1"}
    await client.call("update_trace_settings", "moving", on)
    await client.infer("moving", rows(client), headers={"x-request-id": f"traced-{client.kind}"})
    await client.call("update_trace_settings", "moving", dict.fromkeys(on))


def wait_for_line(process, pattern):
    """Whether the process prints such a line before long: another thread reads them."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if re.search(pattern, process.output, re.M):
            return True
        time.sleep(0.01)
    return False


IN_TRITONS_ORDER = (
    *("classification", "sequence", "model_repository", "model_repository(unload_dependents)"),
    *("schedule_policy", "model_configuration", "system_shared_memory", "cuda_shared_memory"),
    *("binary_tensor_data", "parameters", "statistics", "trace", "logging"),
)
EXTENSIONS = {
    "classification": classification,
    "model_repository": model_repository,
    "model_repository(unload_dependents)": unload_model,
    "model_configuration": get_model_config,
    "binary_tensor_data": binary_tensor_data,
    "parameters": parameters,
    "statistics": get_inference_statistics,
    "trace": trace,
    "logging": update_log_settings,
}


@kinds
def test_the_server_lists_exactly_what_is_tried_here(kind, port):
    async def ask(client):
        listed = (await client.call("get_server_metadata"))["extensions"]
        assert listed == [name for name in IN_TRITONS_ORDER if name in EXTENSIONS]
        assert set(listed) == EXTENSIONS.keys()

    with_client(kind, port, ask)


@pytest.mark.parametrize("kind", ["http", "grpc"])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_extension_works(extension, kind, process):
    with_client(kind, process.port, EXTENSIONS[extension])
    if extension == "trace":
        assert wait_for_line(process, f" trace model=moving_.* request_id=traced-{kind}$")
