"""JSON Schemas of what REST calls carry: in general, and as one model's tensors have it.

A schema is a dict as OpenAPI 3.1 has it; `ref` refers from one to another. What is a dataclass
here is described from its fields, so that the two cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

import numpy as np

from seldon_core.protocol.generate import TEXT_INPUT
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata, TensorSpec
from seldon_core.protocol.openapi_examples import BINARY_ONLY, takes_text
from seldon_core.protocol.repository import ModelIndex
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.protocol.tensors import NUMPY_DTYPES

Schema = dict[str, Any]

_STRING: Final[Schema] = {"type": "string"}
_BOOLEAN: Final[Schema] = {"type": "boolean"}
_SIMPLE: Final[dict[object, Schema]] = {str: _STRING, bool: _BOOLEAN, int: {"type": "integer"}}
_TRACE_SETTINGS: Final[dict[str, Schema]] = {
    "trace_file": _STRING,
    "trace_level": {"type": "array", "items": {"enum": ["OFF", "TIMESTAMPS"]}},
    "trace_rate": {**_STRING, "description": "Every so many requests one is traced."},
    "trace_count": {**_STRING, "description": "So many more are traced; -1 is without end."},
    "log_frequency": _STRING,
}
_LOG_SETTINGS: Final[dict[str, Schema]] = {
    "log_file": _STRING,
    **dict.fromkeys(("log_info", "log_warning", "log_error"), _BOOLEAN),
    "log_verbose_level": {"type": "integer", "minimum": 0},
    "log_format": _STRING,
}


def ref(name: str) -> Schema:
    """Return a reference to the schema `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


@cache
def general_schemas() -> Mapping[str, Schema]:
    """Return every schema by name, as it is whatever the model. Made once, not to be changed."""
    return {
        "Error": _object({"error": _STRING}),
        "Parameters": {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
        "ServerMetadata": schema_of(ServerMetadata),
        "ModelMetadata": schema_of(ModelMetadata),
        "ModelConfig": {
            "type": "object",
            "description": "Triton's ModelConfig.",
            "required": ["name"],
        },
        "ModelStatistics": _object({"model_stats": _array(schema_of(ModelStatistics))}),
        "RepositoryIndexRequest": _object({}, ready=_BOOLEAN),
        "RepositoryIndex": _array(_index_row()),
        "LoadRequest": _object(
            {}, parameters=_object({}, config={**_STRING, "description": "Triton's, as JSON."})
        ),
        "UnloadRequest": _object({}, parameters=_object({}, unload_dependents=_BOOLEAN)),
        "OpenApi": {"type": "object", "required": ["openapi", "info", "paths"]},
        "TraceSettings": _object(_TRACE_SETTINGS),
        "TraceSettingsChange": _object(
            {}, **{name: {"anyOf": [it, {"type": "null"}]} for name, it in _TRACE_SETTINGS.items()}
        ),
        "LogSettings": _object(_LOG_SETTINGS),
        "LogSettingsChange": _object({}, **_LOG_SETTINGS),
        **_data_schemas(),
        **_infer_schemas(
            {"name": _STRING, "shape": _array({"type": "integer", "minimum": 0})},
            list(NUMPY_DTYPES),
        ),
        "GenerateRequest": _text_request(),
        "GenerateResponse": _text_response(),
    }


def model_schemas(model: ModelMetadata) -> dict[str, Schema]:
    """Return the schemas that say more for one model, by the names of those they stand in for."""
    inputs = [_tensor(spec, is_input=True) for spec in model.inputs]
    outputs = [_tensor(spec, is_input=False) for spec in model.outputs]
    schemas: dict[str, Schema] = {}
    if inputs:
        schemas["InferRequest"] = _request(
            {
                "type": "array",
                "items": _one_of(inputs),
                "minItems": len(inputs),
                "maxItems": len(inputs),
            }
        )
    if outputs:
        names = {"enum": [spec.name for spec in model.outputs]}
        schemas["RequestedOutput"] = _object({"name": names}, parameters=ref("Parameters"))
        schemas["InferResponse"] = _response({"type": "array", "items": _one_of(outputs)})
    if takes_text(model):
        schemas["GenerateRequest"] = _text_request(model.inputs)
        schemas["GenerateResponse"] = _text_response(model.outputs)
    else:  # then generate is as infer
        schemas |= {f"Generate{end}": ref(f"Infer{end}") for end in ("Request", "Response")}
    return schemas


def schema_of(kind: Any) -> Schema:
    """Return the schema of a type as JSON: a dataclass, an enum, or what their fields are."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind is TensorSpec:
        return _object(
            {
                "name": _STRING,
                "datatype": {"enum": list(NUMPY_DTYPES)},
                "shape": _array(
                    {"type": "integer", "minimum": -1, "description": "-1 is any size."}
                ),
            },
            parameters=ref("Parameters"),
        )
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return _object({field.name: schema_of(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    of = get_args(kind)
    if get_origin(kind) is tuple:
        return _array(schema_of(of[0]))
    assert get_origin(kind) is Mapping, kind
    return {"type": "object", "additionalProperties": schema_of(of[1])}


def _object(required: Mapping[str, Schema], /, **optional: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": {**required, **optional}}
    return {**schema, "required": list(required)} if required else schema


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one_of(schemas: Sequence[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"oneOf": list(schemas)}


def _index_row() -> Schema:
    """A model of the repository's index. One that was never loaded has no version."""
    row = schema_of(ModelIndex)
    return {**row, "required": [name for name in row["required"] if name != "version"]}


def _data_schemas() -> dict[str, Schema]:
    """The values of a tensor of each datatype: row-major, one flat list or nested as its shape."""
    schemas: dict[str, Schema] = {}
    for datatype in NUMPY_DTYPES:
        if datatype == BINARY_ONLY:
            continue
        name = f"{datatype}Data"
        schemas[name] = _array({"anyOf": [_value(datatype), ref(name)]})
    schemas["Data"] = {"type": "array"}
    return schemas


def _value(datatype: str) -> Schema:
    if datatype == "BYTES":
        return _STRING
    if datatype == "BOOL":
        return {"type": ["boolean", "integer"]}
    dtype = NUMPY_DTYPES[datatype]
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
    return {"type": ["number", "null"]}  # null is an output that is not finite


def _infer_schemas(tensor: Mapping[str, Schema], datatypes: list[str]) -> dict[str, Schema]:
    """Requests and responses of any model."""
    head = {**tensor, "datatype": {"enum": datatypes}}
    optional = {"parameters": ref("Parameters"), "data": ref("Data")}
    return {
        "InferRequest": _request({**_array(_object(head, **optional)), "minItems": 1}),
        "RequestedOutput": _object({"name": _STRING}, parameters=ref("Parameters")),
        "InferResponse": _response(_array(_object(head, **optional))),
    }


def _request(inputs: Schema) -> Schema:
    return _object(
        {"inputs": inputs},
        id=_STRING,
        parameters=ref("Parameters"),
        outputs=_array(ref("RequestedOutput")),
    )


def _response(outputs: Schema) -> Schema:
    answered = "<model>_<version>: which version answered."
    return _object(
        {"model_name": {**_STRING, "description": answered}, "outputs": outputs},
        model_version=_STRING,
        id=_STRING,
        parameters=ref("Parameters"),
    )


def _tensor(spec: TensorSpec, *, is_input: bool) -> Schema:
    """One input or output of a model. Its data may also follow the JSON as bytes, so the schema of
    an output cannot ask for it here; an input's example shows that JSON takes it."""
    sizes: list[Schema] = [
        {"type": "integer", "minimum": 0} if size < 0 else {"const": size} for size in spec.shape
    ]
    shape: Schema = {"type": "array", "minItems": len(sizes), "maxItems": len(sizes)}
    if sizes:
        shape["prefixItems"] = sizes
    head = {"name": {"const": spec.name}, "shape": shape, "datatype": {"const": spec.datatype}}
    optional = {"parameters": ref("Parameters")}
    if spec.datatype != BINARY_ONLY:
        optional["data"] = ref(f"{spec.datatype}Data")
    return {"title": spec.name, **_object(head, **optional)}


def _text_request(inputs: Sequence[TensorSpec] = ()) -> Schema:
    """The generate extension: text in; other fields are inputs by name, or parameters."""
    tensors = {spec.name: _value_or_list(spec) for spec in inputs}
    meaning = "A list or an object reaches the model as its JSON."
    optional = {"id": _STRING, "parameters": {"type": "object", "description": meaning}}
    request = _object({TEXT_INPUT: _STRING}, **{**tensors, **optional, TEXT_INPUT: _STRING})
    return {**request, "additionalProperties": True}


def _text_response(outputs: Sequence[TensorSpec] = ()) -> Schema:
    """Text out; every output is a field."""
    tensors = {spec.name: _value_or_list(spec) for spec in outputs} or {"text_output": _STRING}
    optional = {"id": _STRING, "model_version": _STRING}
    response = _object({"model_name": _STRING}, **{**tensors, **optional})
    return {**response, "additionalProperties": True}


def _value_or_list(spec: TensorSpec) -> Schema:
    if spec.datatype == BINARY_ONLY:
        return {}
    return {"anyOf": [_value(spec.datatype), ref(f"{spec.datatype}Data")]}
