"""The Open Inference Protocol as protobuf: ModelInfer's request and reply.

Tensors are typed (`contents`) or raw (`raw_input_contents`, one entry per input in order); a reply
is raw if its request was, or if it holds a datatype that has no typed form. Of large messages
protobuf is given only what is small: raw contents are taken from the bytes as views, and written
as views.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.grpc_contents import RAW_ONLY, read_contents, write_contents
from seldon_core.protocol.grpc_limits import RAW_INPUT, TENSORS
from seldon_core.protocol.inference import (
    Buffer,
    Encoded,
    InferRequest,
    InferResponse,
    Parameter,
    Parameters,
    RequestedOutput,
    Tensor,
)
from seldon_core.protocol.json_request import (
    MAX_PARAMETERS,
    MAX_TENSORS,
    check_names,
    input_path,
    refuse_shared_memory,
    too_many,
)
from seldon_core.protocol.protobuf_wire import check_inner, field_tag, scan, varint
from seldon_core.protocol.tensors import from_raw, to_raw

CONTENT_TYPE: Final = b"application/grpc"
"""The content type of gRPC calls and replies."""

LARGE: Final = 16 * 1024
"""Above this many bytes, raw contents are not read by protobuf, which would copy them."""

_MODEL_NAME: Final = field_tag(1)
_MODEL_VERSION: Final = field_tag(2)
_RAW_OUTPUT: Final = bytes((field_tag(6),))
_RESPONSE_ID: Final = bytes((field_tag(3),))

_GREATEST_INT64: Final = (1 << 63) - 1


class GrpcCodec:
    """Reads ModelInferRequest and writes ModelInferResponse."""

    def decode_request(self, body: Buffer, json_length: int | None) -> InferRequest:
        """Read a request. Of more than 16 KiB, arrays of raw contents are views of `body`.

        Raises InvalidRequestError if it is not a well-formed request, or has too much in it.
        """
        raw: Sequence[Buffer]
        if len(body) > LARGE:
            message, raw = _split(body)
        else:
            request = _decode_known(body)
            if request is not None:
                return request
            message = _parse(body)
            raw = message.raw_input_contents[:]
        items = message.inputs
        if len(items) > MAX_TENSORS:
            raise too_many("inputs", items, MAX_TENSORS)
        if raw:
            inputs = _raw_inputs(items, raw)
        else:
            inputs = [_typed_input(input_path(index), item) for index, item in enumerate(items)]
        if len(inputs) > 1:
            check_names("inputs", [tensor.name for tensor in inputs])
        parameters = message.parameters
        return InferRequest(
            inputs,
            _outputs(message.outputs),
            message.id,
            _parameters("parameters", parameters) if parameters else None,
            message.model_name,
            message.model_version,
            bool(raw),
        )

    def encode_response(self, response: InferResponse, request: InferRequest) -> Encoded:
        """Write the reply: raw as the request was, or if an output is FP16 or BF16."""
        outputs = response.outputs
        if not (request.raw or any(tensor.datatype in RAW_ONLY for tensor in outputs)):
            message = _response_head(response, response.id)
            for item, tensor in zip(message.outputs, outputs, strict=True):
                write_contents(item.contents, tensor)
            return Encoded(CONTENT_TYPE, [message.SerializeToString()])
        parts: list[Buffer] = [_known_head(response)]
        if response.id:
            identifier = response.id.encode()
            parts.append(_RESPONSE_ID + varint(len(identifier)) + identifier)
        for tensor in outputs:
            contents = to_raw(tensor)
            parts.append(_RAW_OUTPUT + varint(len(contents)))
            parts.append(contents)
        return Encoded(CONTENT_TYPE, parts)


GRPC_CODEC: Final = GrpcCodec()
"""The codec of ModelInfer."""


# Clients and models repeat themselves: all of a raw message but its contents and id is mostly what
# it was the last time. What was made of it then is kept: decoding a request takes 2.7 instead of
# 4.6 µs, encoding a reply 1.1 instead of 2.4 (perf/micro/bench_oip_grpc.py).
_KNOWN: Final = 1024  # requests and replies kept; one more, and all are dropped
_LONGEST_KNOWN: Final = 512  # bytes of a request without its contents

# Model name and version, requested outputs, and name, datatype and shape of each input.
_Head = tuple[str, str, list[str], list[tuple[str, str, tuple[int, ...]]]]
_known_requests: dict[bytes, _Head] = {}
_known_replies: dict[tuple[Any, ...], bytes] = {}


def _decode_known(body: Buffer) -> InferRequest | None:
    """Return a raw request of a known kind; None if protobuf has to read it."""
    fields = scan(body)
    if fields is None:
        return None
    first = len(fields)
    while first and fields[first - 1][0] == RAW_INPUT:
        first -= 1
    if not first or first == len(fields):
        return None
    bytes_before = bytes(body[: fields[first - 1][2]])
    head = _known_requests.get(bytes_before) or _learn(bytes_before)
    if head is None or len(head[3]) != len(fields) - first:
        return None
    name, version, outputs, specs = head
    inputs = []
    for index, (input_name, datatype, shape) in enumerate(specs):
        _, start, end = fields[first + index]
        data = from_raw(input_path(index), datatype, shape, body[start:end])
        inputs.append(Tensor(input_name, datatype, data))
    requested = [RequestedOutput(output) for output in outputs] or None
    return InferRequest(inputs, requested, "", None, name, version, True)


def _learn(head: bytes) -> _Head | None:
    """Keep what the fields before the contents say; None if they are not as most requests are."""
    if len(head) > _LONGEST_KNOWN:
        return None
    message = _parse(head)
    if message.id or message.parameters or message.raw_input_contents:
        return None
    items, outputs = message.inputs, message.outputs
    if any(item.parameters or item.HasField("contents") for item in items):
        return None
    names = [item.name for item in items], [output.name for output in outputs]
    if any(len(set(each)) < len(each) for each in names) or any(o.parameters for o in outputs):
        return None
    specs = [(item.name, item.datatype, tuple(item.shape)) for item in items]
    if len(_known_requests) >= _KNOWN:
        _known_requests.clear()
    known = _known_requests[head] = (message.model_name, message.model_version, names[1], specs)
    return known


def _known_head(response: InferResponse) -> bytes:
    """Return a reply without its id and contents."""
    key: list[Any] = [response.model_name, response.model_version]
    for tensor in response.outputs:
        parameters = tensor.parameters
        # As a key, 1, 1.0 and True are one; texts are themselves.
        if parameters and not all(type(value) is str for value in parameters.values()):
            return bytes(_response_head(response).SerializeToString())
        key.append((tensor.name, tensor.datatype, tensor.data.shape))
        if parameters:
            key.append(tuple(parameters.items()))
    if response.parameters:
        return bytes(_response_head(response).SerializeToString())
    head = _known_replies.get(tuple(key))
    if head is None:
        if len(_known_replies) >= _KNOWN:
            _known_replies.clear()
        head = bytes(_response_head(response).SerializeToString())
        _known_replies[tuple(key)] = head
    return head


def _response_head(response: InferResponse, identifier: str = "") -> pb.ModelInferResponse:
    """Return the message of a reply, without its contents."""
    message = pb.ModelInferResponse(
        model_name=response.model_name, model_version=response.model_version, id=identifier
    )
    if response.parameters:
        _set_parameters(message.parameters, response.parameters)
    for tensor in response.outputs:
        item = message.outputs.add()
        item.name = tensor.name
        item.datatype = tensor.datatype
        item.shape.extend(tensor.data.shape)
        if tensor.parameters:
            _set_parameters(item.parameters, tensor.parameters)
    return message


def peek_model(message: Buffer) -> tuple[str, str]:
    """Return the model's name and version in a ModelInferRequest, without reading the rest of it.

    ModelReadyRequest and ModelMetadataRequest have them in the same fields. Raises
    InvalidRequestError if the message is malformed; not every malformed message is noticed.
    """
    fields = scan(message)
    if fields is None:
        parsed = _parse(message)
        return parsed.model_name, parsed.model_version
    name = version = ""
    try:
        for tag, start, end in fields:
            if tag == _MODEL_NAME:
                name = str(message[start:end], "utf-8")
            elif tag == _MODEL_VERSION:
                version = str(message[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError("the model's name or version is not UTF-8") from error
    return name, version


def _parse(body: Buffer) -> pb.ModelInferRequest:
    try:
        return pb.ModelInferRequest.FromString(body)  # type: ignore[arg-type]  # any buffer will do
    except DecodeError as error:
        why = str(error).replace("seldon_core.oip.", "")  # protobuf names its package, too
        raise InvalidRequestError(f"the message is no ModelInferRequest: {why}") from error


def _split(body: Buffer) -> tuple[pb.ModelInferRequest, Sequence[Buffer]]:
    """Return a message without its raw contents, and these as views.

    Against protobuf's copies: 6 instead of 41 µs for 600 kB, 0.03 instead of 49 ms for 64 MB
    (perf/micro/bench_oip_grpc.py).
    """
    fields = scan(body) or ()  # None is only for a shorter one
    view = memoryview(body)
    raw: list[memoryview] = []
    rest: list[memoryview] = []
    kept = begin = 0
    for tag, start, end in fields:
        if tag == RAW_INPUT:
            rest.append(view[kept:begin])
            raw.append(view[start:end])
            kept = end
        begin = end
    rest.append(view[kept:])
    if sum(map(len, rest)) > LARGE:
        check_inner(view, fields, TENSORS)
    return _parse(b"".join(rest)), raw


def _raw_inputs(items: Sequence[Any], raw: Sequence[Buffer]) -> list[Tensor]:
    if len(raw) != len(items):
        for index, item in enumerate(items):  # one in shared memory has no entry
            refuse_shared_memory(input_path(index), item.parameters)
        raise InvalidRequestError(
            f"raw_input_contents: has {len(raw)} entries for {len(items)} inputs"
        )
    inputs = []
    for index, (item, contents) in enumerate(zip(items, raw, strict=True)):
        where = input_path(index)
        if item.HasField("contents"):
            raise InvalidRequestError(f"{where}: has contents beside raw_input_contents")
        datatype, given = item.datatype, item.parameters
        parameters = _tensor_parameters(where, given) if given else None
        data = from_raw(where, datatype, item.shape[:], contents)
        inputs.append(Tensor(item.name, datatype, data, parameters))
    return inputs


def _typed_input(where: str, item: Any) -> Tensor:
    datatype, given = item.datatype, item.parameters
    parameters = _tensor_parameters(where, given) if given else None
    data = read_contents(where, datatype, item.shape[:], item.contents)
    return Tensor(item.name, datatype, data, parameters)


def _outputs(items: Sequence[Any]) -> list[RequestedOutput] | None:
    if not items:
        return None
    if len(items) > MAX_TENSORS:
        raise too_many("outputs", items, MAX_TENSORS)
    outputs = [
        RequestedOutput(
            item.name,
            _tensor_parameters(f"outputs[{index}]", item.parameters) if item.parameters else None,
        )
        for index, item in enumerate(items)
    ]
    check_names("outputs", [output.name for output in outputs])
    return outputs


def _tensor_parameters(where: str, items: Mapping[str, Any]) -> Parameters:
    """Return the parameters of an input or a requested output."""
    refuse_shared_memory(where, items)
    return _parameters(f"{where}.parameters", items)


def _parameters(where: str, items: Mapping[str, Any]) -> Parameters:
    if len(items) > MAX_PARAMETERS:
        raise too_many(where, items, MAX_PARAMETERS)
    parameters: Parameters = {}
    for key, choice in items.items():
        kind = choice.WhichOneof("parameter_choice")
        if kind is None:
            raise InvalidRequestError(f"{where}.{key}: has no value of a known type")
        parameters[key] = getattr(choice, kind)
    return parameters


def _set_parameters(items: Any, parameters: Parameters) -> None:
    for key, value in parameters.items():
        setattr(items[key], _parameter_field(value), value)


def _parameter_field(value: Parameter) -> str:
    if isinstance(value, bool):  # before int, which it is too
        return "bool_param"
    if isinstance(value, int):
        return "int64_param" if value <= _GREATEST_INT64 else "uint64_param"
    return "double_param" if isinstance(value, float) else "string_param"
