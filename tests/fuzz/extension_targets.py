"""Targets: what reads the extensions' requests, and what writes answers in other forms."""

import json
from collections.abc import Callable

import numpy as np
import orjson
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from seldon_core.errors import ForbiddenError
from seldon_core.proto import extensions_pb2 as pb
from seldon_core.proto.open_inference_pb2 import ModelStreamInferResponse
from seldon_core.protocol import extension_json, extension_messages
from seldon_core.protocol.classification import classes_wanted, classified
from seldon_core.protocol.events import answer_event
from seldon_core.protocol.generate import GenerateCodec
from seldon_core.protocol.inference import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    Payload,
    RequestedOutput,
    Tensor,
    TensorSpec,
)
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.protocol.oip_stream import triton_error_message, triton_message
from seldon_core.protocol.raw_tensor import RawTensorCodec
from seldon_core.protocol.tensors import ITEM_SIZES, from_raw, to_raw
from seldon_core.transport import reflection
from seldon_core.transport.compressing import answer_coding
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.data_health import health_of
from seldon_core.transport.locality import Caller, check_is_local
from tests.fuzz.inputs import DATATYPES, protobuf_messages
from tests.fuzz.oip_targets import (
    GRPC_SEEDS,
    GRPC_TOKENS,
    INVALID,
    JSON_SEEDS,
    JSON_TOKENS,
    UNUSUAL,
)
from tests.fuzz.target import Choices, Target, outcome, shown
from tests.support.extensions import fake_services

_JSON_READERS: tuple[Callable[[bytes], object], ...] = (
    extension_json.read_only_ready,
    extension_json.read_load_parameters,
    extension_json.read_settings,
)
_MESSAGE_READERS: tuple[tuple[Callable[[bytes], object], type[Message]], ...] = (
    (extension_messages.read_only_ready, pb.RepositoryIndexRequest),
    (extension_messages.read_load, pb.RepositoryModelLoadRequest),
    (extension_messages.read_unload, pb.RepositoryModelUnloadRequest),
    (extension_messages.read_trace_settings, pb.TraceSettingRequest),
    (extension_messages.read_log_settings, pb.LogSettingsRequest),
)


def check_json(data: bytes) -> None:
    """Each body is what its call asks, or is told what is wrong; settings can be said again."""
    choices = Choices(data)
    read, body = choices.pick(_JSON_READERS), choices.rest()
    found, _ = outcome(INVALID, read, body)
    same, _ = outcome(INVALID, read, memoryview(body))
    assert repr(found) == repr(same)
    if found is not None and read is extension_json.read_settings:
        extension_json.trace_settings_body(found)
        again = extension_json.read_settings(extension_json.settings_body(found))
        assert repr(again) == repr(found)


def check_messages(data: bytes) -> None:
    """Each message is what its call asks, or is told to be another; settings can be said again."""
    choices = Choices(data)
    read, _ = choices.pick(_MESSAGE_READERS)
    found, _ = outcome(INVALID, read, choices.rest())
    if found is None:
        return
    if read is extension_messages.read_trace_settings:
        given = {name: value for name, value in found[1].items() if value is not None}
        message = extension_messages.trace_settings_message(given)
        answer = pb.TraceSettingResponse.FromString(message)
        assert {name: list(each.value) for name, each in answer.settings.items()} == {
            name: value if type(value) is list else [value] for name, value in given.items()
        }
    elif read is extension_messages.read_log_settings:
        given = {name: value for name, value in found.items() if value is not None}
        pb.LogSettingsResponse.FromString(extension_messages.log_settings_message(given))


_LLM = ModelMetadata(
    "llm",
    "fake",
    (
        TensorSpec("text_input", "BYTES", (-1, 1)),
        TensorSpec("n", "INT32", (1,)),
        TensorSpec("f", "FP32", (-1, 2)),
    ),
    (),
)


