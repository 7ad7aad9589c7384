"""Every field of a JSON request: what it must be, and what a wrong one is answered."""

import copy
from typing import Any

import pytest

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedError
from seldon_core.protocol.json_request import (
    MAX_PARAMETERS,
    MAX_TENSORS,
    MOST_LOADED,
    input_path,
    load,
    read_request,
)
from seldon_core.protocol.oip_binary import Tail
from seldon_core.protocol.tensors import from_values

GOOD: dict[str, Any] = {"inputs": [{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}]}
MISSING = object()


def changed(path, value):
    """Return GOOD with what lies at `path` set to `value`, or taken out."""
    document = copy.deepcopy(GOOD)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    if value is MISSING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return document


def read(document, tail=None):
    return read_request(document, tail, from_values)


def test_a_whole_request_is_read():
    request = read(
        {
            **GOOD,
            "id": "7",
            "parameters": {"a": 1, "b": "x", "c": 1.5, "d": True},
            "outputs": [{"name": "p", "parameters": {"q": False}}, {"name": "r"}],
            "unknown": None,
        }
    )
    assert (request.id, request.parameters) == ("7", {"a": 1, "b": "x", "c": 1.5, "d": True})
    assert [(o.name, o.parameters) for o in request.outputs] == [("p", {"q": False}), ("r", None)]
    (tensor,) = request.inputs
    assert (tensor.name, tensor.datatype, tensor.data.tolist()) == ("x", "FP32", [1, 2])


def test_optional_fields_may_be_null():
    document = changed(("inputs", 0, "parameters"), None)
    request = read({**document, "id": None, "outputs": None, "parameters": None})
    assert (request.id, request.outputs, request.parameters) == ("", None, None)
    assert request.inputs[0].parameters is None


WRONG_FIELDS: list[tuple[tuple[Any, ...], object, str]] = [
    (("inputs",), MISSING, "inputs: is missing"),
    (("inputs",), {}, "inputs: must be a list, found an object"),
    (("inputs",), None, "inputs: must be a list, found null"),
    (("inputs", 0), 3, "inputs[0]: must be an object, found a number"),
    (("inputs", 0, "name"), MISSING, "inputs[0].name: is missing"),
    (("inputs", 0, "name"), 5, "inputs[0].name: must be a string, found a number"),
    (("inputs", 0, "datatype"), MISSING, "inputs[0].datatype: is missing"),
    (("inputs", 0, "datatype"), 5.5, "inputs[0].datatype: must be a string, found a number"),
    (("inputs", 0, "datatype"), "FP8", "inputs[0].datatype: 'FP8' is none of"),
    (("inputs", 0, "shape"), MISSING, "inputs[0].shape: is missing"),
    (("inputs", 0, "shape"), 2, "inputs[0].shape: must be a list of integers, found a number"),
    (("inputs", 0, "shape"), [3], "inputs[0].shape: [3] needs 3 values, data has 2"),
    (("inputs", 0, "data"), MISSING, "inputs[0].data: is missing"),
    (("inputs", 0, "data"), None, "inputs[0].data: must be a list, found null"),
    (("inputs", 0, "data"), "12", "inputs[0].data: must be a list, found '12'"),
    (("inputs", 0, "parameters"), [], "inputs[0].parameters: must be an object, found a list"),
    (
        ("inputs", 0, "parameters"),
        {"a": None},
        "inputs[0].parameters.a: must be a string, a number or a boolean, found null",
    ),
    (("id",), 7, "id: must be a string, found a number"),
    (("parameters",), "a", "parameters: must be an object, found a string"),
    (("parameters",), {"a": {}}, "parameters.a: must be a string, a number or a boolean"),
    (
        ("parameters",),
        {"binary_data_output": "yes"},
        "parameters.binary_data_output: must be a boolean, found a string",
    ),
    (("outputs",), {}, "outputs: must be a list, found an object"),
    (("outputs",), ["p"], "outputs[0]: must be an object, found a string"),
    (("outputs",), [{}], "outputs[0].name: is missing"),
    (("outputs",), [{"name": True}], "outputs[0].name: must be a string, found a boolean"),
    (
        ("outputs",),
        [{"name": "p", "parameters": {"binary_data": 1}}],
        "outputs[0].parameters.binary_data: must be a boolean, found a number",
    ),
    (("outputs",), [{"name": "p"}, {"name": "p"}], "outputs[1].name: 'p' occurs twice"),
    (("inputs",), GOOD["inputs"] * 2, "inputs[1].name: 'x' occurs twice"),
]


@pytest.mark.parametrize(
    ("path", "value", "message"), WRONG_FIELDS, ids=[message for _, _, message in WRONG_FIELDS]
)
def test_a_wrong_field_is_named(path, value, message):
    with pytest.raises(InvalidRequestError) as caught:
        read(changed(path, value))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("document", "found"),
    [([], "a list"), ("x", "a string"), (1, "a number"), (None, "null"), (True, "a boolean")],
    ids=["list", "string", "number", "null", "boolean"],
)
def test_a_body_that_is_no_object_is_refused(document, found):
    with pytest.raises(InvalidRequestError, match=f"must be a JSON object, found {found}"):
        read(document)


