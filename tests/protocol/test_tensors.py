"""Tensors as arrays, as bytes and as JSON values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import Tensor
from seldon_core.protocol.tensors import (
    ITEM_SIZES,
    MAX_ELEMENTS,
    NUMPY_DTYPES,
    element_count,
    from_raw,
    from_values,
    to_raw,
)
from tests.support.tensors import DATATYPES, arrays, same

WHERE = "inputs[0]"


@pytest.mark.parametrize(
    ("shape", "count"),
    [([], 1), ([4], 4), ([2, 3], 6), ([0], 0), ([5, 0], 0), ([MAX_ELEMENTS], MAX_ELEMENTS)],
    ids=["scalar", "vector", "matrix", "nothing", "rows-of-nothing", "the-most"],
)
def test_a_shape_has_as_many_elements_as_its_product(shape, count):
    assert element_count(WHERE, shape) == count


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([2, -1], "[2, -1] has -1, every dimension must be an integer >= 0"),
        ([2.0], "[2.0] has 2.0, every"),
        ([True], "[True] has True, every"),
        (["2"], "['2'] has '2', every"),
        ([None], "[null] has null, every"),
        ([[2]], "[[2]] has [2], every"),
        ([MAX_ELEMENTS + 1], f"has more than {MAX_ELEMENTS} elements"),
        ([1 << 40, 1 << 40], f"has more than {MAX_ELEMENTS} elements"),
        ([0, 1 << 62], f"has more than {MAX_ELEMENTS} elements"),
        ([0, 1 << 20, 1 << 20, 1 << 20], f"has more than {MAX_ELEMENTS} elements"),
        ([1] * 33, "has 33 dimensions, at most 32 are allowed"),
    ],
    ids=[
        "negative", "float", "boolean", "string", "null", "nested", "huge", "overflowing",
        "huge-beside-nothing", "together-huge-beside-nothing", "many-dimensions",
    ],
)  # fmt: skip
def test_a_wrong_shape_is_refused(shape, message):
    with pytest.raises(InvalidRequestError) as caught:
        element_count(WHERE, shape)
    assert str(caught.value).startswith("inputs[0].shape: ")
    assert message in str(caught.value)


@given(data=st.data(), datatype=st.sampled_from(DATATYPES))
def test_bytes_give_back_every_tensor(data, datatype):
    array = data.draw(arrays(datatype, finite=False, text=False))
    tensor = Tensor("x", datatype, array)
    raw = bytes(to_raw(tensor))
    if datatype != "BYTES":
        assert len(raw) == array.size * ITEM_SIZES[datatype]
    assert same(Tensor("x", datatype, from_raw(WHERE, datatype, array.shape, raw)), tensor)


@given(data=st.data(), datatype=st.sampled_from(sorted({*DATATYPES} - {"BF16"})))
def test_json_values_give_back_every_tensor_flat_and_nested(data, datatype):
    array = data.draw(arrays(datatype))
    tensor = Tensor("x", datatype, array)
    values = array
    if datatype == "BYTES" and array.size:
        values = np.vectorize(bytes.decode, [object])(array)
    for written in (values.ravel().tolist(), values.tolist()):
        if isinstance(written, list):
            read = from_values(WHERE, datatype, array.shape, written)
            assert same(Tensor("x", datatype, read), tensor)


def test_large_arrays_pass_as_views_both_ways():
    array = np.arange(1000, dtype="<f4")
    raw = to_raw(Tensor("x", "FP32", array))
    assert isinstance(raw, memoryview)
    assert np.shares_memory(array, from_raw(WHERE, "FP32", [10, 100], raw))


def test_an_array_in_another_order_is_written_row_by_row():
    array = np.arange(6, dtype="<i4").reshape(2, 3).T
    assert bytes(to_raw(Tensor("x", "INT32", array))) == array.copy(order="C").tobytes()


def test_bf16_sends_the_upper_half_of_each_number():
    numbers = np.array([1.0, -2.5, np.inf], "<f4")
    raw = bytes(to_raw(Tensor("x", "BF16", numbers)))
    assert raw == b"\x80\x3f\x20\xc0\x80\x7f"


def test_a_nan_of_bf16_keeps_its_bits():
    raw = bytes.fromhex("b7ff817f")
    assert bytes(to_raw(Tensor("x", "BF16", from_raw(WHERE, "BF16", [2], raw)))) == raw


def test_a_nan_stays_a_nan_in_bf16():
    low_bits = np.array([0x7F800001], "<u4").view("<f4")
    raw = to_raw(Tensor("x", "BF16", low_bits))
    assert np.isnan(from_raw(WHERE, "BF16", [1], raw)).all()


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "message"),
    [
        ("FP32", [2], b"1234", "FP32 of shape [2] needs 8 bytes, found 4"),
        ("FP32", [1], b"12345", "needs 4 bytes, found 5"),
        ("FP32", [0], b"1", "needs 0 bytes, found 1"),
        ("BF16", [1], b"1234", "needs 2 bytes, found 4"),
        ("BOOL", [2], b"\x01\x02", "the bytes of a BOOL tensor must be 0 or 1"),
        ("BYTES", [2], b"\1\0\0\0", "2 BYTES elements need at least 8 bytes, found 4"),
        ("BYTES", [1], b"\5\0\0\0a", "element 0 of 1 says it has 5 bytes, 1 are left"),
        ("BYTES", [1], b"\xff\xff\xff\xffa", "says it has 4294967295 bytes, 1 are left"),
        ("BYTES", [2], b"\4\0\0\0abcd\0", "element 1 of 2 is missing"),
        ("BYTES", [1], b"\1\0\0\0abc", "2 bytes follow element 0"),
        ("COMPLEX", [1], b"", "'COMPLEX' is none of BOOL, UINT8"),
        ("FP32", [-1], b"", "every dimension must be"),
    ],
    ids=[
        "short", "long", "bytes-of-nothing", "short-bf16", "no-boolean", "no-room-for-lengths",
        "length-beyond-the-end", "greatest-length", "missing-element", "leftover",
        "unknown-datatype", "negative-shape",
    ],
)  # fmt: skip
def test_bytes_that_do_not_fit_are_refused(datatype, shape, raw, message):
    with pytest.raises(InvalidRequestError) as caught:
        from_raw(WHERE, datatype, shape, raw)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "message"),
    [
        ("FP32", [2, 4], [1, 2], "inputs[0].shape: [2, 4] needs 8 values, data has 2"),
        ("FP32", [1], [1, 2], "inputs[0].shape: [1] needs 1 values, data has 2"),
        ("FP32", [1], 1, "inputs[0].data: must be a list, found 1"),
        ("FP32", [1], {"a": 1}, "must be a list, found {'a': 1}"),
        ("FP32", [2, 2], [[1, 2], [3]], "needs lists of 2 at depth 1, found a list of 1"),
        ("FP32", [2, 2], [[1, 2, 3], [4]], "lists of 2 at depth 1, found a list of 3"),
        ("FP32", [2, 2], [[1, 2], 3], "lists of 2 at depth 1, found 3"),
        ("FP32", [2, 2], [[1, 2]], "lists of 2 at depth 0, found a list of 1"),
        ("FP32", [2, 2], [1, 2, 3, [4]], "found [4] at 3"),
        ("FP32", [1, 2], [[[1], 2]], "found [1] at 0"),
        ("FP32", [2], [[1], [2]], "found [1] at 0"),
        ("FP32", [2], ["1", 2], "FP32 takes numbers, found '1' at 0"),
        ("FP32", [2], [1, None], "FP32 takes numbers, found null at 1"),
        ("FP32", [2], [1, True], "FP32 takes numbers, found True at 1"),
        ("FP32", [1], [1e39], "1e+39 at 0 is outside FP32"),
        ("FP64", [2], [1.0, float("nan")], "nan at 1 is outside FP64"),
        ("FP64", [1], [float("inf")], "inf at 0 is outside FP64"),
        ("FP16", [1], [70000], "70000 at 0 is outside FP16"),
        ("BF16", [1], [1.0], "BF16 is sent as binary data only, not as JSON"),
        ("INT64", [1], [1.0], "INT64 takes integers, found 1.0 at 0"),
        ("INT64", [1], [True], "INT64 takes integers, found True at 0"),
        ("INT8", [2], [-128, 128], "128 at 1 is outside INT8"),
        ("UINT8", [1], [-1], "-1 at 0 is outside UINT8"),
        ("INT64", [1], [1 << 63], "9223372036854775808 at 0 is outside INT64"),
        ("BOOL", [2], [0, 2], "2 at 1 is outside BOOL"),
        ("BOOL", [1], [1.0], "BOOL takes true, false, 0 or 1, found 1.0 at 0"),
        ("BOOL", [1], ["true"], "BOOL takes true, false, 0 or 1, found 'true' at 0"),
        ("BYTES", [2], ["a", 1], "BYTES takes strings, found 1 at 1"),
        ("BYTES", [1], ["\ud800"], "a string is not Unicode text"),
        ("FP8", [1], [1], "inputs[0].datatype: 'FP8' is none of"),
        ("FP32", [1], ["x" * 100], f"found '{'x' * 37}...{'x' * 38}' at 0"),
    ],
    ids=[
        "few", "many", "number-for-list", "object-for-list", "ragged", "ragged-of-equal-count",
        "number-for-row", "rows-missing", "deep-in-flat", "too-deep", "deeper-than-shape",
        "string-for-number", "null-for-number", "boolean-for-number", "overflow-fp32", "nan",
        "infinity", "overflow-fp16", "bf16", "float-for-integer", "boolean-for-integer",
        "overflow-int8", "negative-unsigned", "overflow-int64", "two-for-boolean",
        "float-for-boolean", "string-for-boolean", "number-for-bytes", "surrogate",
        "unknown-datatype", "long-value",
    ],
)  # fmt: skip
def test_json_values_that_do_not_fit_are_refused(datatype, shape, data, message):
    with pytest.raises(InvalidRequestError) as caught:
        from_values(WHERE, datatype, shape, data)
    assert message in str(caught.value)


def test_every_datatype_of_the_protocol_is_known():
    assert {*NUMPY_DTYPES} == {
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
        "FP16", "FP32", "FP64", "BF16", "BYTES",
    }  # fmt: skip
    assert {**ITEM_SIZES} == {
        "BOOL": 1, "UINT8": 1, "UINT16": 2, "UINT32": 4, "UINT64": 8, "INT8": 1, "INT16": 2,
        "INT32": 4, "INT64": 8, "FP16": 2, "FP32": 4, "FP64": 8, "BF16": 2,
    }  # fmt: skip


@pytest.mark.parametrize("truth", [[True, False], [1, 0]], ids=["words", "numbers"])
def test_booleans_may_be_words_or_numbers(truth):
    assert from_values(WHERE, "BOOL", [2], truth).tolist() == [True, False]