def check_generate(data: bytes) -> None:
    """A request of either form is read or refused; it is answered in one line of an event."""
    codec = GenerateCodec(_LLM)
    request, _ = outcome(INVALID, codec.decode_request, data, None)
    if request is None:
        return
    response = InferResponse("llm", request.inputs, "1", request.id)
    encoded, _ = outcome(INVALID, codec.encode_response, response, request)
    if encoded is not None:
        orjson.loads(b"".join(encoded.parts[:1])[: encoded.json_length])
    event, _ = outcome(INVALID, answer_event, codec, response, request)
    if event is not None:
        assert event.startswith(b"data: ")
        assert event.endswith(b"\n\n")
        assert b"\n" not in event[:-2]
        json.loads(event[6:])


_SHAPES = ((-1,), (-1, -1), (2,), (-1, 3), (1, 1), (), (0, -1), (-1, -1, -1), (3, -1))


def check_raw_tensor(data: bytes) -> None:
    """The bytes of a raw binary request are those of the tensor that is read."""
    choices = Choices(data)
    spec = TensorSpec("x", choices.pick(DATATYPES), choices.pick(_SHAPES))
    body = choices.rest()
    codec = RawTensorCodec(ModelMetadata("m", "fake", (spec,), ()))
    request, _ = outcome(INVALID, codec.decode_request, body, 0)
    if request is None:
        return
    (tensor,) = request.inputs
    raw = bytes(to_raw(tensor))
    if spec.datatype == "BYTES":
        assert raw[4:] == body
    elif spec.datatype not in ("BF16", "FP16"):  # a NaN is made quiet
        assert raw == body
    encoded = codec.encode_response(InferResponse("m", request.inputs), request)
    assert encoded.parts[-1] == raw


