"""The generate extension's two forms of requests and answers."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError, UnsupportedError
from seldon_core.protocol.generate import GenerateCodec
from seldon_core.protocol.inference import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    Tensor,
    TensorSpec,
)


def codec(**inputs):
    """A codec for a model with these inputs beside the text: name -> datatype and shape."""
    specs = {"text_input": ("BYTES", (-1, 1)), **inputs}
    inputs = tuple(TensorSpec(name, *spec) for name, spec in specs.items())
    return GenerateCodec(ModelMetadata("llm_1", "fake", inputs, ()))


def read(document, made=None):
    return (made or codec()).decode_request(json.dumps(document).encode(), None)


def values(tensor):
    return tensor.name, tensor.datatype, tensor.data.tolist()


def test_the_text_is_the_input_of_its_name_and_other_fields_are_parameters():
    request = read(
        {"id": "7", "text_input": "Hello", "stream": False, "parameters": {"temperature": 0.5}}
    )
    assert [values(tensor) for tensor in request.inputs] == [("text_input", "BYTES", [[b"Hello"]])]
    assert request.id == "7"
    assert request.parameters == {"stream": False, "temperature": 0.5}
    assert request.outputs is None


def test_parameters_that_are_lists_or_objects_become_their_json():
    request = read(
        {
            "text_input": "a",
            "stop": ["\n", "end"],
            "parameters": {"response_format": {"type": "json"}, "bias": []},
        }
    )
    assert request.parameters == {
        "stop": '["\\n","end"]',
        "response_format": '{"type":"json"}',
        "bias": "[]",
    }


def test_null_is_what_is_not_given():
    made = codec(n=("INT32", (-1,)))
    nulls = {"id": None, "seed": None, "n": None, "parameters": {"stop": None, "n": 3}}
    request = read({"text_input": "a", **nulls}, made)
    assert (request.id, request.parameters) == ("", None)
    assert [tensor.name for tensor in request.inputs] == ["text_input", "n"]
    assert read({"text_input": "a", "parameters": None}).parameters is None


def test_fields_are_inputs_where_the_model_has_them_also_those_in_parameters():
    made = codec(max_tokens=("INT32", (-1, 1)), top_p=("FP32", (1,)))
    request = read({"text_input": "a", "max_tokens": 20, "parameters": {"top_p": 1}}, made)
    assert [values(tensor) for tensor in request.inputs[1:]] == [
        ("max_tokens", "INT32", [[20]]),
        ("top_p", "FP32", [1.0]),
    ]
    assert request.parameters is None
    assert request.id == ""


@pytest.mark.parametrize(
    ("shape", "value", "found"),
    [
        ((), 3, 3),
        ((1,), 3, [3]),
        ((-1,), [1, 2], [1, 2]),
        ((-1, 1), 3, [[3]]),
        ((-1, 2), [1, 2], [[1, 2]]),
        ((-1, 1), [1, 2], [[1], [2]]),
        ((-1, -1), [1, 2], [[1, 2]]),
        ((-1, 2), [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ((-1, 2, 1), [1, 2], [[[1], [2]]]),
        ((-1, 1, 2, 1), [1, 2], [[[[1], [2]]]]),
        ((-1, 3), [1, 2], [[1, 2]]),  # it fits in no way: the model will say what it takes
        ((-1,), [], []),
        ((1,), [[1, 2]], [[1, 2]]),
    ],
    ids=str,
)
def test_a_value_gets_as_many_dimensions_as_its_input_has(shape, value, found):
    made = codec(x=("INT64", shape))
    tensor = read({"text_input": "a", "x": value}, made).inputs[1]
    assert tensor.data.tolist() == found


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "not JSON"),
        ([1], "must be a JSON object, found a list"),
        ({}, "neither text_input .a string. nor inputs"),
        ({"text": "a"}, "neither"),
        ({"text_input": "a", "inputs": []}, "both"),
        ({"text_input": 3}, "text_input: must be a string, found a number"),
        ({"text_input": ["a"]}, "text_input: must be a string, found a list"),
        ({"text_input": "a", "id": 3}, "id: must be a string, found a number"),
        ({"text_input": "a", "parameters": []}, "parameters: must be an object, found a list"),
        ({"text_input": None}, "text_input: must be a string, found null"),
        (dict.fromkeys(["text_input", *map(str, range(1024))], "a"), "^the body: has 1025 items"),
        (
            {"text_input": "a", "parameters": dict.fromkeys(map(str, range(1025)), 1)},
            "^parameters: has 1025 items, at most 1024",
        ),
        ({"text_input": "a", "n": "b"}, "n.data: INT32 takes integers, found 'b'"),
        ({"text_input": "a", "n": [[1], [2, 3]]}, "n.data: shape"),
        ({"text_input": "a", "n": 1 << 40}, "outside INT32"),
        ({"text_input": "a", "n": 1, "parameters": {"n": 2}}, "parameters.n: is given"),
        ({"inputs": {}}, "inputs: must be a list"),
        ({"inputs": [{"name": "x", "shape": [1], "datatype": "FP3", "data": [1]}]}, "FP3"),
    ],
)
def test_what_is_in_neither_form_is_refused_by_name(document, message):
    made = codec(n=("INT32", (-1,)))
    body = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(InvalidRequestError, match=message):
        made.decode_request(body.encode(), None)


def test_a_model_without_a_text_input_takes_tensors_only():
    specs = (TensorSpec("predict", "FP32", (-1, 4)),)
    made = GenerateCodec(ModelMetadata("iris_1", "fake", specs, ()))
    with pytest.raises(
        InvalidRequestError, match="iris_1 has no input 'text_input'; it takes: predict"
    ):
        read({"text_input": "a"}, made)
    with pytest.raises(InvalidRequestError, match="none that it names"):
        read({"text_input": "a"}, GenerateCodec(ModelMetadata("m_1", "fake", (), ())))


def answered(made, *outputs, request, **values):
    response = InferResponse("llm_1", list(outputs), "1", request.id, **values)
    encoded = made.encode_response(response, request)
    assert encoded.content_type == b"application/json"
    assert encoded.json_length is None
    return json.loads(b"".join(encoded.parts))


def test_an_answer_has_each_output_by_its_name_and_one_value_by_itself():
    made = codec()
    request = read({"text_input": "a", "id": "7"}, made)
    outputs = [
        Tensor("text_output", "BYTES", np.array([["Hëllo".encode()]], object)),
        Tensor("tokens", "INT32", np.array([[1, 2], [3, 4]], np.int32)),
        Tensor("words", "BYTES", np.array([b"a", b"b"], object)),
        Tensor("score", "FP32", np.array([0.1], np.float32)),
        Tensor("none", "FP32", np.array([], np.float32)),
        Tensor("nan", "FP64", np.array([np.nan])),
        Tensor("long", "INT64", np.array([42], np.longlong)),
        Tensor("half", "FP16", np.array([0.5], np.float16)),
        Tensor("yes", "BOOL", np.array([True])),
    ]
    assert answered(made, *outputs, request=request) == {
        "id": "7",
        "model_name": "llm_1",
        "model_version": "1",
        "text_output": "Hëllo",
        "tokens": [1, 2, 3, 4],
        "words": ["a", "b"],
        "score": 0.1,
        "none": [],
        "nan": None,
        "long": 42,
        "half": 0.5,
        "yes": True,
    }


def test_what_an_answer_does_not_have_is_left_out():
    made = codec()
    request = read({"text_input": "a"}, made)
    encoded = made.encode_response(InferResponse("llm_1", []), request)
    assert json.loads(encoded.parts[0]) == {"model_name": "llm_1"}
    found = answered(made, request=request, parameters={"triton_final_response": True})
    assert found["parameters"] == {"triton_final_response": True}


def test_an_output_that_is_no_text_cannot_be_answered():
    made = codec()
    request = read({"text_input": "a"}, made)
    with pytest.raises(UnsupportedError, match="'raw' holds bytes"):
        answered(made, Tensor("raw", "BYTES", np.array([b"\xff"], object)), request=request)


def test_tensors_are_answered_by_tensors():
    made = codec()
    tensor = {"name": "text_input", "shape": [1, 1], "datatype": "BYTES", "data": ["a"]}
    request = read({"id": "7", "inputs": [tensor]}, made)
    assert [values(each) for each in request.inputs] == [("text_input", "BYTES", [[b"a"]])]
    output = Tensor("text_output", "BYTES", np.array([[b"b"]], object))
    assert answered(made, output, request=request)["outputs"] == [
        {"name": "text_output", "shape": [1, 1], "datatype": "BYTES", "data": ["b"]}
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
names = st.sampled_from(["text_input", "inputs", "id", "parameters", "x", "n", "s", "other"])


@given(st.dictionaries(names, json_values, max_size=5))
def test_any_document_is_read_or_refused(document):
    made = codec(x=("FP32", (-1, 2)), n=("INT8", ()), s=("BYTES", (-1,)))
    try:
        request = read(document, made)
    except InvalidRequestError:
        return
    assert isinstance(request, InferRequest)
    for tensor in request.inputs:
        assert tensor.data.size == np.prod(tensor.data.shape)
