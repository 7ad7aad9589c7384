"""From the fields of a JSON document to an `InferRequest`: what each must be, and what is missing.

The document comes from `oip_json`, with the bytes behind it if it is the head of a binary body.
Optional fields may be null, as clients write them that serialise everything; unknown fields are
left alone, as the protocol asks. Errors begin with the field's path: `inputs[0].shape: …`.
"""

from collections.abc import Callable, Container, Sequence, Sized
from typing import Any, Final

import orjson

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedError
from seldon_core.protocol.inference import (
    Buffer,
    InferRequest,
    Parameters,
    RequestedOutput,
    Tensor,
)
from seldon_core.protocol.oip_binary import Tail
from seldon_core.protocol.tensors import Array, brief, from_raw

Values = Callable[[str, str, Sequence[int], object], Array]
"""Reads a tensor's `data`: `tensors.from_values`, or what stands in for it with large bodies."""

MAX_TENSORS: Final = 4096
"""Most inputs of a request, and most outputs that it asks for: each takes 2 to 5 µs to read, in
which nothing else is done."""

MAX_PARAMETERS: Final = 1024
"""Most parameters of a request, and of each of its tensors."""

MOST_LOADED: Final = 4 * 1024 * 1024
"""Most bytes of JSON that become Python's values: made of empty lists they take 0.5 s and 170 MiB,
while numbers that go straight into numpy may be any number."""

