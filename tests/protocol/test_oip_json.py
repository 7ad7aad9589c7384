"""The protocol as JSON and with binary tensors, beside another implementation's client."""

import contextlib
import time

import numpy as np
import orjson
import pytest
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedError
from seldon_core.protocol import json_request, oip_json
from seldon_core.protocol.inference import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    RequestedOutput,
    ServerMetadata,
    Tensor,
    TensorSpec,
)
from seldon_core.protocol.json_request import MOST_LOADED
from seldon_core.protocol.oip_json import (
    _KEPT_UP_TO,
    JSON_CODEC,
    LARGE,
    JsonCodec,
    _decode_large,
    error_body,
    model_metadata_body,
    server_metadata_body,
)
from seldon_core.protocol.tensors import to_raw
from tests.support.tensors import DATATYPES, NAMES, PARAMETERS, arrays, same, tensor_lists

EAGER = JsonCodec(large=0)  # reads every body as a large one
IRIS = b'{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
PLAIN = InferRequest([])
JSON_DATATYPES = tuple(sorted({*DATATYPES} - {"BF16"}))


def document_of(inputs, **fields):
    """Return the JSON document of a request, written by numpy's own conversions."""
    items = []
    for tensor in inputs:
        flat = tensor.data.ravel().tolist()
        item = {
            "name": tensor.name,
            "shape": list(tensor.data.shape),
            "datatype": tensor.datatype,
            "data": [e.decode() for e in flat] if tensor.datatype == "BYTES" else flat,
        }
        if tensor.parameters is not None:
            item["parameters"] = tensor.parameters
        items.append(item)
    return {"inputs": items, **fields}


def joined(encoded):
    return b"".join(encoded.parts)


def reply_of(*outputs, **fields):
    return InferResponse("iris_1", list(outputs), **fields)


def test_the_first_request_of_the_readme_is_read():
    request = JSON_CODEC.decode_request(IRIS, None)
    assert request.inputs[0].data.tolist() == [[1, 2, 3, 4]]
    assert request.inputs[0].data.dtype == np.float32


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=["bytes", "array", "view"])
@pytest.mark.parametrize("codec", [JSON_CODEC, EAGER], ids=["small", "large"])
def test_a_body_may_be_any_buffer(codec, kind):
    assert codec.decode_request(kind(IRIS), None).inputs[0].name == "predict"


@pytest.mark.parametrize("codec", [JSON_CODEC, EAGER], ids=["small", "large"])
@given(inputs=tensor_lists(JSON_DATATYPES), identifier=NAMES, parameters=st.none() | PARAMETERS)
def test_every_request_is_read_back(codec, inputs, identifier, parameters):
    document = document_of(inputs, id=identifier, parameters=parameters)
    request = codec.decode_request(orjson.dumps(document), None)
    assert (request.id, request.parameters) == (identifier, parameters)
    assert len(request.inputs) == len(inputs)
    assert all(same(read, sent) for read, sent in zip(request.inputs, inputs, strict=True))


@given(inputs=tensor_lists(finite=False, text=False))
def test_every_request_with_binary_tensors_is_read_back(inputs):
    raw = [bytes(to_raw(tensor)) for tensor in inputs]
    items = [
        {
            "name": tensor.name,
            "shape": tensor.data.shape,
            "datatype": tensor.datatype,
            "parameters": {**(tensor.parameters or {}), "binary_data_size": len(data)},
        }
        for tensor, data in zip(inputs, raw, strict=True)
    ]
    head = orjson.dumps({"inputs": items})
    request = JSON_CODEC.decode_request(head + b"".join(raw), len(head))
    assert all(same(read, sent) for read, sent in zip(request.inputs, inputs, strict=True))


