"""The Open Inference Protocol as JSON, with or without binary tensors behind it.

Small bodies are read by orjson into Python lists; from large ones the numbers go straight into
numpy by simdjson. Outputs are written flat, by orjson's own reading of numpy arrays: as fast as
lists for one element, faster from eight on, and FP32 in its shortest form. JSON knows no NaN and
no infinities: they are written as null.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import orjson
import simdjson

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError, UnsupportedError
from seldon_core.protocol.inference import (
    Buffer,
    Encoded,
    InferRequest,
    InferResponse,
    ModelMetadata,
    ServerMetadata,
    Tensor,
    TensorSpec,
)
from seldon_core.protocol.json_request import (
    MAX_TENSORS,
    MOST_LOADED,
    load,
    not_json,
    read_request,
    too_many,
)
from seldon_core.protocol.oip_binary import CONTENT_TYPE as BINARY_CONTENT_TYPE
from seldon_core.protocol.oip_binary import binary_outputs, split
from seldon_core.protocol.tensors import Array, dtype_of, element_count, from_values, to_raw

CONTENT_TYPE: Final = b"application/json"
"""The content type of every body without binary tensors."""

LARGE: Final = 64 * 1024
"""From this many bytes of JSON on, simdjson reads the numbers."""

LONGEST_MESSAGE: Final = 4096
"""Characters of a message that an error answer carries: names that a caller sent may be huge."""

# Kind of dtype -> what simdjson calls the numbers that it may hold, and their dtype.
_NUMBERS: Final[dict[str, tuple[Literal["d", "i", "u"], str]]] = {
    "f": ("d", "<f8"),
    "i": ("i", "<i8"),
    "u": ("u", "<u8"),
}


class JsonCodec:
    """Reads and writes OIP JSON. Bodies of `large` bytes and more are read by simdjson."""

    def __init__(self, large: int = LARGE) -> None:
        self._large = large

    def decode_request(self, body: Buffer, json_length: int | None) -> InferRequest:
        """Read a request. With a `json_length`, binary tensors follow that many bytes of JSON.

        Raises InvalidRequestError if it is not a well-formed request, PayloadTooLargeError if there
        is too much in it.
        """
        if json_length is None:
            if len(body) >= self._large:
                request = _decode_large(body)
                if request is not None:
                    return request
            return read_request(load(body), None, from_values)
        head, tail = split(body, json_length)
        request = read_request(load(head), tail, from_values)
        tail.finish()
        return request

    def encode_response(self, response: InferResponse, request: InferRequest) -> Encoded:
        """Write the reply, with those outputs as bytes that the request wants so.

        Raises UnsupportedError if a BYTES output is not text and was not asked for as binary data.
        """
        document: dict[str, Any] = {"model_name": response.model_name}
        if response.model_version:
            document["model_version"] = response.model_version
        if response.id:
            document["id"] = response.id
        if response.parameters is not None:
            document["parameters"] = response.parameters
        if request.parameters is not None or request.outputs is not None:
            binary = binary_outputs(response, request)
            if binary:
                return _encode_binary(document, response.outputs, binary)
        document["outputs"] = [_output(tensor) for tensor in response.outputs]
        return Encoded(CONTENT_TYPE, (orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY),))


JSON_CODEC: Final = JsonCodec()
"""The codec of REST."""


def error_body(message: str) -> bytes:
    """Return the body of an error answer; of a message that is longer than 4 KiB, its beginning."""
    # A message may quote what a caller sent, or a model raised: text that UTF-8 cannot express.
    text = message[:LONGEST_MESSAGE].encode("utf-8", "replace").decode()
    return orjson.dumps({"error": text})


def model_metadata_body(metadata: ModelMetadata) -> bytes:
    """Return the body of an answer about a model."""
    return orjson.dumps(
        {
            "name": metadata.name,
            "versions": metadata.versions,
            "platform": metadata.platform,
            "inputs": [_spec(spec) for spec in metadata.inputs],
            "outputs": [_spec(spec) for spec in metadata.outputs],
        }
    )


def server_metadata_body(metadata: ServerMetadata) -> bytes:
    """Return the body of an answer about the server."""
    return orjson.dumps(
        {"name": metadata.name, "version": metadata.version, "extensions": metadata.extensions}
    )


def _spec(spec: TensorSpec) -> dict[str, Any]:
    document = {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape}
    return document if spec.parameters is None else {**document, "parameters": spec.parameters}


def _head(tensor: Tensor) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": tensor.name,
        "shape": tensor.data.shape,
        "datatype": tensor.datatype,
    }
    if tensor.parameters is not None:
        document["parameters"] = tensor.parameters
    return document


def _output(tensor: Tensor) -> dict[str, Any]:
    document = _head(tensor)
    document["data"] = _text(tensor) if tensor.datatype == "BYTES" else tensor.data.ravel()
    return document


def _text(tensor: Tensor) -> list[str]:
    try:
        return [element.decode() for element in tensor.data.ravel().tolist()]
    except UnicodeDecodeError as error:
        raise UnsupportedError(
            f"output {tensor.name!r} holds bytes that are not UTF-8 text, which JSON cannot carry: "
            "ask for it with the parameter binary_data: true"
        ) from error


def _encode_binary(
    document: dict[str, Any], outputs: Sequence[Tensor], binary: frozenset[str]
) -> Encoded:
    """Write a reply whose outputs in `binary` follow the JSON as bytes."""
    parts: list[Buffer] = [b""]
    documents = []
    for tensor in outputs:
        if tensor.name in binary:
            raw = to_raw(tensor)
            head = _head(tensor)
            head["parameters"] = {**(tensor.parameters or {}), "binary_data_size": len(raw)}
            documents.append(head)
            parts.append(raw)
        else:
            documents.append(_output(tensor))
    document["outputs"] = documents
    head_bytes = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    parts[0] = head_bytes
    return Encoded(BINARY_CONTENT_TYPE, parts, len(head_bytes))


# A parser keeps the memory that it took, at worst (lists of single digits) 17 bytes for each of the
# longest body: 68 MiB. Taken anew each time, an image takes 8.5 ms of processor time instead of
# 5.5, most of that in the system, which gives memory page by page.
_PARSER: Final = simdjson.Parser()
_KEPT_UP_TO: Final = 4 * 1024 * 1024

_REQUEST_FIELDS: Final = ("inputs", "outputs", "id", "parameters")
_INPUT_FIELDS: Final = ("name", "datatype", "shape", "parameters", "data")
_MOST_FIELDS: Final = 64  # of an object: to look one up reads those before it
_MOST_PLAIN: Final = 1024 * 1024  # bytes of JSON of a field other than `inputs` and `data`
_MOST_OBJECTS: Final = 1 << 20  # that a tensor becomes in Python, if only for a moment: 0.2 s


class _NotPlainError(Exception):
    """A large body is not of the form that simdjson's flattening can be trusted with."""


