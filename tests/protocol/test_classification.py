"""The highest values of outputs, as texts."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.classification import MOST_CLASSES, classes_wanted, classified
from seldon_core.protocol.inference import RequestedOutput, Tensor
from seldon_core.protocol.tensors import NUMPY_DTYPES

NUMERIC = sorted(NUMPY_DTYPES.keys() - {"BYTES", "BOOL"})


def highest(values, count, by_row=True, dtype="<f4"):
    tensor = classified(Tensor("y", "FP32", np.array(values, dtype)), count, by_row=by_row)
    assert (tensor.name, tensor.datatype, tensor.data.dtype) == ("y", "BYTES", object)
    assert tensor.parameters is None
    return tensor.data.tolist()


def test_each_row_has_its_highest_values_first():
    assert highest([[0.125, 0.5, 0.375], [3, 1, 2]], 2) == [
        [b"0.500000:1", b"0.375000:2"],
        [b"3.000000:0", b"2.000000:2"],
    ]


def test_without_rows_the_result_is_one_list():
    assert highest([[1, 4], [3, 2]], 3, by_row=False) == [
        b"4.000000:1",
        b"3.000000:2",
        b"2.000000:3",
    ]


def test_an_index_counts_the_elements_of_a_row():
    assert highest([[[1, 2], [9, 3]]], 1) == [[b"9.000000:2"]]


def test_there_are_no_more_classes_than_values():
    assert highest([[1, 2]], 5) == [[b"2.000000:1", b"1.000000:0"]]


def test_of_equal_values_the_lower_index_is_first_and_what_is_no_number_is_last():
    values = [[np.nan, 1, -np.inf, 1, np.inf]]
    assert highest(values, 5) == [[b"inf:4", b"1.000000:1", b"1.000000:3", b"-inf:2", b"nan:0"]]


@pytest.mark.parametrize(
    ("values", "dtype", "wanted"),
    [
        ([0, 255, 7], "<u1", [b"255:1", b"7:2", b"0:0"]),
        ([-128, 127, 0], "<i1", [b"127:1", b"0:2", b"-128:0"]),
        ([2**64 - 2, 2**64 - 1], "<u8", [b"18446744073709551615:1", b"18446744073709551614:0"]),
        ([2**53 + 1, 2**53], "<i8", [b"9007199254740993:0", b"9007199254740992:1"]),
        ([0.5, 1.5], "<f2", [b"1.500000:1", b"0.500000:0"]),
    ],
    ids=["bytes", "signed", "unsigned", "beyond doubles", "half"],
)
def test_values_of_every_width_keep_their_order_and_digits(values, dtype, wanted):
    assert highest(values, 3, by_row=False, dtype=dtype) == wanted


@pytest.mark.parametrize(
    ("shape", "by_row", "wanted"),
    [
        ((), True, (1,)),
        ((4,), True, (4, 1)),
        ((0, 3), True, (0, 2)),
        ((2, 0), True, (2, 0)),
        ((0,), False, (0,)),
        ((2, 2), False, (2,)),
    ],
    ids=["scalar", "one value a row", "no rows", "empty rows", "nothing", "matrix"],
)
def test_every_shape_has_a_result(shape, by_row, wanted):
    tensor = classified(Tensor("y", "FP32", np.zeros(shape, "<f4")), 2, by_row=by_row)
    assert tensor.data.shape == wanted


@given(
    npst.arrays(np.dtype("<f4"), npst.array_shapes(min_dims=2, max_dims=3, min_side=0)),
    st.integers(1, 9),
)
def test_the_result_is_what_a_plain_sort_finds(data, count):
    data = data + np.float32(0)  # no -0: it equals 0, so either may be told, but reads otherwise
    found = classified(Tensor("y", "FP32", data), count, by_row=True).data.tolist()
    for row, texts in zip(data, found, strict=True):
        values = row.ravel().tolist()
        order = sorted(range(len(values)), key=lambda at: (isnan(values[at]), -values[at]))
        pairs = [text.decode().split(":") for text in texts]
        assert [value for value, _ in pairs] == [f"{values[at]:f}" for at in order[:count]]
        assert all(value == f"{values[int(at)]:f}" for value, at in pairs)
        assert len({at for _, at in pairs}) == len(pairs) == min(count, len(values))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_equal_values_that_are_all_wanted_the_lower_index_is_first(count):
    values = [[5, 1, 5, 0, 1, 5]]
    wanted = [b"5.000000:0", b"5.000000:2", b"5.000000:5", b"1.000000:1", b"1.000000:4"]
    assert highest(values, 5) == [wanted]
    assert {*highest(values, count)[0]} <= {*wanted[:3]}


@given(st.lists(st.integers(0, 2), min_size=9, max_size=99), st.integers(1, 20))
def test_told_values_that_are_equal_are_in_the_order_of_their_indices(values, count):
    texts = highest(values, count, by_row=False, dtype="<i4")
    told = [tuple(map(int, text.split(b":"))) for text in texts]
    assert told == sorted(told, key=lambda pair: (-pair[0], pair[1]))


@pytest.mark.parametrize("shape", [(MOST_CLASSES // 4 + 1, 4), (1, MOST_CLASSES + 1)], ids=str)
def test_a_reply_of_too_many_classes_is_refused(shape):
    tensor = Tensor("y", "INT8", np.zeros(shape, "<i1"))
    with pytest.raises(InvalidRequestError, match=r"of output 'y' asks for .* at most 32768 are"):
        classified(tensor, shape[1], by_row=True)
    assert classified(tensor, 1, by_row=True).data.shape == (shape[0], 1)


@pytest.mark.parametrize(
    "parameters", [None, {}, {"binary_data": True}], ids=["no", "none", "other"]
)
def test_nothing_is_wanted_of_an_output_without_the_parameter(parameters):
    assert classes_wanted(RequestedOutput("y", parameters), "BYTES") == 0


@pytest.mark.parametrize("datatype", NUMERIC)
def test_classes_of_every_kind_of_number_can_be_wanted(datatype):
    assert classes_wanted(RequestedOutput("y", {"classification": 3}), datatype) == 3


@pytest.mark.parametrize("count", [0, -1, 1.0, "3", True], ids=repr)
def test_the_number_of_classes_is_an_integer_from_one_on(count):
    message = f"parameter classification of output 'y' must be an integer >= 1, found {count!r}"
    with pytest.raises(InvalidRequestError, match=message):
        classes_wanted(RequestedOutput("y", {"classification": count}), "FP32")


@pytest.mark.parametrize("datatype", ["BYTES", "BOOL"])
def test_what_has_no_order_has_no_classes(datatype):
    with pytest.raises(InvalidRequestError, match=f"is for numbers, the output is {datatype}"):
        classes_wanted(RequestedOutput("y", {"classification": 1}), datatype)
