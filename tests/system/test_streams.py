"""Streams by the clients that people have, against real server processes."""

import asyncio
import json
import os
import queue
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.grpc.aio as triton_grpc_aio
from tritonclient.utils import InferenceServerException

from seldon_core.proto import open_inference_pb2 as oip
from tests.support.models import FLOAT, INT64, STRING, node, tensor, write_onnx
from tests.support.server import Serving, serving
from tests.system.test_clients import FIRST, IRIS, ROW, SECOND, curl, iris_message, post
from tests.system.test_clients import tensor as filled

STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
MLSERVER = [("x-seldon-stream-format", "mlserver")]


@pytest.fixture(scope="module")
def text_server(tmp_path_factory):
    """A process with a model of text and one for large tensors, and with MLServer's streams."""
    models = tmp_path_factory.mktemp("models")
    echo, double = models / "echo", models / "double"
    for folder in (echo, double):
        folder.mkdir()
    write_onnx(
        echo,
        [node("Identity", ["text_input"], ["text_output"]), node("Add", ["n", "n"], ["twice"])],
        [tensor("text_input", STRING, [None]), tensor("n", INT64, [None])],
        [tensor("text_output", STRING, [None]), tensor("twice", INT64, [None])],
    )
    write_onnx(
        double,
        [node("Add", ["x", "x"], ["y"])],
        [tensor("x", FLOAT, [None])],
        [tensor("y", FLOAT, [None])],
    )
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    data = str(tmp_path_factory.mktemp("data"))
    settings = ["--set", "listener.streamFormat=mlserver"]
    with serving(
        "serve", "--models", str(models), "--data-dir", data, *settings, *ports
    ) as started:
        yield started


def iris_inputs(client=triton_grpc):
    return [filled(client, "predict", ROW, "FP32")]


def add_inputs(client=triton_grpc):
    return [filled(client, "INPUT0", FIRST, "INT32"), filled(client, "INPUT1", SECOND, "INT32")]


class Stream:
    """A stream of tritonclient's, whose answers are waited for one by one."""

    def __init__(self, server: Serving) -> None:
        self._answers: queue.Queue[tuple[object, object]] = queue.Queue()
        self.client = triton_grpc.InferenceServerClient(f"127.0.0.1:{server.port}")

    def __enter__(self):
        self.client.start_stream(lambda result, error: self._answers.put((result, error)))
        return self

    def __exit__(self, *_):
        self.client.stop_stream()
        self.client.close()

    def next(self):
        return self._answers.get(timeout=20)

    @property
    def is_empty(self):
        return self._answers.empty()