def _decode_large(body: Buffer) -> InferRequest | None:
    """Read a large request, or return None if orjson has to: also to say what is wrong with it,
    unless it is too large for that.

    What it buys over orjson's lists is measured by perf/micro/bench_oip_json.py.
    """
    data = body.tobytes() if type(body) is memoryview else body
    is_small = len(data) <= MOST_LOADED
    lists = _Lists(is_small=is_small)
    try:
        request = read_request(_parse_large(data), None, lists.values)
    except PayloadTooLargeError:
        raise
    except InvalidRequestError:
        if not is_small:
            raise
        return None
    except (ValueError, TypeError, RuntimeError, _NotPlainError):
        return None  # RuntimeError: what simdjson says of an integer beyond 64 bits
    # The request's inputs, and the shape of each. An array that hides among the numbers of another
    # would have been flattened with them, but is one bracket too many. A bracket in a name or in
    # `outputs` is too, and only costs time. In texts they are counted where they are not escaped.
    if lists.in_texts and b"\\u005" in data:
        return None
    expected = 1 + len(request.inputs) + lists.count + (request.outputs is not None)
    expected += lists.in_texts
    return request if _brackets(data, expected + 1) == expected else None


def _brackets(data: bytes | bytearray, most: int) -> int:
    """Return how many `[` there are, counting no further than `most`.

    Numbers are most of the body, and `find` skips them ten times as fast as `count` looks at them.
    """
    at, count = data.find(b"["), 0
    while at >= 0 and count < most:
        count += 1
        at = data.find(b"[", at + 1)
    return count