def check_classification(data: bytes) -> None:
    """The highest values come first; each is at the place that it names."""
    choices = Choices(data)
    datatype, count = choices.pick(DATATYPES), choices.pick((1, 2, 1000, 0, -1, True, 2.0, "3"))
    columns, by_row = choices.number() % 4, choices.number() % 2 == 1
    wanted = RequestedOutput("y", {"classification": count})
    classes, _ = outcome(INVALID, classes_wanted, wanted, datatype)
    if classes is None:
        return
    rest = choices.rest()
    size = ITEM_SIZES[datatype]
    elements = len(rest) // size
    shape = [elements // columns, columns] if columns else [elements]
    rest = rest[: int(np.prod(shape)) * size]
    tensor = Tensor("y", datatype, from_raw("y", datatype, shape, rest))
    found = classified(tensor, classes, by_row=by_row)
    assert found.data.dtype == object
    rows = tensor.data.reshape(shape[0], -1) if by_row and shape[0] else tensor.data.reshape(1, -1)
    if not rows.size:
        return
    texts = found.data.reshape(len(rows), -1)
    for row, each in zip(rows, texts, strict=True):
        places = [int(text.rpartition(b":")[2]) for text in each]
        assert len(set(places)) == len(places) == min(classes, len(row))
        values = [row[place] for place in places]
        numbers = [value for value in values if value == value]
        assert numbers == sorted(numbers, reverse=True)


def check_stream_messages(data: bytes) -> None:
    """Answers to a stream's messages are messages, also those that say what is wrong."""
    payload = Payload(GRPC_CODEC, data)
    request, error = outcome(INVALID, payload.decode)
    if request is None:
        said = str(error).encode("utf-8", "replace")
        parts = triton_error_message(str(error), payload, is_final=True)
        assert b"".join(parts)[:1] == b"\x0a" or not said
        return
    answer = b"".join(triton_message(InferResponse("m", request.inputs, "1", "id"), request))
    parsed = ModelStreamInferResponse.FromString(answer)
    assert parsed.infer_response.id == "id"
    if request.raw:  # an answer is a request in all but the numbers of its fields
        assert len(parsed.infer_response.raw_output_contents) == len(request.inputs)
    assert repr(shown(request)) == repr(shown(Payload(GRPC_CODEC, bytes(data)).decode()))
    assert isinstance(request, InferRequest)
    parts = triton_error_message("no", payload, is_final=False)
    assert ModelStreamInferResponse.FromString(b"".join(parts)).error_message == "no"


_SERVICES = ("grpc.reflection.v1.ServerReflection", "inference.GRPCInferenceService")


def check_services(data: bytes) -> None:
    """Reflection and health answer any message, or refuse it; a caller is told apart."""
    server = fake_services().server
    answered, _ = outcome((CallStatusError,), reflection.answer, _SERVICES, data)
    if answered is not None:
        assert reflection_pb2.ServerReflectionResponse.FromString(answered).original_request
    outcome((CallStatusError,), health_of, server, data)
    choices = Choices(data)
    name = choices.pick((b"host", b"origin", b"x-forwarded-for", b"grpc-accept-encoding"))
    headers = {name: choices.rest(), b"grpc-encoding": b"gzip"}
    caller = Caller("127.0.0.1:5", headers)
    outcome((ForbiddenError,), check_is_local, caller, "load models")
    assert answer_coding(headers) in (b"", b"gzip")


_SERVICES_TOKENS = (b"inference.", b"ModelInferRequest", b".proto", b"google.protobuf.", b".")


def _questions() -> tuple[bytes, ...]:
    made = reflection_pb2.ServerReflectionRequest
    asked = reflection_pb2.ExtensionRequest(containing_type="google.protobuf.FileOptions")
    return tuple(
        each.SerializeToString()
        for each in (
            made(list_services="*"),
            made(file_by_filename="open_inference.proto"),
            made(file_containing_symbol="inference.GRPCInferenceService"),
            made(file_containing_extension=asked),
            made(all_extension_numbers_of_type="google.protobuf.FileOptions"),
            health_pb2.HealthCheckRequest(service="inference.GRPCInferenceService"),
        )
    )


_SETTINGS = (
    b'\0{"ready": true}',
    b'\1{"parameters": {"config": "{}", "unload_dependents": true}}',
    b'\2{"trace_level": ["TIMESTAMPS", "TENSORS"], "trace_rate": "100", "trace_file": null}',
    b'\2{"log_info": true, "log_verbose_level": 1}',
    *(b"\1" + each for each in UNUSUAL),
)


def _messages() -> tuple[bytes, ...]:
    load = pb.RepositoryModelLoadRequest(model_name="iris")
    load.parameters["config"].string_param = "{}"
    trace = pb.TraceSettingRequest(model_name="iris")
    trace.settings["trace_level"].value.extend(["TIMESTAMPS", "TENSORS"])
    trace.settings["trace_rate"].SetInParent()
    log = pb.LogSettingsRequest()
    log.settings["log_info"].bool_param = True
    index = pb.RepositoryIndexRequest(ready=True)
    unload = pb.RepositoryModelUnloadRequest(model_name="iris")
    made = (index, load, unload, trace, log)
    return tuple(bytes([place]) + each.SerializeToString() for place, each in enumerate(made))


TARGETS = (
    Target("extension_json", check_json, _SETTINGS, JSON_TOKENS),
    Target(
        "extension_messages",
        check_messages,
        _messages(),
        (b"config", b"\x12\x00", b"\x0a\x00", b"\x1a\x02"),
        protobuf_messages(5),
    ),
    Target(
        "generate",
        check_generate,
        (
            b'{"text_input": "Hello", "id": "7", "n": 3, "parameters": {"f": [[1, 2]], "t": 0.5}}',
            b'{"text_input": "a", "n": [1, 2], "x": true}',
            *JSON_SEEDS,
        ),
        (*JSON_TOKENS, b'"text_input":', b'"n":', b'"f":'),
    ),
    Target(
        "raw_tensor",
        check_raw_tensor,
        (b"\x0b\0" + bytes(8), b"\x0d\0hello", b"\x0a\3" + bytes(12), b"\x00\1\0\1"),
    ),
    Target(
        "classification",
        check_classification,
        (
            b"\x0b\0\2\1" + np.arange(6, dtype="<f4").tobytes(),
            b"\x05\2\3\1" + bytes(range(250, 256)) + b"\1\2\3",
            b"\x0c\1\0\0" + np.array([1, np.nan, np.inf], "<f8").tobytes(),
        ),
    ),
    Target(
        "services",
        check_services,
        (*_questions(), b"\0localhost:9000", b"\1http://[::1]:9000", b"\3gzip, deflate"),
        (*_SERVICES_TOKENS, b"://", b"[::1]", b"127.0.0.1", b"localhost", b"@", b"%", b","),
        protobuf_messages(8),
    ),
    Target("oip_stream", check_stream_messages, GRPC_SEEDS, GRPC_TOKENS, protobuf_messages(8)),
)