def binary(size, **fields):
    item = {"name": "x", "shape": [2], "datatype": "UINT8"}
    return {"inputs": [{**item, "parameters": {**fields, "binary_data_size": size}}]}


def test_a_binary_input_is_taken_from_the_tail():
    request = read(binary(2, content_type="np"), Tail(memoryview(b"\x05\x06")))
    assert request.inputs[0].data.tolist() == [5, 6]
    assert request.inputs[0].parameters == {"content_type": "np"}


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (-1, "must be an integer >= 0, found -1"),
        (True, "must be an integer >= 0, found True"),
        ("2", "must be an integer >= 0, found '2'"),
        (2.0, "must be an integer >= 0, found 2.0"),
        (4, "says 4 bytes, 3 are left in the body"),
    ],
    ids=["negative", "boolean", "string", "float", "too-many"],
)
def test_a_binary_size_that_lies_is_refused(size, message):
    with pytest.raises(InvalidRequestError) as caught:
        read(binary(size), Tail(memoryview(b"abc")))
    assert str(caught.value) == f"inputs[0].parameters.binary_data_size: {message}"


def test_a_binary_size_that_does_not_fit_the_shape_is_refused():
    with pytest.raises(InvalidRequestError, match="needs 2 bytes, found 3"):
        read(binary(3), Tail(memoryview(b"abc")))


def test_an_input_has_data_or_bytes_but_not_both():
    document = binary(2)
    document["inputs"][0]["data"] = [1, 2]
    with pytest.raises(InvalidRequestError, match=r"inputs\[0\]: has both data and"):
        read(document, Tail(memoryview(b"ab")))


def test_a_binary_input_needs_the_header():
    with pytest.raises(InvalidRequestError, match="needs the header Inference-Header-Content-L"):
        read(binary(2))


SHARED = {"shared_memory_region": "r", "shared_memory_byte_size": 8}


@pytest.mark.parametrize("own", [{}, {"data": [1, 2]}], ids=["alone", "beside data"])
def test_an_input_in_shared_memory_is_refused(own):
    document = changed(("inputs", 0, "data"), MISSING)
    document["inputs"][0] |= {"parameters": SHARED, **own}
    with pytest.raises(UnsupportedError, match=r"^inputs\[0\].*shared memory is not offered"):
        read(document)


def test_an_output_in_shared_memory_is_refused():
    document = changed(("outputs",), [{"name": "y"}, {"name": "z", "parameters": SHARED}])
    with pytest.raises(UnsupportedError, match=r"^outputs\[1\].*shared memory is not offered"):
        read(document)


def test_inputs_beyond_the_prepared_paths_are_named_too():
    assert [input_path(63), input_path(64)] == ["inputs[63]", "inputs[64]"]


@pytest.mark.parametrize("key", ["inputs", "outputs"])
def test_more_tensors_than_can_be_read_at_once_are_refused(key):
    item = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}
    document = {"inputs": [item], key: [item] * (MAX_TENSORS + 1)}
    with pytest.raises(PayloadTooLargeError, match=f"{key}: has 4097 items, at most 4096"):
        read(document)
    names = [{**item, "name": str(index)} for index in range(MAX_TENSORS)]
    assert len(read({"inputs": names}).inputs) == MAX_TENSORS


def test_more_parameters_than_can_be_read_at_once_are_refused():
    many = {str(index): True for index in range(MAX_PARAMETERS + 1)}
    document = {"inputs": [], "parameters": many}
    with pytest.raises(PayloadTooLargeError, match=r"^parameters: has 1025 items, at most 1024"):
        read(document)
    del many["0"]
    assert read(document).parameters == many


def test_only_so_much_json_becomes_python_values():
    assert load(b'"' + b"x" * (MOST_LOADED - 2) + b'"') == "x" * (MOST_LOADED - 2)
    with pytest.raises(
        PayloadTooLargeError,
        match="JSON may have 4194304 bytes, this has 4194305: more may only be tensors",
    ):
        load(b'"' + b"x" * (MOST_LOADED - 1) + b'"')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty; wanted a JSON object with inputs"),
        (b"{", r"the body is not JSON: [^;]*"),
        (
            b'{"binary_data_size":1}x',
            r"the body is not JSON: .*; if tensors follow it .*",
        ),
        (b"\0", r"the body is not JSON: .*; if tensors follow it .*"),
    ],
    ids=["empty", "cut off", "tensors behind", "a tensor"],
)
def test_what_is_no_json_is_told_what_it_lacks(body, said):
    with pytest.raises(InvalidRequestError, match=f"^{said}$"):
        load(memoryview(body))
