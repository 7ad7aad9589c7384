"""Whether requests fit a signature, and who may share a batch with whom."""

from typing import Any

import numpy as np
import pytest

from seldon_core.agent.checking import RequestCheck
from seldon_core.agent.runtimes.base import Signature
from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import InferRequest, RequestedOutput, Tensor, TensorSpec

FLOATS = np.float32


def signature(*inputs, batchable=True, names_matter=True):
    outputs = (
        TensorSpec("y", "FP32", (-1, 1)),
        TensorSpec("p", "FP64", (-1, 3), {"content_type": "np"}),
    )
    return Signature("fake", inputs, outputs, ("y",), names_matter, batchable)


ROWS = TensorSpec("x", "FP32", (-1, 4))
ONE = signature(ROWS)
ANY_NAME = signature(ROWS, names_matter=False)
FREE = signature(TensorSpec("x", "FP32", (-1, -1)))
TWO = signature(TensorSpec("a", "FP32", (-1, 2)), TensorSpec("b", "INT64", (-1,)))


def tensor(shape, name="x", datatype="FP32", dtype=FLOATS):
    return Tensor(name, datatype, np.zeros(shape, dtype))


def entry_of(model, *tensors, outputs=None):
    wanted = None if outputs is None else [RequestedOutput(name) for name in outputs]
    return RequestCheck("m_1", model).entry(InferRequest(list(tensors), wanted))


@pytest.mark.parametrize("outputs", [None, [], ["p", "y"]], ids=["none", "empty", "two"])
def test_an_entry_has_the_rows_the_arrays_and_the_outputs_wanted(outputs):
    data = tensor((3, 4))
    entry = entry_of(ONE, data, outputs=outputs)
    assert entry.rows == 3
    assert entry.inputs[0] is data.data
    assert entry.outputs == (("p", "y") if outputs else ("y",))


def test_inputs_come_in_the_order_of_the_signature():
    b, a = tensor((3,), "b", "INT64", np.int64), tensor((3, 2), "a")
    entry = entry_of(TWO, b, a)
    assert entry.inputs[0] is a.data
    assert entry.inputs[1] is b.data
    assert entry.rows == 3


REFUSED = {
    "wrong name": (ONE, [tensor((1, 4), "z")], None, "no input 'z'; it takes: x"),
    "one of two": (TWO, [tensor((1, 2), "a")], None, "each once: a, b; found: a"),
    "none": (ONE, [], None, "each once: x; found: none"),
    "twice the same": (ONE, [tensor((1, 4))] * 2, None, "each once: x; found: x, x"),
    "one too many": (TWO, [tensor((1, 2), n) for n in "abc"], None, "no input 'c'"),
    "two where any name goes": (ANY_NAME, [tensor((1, 4))] * 2, None, "one input, .* has 2"),
    "datatype": (ONE, [tensor((1, 4), datatype="FP64")], None, "must be FP32, found FP64"),
    "text for numbers": (
        ANY_NAME,
        [tensor((1, 4), datatype="BYTES", dtype=object)],
        None,
        "must be a number, found BYTES",
    ),
    "shape": (ONE, [tensor((1, 5))], None, r"must have shape \[-1, 4\] .* found \[1, 5\]"),
    "rank": (ONE, [tensor((4,))], None, r"found \[4\]"),
    "output": (ONE, [tensor((1, 4))], ["q"], "no output 'q'; it has: y, p"),
    "output twice": (ONE, [tensor((1, 4))], ["y", "y"], "requested twice: y, y"),
}


