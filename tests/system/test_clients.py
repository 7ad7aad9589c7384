"""The clients that people have, against a real server process."""

import asyncio
import json
import subprocess

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.grpc.aio as triton_grpc_aio
import tritonclient.http as triton_http
import tritonclient.http.aio as triton_http_aio
from tritonclient.utils import InferenceServerException

from seldon_core.proto import open_inference_pb2 as oip

IRIS = {
    "id": "r1",
    "inputs": [{"name": "predict", "shape": [1, 4], "datatype": "FP32", "data": [[1, 2, 3, 4]]}],
}


def curl(*arguments, http2=False):
    """Return status, headers (lower-case names, a list of values each) and body."""
    version = ["--http2-prior-knowledge"] if http2 else ["--http1.1"]
    done = subprocess.run(
        ["curl", "-sS", "-i", *version, *arguments], capture_output=True, check=True, timeout=30
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    return int(status.split()[1]), headers, body


def post(url, document, *arguments, http2=False):
    body = document if isinstance(document, str) else json.dumps(document)
    return curl(
        url, "-H", "content-type: application/json", "--data-binary", body, *arguments, http2=http2
    )


def tensor(client, name, array, datatype, **options):
    made = client.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, **options)
    return made


ROW = np.array([[1, 2, 3, 4]], np.float32)
FIRST = np.arange(16, dtype=np.int32).reshape(1, 16)
SECOND = np.full((1, 16), 3, np.int32)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("model", ["iris", "iris2", "iris3", "iris-onnx"])
def test_curl_gets_an_answer_from_every_iris(server, model, http2):
    status, headers, body = post(f"{server.url}/v2/models/{model}/infer", IRIS, http2=http2)
    answer = json.loads(body)
    assert status == 200
    assert headers["content-type"] == ["application/json"]
    assert headers["x-seldon-route"] == [f":{model}_1:"]
    assert len(headers["x-request-id"][0]) == 20
    assert (answer["model_name"], answer["model_version"]) == (f"{model}_1", "1")
    assert answer["id"] == "r1"
    (output,) = answer["outputs"]
    name = "label" if model == "iris-onnx" else "predict"  # ONNX names each value once
    assert (output["name"], output["datatype"], output["shape"]) == (name, "INT64", [1, 1])
    assert output["data"] == [2]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_the_header_decides_whatever_the_path_says(server, http2):
    url = f"{server.url}/v2/models/whatever/infer"
    status, headers, body = post(url, IRIS, "-H", "seldon-model: iris2", http2=http2)
    assert status == 200
    assert json.loads(body)["model_name"] == "iris2_1"
    assert headers["x-seldon-route"] == [":iris2_1:"]


def test_a_request_id_comes_back(server):
    url = f"{server.url}/v2/models/iris/infer"
    _, headers, _ = post(url, IRIS, "-H", "x-request-id: mine")
    assert headers["x-request-id"] == ["mine"]


def test_a_version_in_the_path_is_accepted(server):
    status, _, body = post(f"{server.url}/v2/models/iris/versions/1/infer", IRIS)
    assert status == 200
    assert json.loads(body)["outputs"][0]["data"] == [2]


def test_sklearn_gives_the_outputs_that_are_asked_for(server):
    document = {**IRIS, "outputs": [{"name": "predict_proba"}, {"name": "predict"}]}
    _, _, body = post(f"{server.url}/v2/models/iris/infer", document)
    probabilities, labels = json.loads(body)["outputs"]
    assert probabilities["name"] == "predict_proba"
    assert probabilities["shape"] == [1, 3]
    assert sum(probabilities["data"]) == pytest.approx(1)
    assert labels["data"] == [2]
    assert labels["parameters"] == {"content_type": "np"}


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/health/live", 200),
        ("/v2/health/ready", 200),
        ("/v2/models/iris/ready", 200),
        ("/v2/models/iris/versions/1/ready", 200),
        ("/v2/models/nope/ready", 404),
        ("/v2/models/nope", 404),
        ("/nope", 404),
    ],
)
def test_health_and_unknown_paths_answer_by_status(server, path, status, http2):
    got, _, body = curl(server.url + path, http2=http2)
    assert got == status
    if status == 200:
        assert body == b""
    else:
        assert "nope" in json.loads(body)["error"]


