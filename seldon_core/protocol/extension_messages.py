"""The messages of the extensions' gRPC calls: statistics, configuration, repository, settings.

Calls that only ask about a model have its name and version where ModelInferRequest has them:
`oip_grpc.peek_model` reads those.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import extensions_pb2 as pb
from seldon_core.protocol.extension_json import DATA_TYPES, Setting, check_count, check_length
from seldon_core.protocol.inference import Buffer
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.protobuf_wire import scan
from seldon_core.protocol.repository import ModelIndex
from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    ModelStatistics,
    ResponseStatistics,
)
from seldon_core.protocol.tensors import brief

_M = TypeVar("_M", bound=Message)

_GREATEST_UINT32 = (1 << 32) - 1


def statistics_message(models: Sequence[ModelStatistics]) -> bytes:
    """Return a ModelStatisticsResponse; several of them joined are one with all their models."""
    return pb.ModelStatisticsResponse(
        model_stats=[_statistics(model) for model in models]
    ).SerializeToString()


def index_message(models: Sequence[ModelIndex]) -> bytes:
    """Return a RepositoryIndexResponse; several of them joined are one with all their models."""
    return pb.RepositoryIndexResponse(
        models=[
            pb.RepositoryIndexResponse.ModelIndex(
                name=model.name,
                version=model.version,
                state=model.state.value,
                reason=model.reason,
            )
            for model in models
        ]
    ).SerializeToString()


def config_message(config: ModelConfig) -> bytes:
    """Return a ModelConfigResponse."""
    message = pb.ModelConfig(
        name=config.name,
        platform=config.platform,
        backend=config.backend,
        max_batch_size=config.max_batch_size,
        input=[
            pb.ModelInput(name=spec.name, data_type=DATA_TYPES[spec.datatype], dims=spec.shape)
            for spec in config.inputs
        ],
        output=[
            pb.ModelOutput(name=spec.name, data_type=DATA_TYPES[spec.datatype], dims=spec.shape)
            for spec in config.outputs
        ],
        parameters={
            name: pb.ModelParameter(string_value=text) for name, text in config.parameters.items()
        },
        model_transaction_policy=pb.ModelTransactionPolicy(decoupled=config.is_decoupled),
    )
    if config.max_batch_size:
        message.dynamic_batching.max_queue_delay_microseconds = config.max_queue_delay_us
    return pb.ModelConfigResponse(config=message).SerializeToString()


def trace_settings_message(settings: Mapping[str, Setting]) -> bytes:
    """Return a TraceSettingResponse, in which every value is a list of texts."""
    value_of = pb.TraceSettingResponse.SettingValue
    return pb.TraceSettingResponse(
        settings={
            name: value_of(value=value if isinstance(value, list) else [str(value)])
            for name, value in settings.items()
        }
    ).SerializeToString()


def log_settings_message(settings: Mapping[str, Setting]) -> bytes:
    """Return a LogSettingsResponse; what its values have no type for is text."""
    response = pb.LogSettingsResponse()
    for name, value in settings.items():
        found = response.settings[name]
        if isinstance(value, bool):  # before int, which it is too
            found.bool_param = value
        elif isinstance(value, int) and 0 <= value <= _GREATEST_UINT32:
            found.uint32_param = value
        else:
            found.string_param = ",".join(value) if isinstance(value, list) else str(value)
    return response.SerializeToString()


def read_only_ready(message: Buffer) -> bool:
    """Return whether a RepositoryIndexRequest wants only models that are ready.

    Like all that read here, raises InvalidRequestError if the message is another or too long.
    """
    return _parse(pb.RepositoryIndexRequest, message).ready


def read_load(message: Buffer) -> tuple[str, dict[str, object]]:
    """Return the model's name and the parameters of a RepositoryModelLoadRequest."""
    request = _parse(pb.RepositoryModelLoadRequest, message)
    return request.model_name, _choices("parameters", request.parameters)


def read_unload(message: Buffer) -> tuple[str, dict[str, object]]:
    """Return the model's name and the parameters of a RepositoryModelUnloadRequest."""
    request = _parse(pb.RepositoryModelUnloadRequest, message)
    return request.model_name, _choices("parameters", request.parameters)


def read_trace_settings(message: Buffer) -> tuple[str, dict[str, Setting | None]]:
    """Return the model's name, "" if there is none, and the changes in a TraceSettingRequest.

    A single value is a text, whatever the setting's own type, several are a list, none is None.
    """
    request = _parse(pb.TraceSettingRequest, message)
    check_count("settings", request.settings)
    changes: dict[str, Setting | None] = {}
    for name, setting in request.settings.items():
        values = list(setting.value)
        changes[name] = values if len(values) > 1 else values[0] if values else None
    return request.model_name, changes


def read_log_settings(message: Buffer) -> dict[str, Setting | None]:
    """Return the changes in a LogSettingsRequest; None for a setting without a value."""
    return _choices("settings", _parse(pb.LogSettingsRequest, message).settings)


def _statistics(model: ModelStatistics) -> pb.ModelStatistics:
    return pb.ModelStatistics(
        name=model.name,
        version=model.version,
        last_inference=model.last_inference,
        inference_count=model.inference_count,
        execution_count=model.execution_count,
        inference_stats=pb.InferStatistics(**_durations(model.inference_stats)),
        batch_stats=[
            pb.InferBatchStatistics(batch_size=batch.batch_size, **_durations(batch))
            for batch in model.batch_stats
        ],
        memory_usage=[
            pb.MemoryUsage(type=usage.type, id=usage.id, byte_size=usage.byte_size)
            for usage in model.memory_usage
        ],
        response_stats={
            index: pb.InferResponseStatistics(**_durations(response))
            for index, response in model.response_stats.items()
        },
    )


def _durations(
    holder: InferStatistics | ResponseStatistics | BatchStatistics,
) -> dict[str, pb.StatisticDuration]:
    """Return the durations of a holder, whose fields have the names of the message's."""
    values = ((name, getattr(holder, name)) for name in holder.__slots__)
    return {
        name: pb.StatisticDuration(count=value.count, ns=value.ns)
        for name, value in values
        if isinstance(value, Duration)
    }


def _choices(where: str, items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each; None where none of a known type is set."""
    check_count(where, items)
    found = {}
    for name, choice in items.items():
        kind = choice.WhichOneof("parameter_choice")
        found[name] = None if kind is None else getattr(choice, kind)
    return found


def _parse(kind: type[_M], message: Buffer) -> _M:
    check_length(message)
    scan(message)  # raises if there are too many settings, for which protobuf takes long
    try:
        return kind.FromString(bytes(message))
    except DecodeError as error:
        name = kind.DESCRIPTOR.name
        raise InvalidRequestError(f"the message is no {name}: {brief(str(error))}") from error
