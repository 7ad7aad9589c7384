"""The generate extension: a request as plain JSON fields, and the answer likewise.

    {"text_input": "Hello", "max_tokens": 20, "id": "7", "parameters": {"temperature": 0.5}}
    {"id": "7", "model_name": "llm_1", "model_version": "1", "text_output": "Hello, world"}

Every field but `id` and `parameters` is the input of its name, if the model has one, and else a
parameter; so are those in `parameters`. A parameter of the protocol is one value: a list or an
object, such as the `stop` of the text-generation schema, becomes its JSON as text, and null is what
is not given. MLServer's clients send V2 tensors to the same paths, which
are answered by V2 tensors: `inputs` tells one from the other.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from seldon_core.errors import InvalidRequestError, UnsupportedError
from seldon_core.protocol.inference import (
    Buffer,
    Encoded,
    InferRequest,
    InferResponse,
    ModelMetadata,
    Parameter,
    Parameters,
    Tensor,
    TensorSpec,
)
from seldon_core.protocol.json_request import (
    MAX_PARAMETERS,
    json_name,
    load,
    read_request,
    too_many,
    wrong_field,
)
from seldon_core.protocol.oip_json import CONTENT_TYPE, JSON_CODEC
from seldon_core.protocol.tensors import from_values

TEXT_INPUT: Final = "text_input"
"""The field that tells a request of this form."""

_RESERVED: Final = frozenset({"id", "parameters"})
_PARAMETER_TYPES: Final = frozenset({str, int, float, bool})


class GenerateCodec:
    """Reads one request to a model, in either form, and writes its answers in the same.

    Made for each call, of what the model says of itself.
    """

    def __init__(self, metadata: ModelMetadata) -> None:
        self._model = metadata.name
        self._specs: Mapping[str, TensorSpec] = {spec.name: spec for spec in metadata.inputs}
        self._is_text = False

    def decode_request(self, body: Buffer, json_length: int | None) -> InferRequest:
        """Read a request, which is JSON only.

        Raises InvalidRequestError if it is in neither form, or wrong in it.
        """
        document = load(body)
        if type(document) is not dict:
            raise InvalidRequestError(
                f"the body must be a JSON object, found {json_name(document)}"
            )
        has_tensors, has_text = "inputs" in document, TEXT_INPUT in document
        if has_tensors and has_text:
            raise InvalidRequestError(
                f"the body has both inputs and {TEXT_INPUT}: send V2 tensors or text, not both"
            )
        if not has_tensors and not has_text:
            raise InvalidRequestError(
                f"the body has neither {TEXT_INPUT} (a string) nor inputs (V2 tensors)"
            )
        if has_tensors:
            return read_request(document, None, from_values)
        self._is_text = True
        return self._read(document)

    def encode_response(self, response: InferResponse, request: InferRequest) -> Encoded:
        """Write the answer in the form that the request has, which was read before.

        Raises UnsupportedError if an output is no text that JSON can carry.
        """
        if not self._is_text:
            return JSON_CODEC.encode_response(response, request)
        document: dict[str, Any] = {}
        if response.id:
            document["id"] = response.id
        document["model_name"] = response.model_name
        if response.model_version:
            document["model_version"] = response.model_version
        if response.parameters:
            document["parameters"] = response.parameters
        for tensor in response.outputs:
            document[tensor.name] = _json(tensor)
        return Encoded(CONTENT_TYPE, (orjson.dumps(document),))

    def _read(self, document: dict[str, Any]) -> InferRequest:
        if type(document[TEXT_INPUT]) is not str:
            raise wrong_field(document, "", TEXT_INPUT, "a string")
        if TEXT_INPUT not in self._specs:
            takes = ", ".join(self._specs) or "none that it names"
            raise InvalidRequestError(
                f"model {self._model} has no input {TEXT_INPUT!r}; it takes: {takes}; "
                "send them as V2 tensors (inputs)"
            )
        identifier = document.get("id")
        if identifier is not None and type(identifier) is not str:
            raise wrong_field(document, "", "id", "a string")
        given = document.get("parameters")
        if given is not None and type(given) is not dict:
            raise wrong_field(document, "", "parameters", "an object")
        inputs, parameters = self._sorted(document, given or {})
        return InferRequest(inputs, None, identifier or "", parameters or None)

    def _sorted(
        self, document: dict[str, Any], given: dict[str, Any]
    ) -> tuple[list[Tensor], Parameters]:
        """Return the inputs and the parameters among a request's fields and those it has `given`
        as parameters; null is what is not given."""
        fields = {key: value for key, value in document.items() if key not in _RESERVED}
        inputs: list[Tensor] = []
        parameters: Parameters = {}
        for where, holder in (("", fields), ("parameters.", given)):
            if len(holder) > MAX_PARAMETERS:
                raise too_many(where[:-1] or "the body", holder, MAX_PARAMETERS)
            for name, value in holder.items():
                if value is None:
                    continue
                spec = self._specs.get(name)
                if spec is None:
                    parameters[name] = _parameter(value)
                elif where and fields.get(name) is not None:
                    raise InvalidRequestError(f"{where}{name}: is given beside parameters, too")
                else:
                    inputs.append(_tensor(where + name, spec, value))
        return inputs, parameters


def _json(tensor: Tensor) -> orjson.Fragment:
    """Return a tensor's values as a list, an only one by itself."""
    values = _text(tensor) if tensor.datatype == "BYTES" else tensor.data.ravel()
    # As a list also what is one: orjson reads more kinds of numpy's arrays than of its scalars.
    document = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.Fragment(document[1:-1] if len(values) == 1 else document)


def _text(tensor: Tensor) -> list[str]:
    try:
        return [element.decode() for element in tensor.data.ravel().tolist()]
    except UnicodeDecodeError as error:
        raise UnsupportedError(
            f"output {tensor.name!r} holds bytes that are not UTF-8 text, which this answer cannot "
            "carry: use infer with binary data"
        ) from error


def _parameter(value: Any) -> Parameter:
    return value if type(value) in _PARAMETER_TYPES else orjson.dumps(value).decode()


def _tensor(path: str, spec: TensorSpec, value: Any) -> Tensor:
    """Return a field's value, one or (nested) lists, as the input that `spec` describes."""
    data = value if type(value) is list else [value]
    shape = list(_shape(value))
    array = from_values(path, spec.datatype, shape or [1], data)
    return Tensor(spec.name, spec.datatype, array.reshape(_fitted(shape, spec.shape)))


def _shape(value: Any) -> tuple[int, ...]:
    """Return how deep lists are nested, by the first of each; `from_values` checks the others."""
    shape = []
    while type(value) is list:
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _fitted(shape: list[int], wanted: tuple[int, ...]) -> list[int]:
    """Return `shape` with ones around it, so that it has as many dimensions as wanted.

    As many before it as fit, since the first dimension is mostly the batch: `[a, b]` is one row of
    a `[-1, 2]`, and two rows of a `[-1, 1]`. What fits in no way is left for the model to refuse.
    """
    missing = max(len(wanted) - len(shape), 0)
    for before in range(missing, -1, -1):
        whole = [1] * before + shape + [1] * (missing - before)
        if _fits(whole, wanted):
            return whole
    return [1] * missing + shape


def _fits(shape: list[int], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size in (-1, found) for size, found in zip(wanted, shape, strict=True)
    )
