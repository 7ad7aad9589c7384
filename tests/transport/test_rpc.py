"""The gRPC front, called directly and by grpcio over a real socket."""

import asyncio
import contextlib

import grpc
import numpy as np
import pytest
import uvloop

from seldon_core.errors import (
    DeadlineError,
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    OverloadedError,
)
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol import status
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import (
    Encoded,
    InferResponse,
    ModelMetadata,
    ServerMetadata,
    Tensor,
    TensorSpec,
)
from seldon_core.transport.handler import NO_DEADLINE, Reply
from seldon_core.transport.rpc import RpcFront
from seldon_core.transport.settings import ListenerSettings
from tests.support.http2_peer import call_headers, connected, serving

SERVICE = "/inference.GRPCInferenceService/"


class DoublingHandler:
    """Doubles every input, or does what the model's name says."""

    def __init__(self):
        self.calls = []
        self.cancelled = asyncio.Event()
        self.waits = asyncio.Event()

    async def infer(self, call):
        self.calls.append(call)
        if call.model == "waits":
            self.waits.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if call.model == "bug":
            raise RuntimeError("a bug")
        if call.model in ERRORS:
            raise ERRORS[call.model]
        request = call.payload.decode()
        outputs = [Tensor(t.name, t.datatype, t.data * 2) for t in request.inputs]
        route = [(b"x-seldon-route", b":a_1:"), (b"x-seldon-route", b":b_1:")]
        return Reply(InferResponse("double_1", outputs, "1", request.id), route)

    async def metadata(self, call):
        self.calls.append(call)
        spec = TensorSpec("x", "FP32", (-1, 2))
        return ModelMetadata(call.model, "onnx_onnx", (spec,), (spec,), ("1",))

    async def ready(self, call):
        self.calls.append(call)
        if call.model == "missing":
            raise NotFoundError("model", call.model)
        return call.model == "double"


ERRORS = {
    "invalid": InvalidRequestError("x is missing"),
    "missing": NotFoundError("model", "missing"),
    "full": OverloadedError("no room"),
    "late": DeadlineError("too late"),
    "failing": ModelRuntimeError("ä% failed"),
}


class UpServer:
    def live(self):
        return True

    def ready(self):
        return False

    def metadata(self):
        return ServerMetadata("seldon", "1", ("binary_tensor_data",))


def infer_request(model="double", **extra):
    request = pb.ModelInferRequest(model_name=model, id="7", **extra)
    request.inputs.add(name="x", datatype="FP32", shape=[2])
    request.raw_input_contents.append(np.array([1, 2], "<f4").tobytes())
    return request


def answer(method, message, headers=None, handler=None):
    """Call the front directly."""

    async def call():
        front = RpcFront(handler or DoublingHandler(), UpServer(), {})
        path = (SERVICE + method).encode()
        return await front.answer(path, headers or {}, message.SerializeToString(), NO_DEADLINE)

    return asyncio.run(call())


def run(test):
    async def bounded():
        async with asyncio.timeout(60):
            await test()

    uvloop.run(bounded())


@contextlib.asynccontextmanager
async def called(settings=None, **options):
    """A server with the front, and an aio channel to it."""
    handler = DoublingHandler()
    sizes = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with (
        serving(settings, RpcFront(handler, UpServer(), {})) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", sizes, **options) as channel,
    ):
        yield handler, server, channel


def method(channel, name, response=pb.ModelInferResponse):
    return channel.unary_unary(
        SERVICE + name,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response.FromString,
    )


def test_an_infer_call_reaches_the_handler_and_its_reply_the_caller():
    handler = DoublingHandler()
    headers = {b"x-request-id": b"mine", b"seldon-model": b"double"}
    got = answer("ModelInfer", infer_request(model_version="3"), headers, handler)
    assert got.status == status.OK
    assert got.headers == [(b"x-seldon-route", b":a_1:"), (b"x-seldon-route", b":b_1:")]
    assert got.trailers == [(b"x-request-id", b"mine")]
    reply = pb.ModelInferResponse.FromString(b"".join(got.parts))
    assert (reply.model_name, reply.model_version, reply.id) == ("double_1", "1", "7")
    assert np.frombuffer(reply.raw_output_contents[0], "<f4").tolist() == [2, 4]
    call = handler.calls[0]
    assert (call.verb, call.model, call.version) == (Verb.INFER, "double", "3")
    assert (call.protocol, call.request_id, call.headers) == ("grpc", "mine", headers)


