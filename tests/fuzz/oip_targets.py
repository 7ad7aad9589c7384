"""Targets: what reads the Open Inference Protocol, as JSON and as protobuf."""

import json
import struct
from typing import Any

import numpy as np
import orjson
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import strategies as st

from seldon_core.errors import (
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    TunnelError,
)
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol import dialects, oip_protojson
from seldon_core.protocol.dialects import rest_target
from seldon_core.protocol.grpc_contents import read_contents, write_contents
from seldon_core.protocol.inference import InferRequest, InferResponse, Tensor
from seldon_core.protocol.oip_grpc import GRPC_CODEC, LARGE, peek_model
from seldon_core.protocol.oip_json import JSON_CODEC, JsonCodec
from seldon_core.protocol.protobuf_wire import MAX_FIELDS, scan
from seldon_core.protocol.tensors import from_raw, from_values, to_raw
from tests.fuzz.inputs import (
    DATATYPES,
    infer_documents,
    json_bytes,
    protobuf_messages,
    varint,
)
from tests.fuzz.target import Choices, Target, outcome, shown, shown_tensor

INVALID = (InvalidRequestError,)

UNUSUAL = tuple(b'{"name": "iris", "parameters": %s}' % each for each in (b"9" * 5000, b"[" * 1200))
"""What Python's parser refuses by other errors than that of JSON: a number and a depth."""

JSON_SEEDS = tuple(
    json_bytes(document)
    for document in (
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": [1, 2], "data": [[1.5, 2]]}]},
        {
            "id": "x",
            "parameters": {"p": 1, "binary_data_output": True},
            "inputs": [
                {"name": "a", "datatype": "BYTES", "shape": [2], "data": ["é", ""]},
                {"name": "b", "datatype": "BOOL", "shape": [2, 1], "data": [[True], [0]]},
                {"name": "c", "datatype": "UINT64", "shape": [1], "data": [2**64 - 1]},
            ],
            "outputs": [{"name": "b", "parameters": {"binary_data": False}}],
        },
        {"inputs": [{"name": "a", "datatype": "INT64", "shape": [2, 2], "data": [1, 2, 3, -4]}]},
        {"inputs": [{"name": "a", "datatype": "FP16", "shape": [0, 3], "data": []}]},
        {"inputs": [{"name": "a", "datatype": "FP64", "shape": [], "data": [1e300]}]},
        {"inputs": [{"name": "a", "datatype": "INT8", "shape": [1], "data": [128]}]},
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": [1], "data": [1e39]}]},
        {"inputs": [{"name": "a", "datatype": "INT8", "shape": [2], "data": [1, [2]]}]},
        {"inputs": [{"name": "[", "datatype": "INT8", "shape": [1, 1], "data": [[[3]]]}]},
    )
)
JSON_TOKENS = (
    *(b'"inputs":[', b'"outputs":', b'"parameters":{', b'"data":[', b'"shape":[', b'"name":'),
    *(b'"datatype":"', b'"binary_data_size":', b'"binary_data":true', b'"shared_memory_region":""'),
    *(b"[", b"]", b"{", b"}", b",", b'"', b"null", b"true", b"1e400", b"-0.0", b"NaN"),
    *(b"18446744073709551616", b'"\\ud800"', b"[[", b"]]"),
    *(name.encode() for name in DATATYPES),
)
_SIMDJSON = JsonCodec(large=0)


def check_json(data: bytes) -> None:
    """Both readers of JSON say the same, and what was read can be written and read again."""
    request, error = outcome(INVALID, JSON_CODEC.decode_request, data, None)
    view = memoryview(bytearray(data))
    other, other_error = outcome(INVALID, _SIMDJSON.decode_request, view, None)
    assert str(error) == str(other_error)
    if request is None:
        return
    assert shown(request) == shown(other)
    again = JSON_CODEC.decode_request(_echo_json(request, InferRequest([])), None)
    assert list(map(shown_tensor, again.inputs)) == list(map(shown_tensor, request.inputs))