def _parse_large(body: bytes | bytearray) -> dict[str, Any]:
    """Return the document in `body`, with `data` of each input left as simdjson's array."""
    parser = _PARSER if len(body) <= _KEPT_UP_TO else simdjson.Parser()
    try:
        parsed = parser.parse(body)
    except ValueError as error:
        raise not_json(body, error) from error
    document = _fields(parsed, _REQUEST_FIELDS)
    for key, value in document.items():
        if key == "inputs" and type(value) is simdjson.Array:
            if len(value) > MAX_TENSORS:
                raise too_many(key, value, MAX_TENSORS)
            document[key] = [_parse_input(item) for item in value]
        else:
            document[key] = _plain(value)
    return document


def _parse_input(item: Any) -> dict[str, Any]:
    fields = _fields(item, _INPUT_FIELDS)
    return {key: value if key == "data" else _plain(value) for key, value in fields.items()}


def _fields(value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return those of an object's fields that are `known`, arrays and objects still simdjson's."""
    if type(value) is not simdjson.Object or len(value) > _MOST_FIELDS:
        raise _NotPlainError
    # Not `items()`, which makes Python lists of everything below.
    names = set(value)
    if len(names) != len(value):  # simdjson finds the first of equal keys, orjson the last
        raise _NotPlainError
    return {key: value[key] for key in known if key in names}


def _plain(value: Any) -> Any:
    """Return a field's value as Python's."""
    if type(value) not in (simdjson.Object, simdjson.Array):
        return value
    if len(value.mini) > _MOST_PLAIN:
        raise _NotPlainError
    return value.as_dict() if type(value) is simdjson.Object else value.as_list()


class _Lists:
    """Reads `data` from the arrays of a body that is small enough for orjson, too, or is not.

    `count` is of the JSON lists that they consisted of, `in_texts` of the brackets in their texts,
    where orjson cannot be asked.
    """

    def __init__(self, *, is_small: bool) -> None:
        self._is_small = is_small
        self.count = 0
        self.in_texts = 0

    def values(self, where: str, datatype: str, shape: Sequence[int], data: Any) -> Array:
        """Do what `tensors.from_values` does; raise anything if that has to do it."""
        if type(data) is not simdjson.Array:
            raise _NotPlainError
        if datatype in ("BYTES", "BOOL", "BF16", "FP16"):
            rows = self._rows(shape, data)
            if self._is_small:
                return from_values(where, datatype, shape, data.as_list())
            if sum(map(len, rows)) > _MOST_OBJECTS:
                raise _NotPlainError
            # Half as fast, but nothing is made of what lists and objects among them hold.
            flat = [value for row in rows for value in row]
            if datatype == "BYTES":
                self.in_texts += sum(text.count("[") for text in flat if type(text) is str)
            return from_values(where, datatype, shape, flat)
        dtype = dtype_of(where, datatype)
        letter, wide = _NUMBERS[dtype.kind]
        element_count(where, shape)  # its checks; of another count of numbers, `reshape` raises
        self._rows(shape, data)
        array: Array = np.frombuffer(data.as_buffer(of_type=letter), wide)
        return _narrow(array, dtype).reshape(shape)

    def _rows(self, shape: Sequence[int], data: Any) -> list[Any]:
        """Return and count the lists that have the values of a tensor; their lengths and of those
        around them are what `shape` says."""
        self.count += 1
        if len(shape) < 2 or not len(data) or type(data[0]) is not simdjson.Array:
            return [data]
        level = [data]
        _check_lengths(level, shape[0])
        for above, size in pairwise(shape):
            if len(level) * above > _MOST_OBJECTS:
                raise _NotPlainError
            level = [row for rows in level for row in rows]
            _check_lengths(level, size)
            self.count += len(level)
        return level


def _check_lengths(rows: list[Any], size: int) -> None:
    if any(type(row) is not simdjson.Array or len(row) != size for row in rows):
        raise _NotPlainError


def _narrow(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return 64-bit numbers as `dtype`, which must be able to hold them."""
    if array.size and array.dtype != dtype:
        limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        if array.min() < limits.min or array.max() > limits.max:
            raise _NotPlainError
    return array.astype(dtype, copy=False)