@pytest.mark.parametrize(
    ("name", "message", "response"),
    [
        ("ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse(live=True)),
        ("ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse(ready=False)),
        (
            "ServerMetadata",
            pb.ServerMetadataRequest(),
            pb.ServerMetadataResponse(
                name="seldon", version="1", extensions=["binary_tensor_data"]
            ),
        ),
        ("ModelReady", pb.ModelReadyRequest(name="double"), pb.ModelReadyResponse(ready=True)),
        ("ModelReady", pb.ModelReadyRequest(name="loading"), pb.ModelReadyResponse(ready=False)),
        (
            "ModelMetadata",
            pb.ModelMetadataRequest(name="m", version="2"),
            pb.ModelMetadataResponse(
                name="m",
                versions=["1"],
                platform="onnx_onnx",
                inputs=[{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
                outputs=[{"name": "x", "datatype": "FP32", "shape": [-1, 2]}],
            ),
        ),
    ],
    ids=["live", "ready", "server metadata", "model ready", "model not ready", "model metadata"],
)
def test_the_other_methods_answer(name, message, response):
    got = answer(name, message)
    assert got.status == status.OK
    assert type(response).FromString(b"".join(got.parts)) == response


def test_readiness_of_an_unknown_model_is_not_found():
    got = answer("ModelReady", pb.ModelReadyRequest(name="missing"))
    assert (got.status, got.parts) == (status.NOT_FOUND, None)
    assert "missing" in got.message


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("invalid", status.INVALID_ARGUMENT),
        ("missing", status.NOT_FOUND),
        ("full", status.RESOURCE_EXHAUSTED),
        ("late", status.DEADLINE_EXCEEDED),
        ("failing", status.INTERNAL),
    ],
)
def test_errors_have_the_code_of_the_table_and_their_message(model, code):
    got = answer("ModelInfer", infer_request(model))
    assert (got.status, got.message) == (code, str(ERRORS[model]))
    assert [name for name, _ in got.trailers] == [b"x-request-id"]


def test_a_bug_is_left_to_the_framing():
    with pytest.raises(RuntimeError, match="a bug"):
        answer("ModelInfer", infer_request("bug"))


def test_an_unknown_method_is_refused_before_there_is_a_message():
    async def test():
        async with called() as (_, server, _), connected(server) as client:
            path = b"/inference.GRPCInferenceService/ModelGuess"
            refused = await client.call(call_headers(path=path), end=False)
            assert refused.status == status.UNIMPLEMENTED
            assert path + b" is not served here" == dict(refused.headers)[b"grpc-message"]

    run(test)


def test_the_methods_of_shared_memory_are_refused_as_that():
    async def test():
        async with called() as (_, server, _), connected(server) as client:
            path = b"/inference.GRPCInferenceService/SystemSharedMemoryStatus"
            refused = await client.call(call_headers(path=path), end=False)
            assert refused.status == status.UNIMPLEMENTED
            said = dict(refused.headers)[b"grpc-message"]
            assert said == path + b" is not served here: shared memory is not offered"

    run(test)


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        pytest.param(b"abc-1", True, id="visible"),
        pytest.param(b"x" * 128, True, id="longest"),
        pytest.param(b"x" * 129, False, id="too long"),
        pytest.param(b"a b", False, id="space"),
        pytest.param(b"\xe4", False, id="not ascii"),
        pytest.param(b"", False, id="empty"),
    ],
)
def test_a_request_id_is_kept_if_it_may_be(sent, is_kept):
    got = dict(answer("ServerLive", pb.ServerLiveRequest(), {b"x-request-id": sent}).trailers)
    kept = got[b"x-request-id"]
    assert kept == sent if is_kept else len(kept) == 20


def test_garbage_is_an_invalid_argument():
    async def call():
        front = RpcFront(DoublingHandler(), UpServer(), {})
        path = (SERVICE + "ModelInfer").encode()
        return await front.answer(path, {}, b"\xff\xff garbage", NO_DEADLINE)

    assert asyncio.run(call()).status == status.INVALID_ARGUMENT