def _echo_json(request: InferRequest, asked: InferRequest) -> bytes:
    """Return a request whose inputs are the outputs of a reply with the inputs of `request`."""
    encoded = JSON_CODEC.encode_response(InferResponse("m", request.inputs), asked)
    assert encoded.json_length is None
    document = orjson.loads(b"".join(encoded.parts))
    return orjson.dumps({"inputs": document["outputs"]})


def check_binary(data: bytes) -> None:
    """A head and its tail are read from any buffer, and written and read again as bytes."""
    choices = Choices(data)
    length, kind = choices.number(2), choices.pick((bytes, bytearray, memoryview))
    body = choices.rest()
    request, _ = outcome(INVALID, JSON_CODEC.decode_request, kind(body), length)
    if request is None or not request.inputs:
        return
    asked = InferRequest([], parameters={"binary_data_output": True})
    encoded = JSON_CODEC.encode_response(InferResponse("m", request.inputs), asked)
    assert encoded.json_length is not None
    head, *tail = encoded.parts
    document = orjson.loads(head)
    assert len(head) == encoded.json_length
    text = orjson.dumps({"inputs": document["outputs"]})
    again = JSON_CODEC.decode_request(b"".join((text, *tail)), len(text))
    assert list(map(shown_tensor, again.inputs)) == list(map(shown_tensor, request.inputs))


def _binary_input(document: Any, tail: bytes, kind: int = 0, by: int = 0) -> bytes:
    text = json_bytes(document)
    return max(len(text) + by, 0).to_bytes(2, "little") + bytes([kind]) + text + tail


BINARY_SEEDS = tuple(
    _binary_input(*each)
    for each in (
        (
            {
                "inputs": [
                    {
                        "name": "a",
                        "datatype": "FP32",
                        "shape": [2],
                        "parameters": {"binary_data_size": 8},
                    },
                    {
                        "name": "b",
                        "datatype": "BYTES",
                        "shape": [1],
                        "parameters": {"binary_data_size": 6},
                    },
                ]
            },
            bytes(8) + b"\2\0\0\0hi",
        ),
        (
            {
                "inputs": [
                    {
                        "name": "a",
                        "datatype": "BF16",
                        "shape": [1],
                        "parameters": {"binary_data_size": 2},
                    },
                    {
                        "name": "b",
                        "datatype": "BOOL",
                        "shape": [2],
                        "parameters": {"binary_data_size": 2},
                    },
                    {"name": "c", "datatype": "INT8", "shape": [1], "data": [1]},
                ]
            },
            b"\x80\x3f\0\1",
            2,
        ),
    )
)

BINARY_SEEDS = (*BINARY_SEEDS, *(seed[:-1] for seed in BINARY_SEEDS))


def check_tensors(data: bytes) -> None:
    """What is read from bytes or from values is what is written."""
    choices = Choices(data)
    datatype = choices.pick((*DATATYPES, "FP8"))
    shape = [choices.number() for _ in range(choices.number() % 4)]
    if choices.number() % 8 == 0:
        shape.append(choices.pick((2**30, 2**62, -1, True, 0, 2**64)))
    if choices.number() % 2:
        raw = choices.rest()
        array, _ = outcome(INVALID, from_raw, "t", datatype, shape, raw)
    else:
        try:
            values = orjson.loads(choices.rest())
        except orjson.JSONDecodeError:
            return
        array, _ = outcome(INVALID, from_values, "t", datatype, shape, values)
    if array is None:
        return
    tensor = Tensor("t", datatype, array)
    again = Tensor("t", datatype, from_raw("t", datatype, shape, bytes(to_raw(tensor))))
    if datatype == "BF16":  # a NaN is made quiet
        np.testing.assert_array_equal(array, again.data)
    else:
        assert shown_tensor(tensor) == shown_tensor(again)


_UNKNOWN = varint(100 << 3 | 2)  # of no message here: whoever reads one passes over it