@given(outputs=tensor_lists(JSON_DATATYPES), binary=st.booleans(), identifier=NAMES)
def test_every_reply_is_read_back_by_another_client(outputs, binary, identifier):
    request = InferRequest([], parameters={"binary_data_output": binary})
    encoded = JSON_CODEC.encode_response(reply_of(*outputs, id=identifier), request)
    result = triton.InferResult.from_response_body(joined(encoded), False, encoded.json_length)
    response = result.get_response()
    assert response["model_name"] == "iris_1"
    assert response.get("id", "") == identifier
    for tensor in outputs:
        read = result.as_numpy(tensor.name)
        if tensor.datatype == "BYTES" and not (binary and tensor.data.size):
            read = np.vectorize(str.encode, [object])(read) if read.size else read
        assert read.tolist() == tensor.data.tolist()
        assert read.shape == tensor.data.shape


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_a_request_of_another_client_is_read(binary):
    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    words = np.array([b"a", "é".encode()], object)
    inputs = [triton.InferInput("x", [2, 3], "FP32"), triton.InferInput("w", [2], "BYTES")]
    inputs[0].set_data_from_numpy(numbers, binary_data=binary)
    inputs[1].set_data_from_numpy(words, binary_data=binary)
    body, length = triton.InferenceServerClient.generate_request_body(
        inputs, outputs=[triton.InferRequestedOutput("y", binary_data=binary)], request_id="9"
    )
    request = JSON_CODEC.decode_request(body, length)
    assert request.id == "9"
    assert (request.inputs[0].data == numbers).all()
    assert request.inputs[1].data.tolist() == words.tolist()
    assert request.outputs == [RequestedOutput("y", {"binary_data": binary})]


def test_a_reply_leaves_out_what_is_empty():
    reply = reply_of(Tensor("p", "INT64", np.array([[1]])))
    encoded = JSON_CODEC.encode_response(reply, PLAIN)
    assert encoded.content_type == b"application/json"
    assert encoded.json_length is None
    assert joined(encoded) == (
        b'{"model_name":"iris_1","outputs":'
        b'[{"name":"p","shape":[1,1],"datatype":"INT64","data":[1]}]}'
    )


def test_a_reply_carries_version_id_and_parameters():
    tensor = Tensor("p", "INT64", np.array([1]), {"content_type": "np"})
    reply = reply_of(tensor, model_version="1", id="7", parameters={"a": 1})
    assert orjson.loads(joined(JSON_CODEC.encode_response(reply, PLAIN))) == {
        "model_name": "iris_1",
        "model_version": "1",
        "id": "7",
        "parameters": {"a": 1},
        "outputs": [
            {
                "name": "p",
                "shape": [1],
                "datatype": "INT64",
                "parameters": {"content_type": "np"},
                "data": [1],
            }
        ],
    }


def test_json_and_binary_outputs_mix():
    request = InferRequest([], [RequestedOutput("a"), RequestedOutput("b", {"binary_data": True})])
    reply = reply_of(
        Tensor("a", "INT8", np.array([1], "i1")),
        Tensor("b", "INT8", np.array([2, 3], "i1"), {"k": "v"}),
    )
    encoded = JSON_CODEC.encode_response(reply, request)
    assert encoded.content_type == b"application/octet-stream"
    head, raw = encoded.parts
    assert (len(head), raw) == (encoded.json_length, b"\x02\x03")
    a, b = orjson.loads(head)["outputs"]
    assert a["data"] == [1]
    assert b["parameters"] == {"k": "v", "binary_data_size": 2}
    assert "data" not in b


def test_a_large_binary_output_is_not_copied():
    array = np.zeros(10_000, "f4")
    request = InferRequest([], parameters={"binary_data_output": True})
    encoded = JSON_CODEC.encode_response(reply_of(Tensor("a", "FP32", array)), request)
    assert np.shares_memory(np.frombuffer(encoded.parts[1], "f4"), array)


def test_numbers_json_has_no_notation_for_become_null():
    reply = reply_of(Tensor("p", "FP32", np.array([np.nan, np.inf, 0.1], "f4")))
    document = orjson.loads(joined(JSON_CODEC.encode_response(reply, PLAIN)))
    assert document["outputs"][0]["data"] == [None, None, 0.1]


def test_bf16_is_written_as_numbers():
    reply = reply_of(Tensor("p", "BF16", np.array([1.5], "f4")))
    assert b'"data":[1.5]' in joined(JSON_CODEC.encode_response(reply, PLAIN))


def test_an_array_in_another_order_is_written_row_by_row():
    reply = reply_of(Tensor("p", "INT64", np.arange(4).reshape(2, 2).T))
    assert b'"data":[0,2,1,3]' in joined(JSON_CODEC.encode_response(reply, PLAIN))


