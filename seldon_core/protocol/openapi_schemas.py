"""JSON Schemas of what REST calls carry: in general, and as one model's tensors have it.

A schema is a dict as OpenAPI 3.1 has it; `ref` refers from one to another. What is a dataclass
here is described from its fields, so that the two cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from math import prod
from typing import Any, Final, get_args, get_origin, get_type_hints

import numpy as np

from seldon_core.protocol.inference import ModelMetadata, ServerMetadata, TensorSpec
from seldon_core.protocol.repository import ModelIndex
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.protocol.tensors import NUMPY_DTYPES

Schema = dict[str, Any]

_STRING: Final[Schema] = {"type": "string"}
_BOOLEAN: Final[Schema] = {"type": "boolean"}
_SIMPLE: Final[dict[object, Schema]] = {str: _STRING, bool: _BOOLEAN, int: {"type": "integer"}}
_BINARY_ONLY: Final = "BF16"
_LARGEST_EXAMPLE: Final = 4096  # values: a page is to be read, and a picture has 150,528


def ref(name: str) -> Schema:
    """Return a reference to the schema `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def general_schemas() -> dict[str, Schema]:
    """Return every schema by name, as it is whatever the model."""
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
        "RepositoryIndex": _array(schema_of(ModelIndex)),
        "RepositoryRequest": _object({}, parameters=ref("Parameters")),
        "OpenApi": {"type": "object", "required": ["openapi", "info", "paths"]},
        "Settings": _settings(),
        "SettingsChange": _settings("null"),
        **_data_schemas(),
        **_infer_schemas(
            {"name": _STRING, "shape": _array({"type": "integer", "minimum": 0})},
            list(NUMPY_DTYPES),
        ),
        **_text_schemas(),
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
    return schemas


def example_request(model: ModelMetadata) -> dict[str, Any] | None:
    """Return an infer request that fits the model: one row of ones.

    None if it cannot be written as JSON, would not be read by people for its size, or the model
    says nothing of its inputs.
    """
    shapes = {spec.name: [abs(size) for size in spec.shape] for spec in model.inputs}
    is_small = sum(prod(shape) for shape in shapes.values()) <= _LARGEST_EXAMPLE
    known = set(NUMPY_DTYPES) - {_BINARY_ONLY}
    if not shapes or not is_small or any(spec.datatype not in known for spec in model.inputs):
        return None
    return {
        "inputs": [
            {
                "name": spec.name,
                "shape": shapes[spec.name],
                "datatype": spec.datatype,
                "data": [_example_value(spec.datatype)] * prod(shapes[spec.name]),
            }
            for spec in model.inputs
        ]
    }


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


def _object(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": {**required, **optional}}
    return {**schema, "required": list(required)} if required else schema


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one_of(schemas: Sequence[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"oneOf": list(schemas)}


def _settings(*more: str) -> Schema:
    return {
        "type": "object",
        "additionalProperties": {
            "type": ["boolean", "integer", "string", "array", *more],
            "items": _STRING,
        },
    }


def _data_schemas() -> dict[str, Schema]:
    """The values of a tensor of each datatype: row-major, one flat list or nested as its shape."""
    schemas: dict[str, Schema] = {}
    for datatype, dtype in NUMPY_DTYPES.items():
        if datatype == _BINARY_ONLY:
            continue
        values: Schema = {"type": ["number", "null"]}  # null is an output that is not finite
        if datatype == "BYTES":
            values = _STRING
        elif datatype == "BOOL":
            values = {"type": ["boolean", "integer"]}
        elif dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
        name = f"{datatype}Data"
        schemas[name] = _array({"anyOf": [values, ref(name)]})
    schemas["Data"] = {"type": "array"}
    return schemas


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
    if spec.datatype != _BINARY_ONLY:
        optional["data"] = ref(f"{spec.datatype}Data")
    return {"title": spec.name, **_object(head, **optional)}


def _text_schemas() -> dict[str, Schema]:
    """The generate extension: text in, text out; other keys are the model's tensors by name."""
    return {
        "GenerateRequest": {
            **_object({}, id=_STRING, text_input=_STRING, parameters=ref("Parameters")),
            "additionalProperties": True,
        },
        "GenerateResponse": {
            **_object({"model_name": _STRING}, id=_STRING, text_output=_STRING),
            "additionalProperties": True,
        },
    }


def _example_value(datatype: str) -> bool | int | float | str:
    """One divides, has a logarithm, and is the index of something; zero is none of these."""
    if datatype == "BYTES":
        return "text"
    kind = NUMPY_DTYPES[datatype].kind
    return True if kind == "b" else 1.0 if kind == "f" else 1