def test_metadata_is_real(server):
    status, _, body = curl(f"{server.url}/v2/models/tfsimple1")
    tensors = [{"datatype": "INT32", "shape": [-1, 16]}] * 2
    assert status == 200
    found = json.loads(body)
    assert found["name"] == "tfsimple1"
    assert found["inputs"] == [
        {"name": f"INPUT{index}", **spec} for index, spec in enumerate(tensors)
    ]
    assert found["outputs"] == [
        {"name": f"OUTPUT{index}", **spec} for index, spec in enumerate(tensors)
    ]
    _, _, body = curl(f"{server.url}/v2/models/iris")
    (specified,) = json.loads(body)["inputs"]
    assert specified["shape"] == [-1, 4]


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_server_metadata_names_what_works(server, path):
    status, _, body = curl(server.url + path)
    assert status == 200
    found = json.loads(body)
    assert found["name"] == "seldon-core"
    assert "binary_tensor_data" in found["extensions"]


def test_errors_have_the_protocols_body(server):
    url = f"{server.url}/v2/models/tfsimple1/infer"
    for document, fragment in [
        ("{", "JSON"),
        ({}, "inputs"),
        (IRIS, "INPUT0"),
        ({"inputs": [{**IRIS["inputs"][0], "shape": [1, 5]}]}, "5"),
    ]:
        status, _, body = post(url, document)
        assert status == 400
        assert fragment in json.loads(body)["error"]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_tritonclient_http(server, binary):
    with triton_http.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("tfsimple1")
        assert client.get_model_metadata("tfsimple1")["inputs"][0]["name"] == "INPUT0"
        assert client.get_server_metadata()["name"] == "seldon-core"
        inputs = [
            tensor(triton_http, "INPUT0", FIRST, "INT32", binary_data=binary),
            tensor(triton_http, "INPUT1", SECOND, "INT32", binary_data=binary),
        ]
        outputs = [triton_http.InferRequestedOutput("OUTPUT1", binary_data=binary)]
        result = client.infer("tfsimple1", inputs, outputs=outputs, request_id="7")
        assert result.get_response()["id"] == "7"
        assert np.array_equal(result.as_numpy("OUTPUT1"), FIRST - SECOND)
        assert result.as_numpy("OUTPUT0") is None
        every = client.infer("tfsimple1", inputs)
        assert np.array_equal(every.as_numpy("OUTPUT0"), FIRST + SECOND)
        with pytest.raises(InferenceServerException, match="nope"):
            client.infer("nope", inputs)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_tritonclient_http_compressed(server, algorithm):
    with triton_http.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        result = client.infer(
            "iris",
            [tensor(triton_http, "predict", ROW, "FP32")],
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
        assert result.as_numpy("predict").tolist() == [[2]]


def test_tritonclient_http_aio(server):
    async def call():
        async with triton_http_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
            inputs = [tensor(triton_http_aio, "predict", ROW, "FP32")]
            results = await asyncio.gather(*(client.infer("iris", inputs) for _ in range(20)))
            return [result.as_numpy("predict").tolist() for result in results]

    assert asyncio.run(call()) == [[[2]]] * 20


def test_tritonclient_grpc(server):
    with triton_grpc.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("iris-onnx")
        metadata = client.get_model_metadata("tfsimple1")
        assert [spec.name for spec in metadata.inputs] == ["INPUT0", "INPUT1"]
        assert list(metadata.inputs[0].shape) == [-1, 16]
        assert client.get_server_metadata().name == "seldon-core"
        inputs = [
            tensor(triton_grpc, "INPUT0", FIRST, "INT32"),
            tensor(triton_grpc, "INPUT1", SECOND, "INT32"),
        ]
        outputs = [triton_grpc.InferRequestedOutput("OUTPUT1")]
        result = client.infer("tfsimple1", inputs, outputs=outputs, request_id="7")
        assert result.get_response().id == "7"
        assert result.get_response().model_name == "tfsimple1_1"
        assert np.array_equal(result.as_numpy("OUTPUT1"), FIRST - SECOND)
        assert result.as_numpy("OUTPUT0") is None
        with pytest.raises(InferenceServerException, match="nope") as caught:
            client.infer("nope", inputs)
        assert "NOT_FOUND" in str(caught.value.status())
        with pytest.raises(InferenceServerException, match="INPUT1"):
            client.infer("tfsimple1", inputs[:1])


def test_tritonclient_grpc_aio(server):
    async def call():
        async with triton_grpc_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
            inputs = [tensor(triton_grpc_aio, "predict", ROW, "FP32")]
            results = await asyncio.gather(*(client.infer("iris-onnx", inputs) for _ in range(20)))
            return [result.as_numpy("label").tolist() for result in results]

    assert asyncio.run(call()) == [[[2]]] * 20


def call_grpc(server, message, metadata=(), timeout=10):
    """ModelInfer by plain grpcio, with nothing generated for the service."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelInferResponse.FromString,
        )
        response, call = infer.with_call(message, metadata=metadata, timeout=timeout)
        return response, dict(call.initial_metadata()), dict(call.trailing_metadata())


def iris_message(model="iris", raw=False):
    message = oip.ModelInferRequest(model_name=model, id="r1")
    spec = message.inputs.add(name="predict", datatype="FP32", shape=[1, 4])
    if raw:
        message.raw_input_contents.append(ROW.tobytes())
    else:
        spec.contents.fp32_contents.extend([1, 2, 3, 4])
    return message


def test_plain_grpcio_with_typed_contents_is_answered_typed(server):
    response, metadata, trailers = call_grpc(server, iris_message())
    assert (response.model_name, response.model_version, response.id) == ("iris_1", "1", "r1")
    assert list(response.outputs[0].contents.int64_contents) == [2]
    assert not response.raw_output_contents
    assert metadata["x-seldon-route"] == ":iris_1:"
    assert len(trailers["x-request-id"]) == 20


def test_plain_grpcio_with_raw_contents_is_answered_raw(server):
    response, _, _ = call_grpc(server, iris_message(raw=True))
    assert list(response.raw_output_contents) == [np.array([2], np.int64).tobytes()]


def test_plain_grpcio_selects_by_metadata(server):
    response, metadata, trailers = call_grpc(
        server,
        iris_message(model="whatever"),
        metadata=[("seldon-model", "iris3"), ("x-request-id", "mine")],
    )
    assert response.model_name == "iris3_1"
    assert metadata["x-seldon-route"] == ":iris3_1:"
    assert trailers["x-request-id"] == "mine"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (iris_message("nope"), grpc.StatusCode.NOT_FOUND),
        (iris_message("tfsimple1"), grpc.StatusCode.INVALID_ARGUMENT),
        (oip.ModelInferRequest(model_name="iris"), grpc.StatusCode.INVALID_ARGUMENT),
    ],
    ids=["unknown model", "wrong tensor", "no tensor"],
)
def test_plain_grpcio_gets_codes_and_messages(server, message, code):
    with pytest.raises(grpc.RpcError) as caught:
        call_grpc(server, message)
    assert caught.value.code() is code
    assert caught.value.details()


def test_an_unknown_grpc_method_is_named(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        method = channel.unary_unary("/inference.GRPCInferenceService/Nope")
        with pytest.raises(grpc.RpcError) as caught:
            method(b"", timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "Nope" in caught.value.details()