_LOOKED_AT: Final = 64 * 1024  # bytes of what is no JSON, for what it may be instead
_SHARED_MEMORY: Final = "shared_memory_region"
_PARAMETER_TYPES: Final = frozenset({str, int, float, bool})
_JSON_NAMES: Final[dict[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
# Made once: an f-string per input and request would cost 0.15 µs.
_INPUT_PATHS: Final = tuple(f"inputs[{index}]" for index in range(64))


def load(body: Buffer) -> Any:
    """Return the document that a body is.

    Raises InvalidRequestError if it is none, PayloadTooLargeError if it is too long.
    """
    if len(body) > MOST_LOADED:
        raise PayloadTooLargeError(
            f"JSON may have {MOST_LOADED} bytes, this has {len(body)}: more may only be tensors of "
            "numbers or texts in lists just as their shapes say, with no name twice in an object "
            "and no binary tensors beside them; send large tensors as binary data"
        )
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise not_json(body, error) from error


def not_json(body: Buffer, reason: Exception) -> InvalidRequestError:
    """Return the error for a body that is no JSON, with what its sender may have forgotten."""
    if not len(body):
        return InvalidRequestError("the body is empty; wanted a JSON object with inputs")
    begin = bytes(body[:_LOOKED_AT])
    hint = ""
    if b'"binary_data_size"' in begin or b"\0" in begin:
        hint = (
            "; if tensors follow it as bytes, the header Inference-Header-Content-Length has to "
            "say where the JSON ends"
        )
    return InvalidRequestError(f"the body is not JSON: {reason}{hint}")


def read_request(document: object, tail: Tail | None, values: Values) -> InferRequest:
    """Return the request in `document`; tensors not in it are taken from `tail`.

    Raises InvalidRequestError if a field is missing or wrong, UnsupportedError if the request asks
    for shared memory.
    """
    if type(document) is not dict:
        raise InvalidRequestError(f"the body must be a JSON object, found {json_name(document)}")
    items = document.get("inputs")
    if type(items) is not list:
        raise wrong_field(document, "", "inputs", "a list")
    if len(items) > MAX_TENSORS:
        raise too_many("inputs", items, MAX_TENSORS)
    inputs = [
        _read_input(input_path(index), item, tail, values) for index, item in enumerate(items)
    ]
    if len(inputs) > 1:
        check_names("inputs", [tensor.name for tensor in inputs])
    identifier = document.get("id")
    if identifier is None:
        identifier = ""
    elif type(identifier) is not str:
        raise wrong_field(document, "", "id", "a string")
    outputs = document.get("outputs")
    parameters = document.get("parameters")
    return InferRequest(
        inputs,
        None if outputs is None else _read_outputs(document, outputs),
        identifier,
        None if parameters is None else _read_parameters("", document, "binary_data_output"),
    )


def input_path(index: int) -> str:
    """Return how messages name the input at `index`."""
    return _INPUT_PATHS[index] if index < len(_INPUT_PATHS) else f"inputs[{index}]"


def check_names(field: str, names: Sequence[str]) -> None:
    """Refuse a name that occurs twice in a list of tensors."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise InvalidRequestError(f"{field}[{index}].name: {brief(name)} occurs twice")
        seen.add(name)


def too_many(path: str, items: Sized, most: int) -> PayloadTooLargeError:
    """Return the error for more items than a list or an object may have."""
    return PayloadTooLargeError(f"{path}: has {len(items)} items, at most {most} are read")


def refuse_shared_memory(where: str, parameters: Container[str]) -> None:
    """Raise UnsupportedError if a tensor's parameters ask for it in shared memory.

    That is Triton's extension for clients on the same machine, which this server does not offer.
    """
    if _SHARED_MEMORY in parameters:
        raise UnsupportedError(
            f"{where}.parameters.{_SHARED_MEMORY}: shared memory is not offered, send tensors in "
            "the request and take them from the answer"
        )


def json_name(value: object) -> str:
    """Return what JSON calls a value's type, with its article."""
    return _JSON_NAMES[type(value)]


def wrong_field(holder: dict[str, Any], where: str, key: str, wanted: str) -> InvalidRequestError:
    """Return the error for a field that is missing or is not `wanted`."""
    path = f"{where}.{key}" if where else key
    if key not in holder:
        return InvalidRequestError(f"{path}: is missing")
    return InvalidRequestError(f"{path}: must be {wanted}, found {json_name(holder[key])}")


def _read_input(where: str, item: object, tail: Tail | None, values: Values) -> Tensor:
    if type(item) is not dict:
        raise InvalidRequestError(f"{where}: must be an object, found {json_name(item)}")
    name, datatype, shape = item.get("name"), item.get("datatype"), item.get("shape")
    if type(name) is not str:
        raise wrong_field(item, where, "name", "a string")
    if type(datatype) is not str:
        raise wrong_field(item, where, "datatype", "a string")
    if type(shape) is not list:
        raise wrong_field(item, where, "shape", "a list of integers")
    parameters = None
    if item.get("parameters") is not None:
        parameters = _read_parameters(where, item)
        refuse_shared_memory(where, parameters)
        if "binary_data_size" in parameters:
            data = _take(where, item, parameters, tail)
            return Tensor(name, datatype, from_raw(where, datatype, shape, data), parameters)
    if item.get("data") is None:
        raise wrong_field(item, where, "data", "a list")
    return Tensor(name, datatype, values(where, datatype, shape, item["data"]), parameters)


def _take(
    where: str, item: dict[str, Any], parameters: Parameters, tail: Tail | None
) -> memoryview:
    """Return the bytes of a binary input, and take what says so out of its parameters."""
    size = parameters.pop("binary_data_size")
    path = f"{where}.parameters.binary_data_size"
    if type(size) is not int or size < 0:
        raise InvalidRequestError(f"{path}: must be an integer >= 0, found {brief(size)}")
    if item.get("data") is not None:
        raise InvalidRequestError(f"{where}: has both data and binary_data_size")
    if tail is None:
        raise InvalidRequestError(f"{path}: needs the header Inference-Header-Content-Length")
    return tail.take(path, size)


def _read_outputs(document: dict[str, Any], items: object) -> list[RequestedOutput]:
    if type(items) is not list:
        raise wrong_field(document, "", "outputs", "a list")
    if len(items) > MAX_TENSORS:
        raise too_many("outputs", items, MAX_TENSORS)
    outputs = []
    for index, item in enumerate(items):
        where = f"outputs[{index}]"
        if type(item) is not dict:
            raise InvalidRequestError(f"{where}: must be an object, found {json_name(item)}")
        name = item.get("name")
        if type(name) is not str:
            raise wrong_field(item, where, "name", "a string")
        parameters = None
        if item.get("parameters") is not None:
            parameters = _read_parameters(where, item, "binary_data")
            refuse_shared_memory(where, parameters)
        outputs.append(RequestedOutput(name, parameters))
    check_names("outputs", [output.name for output in outputs])
    return outputs


def _read_parameters(where: str, holder: dict[str, Any], flag: str | None = None) -> Parameters:
    """Return a holder's parameters; the one named `flag`, if it is there, must be a boolean."""
    parameters = holder["parameters"]
    if type(parameters) is not dict:
        raise wrong_field(holder, where, "parameters", "an object")
    path = f"{where}.parameters" if where else "parameters"
    if len(parameters) > MAX_PARAMETERS:
        raise too_many(path, parameters, MAX_PARAMETERS)
    for key, value in parameters.items():
        if type(value) not in _PARAMETER_TYPES:
            raise InvalidRequestError(
                f"{path}.{key}: must be a string, a number or a boolean, found {json_name(value)}"
            )
    if flag is not None and type(parameters.get(flag, False)) is not bool:
        raise InvalidRequestError(
            f"{path}.{flag}: must be a boolean, found {json_name(parameters[flag])}"
        )
    return parameters
