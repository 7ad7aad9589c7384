import asyncio
import gzip
import json

import numpy as np
import pytest

from seldon_core.errors import ModelRuntimeError, NotFoundError, OverloadedError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import (
    Encoded,
    InferResponse,
    ModelMetadata,
    ServerMetadata,
    Tensor,
    TensorSpec,
)
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpRequest, StreamedAnswer
from seldon_core.transport.handler import Reply
from seldon_core.transport.rest import RestFront
from seldon_core.transport.settings import ListenerSettings

INPUT = {"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}
BODY = json.dumps({"id": "7", "inputs": [INPUT]}).encode()
INFER = b"/v2/models/iris/infer"


class DoublingHandler:
    """Doubles its input; raises `error` instead if there is one."""

    def __init__(self, error=None):
        self.error = error
        self.calls = []

    async def infer(self, call):
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        request = call.payload.decode()
        output = Tensor("y", "FP32", request.inputs[0].data * 2)
        response = InferResponse("iris_1", [output], "1", request.id)
        return Reply(response, [(b"x-seldon-route", b":iris_1:")])

    async def metadata(self, call):
        self.calls.append(call)
        spec = TensorSpec("x", "FP32", (-1, 4))
        return ModelMetadata(call.model, "sklearn_sklearn", (spec,), (), ("1",))

    async def ready(self, call):
        if call.model == "nope":
            raise NotFoundError("model", call.model)
        return call.model == "iris"


class FakeServer:
    def live(self):
        return True

    def ready(self):
        return False

    def metadata(self):
        return ServerMetadata("seldon-core", "0.1.0", ("binary_tensor_data",))


def ask(handler, method, target, headers=None, body=b"", budget=None, **changes):
    settings = ListenerSettings(**changes)
    front = RestFront(
        handler, FakeServer(), settings, budget or InFlightBytes(1 << 30), {}, lambda: 100.0
    )
    request = HttpRequest(method, target, headers or {}, body)
    answer = asyncio.run(front.answer(request))
    return answer.status, dict(answer.headers), b"".join(bytes(part) for part in answer.parts)


def test_an_infer_request_becomes_a_call_and_the_reply_an_answer():
    handler = DoublingHandler()
    status, headers, body = ask(handler, b"POST", b"/v2/models/iris/versions/3/infer", body=BODY)
    assert status == 200
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-seldon-route"] == b":iris_1:"
    document = json.loads(body)
    assert (document["model_name"], document["id"]) == ("iris_1", "7")
    assert document["outputs"][0]["data"] == [2.0, 4.0]
    (call,) = handler.calls
    assert (call.model, call.version, call.protocol, call.deadline) == ("iris", "3", "rest", 700.0)


def test_binary_tensors_pass_both_ways():
    output = {"name": "y", "parameters": {"binary_data": True}}
    tensor = {
        "name": "x",
        "shape": [2],
        "datatype": "FP32",
        "parameters": {"binary_data_size": 8},
    }
    head = json.dumps({"inputs": [tensor], "outputs": [output]}).encode()
    length = {b"inference-header-content-length": b"%d" % len(head)}
    values = np.array([1, 2], dtype="<f4")
    status, headers, body = ask(DoublingHandler(), b"POST", INFER, length, head + values.tobytes())
    assert status == 200
    json_length = int(headers[b"inference-header-content-length"])
    assert body[json_length:] == (values * 2).tobytes()


def test_a_raw_binary_request_is_the_one_input_and_every_output_comes_back_as_bytes():
    values = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], "<f4")
    handler = DoublingHandler()
    headers = {b"inference-header-content-length": b"0"}
    target = b"/v2/models/iris/versions/3/infer"
    status, answered, body = ask(handler, b"POST", target, headers, values.tobytes(), json_bytes=9)
    assert status == 200
    assert answered[b"content-type"] == b"application/octet-stream"
    json_length = int(answered[b"inference-header-content-length"])
    assert body[json_length:] == (values * 2).tobytes()
    assert json.loads(body[:json_length])["outputs"][0]["shape"] == [2, 4]
    asked, inferred = handler.calls
    assert (asked.model, asked.version) == (inferred.model, inferred.version) == ("iris", "3")