@pytest.mark.parametrize(
    ("model", "tensors", "outputs", "message"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_does_not_fit_is_refused_with_what_would(model, tensors, outputs, message):
    with pytest.raises(InvalidRequestError, match=message):
        entry_of(model, *tensors, outputs=outputs)


def test_where_names_do_not_matter_any_name_and_number_is_taken():
    entry = entry_of(ANY_NAME, tensor((2, 4), "whatever", "INT64", np.int64))
    assert (entry.rows, entry.inputs[0].dtype) == (2, np.int64)


def test_a_text_model_whose_names_do_not_matter_takes_text_only():
    model = signature(TensorSpec("x", "BYTES", (-1,)), names_matter=False)
    assert entry_of(model, tensor((2,), datatype="BYTES", dtype=object)).rows == 2
    with pytest.raises(InvalidRequestError, match="must be BYTES, found FP32"):
        entry_of(model, tensor((2,)))


SAME = {
    "rows differ": (ONE, tensor((1, 4)), tensor((9, 4))),
    "name differs where it may": (ANY_NAME, tensor((1, 4)), tensor((1, 4), "z")),
    "open shape, same here": (FREE, tensor((1, 4)), tensor((2, 4))),
}
DIFFERENT = {
    "datatype": (ANY_NAME, tensor((1, 4)), tensor((1, 4), datatype="FP64", dtype=float)),
    "open shape": (FREE, tensor((1, 4)), tensor((1, 5))),
}


@pytest.mark.parametrize(("model", "a", "b"), SAME.values(), ids=SAME.keys())
def test_requests_of_one_kind_share_a_key(model, a, b):
    assert entry_of(model, a).key == entry_of(model, b).key is not None


@pytest.mark.parametrize(("model", "a", "b"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_requests_of_different_kinds_do_not(model, a, b):
    assert entry_of(model, a).key != entry_of(model, b).key


@pytest.mark.parametrize("model", [ONE, ANY_NAME], ids=["fixed", "any name"])
def test_the_outputs_wanted_are_part_of_the_key_with_their_order(model):
    keys = [
        entry_of(model, tensor((1, 4)), outputs=outputs).key
        for outputs in (["y"], ["p"], ["y", "p"], ["p", "y"])
    ]
    assert len(set(keys)) == 4
    assert entry_of(model, tensor((1, 4))).key == keys[0]  # the default


ALONE = {
    "model not batchable": (signature(ROWS, batchable=False), [tensor((2, 4))], 2),
    "no rows": (ONE, [tensor((0, 4))], 1),
    "inputs of unequal rows": (
        TWO,
        [tensor((2, 2), "a"), tensor((3,), "b", "INT64", np.int64)],
        2,
    ),
    "a scalar": (signature(TensorSpec("x", "FP32", ())), [tensor(())], 1),
    "no input at all": (signature(), [], 1),
}


@pytest.mark.parametrize(("model", "tensors", "rows"), ALONE.values(), ids=ALONE.keys())
def test_what_has_no_rows_to_share_runs_alone(model, tensors, rows):
    entry = entry_of(model, *tensors)
    assert entry.key is None
    assert entry.rows == rows


def test_output_tensors_have_the_signatures_datatypes_and_parameters_of_their_own():
    check = RequestCheck("m_1", ONE)
    arrays: list[Any] = [np.zeros((1, 3)), np.zeros((1, 1), FLOATS)]
    p, y = check.tensors(("p", "y"), arrays)
    assert (p.name, p.datatype, p.parameters) == ("p", "FP64", {"content_type": "np"})
    assert (y.name, y.datatype, y.parameters) == ("y", "FP32", None)
    assert p.data is arrays[0]
    assert p.parameters is not None
    p.parameters["more"] = 1
    assert check.tensors(("p",), arrays[:1])[0].parameters == {"content_type": "np"}


def test_an_output_has_the_datatype_of_its_array_when_the_model_follows_its_input():
    check = RequestCheck("m_1", ONE)
    odd = np.array([["2026"]], "datetime64[Y]")
    arrays = [np.zeros((1, 1), np.float64), np.zeros((1, 3), np.float64)]
    assert [tensor.datatype for tensor in check.tensors(("y", "p"), arrays)] == ["FP64", "FP64"]
    [float32] = check.tensors(("y",), [np.zeros((1, 1), np.float32)])
    assert float32.datatype == "FP32"
    [unknown] = check.tensors(("y",), [odd])
    assert unknown.datatype == "FP32"


def wanting(**classes):
    """Requested outputs by name, each with as many of its highest classes; 0 for all of it."""
    return [
        RequestedOutput(name, {"classification": count} if count else {"binary_data": True})
        for name, count in classes.items()
    ]


def test_an_output_of_which_classes_are_wanted_becomes_these():
    check = RequestCheck("m_1", ONE)
    arrays = [np.array([[0.25, 0.5, 0.125], [3, 2, 1]]), np.ones((2, 1), FLOATS)]
    p, y = check.tensors(("p", "y"), arrays, wanting(p=2, y=0))
    assert (p.name, p.datatype, p.parameters) == ("p", "BYTES", None)
    assert p.data.tolist() == [[b"0.500000:1", b"0.250000:0"], [b"3.000000:0", b"2.000000:1"]]
    assert y.data is arrays[1]


def test_a_model_without_rows_has_one_list_of_classes():
    check = RequestCheck("m_1", signature(TensorSpec("x", "FP32", (2, 4)), batchable=False))
    [p] = check.tensors(("p",), [np.array([[1.0, 4.0], [3.0, 2.0]])], wanting(p=2))
    assert p.data.tolist() == [b"4.000000:1", b"3.000000:2"]


def test_classes_that_cannot_be_had_are_refused_before_the_model_runs():
    check = RequestCheck("m_1", ONE)
    request = InferRequest([tensor((1, 4))], wanting(p=-1))
    with pytest.raises(InvalidRequestError, match="output 'p' must be an integer >= 1, found -1"):
        check.entry(request)


def test_who_wants_classes_shares_a_batch_with_who_wants_all():
    check = RequestCheck("m_1", ONE)
    entries = [check.entry(InferRequest([tensor((1, 4))], wanting(p=n))) for n in (0, 2)]
    assert entries[0].key == entries[1].key
