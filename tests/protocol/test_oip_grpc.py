"""ModelInfer's messages, beside another implementation's."""

import contextlib
import re
from unittest import mock

import numpy as np
import pytest
import tritonclient.grpc as triton
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2
from tritonclient.grpc._utils import _get_inference_request

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol import oip_grpc
from seldon_core.protocol.grpc_contents import RAW_ONLY, read_contents, write_contents
from seldon_core.protocol.inference import InferRequest, InferResponse, Tensor
from seldon_core.protocol.json_request import MAX_PARAMETERS, MAX_TENSORS
from seldon_core.protocol.oip_grpc import GRPC_CODEC, LARGE, peek_model
from seldon_core.protocol.protobuf_wire import MAX_FIELDS
from seldon_core.protocol.tensors import to_raw
from tests.support.tensors import DATATYPES, NAMES, PARAMETERS, same, tensor_lists

TYPED = tuple(sorted({*DATATYPES} - RAW_ONLY))
Input = pb.ModelInferRequest.InferInputTensor
Output = pb.ModelInferRequest.InferRequestedOutputTensor


def parameters_of(values):
    made = {}
    for key, value in (values or {}).items():
        kind = {bool: "bool", str: "string", float: "double"}.get(type(value), "int64")
        kind = "uint64" if kind == "int64" and value >= 1 << 63 else kind
        made[key] = pb.InferParameter(**{f"{kind}_param": value})
    return made


def message_of(tensors, raw, **fields):
    items = []
    for tensor in tensors:
        item = Input(
            name=tensor.name,
            datatype=tensor.datatype,
            shape=tensor.data.shape,
            parameters=parameters_of(tensor.parameters),
        )
        if not raw and tensor.data.size:
            write_contents(item.contents, tensor)
        items.append(item)
    contents = [bytes(to_raw(tensor)) for tensor in tensors] if raw else []
    return pb.ModelInferRequest(inputs=items, raw_input_contents=contents, **fields)


def decode(message):
    return GRPC_CODEC.decode_request(message.SerializeToString(), None)


def encode(response, request):
    return b"".join(GRPC_CODEC.encode_response(response, request).parts)


def fp32(name="x", shape=(1,), **fields):
    return Input(name=name, datatype="FP32", shape=shape, **fields)


@given(data=st.data(), raw=st.booleans(), identifier=NAMES, parameters=st.none() | PARAMETERS)
def test_every_request_is_read_back(data, raw, identifier, parameters):
    tensors = data.draw(tensor_lists(DATATYPES if raw else TYPED, finite=False, text=False))
    message = message_of(
        tensors,
        raw,
        model_name="iris",
        model_version="1",
        id=identifier,
        parameters=parameters_of(parameters),
    )
    request = decode(message)
    assert (request.model_name, request.model_version, request.id) == ("iris", "1", identifier)
    assert request.parameters == parameters
    assert request.raw == (raw and bool(tensors))
    assert len(request.inputs) == len(tensors)
    assert all(same(read, sent) for read, sent in zip(request.inputs, tensors, strict=True))


@given(
    outputs=tensor_lists(finite=False, text=False),
    raw=st.booleans(),
    identifier=NAMES,
    parameters=st.none() | PARAMETERS,
)
def test_every_reply_is_read_back_by_another_client(outputs, raw, identifier, parameters):
    reply = InferResponse("iris_1", outputs, "1", identifier, parameters)
    message = service_pb2.ModelInferResponse.FromString(encode(reply, InferRequest([], raw=raw)))
    assert (message.model_name, message.model_version, message.id) == ("iris_1", "1", identifier)
    assert len(message.parameters) == len(parameters or {})
    raw = raw or any(tensor.datatype in RAW_ONLY for tensor in outputs)
    assert len(message.raw_output_contents) == (len(outputs) if raw else 0)
    result = triton.InferResult(message)
    for tensor, item in zip(outputs, message.outputs, strict=True):
        if raw and tensor.datatype != "BF16":
            read = result.as_numpy(tensor.name)
            assert repr(read.tolist()) == repr(tensor.data.tolist())
            assert read.shape == tensor.data.shape
        elif not raw:  # of typed contents that client reads only some
            contents = pb.InferTensorContents.FromString(item.contents.SerializeToString())
            read = read_contents("x", item.datatype, item.shape, contents)
            assert same(Tensor(tensor.name, item.datatype, read, tensor.parameters), tensor)