def test_tritonclient_streams_to_several_models_at_once(server):
    with Stream(server) as stream:
        for index in range(200):
            stream.client.async_stream_infer("iris", iris_inputs(), request_id=f"iris {index}")
            stream.client.async_stream_infer("tfsimple1", add_inputs(), request_id=f"add {index}")
        results = [stream.next() for _ in range(400)]
    assert {error for _, error in results} == {None}
    found = {}
    for result, _ in results:
        model, _, index = result.get_response().id.partition(" ")
        found.setdefault(model, []).append(int(index))
        if model == "iris":
            assert result.as_numpy("predict").tolist() == [[2]]
        else:
            assert np.array_equal(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    assert found == {"iris": list(range(200)), "add": list(range(200))}


def test_tritonclient_goes_on_after_an_error_in_the_middle(server):
    with Stream(server) as stream:
        stream.client.async_stream_infer("iris", iris_inputs(), request_id="1")
        result, error = stream.next()
        assert (result.get_response().id, error) == ("1", None)
        for model, inputs, message in [
            ("nope", iris_inputs(), "nope"),
            ("tfsimple1", add_inputs()[:1], "INPUT1"),
        ]:
            stream.client.async_stream_infer(model, inputs)
            _, error = stream.next()
            assert isinstance(error, InferenceServerException)
            assert message in str(error)
        stream.client.async_stream_infer("tfsimple1", add_inputs(), request_id="2")
        result, error = stream.next()
        assert (result.get_response().id, error) == ("2", None)
        assert stream.is_empty


def test_tritonclient_is_told_which_answer_is_the_last(server):
    with Stream(server) as stream:
        stream.client.async_stream_infer("iris", iris_inputs(), enable_empty_final_response=True)
        result, error = stream.next()
    assert error is None
    assert result.get_response().parameters["triton_final_response"].bool_param is True


def test_tritonclient_aio(server):
    async def requests():
        for index in range(50):
            model = ("iris", "nope", "tfsimple1")[index % 3]
            inputs = add_inputs(triton_grpc_aio) if model == "tfsimple1" else None
            yield {
                "model_name": model,
                "inputs": inputs or iris_inputs(triton_grpc_aio),
                "request_id": str(index),
            }

    async def call():
        async with triton_grpc_aio.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
            return [answer async for answer in client.stream_infer(requests())]

    answers = asyncio.run(call())
    assert len(answers) == 50
    assert sum(error is not None for _, error in answers) == 17
    identifiers = [int(result.get_response().id) for result, error in answers if error is None]
    assert sorted(identifiers) == [index for index in range(50) if index % 3 != 1]


def stream_call(channel, answer=oip.ModelInferResponse):
    return channel.stream_stream(
        STREAM,
        request_serializer=oip.ModelInferRequest.SerializeToString,
        response_deserializer=answer.FromString,
    )


def test_plain_grpcio_in_mlservers_shape(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        messages = [iris_message(), iris_message(raw=True)]
        metadata = [*MLSERVER, ("x-request-id", "mine")]
        call = stream_call(channel)(iter(messages), metadata=metadata, timeout=20)
        typed, raw = call
        assert list(typed.outputs[0].contents.int64_contents) == [2]
        assert list(raw.raw_output_contents) == [np.array([2], np.int64).tobytes()]
        assert dict(call.initial_metadata())["x-seldon-route"] == ":iris_1:"
        assert dict(call.trailing_metadata())["x-request-id"] == "mine"
        assert call.code() is grpc.StatusCode.OK


def test_the_first_error_ends_a_call_in_mlservers_shape(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        messages = [iris_message(), iris_message("nope"), iris_message()]
        call = stream_call(channel)(iter(messages[:1] + messages[1:]), metadata=MLSERVER)
        with pytest.raises(grpc.RpcError) as caught:
            list(call)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert "nope" in caught.value.details()


def test_the_header_sends_every_message_to_its_model(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        metadata = [*MLSERVER, ("seldon-model", "iris3")]
        messages = [iris_message("a"), iris_message("b")]
        answers = list(stream_call(channel)(iter(messages), metadata=metadata, timeout=20))
    assert [answer.model_name for answer in answers] == ["iris3_1", "iris3_1"]


def test_a_setting_chooses_the_shape_and_the_caller_another(text_server):
    message = oip.ModelInferRequest(model_name="echo", id="7")
    text = message.inputs.add(name="text_input", datatype="BYTES", shape=[1])
    text.contents.bytes_contents.append(b"Hello")
    number = message.inputs.add(name="n", datatype="INT64", shape=[1])
    number.contents.int64_contents.append(3)
    with grpc.insecure_channel(f"127.0.0.1:{text_server.port}") as channel:
        [bare] = stream_call(channel)(iter([message]), timeout=20)
        assert (bare.model_name, bare.id) == ("echo_1", "7")
        assert list(bare.outputs[0].contents.bytes_contents) == [b"Hello"]
        metadata = [("x-seldon-stream-format", "triton")]
        asked = stream_call(channel, triton_grpc.service_pb2.ModelStreamInferResponse)
        [triton] = asked(iter([message]), metadata=metadata, timeout=20)
        assert triton.infer_response.id == "7"


def large_message(array):
    message = oip.ModelInferRequest(model_name="double")
    message.inputs.add(name="x", datatype="FP32", shape=[len(array)])
    message.raw_input_contents.append(array.tobytes())
    return message


def test_large_tensors_are_streamed(text_server):
    array = np.arange(2_000_000, dtype=np.float32)
    message = large_message(array)
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{text_server.port}", options) as channel:
        call = stream_call(channel)(iter([message] * 5), timeout=30)
        answers = [np.frombuffer(each.raw_output_contents[0], np.float32) for each in call]
    assert len(answers) == 5
    assert all(np.array_equal(answer, array * 2) for answer in answers)


def test_the_deadline_ends_a_stream(server):
    told = threading.Event()

    def messages():
        yield iris_message()
        told.wait(20)

    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        call = stream_call(channel)(messages(), metadata=MLSERVER, timeout=0.5)
        assert next(call).model_name == "iris_1"
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        told.set()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_who_does_not_read_is_not_read_further_and_who_leaves_harms_nobody(text_server):
    message = large_message(np.zeros(64 * 1024, np.float32))
    sent = 0
    is_over = threading.Event()

    def messages():
        nonlocal sent
        while not is_over.is_set():
            sent += 1
            yield message

    with grpc.insecure_channel(f"127.0.0.1:{text_server.port}") as channel:
        call = stream_call(channel)(messages())
        next(call)
        before, quiet_since = 0, time.monotonic()
        while time.monotonic() - quiet_since < 1.0:
            if sent != before:
                before, quiet_since = sent, time.monotonic()
            assert sent < 1000  # 256 MB
            time.sleep(0.05)
        call.cancel()
        is_over.set()
        asked = stream_call(channel)(iter([message]), timeout=20)
        assert len(list(asked)) == 1


def command(server, *arguments, text=None):
    scheduler = f"127.0.0.1:{server.ports['scheduler']}"
    subprocess.run(
        [sys.executable, "-m", "seldon_core", *arguments],
        input=text,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "SELDON_SCHEDULE_HOST": scheduler},
    )


def apply(server, samples, memory):
    """Declare the model `moving`; another memory is another version."""
    manifest = {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Model",
        "metadata": {"name": "moving"},
        "spec": {
            "storageUri": str(samples / "artifacts/add10"),
            "requirements": ["onnx"],
            "memory": memory,
        },
    }
    command(server, "apply", "-f", "-", text=json.dumps(manifest))
    command(server, "wait", "model/moving", "--for", "condition=ready")


def test_a_stream_goes_on_while_its_model_is_replaced(text_server, samples):
    apply(text_server, samples, "1Mi")
    is_over = threading.Event()

    def messages():
        number = 0
        while not is_over.is_set():
            message = oip.ModelInferRequest(model_name="moving", id=str(number))
            message.inputs.add(name="INPUT", datatype="FP32", shape=[4])
            message.raw_input_contents.append(bytes(16))
            yield message
            number += 1
            time.sleep(0.0005)

    with grpc.insecure_channel(f"127.0.0.1:{text_server.port}") as channel:
        call = stream_call(channel)(messages())
        assert next(call).model_name == "moving_1"
        replacing = threading.Thread(target=apply, args=(text_server, samples, "2Mi"))
        replacing.start()
        models = []
        for number, answer in enumerate(call, 1):
            assert answer.id == str(number)
            models.append(answer.model_name)
            if not replacing.is_alive() and models[-1] == "moving_2":
                is_over.set()
        replacing.join()
    assert list(dict.fromkeys(models)) == ["moving_1", "moving_2"]


def events_of(body):
    events = body.split(b"\n\n")
    assert events.pop() == b""
    assert all(event.startswith(b"data: ") for event in events)
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_curl_gets_events(server, http2):
    url = f"{server.url}/v2/models/iris/infer_stream"
    status, headers, body = post(url, IRIS, "-N", http2=http2)
    assert status == 200
    assert headers["content-type"] == ["text/event-stream; charset=utf-8"]
    assert headers["cache-control"] == ["no-cache"]
    assert headers["x-seldon-route"] == [":iris_1:"]
    assert len(headers["x-request-id"][0]) == 20
    assert "content-length" not in headers
    [event] = events_of(body)
    assert (event["model_name"], event["id"]) == ("iris_1", "r1")
    assert event["outputs"][0]["data"] == [2]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_text_is_generated_as_events_and_in_one(text_server, http2):
    asked = {"id": "7", "text_input": "Hello", "n": 21, "stream": False}
    answered = {
        "id": "7",
        "model_name": "echo_1",
        "model_version": "1",
        "text_output": "Hello",
        "twice": 42,
    }
    url = f"{text_server.url}/v2/models/echo/generate"
    status, headers, body = post(url, asked, http2=http2)
    assert (status, json.loads(body)) == (200, answered)
    assert headers["content-type"] == ["application/json"]
    status, _, body = post(f"{url}_stream", asked, "-N", http2=http2)
    assert (status, events_of(body)) == (200, [answered])


def test_generate_takes_tensors_too(server):
    for verb in ("generate", "generate_stream"):
        status, _, body = post(f"{server.url}/v2/models/iris/{verb}", IRIS)
        assert status == 200
        answer = json.loads(body) if verb == "generate" else events_of(body)[0]
        assert answer["outputs"][0]["data"] == [2]


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
@pytest.mark.parametrize("verb", ["infer_stream", "generate", "generate_stream"])
@pytest.mark.parametrize(
    ("model", "document", "status", "fragment"),
    [
        ("nope", IRIS, 404, "nope"),
        ("iris", "{", 400, "JSON"),
        ("iris", {}, 400, "inputs"),
        ("tfsimple1", IRIS, 400, "INPUT0"),
    ],
    ids=["unknown model", "no JSON", "neither form", "wrong tensor"],
)
def test_errors_before_the_first_answer_are_plain(
    server, verb, model, document, status, fragment, http2
):
    got, headers, body = post(f"{server.url}/v2/models/{model}/{verb}", document, "-N", http2=http2)
    assert got == status
    assert headers["content-type"] == ["application/json"]
    assert fragment in json.loads(body)["error"]


def test_a_stream_takes_post_only(server):
    status, headers, _ = curl(f"{server.url}/v2/models/iris/infer_stream")
    assert (status, headers["allow"]) == (405, ["POST"])
