"""The messages of a stream between processes of our own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError, NotFoundError, RelayedError, UpstreamError
from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.protocol.inference import Encoded, InferResponse, Payload, Tensor
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.protocol.protobuf_wire import varint
from seldon_core.protocol.relay_stream import read_relayed, relayed_message


def payload(final=False):
    made = oip.ModelInferRequest(model_name="m", id="7")
    made.inputs.add(name="x", datatype="FP32", shape=[0]).contents.fp32_contents.extend([])
    if final:
        made.parameters["triton_enable_empty_final_response"].bool_param = True
    return Payload(GRPC_CODEC, made.SerializeToString())


def response(nbytes=8):
    return InferResponse("m_1", [Tensor("y", "UINT8", np.zeros(nbytes, np.uint8))], "1", "7")


def read(parts):
    return read_relayed(b"".join(parts))


@pytest.mark.parametrize("is_final", [True, False], ids=["final", "one of several"])
@pytest.mark.parametrize("nbytes", [8, 100_000], ids=["small", "large"])
def test_an_answer_comes_as_it_was_written(nbytes, is_final):
    found, was_final = read(relayed_message(response(nbytes), payload(), is_final=is_final))
    assert was_final is is_final
    answer = oip.ModelInferResponse.FromString(b"".join(found.parts))
    assert (answer.model_name, answer.id) == ("m_1", "7")


def test_who_wants_to_know_the_last_answer_is_told_by_the_replica():
    found, _ = read(relayed_message(response(), payload(final=True), is_final=True))
    answer = oip.ModelInferResponse.FromString(b"".join(found.parts))
    assert answer.parameters["triton_final_response"].bool_param


def test_an_answer_of_a_third_process_goes_on_as_it_is():
    found, _ = read(relayed_message(Encoded(b"", (b"ab", b"c")), payload(), is_final=True))
    assert b"".join(found.parts) == b"abc"


@pytest.mark.parametrize(
    ("error", "http", "grpc"),
    [(NotFoundError("model", "m"), 404, 5), (InvalidRequestError("ä\ud800"), 400, 3)],
)
def test_an_error_keeps_its_statuses(error, http, grpc):
    found, is_final = read(relayed_message(error, payload(), is_final=True))
    assert isinstance(found, RelayedError)
    assert (found.http, found.grpc, is_final) == (http, grpc, True)
    assert str(found)[0] == str(error)[0]


@given(st.binary(max_size=60))
def test_other_bytes_are_an_upstream_error_or_some_answer(message):
    try:
        read_relayed(message)
    except UpstreamError:
        return


def test_a_message_of_too_many_fields_is_an_upstream_error():
    with pytest.raises(UpstreamError, match="more than"):
        read_relayed(b"\x0a\0" * 20_000)


def relayed_error(http, grpc, text=b"no"):
    codes = varint(101 << 3) + varint(http) + varint(102 << 3) + varint(grpc)
    message = varint(100 << 3) + b"\1" + codes + b"\x0a" + varint(len(text)) + text
    return read_relayed(message)[0]


@pytest.mark.parametrize(("http", "grpc"), [(200, 0), (302, 17), (1 << 40, 1 << 60)])
def test_statuses_that_are_no_errors_are_an_internal_one(http, grpc):
    found = relayed_error(http, grpc)
    assert (found.http, found.grpc) == (500, 13)


def test_an_error_without_a_text_says_its_code():
    assert str(relayed_error(400, 3, b"")) == "the message met gRPC code 3"
