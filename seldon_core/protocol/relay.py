"""What another server's answers mean: its errors, and what it says of its models, as JSON."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

import orjson

from seldon_core.errors import (
    NotFoundError,
    NotReadyError,
    OverloadedError,
    RelayedError,
    SeldonError,
    UpstreamError,
)
from seldon_core.protocol import status
from seldon_core.protocol.extension_json import DATA_TYPES
from seldon_core.protocol.inference import Buffer, ModelMetadata, TensorSpec
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
    ResponseStatistics,
)

T = TypeVar("T", InferStatistics, ResponseStatistics)

_LONGEST_TEXT: Final = 4096
_LONGEST_PAUSE: Final = 6  # digits of seconds: eleven days
_MOST: Final = 1 << 63
_UNKNOWN: Final = 2
_GRPC_OF_HTTP: Final[Mapping[int, int]] = {
    400: status.INVALID_ARGUMENT,
    403: status.PERMISSION_DENIED,
    405: status.UNIMPLEMENTED,
    413: status.RESOURCE_EXHAUSTED,
    415: status.UNIMPLEMENTED,
    422: status.INVALID_ARGUMENT,
    429: status.RESOURCE_EXHAUSTED,
    431: status.RESOURCE_EXHAUSTED,
    501: status.UNIMPLEMENTED,
    502: status.UNAVAILABLE,
    503: status.UNAVAILABLE,
    504: status.DEADLINE_EXCEEDED,
}
_HTTP_OF_GRPC: Final[Mapping[int, int]] = {
    status.CANCELLED: 499,
    status.INVALID_ARGUMENT: 400,
    status.DEADLINE_EXCEEDED: 504,
    status.PERMISSION_DENIED: 403,
    status.FAILED_PRECONDITION: 400,
    status.UNIMPLEMENTED: 400,
    status.UNAVAILABLE: 503,
}
_DATATYPES: Final = {value: name for name, value in DATA_TYPES.items()}


def http_error(code: int, body: Buffer, model: str, retry_after: bytes | None) -> SeldonError:
    """Return the error that an HTTP answer other than 200 is, about the model called `model`.

    `retry_after` is the value of the header, None without it.
    """
    text = _error_text(bytes(body[:_LONGEST_TEXT]), code)
    if code == 404:
        return _missing(text, model)
    if code == 503 and retry_after is not None:
        is_known = retry_after.isdigit() and len(retry_after) <= _LONGEST_PAUSE
        return OverloadedError(text, float(retry_after) if is_known else 1.0)
    if not status.is_http_error(code):
        return UpstreamError(f"wanted an answer or an error, found status {code}: {text}")
    return RelayedError(text, code, _GRPC_OF_HTTP.get(code, status.INTERNAL))


def grpc_error(code: bytes, message: bytes | str, model: str) -> SeldonError:
    """Return the error that a gRPC status other than 0 is; `message` is percent-encoded bytes."""
    number = int(code) if code.isdigit() and len(code) < 3 else _UNKNOWN
    number = number if status.is_grpc_error(number) else _UNKNOWN
    text = message
    if isinstance(text, bytes):
        text = unquote_to_bytes(text).decode("utf-8", "replace")
    text = text or f"the call ended with gRPC code {number}"
    if number == status.NOT_FOUND:
        return _missing(text, model)
    if number == status.RESOURCE_EXHAUSTED:
        return OverloadedError(text)
    return RelayedError(text, _HTTP_OF_GRPC.get(number, 500), number)


def _missing(text: str, model: str) -> SeldonError:
    """Return what says that there is no such model, or that it is not ready."""
    missing = NotFoundError("model", model)
    return missing if text == str(missing) else NotReadyError(text)


def _error_text(body: bytes, code: int) -> str:
    """Return the text in `{"error": …}`, or in what other frameworks write instead."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict):
        for name in ("error", "detail", "message"):
            if name in document:
                found = document[name]
                return found if isinstance(found, str) else orjson.dumps(found).decode()
    return body.decode("utf-8", "replace").strip() or f"answered with status {code}"