def test_a_request_of_another_client_is_read():
    words, numbers = triton.InferInput("w", [2], "BYTES"), triton.InferInput("x", [2], "FP64")
    words.set_data_from_numpy(np.array([b"a", b"\xff"], object))
    numbers.set_data_from_numpy(np.array([1.5, 2.5]))
    message = _get_inference_request(  # what its client sends
        model_name="m", inputs=[words, numbers], model_version="2", request_id="7", sequence_id=0,
        sequence_start=False, sequence_end=False, priority=0, timeout=None,
        outputs=[triton.InferRequestedOutput("y")], parameters={"k": "v"},
    )  # fmt: skip
    request = decode(message)
    assert [tensor.data.tolist() for tensor in request.inputs] == [[b"a", b"\xff"], [1.5, 2.5]]
    assert [output.name for output in request.outputs] == ["y"]
    assert (request.model_name, request.id, request.parameters) == ("m", "7", {"k": "v"})


def test_a_request_for_no_output_in_particular_is_one_for_all():
    assert decode(pb.ModelInferRequest()).outputs is None


def test_requested_outputs_carry_parameters():
    message = pb.ModelInferRequest(
        outputs=[Output(name="a"), Output(name="b", parameters=parameters_of({"n": 1}))]
    )
    assert [output.parameters for output in decode(message).outputs] == [None, {"n": 1}]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview], ids=["bytes", "array", "view"])
@pytest.mark.parametrize("size", [4, LARGE], ids=["small", "large"])
def test_a_message_may_be_any_buffer(kind, size):
    tensor = Tensor("x", "UINT8", np.arange(size).astype("u1"))
    message = message_of([tensor], raw=True).SerializeToString()
    assert same(GRPC_CODEC.decode_request(kind(message), None).inputs[0], tensor)


def test_raw_contents_of_a_large_message_are_views_of_it():
    tensors = [Tensor(name, "FP32", np.full(10_000, name == "b", "f4")) for name in "ab"]
    body = message_of(tensors, raw=True, id="7").SerializeToString()
    request = GRPC_CODEC.decode_request(body, None)
    assert request.id == "7"
    for read, sent in zip(request.inputs, tensors, strict=True):
        assert np.shares_memory(read.data, np.frombuffer(body, "u1"))
        assert same(read, sent)


def test_large_raw_outputs_are_views_of_the_arrays():
    array = np.zeros(10_000, "f4")
    reply = InferResponse("m", [Tensor("a", "FP32", array)])
    encoded = GRPC_CODEC.encode_response(reply, InferRequest([], raw=True))
    assert encoded.content_type == b"application/grpc"
    assert any(np.shares_memory(np.frombuffer(part, "u1"), array) for part in encoded.parts)


