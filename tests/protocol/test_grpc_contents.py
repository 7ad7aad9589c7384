"""Typed tensors of gRPC: the right field, as many values as the shape, within the datatype."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError
from seldon_core.proto.open_inference_pb2 import InferTensorContents
from seldon_core.protocol.grpc_contents import RAW_ONLY, read_contents, write_contents
from seldon_core.protocol.inference import Tensor
from tests.support.tensors import DATATYPES, arrays, same


@given(data=st.data(), datatype=st.sampled_from(sorted({*DATATYPES} - RAW_ONLY)))
def test_contents_give_back_every_tensor(data, datatype):
    tensor = Tensor("x", datatype, data.draw(arrays(datatype, finite=False, text=False)))
    contents = InferTensorContents()
    write_contents(contents, tensor)
    read = read_contents("inputs[0]", datatype, tensor.data.shape, contents)
    assert same(Tensor("x", datatype, read), tensor)


@pytest.mark.parametrize(
    ("datatype", "shape", "contents", "message"),
    [
        ("FP32", [2], {"fp32_contents": [1]}, "[2] needs 2 values, fp32_contents has 1"),
        ("FP32", [1], {"fp32_contents": [1, 2]}, "[1] needs 1 values, fp32_contents has 2"),
        ("FP32", [1], {}, "[1] needs 1 values, fp32_contents has 0"),
        ("FP32", [0], {"fp32_contents": [1]}, "[0] needs 0 values, fp32_contents has 1"),
        ("INT64", [2], {"int64_contents": [1]}, "needs 2 values, int64_contents has 1"),
        ("FP32", [1], {"fp64_contents": [1]}, "FP32 belongs in fp32_contents, found fp64_contents"),
        (
            "FP32",
            [1],
            {"fp32_contents": [1], "int_contents": [1]},
            "FP32 belongs in fp32_contents, found int_contents, fp32_contents",
        ),
        ("INT8", [1], {"int64_contents": [1]}, "INT8 belongs in int_contents, found int64_con"),
        ("INT8", [2], {"int_contents": [1, 128]}, "128 is outside INT8"),
        ("UINT16", [1], {"uint_contents": [65536]}, "65536 is outside UINT16"),
        ("FP16", [1], {"fp32_contents": [1]}, "FP16 is sent in raw_input_contents only"),
        ("BF16", [1], {}, "BF16 is sent in raw_input_contents only"),
        ("FP8", [1], {}, "'FP8' is none of"),
        ("FP32", [-1], {}, "every dimension must be an integer >= 0"),
        ("FP64", [1 << 40], {}, "has more than"),
    ],
    ids=[
        "few", "many", "absent", "values-of-nothing", "few-integers", "wrong-field", "two-fields",
        "wrong-width", "outside-int8", "outside-uint16", "fp16", "bf16", "unknown-datatype",
        "negative-shape", "huge-shape",
    ],
)  # fmt: skip
def test_contents_that_do_not_fit_are_refused(datatype, shape, contents, message):
    with pytest.raises(InvalidRequestError) as caught:
        read_contents("inputs[0]", datatype, shape, InferTensorContents(**contents))
    assert str(caught.value).startswith("inputs[0]")
    assert message in str(caught.value)


def test_values_beside_an_unknown_field_are_read():
    unknown = b"\xf8\x3f\x01"  # field 1023, as a later version of the protocol may add
    contents = InferTensorContents.FromString(
        InferTensorContents(fp32_contents=[1.5]).SerializeToString() + unknown
    )
    assert read_contents("x", "FP32", [1], contents).tolist() == [1.5]


def test_an_array_read_from_contents_is_aligned():
    contents = InferTensorContents(fp64_contents=np.arange(100.0))
    assert read_contents("x", "FP64", [100], contents).flags.aligned


@pytest.mark.parametrize("length", ["short", "long"])
@pytest.mark.parametrize("datatype", ["INT8", "INT32", "INT64", "UINT8", "UINT32", "UINT64"])
def test_many_numbers_are_read_as_few_are(datatype, length):
    limits = np.iinfo(datatype.lower())
    numbers = [0, 1, 99, 100] if length == "short" else [limits.min, limits.max]
    values = np.array(numbers * (1000 // len(numbers)), datatype.lower())
    tensor = Tensor("x", datatype, values)
    contents = InferTensorContents()
    write_contents(contents, tensor)
    assert same(Tensor("x", datatype, read_contents("in", datatype, [1000], contents)), tensor)


@pytest.mark.parametrize(
    ("datatype", "contents", "message"),
    [
        ("INT8", {"int_contents": [1] * 299 + [128]}, "128 is outside INT8"),
        ("UINT8", {"uint_contents": [1] * 299 + [256]}, "256 is outside UINT8"),
        ("INT64", {"int64_contents": [1] * 301}, "needs 300 values, int64_contents has 301"),
        ("INT64", {"int_contents": [1] * 300}, "INT64 belongs in int64_contents, found int_con"),
        (
            "INT64",
            {"int64_contents": [1] * 300, "fp32_contents": [1]},
            "INT64 belongs in int64_contents, found int64_contents, fp32_contents",
        ),
    ],
    ids=["outside-int8", "outside-uint8", "more", "wrong-field", "two-fields"],
)
def test_many_numbers_that_do_not_fit_are_refused(datatype, contents, message):
    with pytest.raises(InvalidRequestError) as caught:
        read_contents("inputs[0]", datatype, [300], InferTensorContents(**contents))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "datatype", ["INT8", "INT32", "INT64", "UINT32", "UINT64", "FP32", "BYTES"]
)
def test_absent_values_are_refused(datatype):
    with pytest.raises(InvalidRequestError, match="needs 640 values"):
        read_contents("inputs[0]", datatype, [32, 2, 10], InferTensorContents())
