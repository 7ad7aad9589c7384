"""The two shapes of streamed answers, read back by protobuf itself."""

import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as triton

from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.protocol.inference import Encoded, InferRequest, InferResponse, Payload, Tensor
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.protocol.oip_stream import (
    bare_message,
    note_final,
    triton_encoded,
    triton_error_message,
    triton_message,
)

RESPONSE = InferResponse("m_1", [Tensor("y", "FP32", np.array([[1, 2]], np.float32))], "1", "r1")


def request(raw=False, **values):
    return InferRequest([], raw=raw, **values)


def payload(identifier="r1", **parameters):
    message = oip.ModelInferRequest(model_name="m", id=identifier)
    for name, value in parameters.items():
        message.parameters[name].bool_param = value
    return Payload(GRPC_CODEC, message.SerializeToString())


def triton_read(parts):
    return triton.ModelStreamInferResponse.FromString(b"".join(parts))


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
def test_mlservers_answer_is_the_unary_one(raw):
    message = oip.ModelInferResponse.FromString(b"".join(bare_message(RESPONSE, request(raw))))
    assert (message.model_name, message.id) == ("m_1", "r1")
    assert bool(message.raw_output_contents) is raw


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
def test_tritons_answer_holds_the_unary_one(raw):
    message = triton_read(triton_message(RESPONSE, request(raw)))
    assert message.error_message == ""
    inner = b"".join(bare_message(RESPONSE, request(raw)))
    assert message.infer_response == triton.ModelInferResponse.FromString(inner)


def test_large_arrays_are_not_copied():
    array = np.arange(10_000, dtype=np.float32)
    parts = triton_message(InferResponse("m", [Tensor("y", "FP32", array)]), request(raw=True))
    view = next(part for part in parts if isinstance(part, memoryview))
    assert np.shares_memory(np.frombuffer(view, np.float32), array)
    assert triton_read(parts).infer_response.raw_output_contents[0] == array.tobytes()


def test_an_error_has_the_id_of_what_failed():
    message = triton_read(triton_error_message("it broke: ü", payload(), is_final=True))
    assert message.error_message == "it broke: ü"
    assert (message.infer_response.id, message.infer_response.model_name) == ("r1", "m")
    assert not message.infer_response.parameters


def test_an_error_of_what_is_no_request_is_alone():
    broken = Payload(GRPC_CODEC, b"\xff\xff")
    message = triton_read(triton_error_message("no request", broken, is_final=True))
    assert message.error_message == "no request"
    assert not message.HasField("infer_response")


@pytest.mark.parametrize("text", ["x" * 100_000, "\ud800"], ids=["long", "no Unicode"])
def test_any_text_can_be_an_error(text):
    message = triton_read(triton_error_message(text, payload(), is_final=True))
    assert 0 < len(message.error_message) <= 4096


@pytest.mark.parametrize("is_final", [True, False])
def test_who_asks_is_told_which_answer_is_the_last(is_final):
    asked = request(parameters={"triton_enable_empty_final_response": True})
    response = InferResponse("m", [], parameters={"a": 1})
    note_final(response, asked, is_final=is_final)
    assert response.parameters == {"a": 1, "triton_final_response": is_final}
    asking = payload(triton_enable_empty_final_response=True)
    message = triton_read(triton_error_message("no", asking, is_final=is_final))
    assert message.infer_response.parameters["triton_final_response"].bool_param is is_final


@pytest.mark.parametrize(
    "parameters",
    [None, {}, {"triton_enable_empty_final_response": False}, {"other": True}],
    ids=["none", "empty", "declined", "another"],
)
def test_who_does_not_ask_is_not_told(parameters):
    response = InferResponse("m", [])
    note_final(response, request(parameters=parameters), is_final=True)
    assert response.parameters is None


def test_a_response_that_another_process_wrote_is_put_into_tritons_message():
    assert b"".join(triton_encoded(Encoded(b"", (b"ab", b"c")))) == b"\x12\x03abc"
