"""Inference messages as protobuf JSON: what a person types for gRPC, and what they read of it."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import json_format

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import open_inference_pb2 as pb

# Per datatype: the field of InferTensorContents, and the struct code of an element on the wire.
_FORMS: Final[dict[str, tuple[str, str]]] = {
    "BOOL": ("bool_contents", "?"),
    "UINT8": ("uint_contents", "B"),
    "UINT16": ("uint_contents", "H"),
    "UINT32": ("uint_contents", "I"),
    "UINT64": ("uint64_contents", "Q"),
    "INT8": ("int_contents", "b"),
    "INT16": ("int_contents", "h"),
    "INT32": ("int_contents", "i"),
    "INT64": ("int64_contents", "q"),
    "FP16": ("fp32_contents", "e"),  # has no field of its own; shown as what it is worth
    "FP32": ("fp32_contents", "f"),
    "FP64": ("fp64_contents", "d"),
    "BYTES": ("bytes_contents", ""),
}


def read_request(text: str, model: str) -> pb.ModelInferRequest:
    """Return the request that `text` is, for `model` whatever name it has itself.

    Names may be in snake_case or camelCase. An input in REST's form, whose elements are in
    `data`, is taken as well. Raises InvalidRequestError if `text` is no such request.
    """
    try:
        document = json.loads(text)
        # protobuf's parser breaks on half a surrogate pair, which JSON can write.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"the payload is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequestError("the payload must be a JSON object with inputs")
    inputs = document.get("inputs")
    for tensor in inputs if isinstance(inputs, list) else ():
        if isinstance(tensor, dict) and "data" in tensor and "contents" not in tensor:
            tensor["contents"] = _contents(tensor)
    request = pb.ModelInferRequest()
    try:
        json_format.ParseDict(document, request)
    except (json_format.ParseError, RecursionError) as error:
        raise InvalidRequestError(f"the payload is no ModelInferRequest: {error}") from error
    request.model_name = model
    return request


def show_message(message: Any) -> str:
    """Return any message as one line of JSON: camelCase, defaults left out, int64 as strings."""
    return json_format.MessageToJson(message, indent=None, ensure_ascii=False)


def decode_raw_outputs(response: pb.ModelInferResponse) -> None:
    """Move the raw contents of `response` into the typed fields of its outputs, for display.

    Nothing is moved if there is not one for each output, or one does not fit its datatype.
    """
    raws = response.raw_output_contents
    if not raws or len(raws) != len(response.outputs):
        return
    try:
        decoded = [
            list(_elements(output.datatype, raw))
            for output, raw in zip(response.outputs, raws, strict=True)
        ]
    except (KeyError, struct.error):
        return
    for output, elements in zip(response.outputs, decoded, strict=True):
        field, _ = _FORMS[output.datatype]
        getattr(output.contents, field).extend(elements)
    response.ClearField("raw_output_contents")


def _contents(tensor: dict[str, Any]) -> dict[str, Any]:
    """Return the elements of an input in REST's form as the field of its datatype."""
    datatype = str(tensor.get("datatype"))
    field, _ = _FORMS.get(datatype, ("", ""))
    if not field or datatype == "FP16":
        raise InvalidRequestError(
            f"input {tensor.get('name')!r}: elements of {datatype} cannot be given as data; "
            "use raw_input_contents"
        )
    elements = list(_flat(tensor.pop("data")))
    if datatype == "BYTES":
        elements = [base64.b64encode(str(each).encode()).decode() for each in elements]
    return {field: elements}


def _flat(data: Any) -> Iterator[Any]:
    if isinstance(data, list):
        for each in data:
            yield from _flat(each)
    else:
        yield data


def _elements(datatype: str, raw: bytes) -> Iterator[Any]:
    _, code = _FORMS[datatype]
    if not code:
        yield from _byte_strings(raw)
        return
    for (element,) in struct.iter_unpack(f"<{code}", raw):
        yield element


def _byte_strings(raw: bytes) -> Iterator[bytes]:
    """Yield elements that each have their length, 4 bytes little-endian, before them."""
    start = 0
    while start < len(raw):
        (length,) = struct.unpack_from("<I", raw, start)
        start += 4
        if start + length > len(raw):
            raise struct.error(f"an element of {length} bytes ends behind the tensor")
        yield raw[start : start + length]
        start += length