def test_bytes_that_are_no_text_have_to_be_asked_for_as_binary():
    reply = reply_of(Tensor("p", "BYTES", np.array([b"\xff"], object)))
    with pytest.raises(UnsupportedError, match=r"output 'p' .* ask for it with .*binary_data"):
        JSON_CODEC.encode_response(reply, PLAIN)


@pytest.mark.parametrize(
    "body",
    [b" ", b"{", b"nope", b"[1,", b'{"inputs":NaN}', b"\xff", b'{"id":"\\ud800"}', b"[" * 5000],
    ids=["empty", "open", "word", "cut", "nan", "no-utf8", "surrogate", "deep"],
)
@pytest.mark.parametrize("codec", [JSON_CODEC, EAGER], ids=["small", "large"])
def test_a_body_that_is_not_json_is_refused(codec, body):
    with pytest.raises(InvalidRequestError, match="the body is not JSON"):
        codec.decode_request(body, None)


@pytest.mark.parametrize("codec", [JSON_CODEC, EAGER], ids=["small", "large"])
def test_an_empty_body_is_refused_as_that(codec):
    with pytest.raises(InvalidRequestError) as caught:
        codec.decode_request(b"", None)
    assert str(caught.value) == "the body is empty; wanted a JSON object with inputs"


@pytest.mark.parametrize(
    "body",
    [b'{"inputs":[{"parameters":{"binary_data_size":4}}]}abcd', b"{}\0\0\x80?"],
    ids=["by its parameter", "by its bytes"],
)
@pytest.mark.parametrize("nbytes", [0, MOST_LOADED], ids=["small", "large"])
def test_a_binary_body_without_its_header_is_told_of_that(body, nbytes):
    with pytest.raises(InvalidRequestError, match="the header Inference-Header-Content-Length has"):
        JSON_CODEC.decode_request(body + b"\1" * nbytes, None)


def test_bytes_behind_the_last_binary_input_are_refused():
    with pytest.raises(InvalidRequestError, match="1 bytes follow"):
        JSON_CODEC.decode_request(IRIS + b"x", len(IRIS))


def test_a_large_body_is_read_by_simdjson_into_the_same_request():
    numbers = np.random.default_rng(7).normal(size=(2, 3, 2000)).astype("f4")
    for data in (numbers, numbers.ravel()):
        body = orjson.dumps(
            {"inputs": [{"name": "x", "shape": [2, 3, 2000], "datatype": "FP32", "data": data}]},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        assert len(body) > LARGE
        assert _decode_large(body) is not None  # not left to orjson
        assert (JSON_CODEC.decode_request(body, None).inputs[0].data == numbers).all()


def large_body(first, length=LARGE):
    numbers = np.arange(first, first + length, dtype="i8")
    item = {"name": "x", "shape": [length], "datatype": "INT64", "data": numbers}
    return orjson.dumps({"inputs": [item]}, option=orjson.OPT_SERIALIZE_NUMPY), numbers


def test_large_requests_that_are_kept_do_not_hinder_the_next():
    bodies = [large_body(first) for first in (1, 1000, 1_000_000)]
    requests = []
    for body, _ in bodies:
        requests.append(_decode_large(body))
        assert _decode_large(body[:-1]) is None
        assert _decode_large(body.replace(b"[", b"[[", 1)) is None
    for request, (_, numbers) in zip(requests, bodies, strict=True):
        assert request is not None
        assert (request.inputs[0].data == numbers).all()


def test_the_memory_for_the_largest_bodies_is_not_kept(monkeypatch):
    monkeypatch.setattr(oip_json, "_PARSER", None)
    with pytest.raises(AttributeError):
        _decode_large(large_body(1)[0])  # wants the one that is kept
    body, numbers = large_body(10**9, 400_000)
    assert len(body) > _KEPT_UP_TO
    request = _decode_large(body)
    assert request is not None
    assert (request.inputs[0].data == numbers).all()


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"INT8","data":[[1,2,3],[4]]}]}',
        b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"INT8","data":[[1,2]]}]}',
        b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"INT8","data":[[1,2],3]}]}',
        b'{"inputs":[{"name":"x","shape":[2,1],"datatype":"INT8","data":[[1],[[2]]]}]}',
        b'{"inputs":[{"name":"x","shape":[2],"datatype":"INT8","data":[1,[2]]}]}',
        b'{"inputs":[{"name":"x","shape":[2],"datatype":"INT8","data":[1]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"INT8","data":[128]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"INT8","data":[1.0]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"UINT64","data":[-1]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1e39]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[true]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":1}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP8","data":[1]}]}',
        b'{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[-9223372036854775809]}]}',
        b'{"inputs":[3]}',
        b'{"inputs":{}}',
        b"[]",
    ],
    ids=[
        "ragged", "row-missing", "number-for-row", "deeper", "deeper-flat", "few", "outside",
        "float", "negative", "overflow", "boolean", "no-list", "datatype", "big-integer",
        "no-object",
        "no-inputs", "list",
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_large_body_is_said_as_with_a_small_one(body):
    messages = []
    for codec in (JSON_CODEC, EAGER):
        with pytest.raises(InvalidRequestError) as caught:
            codec.decode_request(body, None)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    "body",
    [
        IRIS.replace(b'"predict"', b'"a[0]"'),
        IRIS.replace(b'"name":"predict"', b'"name":"other","name":"predict"'),
        IRIS.replace(b"[[1,2,3,4]]", b"[[1.0,2,3.0,4]]"),
        b'{"outputs":[{"name":"p"}],"parameters":{"a":1},' + IRIS[1:],
        b'{"parameters":{"a":18446744073709551616},' + IRIS[1:],
    ],
    ids=["bracket-in-name", "repeated-key", "integers-and-floats", "outputs", "big-integer"],
)
def test_a_large_body_of_any_form_means_the_same_as_a_small_one(body):
    small, large = (codec.decode_request(body, None) for codec in (JSON_CODEC, EAGER))
    assert (small.outputs, small.parameters) == (large.outputs, large.parameters)
    assert same(small.inputs[0], large.inputs[0])


