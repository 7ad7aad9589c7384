"""The bodies of the extensions' REST calls: statistics, configuration, repository, settings.

Answers are as Triton writes them. Of requests every body may be absent, as clients leave it out;
null is what is not given; fields that are not known are refused, since a typo would change what is
asked for. Errors begin with the field's path: `parameters.config: …`.
"""

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any, Final

import orjson

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError
from seldon_core.protocol.inference import Buffer, TensorSpec
from seldon_core.protocol.json_request import (
    MAX_PARAMETERS,
    json_name,
    load,
    too_many,
    wrong_field,
)
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.repository import ModelIndex
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.protocol.tensors import brief

Setting = bool | int | str | list[str]
"""The value of a setting of the server."""

DATA_TYPES: Final[dict[str, str]] = {
    name: f"TYPE_{name}"
    for name in (
        *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
        *("FP16", "FP32", "FP64", "BF16"),
    )
} | {"BYTES": "TYPE_STRING"}
"""What a model configuration calls each datatype."""

LONGEST_REQUEST: Final = 1 << 20
"""Most bytes of a request, on either protocol: enough for any configuration, and read at once."""

_SETTING_WANTED: Final = "a string, an integer, a boolean, a list of strings or null"


def statistics_rows(models: Sequence[ModelStatistics]) -> bytes:
    """Return some of the models that `statistics_body` joins: the values under their own names."""
    return orjson.dumps(list(models), default=dict)[1:-1]  # default: for a mapping that is no dict


def statistics_body(rows: Iterable[bytes]) -> bytes:
    """Return the answer of the statistics extension; no part of `rows` is empty."""
    return b'{"model_stats":[%b]}' % b",".join(rows)


def index_rows(models: Sequence[ModelIndex]) -> bytes:
    """Return some of the models that `index_body` joins; one that has no version yet is without."""
    rows = []
    for model in models:
        row = {"name": model.name, "version": model.version}
        row |= {"state": model.state.value, "reason": model.reason}
        if not model.version:
            del row["version"]
        rows.append(row)
    return orjson.dumps(rows)[1:-1]


def index_body(rows: Iterable[bytes]) -> bytes:
    """Return the repository's index, a list; no part of `rows` is empty."""
    return b"[%b]" % b",".join(rows)


def config_body(config: ModelConfig) -> bytes:
    """Return a model's configuration: names and nesting of Triton's, enumerations as text."""
    document: dict[str, Any] = {
        "name": config.name,
        "platform": config.platform,
        "backend": config.backend,
        "max_batch_size": config.max_batch_size,
        "input": [
            {**_tensor(spec), "format": "FORMAT_NONE", "optional": False} for spec in config.inputs
        ],
        "output": [_tensor(spec) for spec in config.outputs],
        "parameters": {name: {"string_value": text} for name, text in config.parameters.items()},
        "model_transaction_policy": {"decoupled": config.is_decoupled},
    }
    if config.max_batch_size:
        document["dynamic_batching"] = {"max_queue_delay_microseconds": config.max_queue_delay_us}
    return orjson.dumps(document)


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "data_type": DATA_TYPES[spec.datatype],
        "dims": spec.shape,
        "is_shape_tensor": False,
    }


def settings_body(settings: Mapping[str, Setting]) -> bytes:
    """Return settings with values of their own types."""
    return orjson.dumps(dict(settings))


def trace_settings_body(settings: Mapping[str, Setting]) -> bytes:
    """Return trace settings, in which Triton writes numbers as text."""
    return orjson.dumps(
        {name: value if type(value) is list else str(value) for name, value in settings.items()}
    )


def read_only_ready(body: Buffer) -> bool:
    """Return whether a request for the index wants only models that are ready.

    Like all that read here, raises InvalidRequestError, which names the field, also if the body is
    too long.
    """
    document = _object(body)
    _check_known(document, "ready")
    ready = document.get("ready")
    if ready is None:
        return False
    if type(ready) is not bool:
        raise wrong_field(document, "", "ready", "a boolean")
    return ready


def read_load_parameters(body: Buffer) -> dict[str, object]:
    """Return the `parameters` of a request to load or unload, whatever they are."""
    document = _object(body)
    _check_known(document, "parameters")
    parameters = document.get("parameters")
    if parameters is None:
        return {}
    if type(parameters) is not dict:
        raise wrong_field(document, "", "parameters", "an object")
    check_count("parameters", parameters)
    return parameters


def read_settings(body: Buffer) -> dict[str, Setting | None]:
    """Return the settings that a request wants to change, None for those it takes back."""
    document = _object(body)
    check_count("the body", document)
    for name, value in document.items():
        if type(value) is list:
            if not all(type(item) is str for item in value):
                raise InvalidRequestError(f"{brief(name)}: must be a list of strings only")
        elif value is not None and type(value) not in (str, int, bool):
            found = brief(value) if type(value) is float else json_name(value)
            raise InvalidRequestError(f"{brief(name)}: must be {_SETTING_WANTED}, found {found}")
    return document


def check_length(message: Buffer) -> None:
    """Raise PayloadTooLargeError for a request that is longer than `LONGEST_REQUEST`."""
    if len(message) > LONGEST_REQUEST:
        raise PayloadTooLargeError(
            f"this request may have {LONGEST_REQUEST} bytes, it has {len(message)}; the files of "
            "a model belong into its folder"
        )


def check_count(where: str, items: Sized) -> None:
    """Raise PayloadTooLargeError for more parameters or settings than are read at once."""
    if len(items) > MAX_PARAMETERS:
        raise too_many(where, items, MAX_PARAMETERS)


def _check_known(document: Mapping[str, Any], known: str) -> None:
    """Refuse an object that has another field than the one that is `known`."""
    for name in document:
        if name != known:
            raise InvalidRequestError(
                f"{brief(name)}: is no field of this request, only {known!r} is"
            )


def _object(body: Buffer) -> dict[str, Any]:
    """Return the object that a body is, an empty one for no body."""
    check_length(body)
    if not len(body):
        return {}
    document = load(body)
    if type(document) is not dict:
        raise InvalidRequestError(f"the body must be a JSON object, found {json_name(document)}")
    return document