def test_a_message_with_an_unknown_group_is_read_unless_it_is_large():
    tensor = Tensor("x", "UINT8", np.zeros(LARGE - 100, "u1"))
    group = b"\xa3\x06\xa4\x06"  # field 100, which protobuf skips
    body = message_of([tensor], raw=True).SerializeToString() + group
    assert same(GRPC_CODEC.decode_request(body, None).inputs[0], tensor)
    assert peek_model(body) == ("", "")
    with pytest.raises(InvalidRequestError, match="cannot be told apart"):
        GRPC_CODEC.decode_request(body + b"\x3a\x7f" + bytes(127), None)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (
            pb.ModelInferRequest(inputs=[fp32()], raw_input_contents=[b"1234"] * 2),
            "raw_input_contents: has 2 entries for 1 inputs",
        ),
        (
            pb.ModelInferRequest(inputs=[fp32("a"), fp32("b")], raw_input_contents=[b"1234"]),
            "raw_input_contents: has 1 entries for 2 inputs",
        ),
        (
            pb.ModelInferRequest(
                inputs=[fp32(contents=pb.InferTensorContents(fp32_contents=[1]))],
                raw_input_contents=[b"1234"],
            ),
            "inputs[0]: has contents beside raw_input_contents",
        ),
        (
            pb.ModelInferRequest(inputs=[fp32()], raw_input_contents=[b"12345"]),
            "inputs[0]: FP32 of shape [1] needs 4 bytes, found 5",
        ),
        (
            pb.ModelInferRequest(inputs=[fp32(shape=[2])]),
            "inputs[0].shape: [2] needs 2 values, fp32_contents has 0",
        ),
        (
            pb.ModelInferRequest(inputs=[fp32(shape=[0]), fp32(shape=[0])]),
            "inputs[1].name: 'x' occurs twice",
        ),
        (
            pb.ModelInferRequest(outputs=[Output(name="p")] * 2),
            "outputs[1].name: 'p' occurs twice",
        ),
        (
            pb.ModelInferRequest(parameters={"a": pb.InferParameter()}),
            "parameters.a: has no value of a known type",
        ),
        (
            pb.ModelInferRequest(inputs=[fp32(shape=[0], parameters={"a": pb.InferParameter()})]),
            "inputs[0].parameters.a: has no value of a known type",
        ),
    ],
    ids=[
        "raw-too-many", "raw-too-few", "raw-and-typed", "raw-size", "no-contents", "input-twice",
        "output-twice", "empty-parameter", "empty-input-parameter",
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(message, found):
    with pytest.raises(InvalidRequestError) as caught:
        decode(message)
    assert str(caught.value) == found


@pytest.mark.parametrize(
    "body",
    [b"\x0a\x05abc", b"\xff\xff", b"\x0a\x01\xff", b'{"inputs":[]}', b"\x0a" * LARGE],
    ids=["cut", "no-tag", "no-utf8", "json", "long"],
)
def test_what_is_no_protobuf_message_is_refused(body):
    with pytest.raises(InvalidRequestError, match="the message is no ModelInferRequest"):
        GRPC_CODEC.decode_request(body, None)


def test_a_message_of_countless_fields_is_refused():
    with pytest.raises(InvalidRequestError, match="more than 16384 fields"):
        GRPC_CODEC.decode_request(b"\x2a\x00" * (MAX_FIELDS + 1), None)


@pytest.mark.parametrize("read", [peek_model, lambda body: GRPC_CODEC.decode_request(body, None)])
@pytest.mark.parametrize(
    "body", [b"\x0a" * (LARGE + 1), b"\x83\x7d" * LARGE], ids=["cut", "groups"]
)
def test_a_large_message_that_cannot_be_scanned_is_refused(read, body):
    with pytest.raises(InvalidRequestError, match="cannot be told apart: it is malformed, or has"):
        read(body)


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_tensors_of_countless_fields_are_refused_before_protobuf_reads_them(monkeypatch, kind):
    message = pb.ModelInferRequest()
    for index in range(20):
        item = getattr(message, kind).add(name=str(index))
        for number in range(MAX_FIELDS // 20):
            item.parameters[str(number)].bool_param = True
    body = message.SerializeToString()
    monkeypatch.setattr(oip_grpc, "_parse", None)
    with pytest.raises(InvalidRequestError, match="the message's own have more than 16384 fields"):
        GRPC_CODEC.decode_request(body, None)


@pytest.mark.parametrize(
    ("message", "model"),
    [
        (pb.ModelInferRequest(model_name="iris"), ("iris", "")),
        (pb.ModelInferRequest(model_name="é" * 99, model_version="1"), ("é" * 99, "1")),
        (pb.ModelReadyRequest(name="iris", version="2"), ("iris", "2")),
        (pb.ModelMetadataRequest(name="iris", version="2"), ("iris", "2")),
        (pb.ModelInferRequest(inputs=[fp32()]), ("", "")),
    ],
    ids=["name", "both", "ready", "metadata", "none"],
)
def test_the_model_of_a_message_is_found_without_reading_it_all(message, model):
    assert peek_model(message.SerializeToString()) == model


def test_the_last_of_repeated_names_counts_as_in_protobuf():
    body = b"\x0a\x01a\x12\x011\x0a\x01b\x12\x012"
    assert peek_model(memoryview(body)) == ("b", "2")


@pytest.mark.parametrize("body", [b"\x0a\x01\xff", b"\x0a\x05a"], ids=["no-utf8", "cut"])
def test_a_model_cannot_be_found_in_a_broken_message(body):
    with pytest.raises(InvalidRequestError):
        peek_model(body)


FIELDS = st.one_of(
    st.builds(lambda name: pb.ModelInferRequest(model_name=name).SerializeToString(), NAMES),
    st.builds(lambda name: pb.ModelInferRequest(model_version=name).SerializeToString(), NAMES),
    st.builds(lambda name: pb.ModelInferRequest(id=name).SerializeToString(), NAMES),
    st.just(pb.ModelInferRequest(inputs=[fp32()]).SerializeToString()),
    st.just(b"\x08\x07\x11" + bytes(8) + b"\x0d" + bytes(4)),  # known numbers, other kinds
    st.binary(max_size=4),
)


@given(st.lists(FIELDS, max_size=6).map(b"".join))
def test_peeking_agrees_with_protobuf_on_every_message_that_it_reads(body):
    try:
        message = pb.ModelInferRequest.FromString(body)
    except DecodeError:
        with contextlib.suppress(InvalidRequestError):
            peek_model(body)
    else:
        assert peek_model(body) == (message.model_name, message.model_version)


@given(
    data=st.data(),
    raw=st.booleans(),
    large=st.booleans(),
    changes=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), max_size=4
    ),
)
def test_mutated_messages_are_read_or_refused(data, raw, large, changes):
    tensors = data.draw(tensor_lists(DATATYPES if raw else TYPED, finite=False, text=False))
    body = message_of(tensors, raw).SerializeToString()
    if large:  # a field that no version of the protocol has
        body += b"\xfa\x3f\x80\x80\x01" + bytes(LARGE)
    for position, length, inserted in changes:
        at = position % (len(body) + 1)
        body = body[:at] + inserted + body[at + length :]
    with contextlib.suppress(InvalidRequestError):
        GRPC_CODEC.decode_request(body, None)
    with contextlib.suppress(InvalidRequestError):
        peek_model(body)


