"""Where the bytes of binary tensors lie, and which outputs are wanted so."""

import numpy as np
import pytest

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import (
    InferRequest,
    InferResponse,
    RequestedOutput,
    Tensor,
)
from seldon_core.protocol.oip_binary import Tail, binary_outputs, split


def test_a_body_is_split_behind_its_head():
    head, tail = split(bytearray(b"{}abcde"), 2)
    assert bytes(head) == b"{}"
    assert bytes(tail.take("x", 3)) == b"abc"
    assert bytes(tail.take("x", 2)) == b"de"
    tail.finish()


@pytest.mark.parametrize("length", [-1, 0, 3, 1 << 70], ids=["negative", "none", "beyond", "huge"])
def test_a_head_that_the_body_cannot_have_is_refused(length):
    with pytest.raises(InvalidRequestError, match=f"is {length}, the body has 2 bytes"):
        split(b"{}", length)


def test_a_tensor_cannot_take_more_than_is_left():
    tail = Tail(memoryview(b"abc"))
    tail.take("first", 2)
    with pytest.raises(InvalidRequestError, match="second: says 2 bytes, 1 are left in the body"):
        tail.take("second", 2)


def test_bytes_that_belong_to_no_tensor_are_refused():
    tail = Tail(memoryview(b"abc"))
    tail.take("first", 1)
    with pytest.raises(InvalidRequestError, match="2 bytes follow the last binary input"):
        tail.finish()


@pytest.mark.parametrize(
    ("parameters", "outputs", "wanted"),
    [
        (None, None, set()),
        (None, [], set()),
        ({"binary_data_output": True}, None, {"a", "b"}),
        ({"binary_data_output": False}, None, set()),
        ({"other": 1}, None, set()),
        (None, [RequestedOutput("a", {"binary_data": True}), RequestedOutput("b")], {"a"}),
        ({"binary_data_output": True}, [RequestedOutput("a", {"binary_data": False})], {"b"}),
        ({"binary_data_output": True}, [RequestedOutput("a", {"other": 1})], {"a", "b"}),
        (None, [RequestedOutput("c", {"binary_data": True})], set()),
    ],
    ids=[
        "nothing-asked", "no-outputs", "all", "none", "other-parameter", "one", "all-but-one",
        "other-output-parameter", "not-in-the-reply",
    ],
)  # fmt: skip
def test_an_output_is_binary_when_it_is_asked_for_so(parameters, outputs, wanted):
    request = InferRequest([], outputs, parameters=parameters)
    reply = InferResponse("m", [Tensor(name, "FP32", np.zeros(1)) for name in "ab"])
    assert binary_outputs(reply, request) == wanted