def check_grpc(data: bytes) -> None:
    """Each of the three ways to a request gives the same one; it is written and read again."""
    request, error = outcome(INVALID, GRPC_CODEC.decode_request, data, None)
    ways = [outcome(INVALID, GRPC_CODEC.decode_request, memoryview(data), None)]
    if scan(data) is not None and len(data) < LARGE:
        for nbytes in (0, LARGE):  # by protobuf alone; as a large message
            longer = data + _UNKNOWN + varint(nbytes) + bytes(nbytes)
            ways.append(outcome(INVALID, GRPC_CODEC.decode_request, longer, None))
    for other, other_error in ways:
        assert str(other_error) == str(error)
        assert request is None or shown(request) == shown(other)
    _check_peek(data)
    if request is not None and request.inputs:
        _check_grpc_echo(request)


def _check_peek(data: bytes) -> None:
    try:
        message = pb.ModelInferRequest.FromString(data)
    except DecodeError:
        outcome(INVALID, peek_model, data)
        return
    peeked, error = outcome(INVALID, peek_model, data)
    assert error is None or "more than" in str(error), error
    if error is None:
        assert peeked == (message.model_name, message.model_version)


def _check_grpc_echo(request: InferRequest) -> None:
    encoded = GRPC_CODEC.encode_response(InferResponse("m", request.inputs, "1", "id"), request)
    message = pb.ModelInferResponse.FromString(b"".join(encoded.parts))
    assert (message.model_name, message.model_version, message.id) == ("m", "1", "id")
    assert bool(message.raw_output_contents) == request.raw
    for index, (tensor, item) in enumerate(zip(request.inputs, message.outputs, strict=True)):
        assert (item.name, item.datatype) == (tensor.name, tensor.datatype)
        shape = list(item.shape)
        if request.raw:
            data = from_raw("t", item.datatype, shape, message.raw_output_contents[index])
        else:
            data = read_contents("t", item.datatype, shape, item.contents)
        np.testing.assert_array_equal(data, tensor.data)


def _request(raw: list[bytes] = [], **fields: Any) -> bytes:  # noqa: B006 - not changed
    message = pb.ModelInferRequest(model_name="iris", model_version="1", **fields)
    message.raw_input_contents.extend(raw)
    return message.SerializeToString()


def _input(name: str, datatype: str, shape: list[int], **contents: Any) -> Any:
    item = pb.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)
    if contents:
        item.contents.CopyFrom(pb.InferTensorContents(**contents))
    return item


def _with_parameters() -> bytes:
    message = pb.ModelInferRequest(model_name="iris", id="7")
    message.parameters["a"].bool_param = True
    message.parameters["b"].uint64_param = 2**64 - 1
    message.parameters["c"].double_param = 0.5
    message.inputs.add(name="x", datatype="FP32", shape=[1]).parameters["d"].string_param = "é"
    message.inputs[0].contents.fp32_contents.append(1)
    message.outputs.add(name="y").parameters["classification"].int64_param = 3
    return message.SerializeToString()


def _raw_with(**fields: Any) -> bytes:
    """A raw request with an id or outputs, or a parameter of itself, its input or its output."""
    message = pb.ModelInferRequest(model_name="iris", id=fields.get("id", ""))
    message.inputs.add(name="x", datatype="INT8", shape=[1])
    for name in fields.get("outputs", ["y"]):
        message.outputs.add(name=name)
    holders: dict[str, Any] = {
        "request": message,
        "input": message.inputs[0],
        "output": message.outputs[0],
    }
    for place, holder in holders.items():
        if place in fields:
            holder.parameters["a"].int64_param = 1
    message.raw_input_contents.append(b"a")
    return message.SerializeToString()