def padded(body, item=b" "):
    """Return a body, of which `@` is so many items that orjson is not asked to read it."""
    return body.replace(b"@", (item * (MOST_LOADED // len(item) + 2))[:-1])


def inputs_of(datatype, shape, data):
    item = b'{"name":"x","datatype":"%s","shape":%s,"data":%s}' % (datatype, shape, data)
    return b'{"inputs":[%s]}' % item


MANY = b"[" + b"%d" % (MOST_LOADED // 3 + 2) + b",0]"
TOO_MUCH = "JSON may have 4194304 bytes, this has "


@pytest.mark.parametrize(
    ("body", "item", "message"),
    [
        (b"@", b" ", "the body is not JSON"),
        (b'[@]', b"[],", TOO_MUCH),
        (b'{"inputs":[@]}', b"{},", r"^inputs: has 1398103 items, at most 4096"),
        (b'{"inputs":[],"outputs":[@]}', b"{},", TOO_MUCH),
        (b'{"inputs":[],"parameters":{"a":[@]}}', b"[],", TOO_MUCH),
        (b'{"inputs":[{}],"other":[@]}', b"[],", r"^inputs\[0\].name: is missing"),
        (inputs_of(b"FP32", b"[@]", b"[1]"), b"1,", TOO_MUCH),
        (inputs_of(b"FP32", b"[1]", b"[@]"), b"[],", TOO_MUCH),
        (inputs_of(b"FP32", MANY, b"[@]"), b"[],", TOO_MUCH),
        (inputs_of(b"BYTES", b"[1398103]", b"[@]"), b'"",', TOO_MUCH),
        (inputs_of(b"BOOL", b"[2]", b"[true,[@]]"), b"[],", r"^inputs\[0\].data: BOOL takes"),
    ],
    ids=[
        "no-json", "list", "inputs", "outputs", "parameters", "unknown", "shape", "lists",
        "lists-as-in-shape", "texts", "list-for-value",
    ],
)  # fmt: skip
def test_of_a_very_large_body_little_becomes_python_values(monkeypatch, body, item, message):
    monkeypatch.setattr(json_request, "orjson", None)  # nor in vain
    with pytest.raises(InvalidRequestError, match=message):
        JSON_CODEC.decode_request(padded(body, item), None)


@pytest.mark.parametrize(
    "text", [b"an [index", b"a \\u005bpath", b"plain"], ids=["bracket", "escaped", "without"]
)
def test_texts_of_a_very_large_body_may_hold_anything(text):
    body = inputs_of(b"BYTES", b"[2,1]", b'[["%s"],["@"]]' % text)
    if b"u005b" in text:  # then nobody knows what is a list: not how it is written
        with pytest.raises(PayloadTooLargeError):
            JSON_CODEC.decode_request(padded(body), None)
    else:
        request = JSON_CODEC.decode_request(padded(body), None)
        assert request.inputs[0].data[0, 0] == text


def test_json_before_binary_tensors_is_small():
    head = padded(inputs_of(b"FP32", b"[2]", b"[@1,1]"))
    assert JSON_CODEC.decode_request(head, None).inputs[0].data.tolist() == [1, 1]
    with pytest.raises(PayloadTooLargeError, match="and no binary tensors beside them"):
        JSON_CODEC.decode_request(head + b"1234", len(head))


def test_fields_are_looked_up_in_time_that_grows_with_their_number_only():
    others = b"".join(b'"%d":1,' % number for number in range(100_000))
    body = b"{%s%s" % (others, IRIS[1:])
    assert len(body) > LARGE
    began = time.process_time()
    assert JSON_CODEC.decode_request(body, None).inputs[0].name == "predict"
    assert time.process_time() - began < 2  # it was half a minute


@pytest.mark.parametrize("key", ["shape", "data"])
@pytest.mark.parametrize("codec", [JSON_CODEC, EAGER], ids=["small", "large"])
def test_lists_nested_as_deep_as_json_allows_are_refused(codec, key):
    deep = b"[" * 1000 + b"]" * 1000
    item = b'"shape":[1],"data":[1],"%s":' % key.encode() + deep
    with pytest.raises(InvalidRequestError, match=rf"inputs\[0\]\.{key}: "):
        codec.decode_request(b'{"inputs":[{"name":"x","datatype":"FP32",%s}]}' % item, None)


MUTATED = st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3))


@given(tensors=tensor_lists(JSON_DATATYPES), changes=st.lists(MUTATED, max_size=3))
def test_mutated_json_is_read_alike_or_refused_alike(tensors, changes):
    body = mutated(orjson.dumps(document_of(tensors)), changes)
    answers: list[object] = []
    for codec in (JSON_CODEC, EAGER):
        try:
            answers.append([repr(tensor) for tensor in codec.decode_request(body, None).inputs])
        except InvalidRequestError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]


@given(data=st.data(), changes=st.lists(MUTATED, max_size=3), moved=st.integers(-3, 3))
def test_mutated_binary_bodies_are_read_or_refused(data, changes, moved):
    array = data.draw(arrays("BYTES", text=False))
    raw = bytes(to_raw(Tensor("x", "BYTES", array)))
    item = {"name": "x", "shape": array.shape, "datatype": "BYTES"}
    head = orjson.dumps({"inputs": [{**item, "parameters": {"binary_data_size": len(raw)}}]})
    with contextlib.suppress(InvalidRequestError):
        JSON_CODEC.decode_request(mutated(head + raw, changes), len(head) + moved)


def mutated(body, changes):
    for position, length, inserted in changes:
        at = position % (len(body) + 1)
        body = body[:at] + inserted + body[at + length :]
    return body


def test_an_error_is_an_object_with_its_message():
    assert error_body('no "x"') == b'{"error":"no \\"x\\""}'
    assert error_body("a\ud800") == b'{"error":"a?"}'
    assert len(error_body("x" * 100_000)) < 5000


def test_metadata_names_every_tensor():
    spec = TensorSpec("x", "FP32", (-1, 4))
    metadata = ModelMetadata("m", "onnx_onnxv1", (spec,), (TensorSpec("y", "INT64", (), {"a": 1}),))
    assert orjson.loads(model_metadata_body(metadata)) == {
        "name": "m",
        "versions": [],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "y", "datatype": "INT64", "shape": [], "parameters": {"a": 1}}],
    }
    assert orjson.loads(server_metadata_body(ServerMetadata("s", "1", ("a",)))) == {
        "name": "s",
        "version": "1",
        "extensions": ["a"],
    }