def test_grpcio_aio_calls_with_metadata_both_ways():
    async def test():
        async with called() as (handler, _, channel):
            call = method(channel, "ModelInfer")(
                infer_request(), metadata=[("x-request-id", "mine"), ("seldon-model", "double")]
            )
            reply = await call
            assert np.frombuffer(reply.raw_output_contents[0], "<f4").tolist() == [2, 4]
            routes = [v for k, v in await call.initial_metadata() if k == "x-seldon-route"]
            assert routes == [":a_1:", ":b_1:"]
            assert ("x-request-id", "mine") in list(await call.trailing_metadata())
            assert handler.calls[0].headers[b"seldon-model"] == b"double"

    run(test)


def test_grpcio_sync_calls():
    async def test():
        async with called() as (_, server, _):

            def call():
                with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                    return method(channel, "ModelInfer")(infer_request(), timeout=10)

            reply = await asyncio.get_running_loop().run_in_executor(None, call)
            assert reply.id == "7"

    run(test)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_grpcio_may_compress(compression):
    async def test():
        async with called(compression=compression) as (_, _, channel):
            request = infer_request()
            request.parameters["filler"].string_param = "text " * 500
            reply = await method(channel, "ModelInfer")(request)
            assert reply.id == "7"

    run(test)


def test_grpcio_sees_errors_with_their_text():
    async def test():
        async with called() as (_, _, channel):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "ModelInfer")(infer_request("failing"))
            assert caught.value.code() is grpc.StatusCode.INTERNAL
            assert caught.value.details() == "ä% failed"
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "ModelGuess")(infer_request())
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    run(test)


def test_a_deadline_of_grpcio_cancels_the_work():
    async def test():
        async with called() as (handler, server, channel):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "ModelInfer")(infer_request("waits"), timeout=0.1)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await handler.cancelled.wait()
            await server.until(lambda: server.shared.budget.used == 0)

    run(test)


def test_a_cancelled_call_cancels_the_work():
    async def test():
        async with called() as (handler, _, channel):
            call = method(channel, "ModelInfer")(infer_request("waits"))
            await handler.waits.wait()
            call.cancel()
            await handler.cancelled.wait()
            assert (await method(channel, "ModelInfer")(infer_request())).id == "7"

    run(test)


def test_messages_of_64_megabytes_go_both_ways():
    async def test():
        async with called() as (_, server, channel):
            request = pb.ModelInferRequest(model_name="double")
            request.inputs.add(name="x", datatype="FP32", shape=[16 << 20])
            request.raw_input_contents.append(np.ones(16 << 20, "<f4").tobytes())
            reply = await method(channel, "ModelInfer")(request)
            assert np.frombuffer(reply.raw_output_contents[0], "<f4").sum() == 2 * (16 << 20)
            await server.until(lambda: server.shared.budget.used == 0)

    run(test)


def test_a_message_over_the_limit_is_refused_by_its_prefix():
    async def test():
        async with called(ListenerSettings(body_bytes=10_000)) as (handler, _, channel):
            request = infer_request()
            request.parameters["filler"].string_param = "x" * 5_000_000
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(channel, "ModelInfer")(request)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "at most 10000" in caught.value.details()
            assert handler.calls == []

    run(test)


def test_large_typed_contents_are_refused_and_raw_ones_are_not():
    def ask(message):
        front = RpcFront(DoublingHandler(), UpServer(), {}, typed_bytes=1000)
        path = (SERVICE + "ModelInfer").encode()
        return asyncio.run(front.answer(path, {}, message.SerializeToString(), NO_DEADLINE))

    typed = pb.ModelInferRequest(model_name="m")
    typed.inputs.add(name="x", datatype="FP32", shape=[300]).contents.fp32_contents.extend(
        [1] * 300
    )
    refused = ask(typed)
    assert refused.status == 8
    assert "1000 bytes besides its raw contents" in refused.message
    raw = pb.ModelInferRequest(model_name="m", raw_input_contents=[bytes(1200)])
    raw.inputs.add(name="x", datatype="FP32", shape=[300])
    assert ask(raw).status == 0


def test_an_answer_that_another_process_wrote_is_sent_as_it_is():
    class Relaying(DoublingHandler):
        async def infer(self, call):
            return Reply(Encoded(b"application/grpc", (b"as it", b" is")))

    got = answer("ModelInfer", infer_request(), handler=Relaying())
    assert (got.status, b"".join(got.parts)) == (status.OK, b"as it is")
