import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.oip_protojson import decode_raw_outputs, read_request, show_message

TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 2]}


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": [{**TENSOR, "contents": {"fp32_contents": [1, 2.5]}}]},
        {"inputs": [{**TENSOR, "contents": {"fp32Contents": [1, 2.5]}}]},
        {"inputs": [{**TENSOR, "data": [1, 2.5]}]},
        {"inputs": [{**TENSOR, "data": [[1], [2.5]]}]},
    ],
    ids=["snake case", "camel case", "as for REST", "nested as for REST"],
)
@pytest.mark.parametrize("name", ["model_name", "modelName"])
def test_a_request_is_read_in_every_spelling_for_the_model_that_is_named(document, name):
    request = read_request(json.dumps({name: "other", "id": "r", **document}), "iris")
    assert request == pb.ModelInferRequest(
        model_name="iris",
        id="r",
        inputs=[{**TENSOR, "contents": {"fp32_contents": [1, 2.5]}}],
    )


def test_raw_contents_are_base64():
    text = json.dumps({"inputs": [TENSOR], "raw_input_contents": ["AAAAAA=="]})
    assert read_request(text, "iris").raw_input_contents == [b"\0\0\0\0"]


def test_strings_of_rest_become_bytes():
    tensor = {"name": "x", "datatype": "BYTES", "shape": [2], "data": ["ü", "b"]}
    contents = read_request(json.dumps({"inputs": [tensor]}), "m").inputs[0].contents
    assert contents.bytes_contents == ["ü".encode(), b"b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "the payload is not JSON: "),
        ("[]", "must be a JSON object with inputs"),
        ("[" * 100_000, "the payload is not JSON: maximum recursion depth"),
        ('{"id": "\\ud800"}', "the payload is not JSON: .* surrogates not allowed"),
        ('{"inputs": [{"nme": "x"}]}', 'no ModelInferRequest: .* no field named "nme"'),
        ('{"inputs": 3}', "no ModelInferRequest"),
        ('{"inputs": [3]}', "no ModelInferRequest"),
        ('{"inputs": [{"name": "x", "datatype": "FP16", "data": []}]}', "of FP16 cannot be given"),
        ('{"inputs": [{"name": "x", "data": []}]}', "input 'x': elements of None cannot be given"),
    ],
    ids=[
        "no JSON",
        "list",
        "deep",
        "half a pair",
        "unknown field",
        "no list",
        "no tensor",
        "no field",
        "no datatype",
    ],
)
def test_what_is_no_request_is_refused(text, words):
    with pytest.raises(InvalidRequestError, match=words):
        read_request(text, "iris")


def test_a_message_is_shown_on_one_line_in_camel_case():
    response = pb.ModelInferResponse(model_name="iris_1", outputs=[{"name": "ü", "shape": [3]}])
    assert json.loads(show_message(response)) == {
        "modelName": "iris_1",
        "outputs": [{"name": "ü", "shape": ["3"]}],
    }
    assert "\n" not in show_message(response)
    assert "ü" in show_message(response)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
TENSORS = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(), "datatype": st.sampled_from(["FP32", "BYTES", "INT64", "FP16", "X"])},
        optional={"shape": ANYTHING, "data": ANYTHING, "contents": ANYTHING},
    )
)


@given(TENSORS | ANYTHING)
def test_whatever_is_typed_is_a_request_or_refused(inputs):
    try:
        request = read_request(json.dumps({"inputs": inputs}), "iris")
    except InvalidRequestError:
        return
    assert request.model_name == "iris"


def response(datatype, raw):
    return pb.ModelInferResponse(
        outputs=[{"name": "y", "datatype": datatype}], raw_output_contents=[raw]
    )


@pytest.mark.parametrize(
    ("datatype", "dtype", "field"),
    [
        ("BOOL", "?", "bool_contents"),
        ("UINT8", "u1", "uint_contents"),
        ("UINT16", "<u2", "uint_contents"),
        ("UINT32", "<u4", "uint_contents"),
        ("UINT64", "<u8", "uint64_contents"),
        ("INT8", "i1", "int_contents"),
        ("INT16", "<i2", "int_contents"),
        ("INT32", "<i4", "int_contents"),
        ("INT64", "<i8", "int64_contents"),
        ("FP16", "<f2", "fp32_contents"),
        ("FP32", "<f4", "fp32_contents"),
        ("FP64", "<f8", "fp64_contents"),
    ],
)
def test_raw_contents_become_those_of_the_datatype(datatype, dtype, field):
    message = response(datatype, np.array([1, 0, 1], dtype).tobytes())
    decode_raw_outputs(message)
    assert list(getattr(message.outputs[0].contents, field)) == [1, 0, 1]
    assert not message.raw_output_contents


def test_raw_strings_become_bytes():
    message = response("BYTES", b"\x02\0\0\0hi\0\0\0\0")
    decode_raw_outputs(message)
    assert message.outputs[0].contents.bytes_contents == [b"hi", b""]


@pytest.mark.parametrize(
    ("datatype", "raw"),
    [
        ("INT32", b"\0\0\0"),
        ("BF16", b"\0\0"),
        ("BYTES", b"\x05\0\0\0hi"),
        ("BYTES", b"\x05\0"),
    ],
    ids=["cut", "no field", "cut string", "cut length"],
)
def test_raw_contents_that_do_not_fit_stay_as_they_are(datatype, raw):
    message = response(datatype, raw)
    decode_raw_outputs(message)
    assert message == response(datatype, raw)


def test_without_raw_contents_for_each_output_nothing_is_decoded():
    message = pb.ModelInferResponse(outputs=[{"datatype": "FP32"}] * 2, raw_output_contents=[b""])
    decode_raw_outputs(message)
    assert message.raw_output_contents == [b""]