def without_memory(body):
    """Decode as if nothing had been met before, and nothing was to be kept."""
    nothing_met = mock.patch.dict(oip_grpc._known_requests, clear=True)
    with nothing_met, mock.patch.object(oip_grpc, "_LONGEST_KNOWN", 0):
        return GRPC_CODEC.decode_request(body, None)


def outcome(read, body):
    """What reading `body` gives, in a form that can be compared."""
    try:
        request = read(body)
    except InvalidRequestError as error:
        return str(error)
    tensors = [(t.name, t.datatype, t.data.shape, t.data.tolist()) for t in request.inputs]
    rest = request.outputs, request.id, request.parameters, request.model_name
    return repr((tensors, rest, request.model_version, request.raw))


@given(
    st.lists(tensor_lists(DATATYPES), min_size=1, max_size=3),
    st.sampled_from(["", "r1"]),
    st.none() | PARAMETERS,
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=2),
)
def test_what_was_met_before_changes_no_reading(requests, identifier, parameters, changes):
    for tensors in requests:
        message = message_of(tensors, True, id=identifier, parameters=parameters_of(parameters))
        body = bytearray(message.SerializeToString())
        for position, value in changes:
            if body:
                body[position % len(body)] = value
        for _ in range(2):
            remembered = outcome(lambda each: GRPC_CODEC.decode_request(each, None), bytes(body))
            assert remembered == outcome(without_memory, bytes(body))


def test_repeated_requests_have_values_and_lists_of_their_own():
    message = pb.ModelInferRequest(inputs=[fp32()], outputs=[Output(name="y")])
    requests = []
    for number in (1, 2):
        message.raw_input_contents[:] = [np.float32([number]).tobytes()]
        requests.append(decode(message))
    assert [request.inputs[0].data.tolist() for request in requests] == [[1], [2]]
    requests[0].outputs.clear()
    requests[0].inputs.clear()
    again = decode(message)
    assert [output.name for output in again.outputs] == ["y"]
    assert [tensor.name for tensor in again.inputs] == ["x"]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(oip_grpc, "_KNOWN", 2)
    for number in range(5):
        name = f"x{number}"
        message = pb.ModelInferRequest(inputs=[fp32(name)], raw_input_contents=[bytes(4)])
        assert decode(message).inputs[0].name == name
        reply = InferResponse(name, [Tensor("y", "FP32", np.zeros(1, np.float32))])
        parsed = pb.ModelInferResponse.FromString(encode(reply, InferRequest([], raw=True)))
        assert parsed.model_name == name
        assert len(oip_grpc._known_requests) <= 2
        assert len(oip_grpc._known_replies) <= 2