def test_a_raw_binary_request_that_does_not_fit_is_a_400():
    headers = {b"inference-header-content-length": b"0"}
    status, _, body = ask(DoublingHandler(), b"POST", INFER, headers, b"12345678")
    assert status == 400
    assert json.loads(body)["error"] == (
        "the body: FP32 of shape [-1, 4] (-1 is any) needs 16 bytes or a multiple of it, found 8"
    )


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"9" * 5000, b"99999999"])
def test_a_json_length_that_lies_is_a_400(length):
    headers = {b"inference-header-content-length": length}
    assert ask(DoublingHandler(), b"POST", INFER, headers, BODY, json_bytes=1 << 40)[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"inference-header-content-length": b"5000"},
        {b"content-type": b"application/octet-stream"},
    ],
    ids=["body", "json part", "octets without a json part"],
)
def test_json_above_its_limit_is_a_413(headers):
    status, _, body = ask(DoublingHandler(), b"POST", INFER, headers, b" " * 5000, json_bytes=1000)
    assert status == 413
    assert b"binary tensor data extension" in body


def test_a_compressed_body_is_read_and_its_bytes_given_back():
    budget = InFlightBytes(1 << 20)
    status, _, _ = ask(
        DoublingHandler(),
        *(b"POST", INFER, {b"content-encoding": b"gzip"}, gzip.compress(BODY), budget),
    )
    assert status == 200
    assert budget.used == 0


def test_a_body_that_is_not_gzip_is_a_400():
    headers = {b"content-encoding": b"gzip"}
    assert ask(DoublingHandler(), b"POST", INFER, headers, b"no")[0] == 400


def test_an_encoding_that_is_not_read_is_a_415_with_those_that_are():
    headers = {b"content-encoding": b"br"}
    status, _, body = ask(DoublingHandler(), b"POST", INFER, headers, b"no")
    assert status == 415
    assert b"may be gzip or deflate, found 'br'" in body


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/v2/health/live", 200),
        (b"/v2/health/ready", 400),
        (b"/v2/models/iris/ready", 200),
        (b"/v2/models/slow/ready", 400),
    ],
    ids=["live", "server not ready", "model ready", "model not ready"],
)
def test_health_is_a_status_without_a_body(target, status):
    answered, headers, body = ask(DoublingHandler(), b"GET", target)
    assert (answered, body) == (status, b"")
    assert len(headers[b"x-request-id"]) == 20


def test_metadata_of_server_and_model_are_json():
    status, _, body = ask(DoublingHandler(), b"GET", b"/v2")
    assert (status, json.loads(body)["extensions"]) == (200, ["binary_tensor_data"])
    status, _, body = ask(DoublingHandler(), b"GET", b"/v2/models/iris")
    assert (status, json.loads(body)["inputs"][0]["shape"]) == (200, [-1, 4])


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        (b"GET", b"/v2/models/nope/ready", 404),
        (b"GET", b"/elsewhere", 404),
        (b"GET", INFER, 405),
        (b"HEAD", b"/v2/models/iris/infer", 405),
    ],
    ids=["unknown model", "unknown path", "wrong method", "head"],
)
def test_what_does_not_exist_is_an_error_with_a_body(method, target, status):
    answered, headers, body = ask(DoublingHandler(), method, target)
    assert answered == status
    assert set(json.loads(body)) == {"error"}
    assert (b"allow" in headers) == (status == 405)


def test_a_tunnel_is_not_implemented_for_any_target():
    status, headers, body = ask(DoublingHandler(), b"CONNECT", b"a:80")
    assert status == 501
    assert "opens no tunnel" in json.loads(body)["error"]
    assert b"allow" not in headers


@pytest.mark.parametrize(
    ("target", "method", "allowed"),
    [
        (b"/v2/health/live", b"POST", b"GET, HEAD"),
        (b"/v2/logging", b"PUT", b"GET, POST, HEAD"),
        (INFER, b"GET", b"POST"),
    ],
    ids=["read", "read and changed", "run"],
)
def test_allow_names_head_where_there_is_get(target, method, allowed):
    status, headers, _ = ask(DoublingHandler(), method, target)
    assert (status, headers[b"allow"]) == (405, allowed)