GRPC_SEEDS = (
    _request([struct.pack("<2f", 1, 2)], inputs=[_input("x", "FP32", [1, 2])]),
    _request([b"\1\0\0\0a", b"\0\1"], inputs=[_input("x", "BYTES", [1]), _input("y", "BOOL", [2])]),
    _request(inputs=[_input("x", "FP32", [2], fp32_contents=[1.5, -2])]),
    _request(inputs=[_input("x", "INT8", [2], int_contents=[1, -128])]),
    _request(inputs=[_input("x", "UINT64", [1], uint64_contents=[2**64 - 1])]),
    _request(inputs=[_input("x", "BYTES", [2], bytes_contents=[b"a", b""])]),
    _request(inputs=[_input("x", "BOOL", [1, 1], bool_contents=[True])]),
    _with_parameters(),
    *(_raw_with(**fields) for fields in ({}, {"id": "7"}, {"outputs": ["y", "z"]})),
    *(_raw_with(**{place: True}) for place in ("request", "input", "output")),
)
GRPC_TOKENS = (
    *(name.encode() for name in DATATYPES),
    *(b"\x3a\x00", b"\x3a\x04\0\0\0\0", b"\x2a\x00", b"\x1a\x01x", b"\x22\x00", b"\x0a\x04iris"),
    *(b"\x18\x01", b"\x1a\x02\x01\x02", b"\x2b", b"\x2c", b"\xff\xff\xff\xff\x0f"),
)


def check_wire(data: bytes) -> None:
    """The outermost layer is as protobuf sees it, or left to protobuf to read."""
    fields, error = outcome(INVALID, scan, data)
    if error is not None:
        assert str(MAX_FIELDS) in str(error)
        return
    assert fields == scan(memoryview(data))
    assert all(begin <= end <= len(data) for _, begin, end in fields or ())
    try:
        message = Empty.FromString(data)
    except DecodeError:
        return  # what is wrong inside is found where the inside is read
    unknown: Any = UnknownFieldSet(message)
    known = [(each.field_number << 3 | each.wire_type) for each in unknown]
    if fields is None:
        assert any(tag & 7 in (3, 4) for tag in known), "protobuf reads this, and it has no groups"
        return
    assert [tag for tag, _, _ in fields] == known
    for (tag, begin, end), each in zip(fields, unknown, strict=True):
        if tag & 7 == 2:
            assert data[begin:end] == each.data


def check_contents(data: bytes) -> None:
    """A typed tensor is read by blocks as it is element by element, and written again."""
    try:
        item = pb.ModelInferRequest.InferInputTensor.FromString(data)
    except DecodeError:
        return
    arguments = "t", item.datatype, list(item.shape), item.contents
    array, _ = outcome(INVALID, read_contents, *arguments)
    if array is None:
        return
    (values,) = [list(each) for _, each in item.contents.ListFields()] or [[]]
    assert array.shape == tuple(item.shape)
    assert repr(array.ravel().tolist()) == repr(values)
    contents = pb.InferTensorContents()
    write_contents(contents, Tensor("t", item.datatype, array))
    again = read_contents("t", item.datatype, list(item.shape), contents)
    assert again.shape == array.shape
    assert repr(again.ravel().tolist()) == repr(array.ravel().tolist())


def check_protojson(data: bytes) -> None:
    """What a person types becomes a request, or is told to be none; what is shown can be read."""
    text = data.decode("utf-8", "surrogateescape")
    request, _ = outcome(INVALID, oip_protojson.read_request, text, "iris")
    if request is not None:
        again = oip_protojson.read_request(oip_protojson.show_message(request), "iris")
        # Fields that are not known are not shown, NaN is not equal to itself.
        assert again.SerializePartialToString(deterministic=True) == (
            request.SerializePartialToString(deterministic=True)
        )
        outcome(INVALID, GRPC_CODEC.decode_request, request.SerializeToString(), None)
    try:
        response = pb.ModelInferResponse.FromString(data)
    except DecodeError:
        return
    oip_protojson.decode_raw_outputs(response)
    json.loads(oip_protojson.show_message(response))


PROTOJSON_SEEDS = (
    *UNUSUAL,
    b'{"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"data":[[1,2]]}]}',
    (
        b'{"inputs":[{"name":"a","datatype":"BYTES","shape":[1],"contents":{"bytes_contents":["YQ=="'
        b']}}],"id":"1","parameters":{"p":{"int64Param":"3"}},"rawInputContents":["AAAA"]}'
    ),
    pb.ModelInferResponse(
        model_name="m",
        outputs=[{"name": "y", "datatype": "FP16", "shape": [1]}],
        raw_output_contents=[b"\0\x3c"],
    ).SerializeToString(),
    pb.ModelInferResponse(
        outputs=[{"name": "y", "datatype": "BYTES", "shape": [1]}],
        raw_output_contents=[b"\1\0\0\0a"],
    ).SerializeToString(),
)

_METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"\xff", b"CONNECT")
_NO_TARGET = (NotFoundError, MethodNotAllowedError, TunnelError)


def check_target(data: bytes) -> None:
    """A path means something or nothing, and the same each time."""
    choices = Choices(data)
    method, path = choices.pick(_METHODS), choices.rest()
    found, error = outcome(_NO_TARGET, rest_target, method, path)
    plain, plain_error = outcome(_NO_TARGET, dialects._read, method, path)
    assert (found, str(error)) == (plain, str(plain_error))
    if found is not None:
        assert found == rest_target(method, b"http://host:1" + path if path[:1] == b"/" else path)


TARGET_SEEDS = tuple(
    bytes([index % 2]) + b"/" + path.encode()
    for index, path in enumerate(
        [
            *dialects._SERVER,
            *(f"v2/models/iris/{rest}" for rest in dialects._MODEL),
            *(f"v2/models/a%2Fb/versions/%C3%A9/{rest}" for rest in dialects._MODEL),
            *(f"v2/pipelines/p/{rest}" for rest in dialects._PIPELINE),
            *(f"v2/repository/models/iris/{rest}" for rest in dialects._REPOSITORY),
            *(f"v2/repository/r/models/iris/{rest}" for rest in dialects._REPOSITORY),
        ]
    )
)

TARGETS = (
    Target(
        "oip_json",
        check_json,
        JSON_SEEDS,
        JSON_TOKENS,
        infer_documents().map(lambda made: json_bytes(made[0])),
        weight=3,
    ),
    Target(
        "oip_binary",
        check_binary,
        BINARY_SEEDS,
        JSON_TOKENS,
        st.builds(
            lambda made, kind, by: _binary_input(made[0], made[1], kind, by),
            infer_documents(binary=True),
            st.integers(0, 2),
            st.sampled_from([0] * 8 + [-1, 1, 10_000]),
        ),
        weight=2,
    ),
    Target(
        "tensors",
        check_tensors,
        (
            b"\x0b\x02\x01\x02\x01\x01" + bytes(8),
            b"\x0d\x01\x02\x01\x01\x01\0\0\0a\0\0\0\0",
            b"\x0b\x02\x01\x02\x01\x02[[1.5,-2]]",
            b"\x00\x01\x02\x01\x02[true,0]",
            b"\x04\x01\x01\x01\x02[18446744073709551615]",
        ),
        (b"[", b"]", b",", b"1e40", b"-1", b"null", b'"a"', b"true"),
    ),
    Target("oip_grpc", check_grpc, GRPC_SEEDS, GRPC_TOKENS, protobuf_messages(8), weight=3),
    Target(
        "protobuf_wire",
        check_wire,
        (*GRPC_SEEDS, *(seed[:-1] for seed in GRPC_SEEDS)),
        GRPC_TOKENS,
        protobuf_messages(2**29 - 1),
    ),
    Target(
        "grpc_contents",
        check_contents,
        tuple(
            item.SerializeToString()
            for item in (
                _input("x", "FP32", [2], fp32_contents=[1.5, float("nan")]),
                _input("x", "FP64", [1], fp64_contents=[1e300]),
                _input("x", "BOOL", [1, 2], bool_contents=[True, False]),
                _input("x", "INT16", [1], int_contents=[-(2**15)]),
                _input("x", "UINT32", [1], uint_contents=[2**32 - 1]),
                _input("x", "INT64", [0]),
                _input("x", "BYTES", [1], bytes_contents=[b"\xff"]),
            )
        ),
        GRPC_TOKENS,
        protobuf_messages(8, depth=1),
    ),
    Target("oip_protojson", check_protojson, PROTOJSON_SEEDS, JSON_TOKENS),
    Target(
        "dialects",
        check_target,
        TARGET_SEEDS,
        (b"/", b"%", b"%2F", b"%ff", b"versions/", b"models/", b"?", b"#", b"://", b"v2"),
    ),
)