@pytest.mark.parametrize("values", [(1, True, 1.0), ("1", 1)], ids=["equal keys", "text first"])
def test_replies_that_differ_in_a_parameters_type_alone_are_not_mixed_up(values):
    for value in values:
        tensor = Tensor("y", "FP32", np.zeros(1, np.float32), {"p": value})
        body = encode(InferResponse("m", [tensor]), InferRequest([], raw=True))
        (choice,) = pb.ModelInferResponse.FromString(body).outputs[0].parameters.values()
        kind = choice.WhichOneof("parameter_choice")
        assert type(getattr(choice, kind)) is type(value)


def test_the_parameters_of_repeated_requests_are_read_each_time():
    message = pb.ModelInferRequest(
        inputs=[fp32()],
        outputs=[Output(name="y", parameters=parameters_of({"p": 1}))],
        raw_input_contents=[bytes(4)],
    )
    for _ in range(2):
        request = decode(message)
        assert request.outputs[0].parameters == {"p": 1}
        request.outputs[0].parameters.clear()


PARAMETER_KINDS = {
    "bool": ("bool_param", True),
    "negative": ("int64_param", -(1 << 63)),
    "int64": ("int64_param", (1 << 63) - 1),
    "uint64": ("uint64_param", (1 << 64) - 1),
    "double": ("double_param", 1e300),
    "whole double": ("double_param", 2.0),
    "string": ("string_param", "ä"),
}


@pytest.mark.parametrize(("kind", "value"), PARAMETER_KINDS.values(), ids=PARAMETER_KINDS.keys())
def test_a_client_s_parameter_of_every_kind_is_read_and_written_as_that_kind(kind, value):
    theirs = service_pb2.InferParameter(**{kind: value})
    read = decode(service_pb2.ModelInferRequest(parameters={"p": theirs})).parameters
    assert read == {"p": value}
    assert type(read["p"]) is type(value)
    reply = encode(InferResponse("m", [], parameters=read), InferRequest([]))
    assert service_pb2.ModelInferResponse.FromString(reply).parameters["p"] == theirs


@pytest.mark.parametrize("field", ["inputs", "outputs", "parameters", "inputs[0].parameters"])
def test_more_items_than_can_be_read_at_once_are_refused(field):
    message = pb.ModelInferRequest()
    if field in ("inputs", "outputs"):
        most = MAX_TENSORS
        for index in range(most + 1):
            getattr(message, field).add(name=str(index))
    else:
        most = MAX_PARAMETERS
        holder = message if field == "parameters" else message.inputs.add(datatype="FP32")
        if holder is not message:
            holder.contents.fp32_contents.append(1)
            holder.shape.append(1)
        for index in range(most + 1):
            holder.parameters[str(index)].bool_param = True
    found = f"^{re.escape(field)}: has {most + 1} items, at most {most}"
    with pytest.raises(PayloadTooLargeError, match=found):
        GRPC_CODEC.decode_request(message.SerializeToString(), None)


SHARED = parameters_of({"shared_memory_region": "r", "shared_memory_byte_size": 4})


@pytest.mark.parametrize(
    "contents",
    [[], [b"\0\0\0\0"], [b"\0\0\0\0"] * 2],
    ids=["typed", "raw without it", "raw with it"],
)
def test_an_input_in_shared_memory_is_refused(contents):
    items = [
        Input(name="a", datatype="FP32", shape=[1]),
        Input(name="b", datatype="FP32", shape=[1], parameters=SHARED),
    ]
    if not contents:
        items[0].contents.fp32_contents.append(1)
    message = pb.ModelInferRequest(inputs=items, raw_input_contents=contents)
    with pytest.raises(UnsupportedError, match=r"^inputs\[1\].*shared memory is not offered"):
        decode(message)


def test_an_output_in_shared_memory_is_refused():
    outputs = [Output(name="y", parameters=SHARED)]
    contents = [b"\0\0\0\0"]
    message = pb.ModelInferRequest(inputs=[fp32()], outputs=outputs, raw_input_contents=contents)
    with pytest.raises(UnsupportedError, match=r"^outputs\[0\].*shared memory is not offered"):
        decode(message)


def test_what_is_no_message_is_named_as_its_caller_knows_it():
    with pytest.raises(InvalidRequestError) as caught:
        GRPC_CODEC.decode_request(b"\xff", None)
    assert "ModelInferRequest" in str(caught.value)
    assert "seldon_core" not in str(caught.value)