def read_metadata(body: Buffer) -> ModelMetadata:
    """Return what a model says of itself. Raises UpstreamError if it cannot be read, as all do."""
    try:
        document = orjson.loads(body)
        return ModelMetadata(
            str(document["name"]),
            str(document.get("platform", "")),
            tuple(_spec(item) for item in document.get("inputs") or ()),
            tuple(_spec(item) for item in document.get("outputs") or ()),
            tuple(str(version) for version in document.get("versions") or ()),
        )
    except _WRONG as error:
        raise _unread("metadata", error) from error


def read_config(body: Buffer) -> ModelConfig:
    """Return how a model is served."""
    try:
        document = orjson.loads(body)
        batching = document.get("dynamic_batching") or {}
        return ModelConfig(
            _text(document["name"]),
            _text(document.get("platform", "")),
            _text(document.get("backend", "")),
            _whole(document.get("max_batch_size", 0)),
            tuple(_config_spec(item) for item in document["input"]),
            tuple(_config_spec(item) for item in document["output"]),
            _whole(batching.get("max_queue_delay_microseconds", 0)),
            bool((document.get("model_transaction_policy") or {}).get("decoupled")),
            {
                name: _text(item["string_value"])
                for name, item in (document.get("parameters") or {}).items()
            },
        )
    except _WRONG as error:
        raise _unread("configuration", error) from error


def read_statistics(body: Buffer) -> list[ModelStatistics]:
    """Return the counts of models."""
    try:
        return [_statistics(item) for item in orjson.loads(body)["model_stats"]]
    except _WRONG as error:
        raise _unread("statistics", error) from error


_WRONG: Final = (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError)


def _unread(what: str, error: Exception) -> UpstreamError:
    return UpstreamError(f"a model's {what} cannot be read: {type(error).__name__} {error}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"wanted text, found {type(value).__name__}")
    return value


def _whole(value: object) -> int:
    number = int(value) if isinstance(value, int | str) else -1  # as JSON of protobuf has int64
    if not 0 <= number < _MOST:
        raise ValueError(f"wanted a whole number, found {value!r:.40}")
    return number


def _shape(sizes: list[object]) -> tuple[int, ...]:
    return tuple(-1 if size in (-1, "-1") else _whole(size) for size in sizes)


def _spec(item: dict[str, Any]) -> TensorSpec:
    shape = _shape(item["shape"])
    parameters = item.get("parameters")
    if not isinstance(parameters, dict | None):
        raise TypeError(f"parameters are an object, found {type(parameters).__name__}")
    return TensorSpec(_text(item["name"]), _text(item["datatype"]), shape, parameters)


def _config_spec(item: dict[str, Any]) -> TensorSpec:
    return TensorSpec(_text(item["name"]), _DATATYPES[item["data_type"]], _shape(item["dims"]))


def _statistics(item: dict[str, Any]) -> ModelStatistics:
    return ModelStatistics(
        _text(item["name"]),
        _text(item["version"]),
        _whole(item["last_inference"]),
        _whole(item["inference_count"]),
        _whole(item["execution_count"]),
        _durations(InferStatistics, item["inference_stats"]),
        {
            index: _durations(ResponseStatistics, each)
            for index, each in item["response_stats"].items()
        },
        tuple(
            BatchStatistics(
                _whole(each["batch_size"]),
                *(
                    _duration(each[name])
                    for name in ("compute_input", "compute_infer", "compute_output")
                ),
            )
            for each in item["batch_stats"]
        ),
        tuple(
            MemoryUsage(_text(each["type"]), _whole(each["id"]), _whole(each["byte_size"]))
            for each in item["memory_usage"]
        ),
    )


def _durations(kind: type[T], item: dict[str, Any]) -> T:
    return kind(**{name: _duration(value) for name, value in item.items()})


def _duration(item: dict[str, int]) -> Duration:
    return Duration(_whole(item["count"]), _whole(item["ns"]))