def test_grpc_over_another_protocol_is_a_415_that_says_what_it_needs():
    target = b"/inference.GRPCInferenceService/ModelInfer"
    headers = {b"content-type": b"application/grpc+proto"}
    status, _, body = ask(DoublingHandler(), b"POST", target, headers, b"\0\0\0\0\0")
    assert status == 415
    assert "gRPC over HTTP/2 only" in json.loads(body)["error"]


def test_broken_json_is_a_400():
    status, _, body = ask(DoublingHandler(), b"POST", INFER, body=b"{")
    assert status == 400
    assert json.loads(body)["error"]


def test_an_overloaded_model_says_when_to_come_back():
    handler = DoublingHandler(OverloadedError("full", 1.2))
    status, headers, _ = ask(handler, b"POST", INFER, body=BODY)
    assert (status, headers[b"retry-after"]) == (503, b"2")


def test_an_error_of_the_model_is_a_500_with_its_message():
    handler = DoublingHandler(ModelRuntimeError("3 features, wanted 4"))
    status, _, body = ask(handler, b"POST", INFER, body=BODY)
    assert (status, json.loads(body)) == (500, {"error": "3 features, wanted 4"})


def test_a_bug_is_left_to_the_framing():
    with pytest.raises(KeyError, match="secret"):
        ask(DoublingHandler(KeyError("secret")), b"POST", INFER, body=BODY)


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        (b"abc-123", True),
        (b"x" * 128, True),
        (b"x" * 129, False),
        (b"", False),
        (b"with space", False),
        (b"evil\r\nx: y", False),
        (b"\xc3\xa9", False),
    ],
    ids=["short", "longest", "too long", "empty", "space", "line end", "not ascii"],
)
def test_a_clients_request_id_is_kept_if_it_is_harmless(sent, is_kept):
    handler = DoublingHandler()
    _, headers, _ = ask(handler, b"POST", INFER, {b"x-request-id": sent}, BODY)
    returned = headers[b"x-request-id"]
    assert (returned == sent) == is_kept
    assert handler.calls[0].request_id.encode() == returned
    assert is_kept or len(returned) == 20


@pytest.mark.parametrize("how", ["read", "closed-at-once", "closed-later"])
def test_what_a_compressed_body_takes_is_held_until_its_stream_has_ended(how):
    async def test():
        budget, ended = InFlightBytes(1 << 20), asyncio.Event()

        async def pieces():
            try:
                yield b""
                yield b"a"
                yield b"b"
            finally:
                ended.set()

        async def infer_stream(call):
            assert call.request.body == BODY
            source = pieces()
            await anext(source)
            return StreamedAnswer(200, [], source)

        methods = {Verb.INFER_STREAM: infer_stream}
        front = RestFront(DoublingHandler(), FakeServer(), ListenerSettings(), budget, methods)
        headers = {b"content-encoding": b"gzip"}
        request = HttpRequest(b"POST", INFER + b"_stream", headers, gzip.compress(BODY))
        answer = await front.answer(request)
        assert budget.used == len(BODY)
        if how == "read":
            assert [piece async for piece in answer.pieces] == [b"a", b"b"]
        elif how == "closed-later":
            assert await anext(answer.pieces) == b"a"
        assert budget.used == (0 if how == "read" else len(BODY))
        await answer.pieces.aclose()
        assert budget.used == 0
        assert ended.is_set()

    asyncio.run(test())


@pytest.mark.parametrize("length", [None, 2])
def test_an_answer_that_another_process_wrote_is_sent_as_it_is(length):
    class Relaying(DoublingHandler):
        async def infer(self, call):
            return Reply(Encoded(b"text/x", (b"as it", b" is"), length))

    status, headers, body = ask(Relaying(), b"POST", b"/v2/models/m/infer", body=b"not read")
    assert (status, headers[b"content-type"], body) == (200, b"text/x", b"as it is")
    told = headers.get(b"inference-header-content-length")
    assert told == (None if length is None else b"2")
