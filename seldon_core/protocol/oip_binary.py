"""The binary tensor data extension: a JSON head, then the bytes of tensors in its order.

A binary input says `binary_data_size` in its parameters, and has no `data`. The caller asks for
binary outputs by `binary_data` on an output, or `binary_data_output` on the whole request. The
header named here tells where the head ends.
"""

from typing import Final

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import Buffer, InferRequest, InferResponse

LENGTH_HEADER: Final = b"inference-header-content-length"
"""The header with the length of the JSON head in bytes, in requests and replies."""

CONTENT_TYPE: Final = b"application/octet-stream"
"""The content type of a body with binary tensors."""


class Tail:
    """The bytes behind a JSON head, taken from the front tensor by tensor."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0

    def take(self, where: str, size: int) -> memoryview:
        """Return the next `size` bytes. Raises InvalidRequestError if fewer are left."""
        start = self._position
        left = len(self._data) - start
        if size > left:
            raise InvalidRequestError(f"{where}: says {size} bytes, {left} are left in the body")
        self._position = start + size
        return self._data[start : start + size]

    def finish(self) -> None:
        """Raise InvalidRequestError if bytes are left that belong to no tensor."""
        left = len(self._data) - self._position
        if left:
            raise InvalidRequestError(f"{left} bytes follow the last binary input")


def split(body: Buffer, json_length: int) -> tuple[memoryview, Tail]:
    """Return the JSON head of a body and what is behind it, as views.

    Raises InvalidRequestError if the body is shorter than `json_length`. One of 0 is not for here:
    see `raw_tensor.py`.
    """
    if not 0 < json_length <= len(body):
        raise InvalidRequestError(
            f"Inference-Header-Content-Length is {json_length}, the body has {len(body)} bytes"
        )
    view = memoryview(body)
    return view[:json_length], Tail(view[json_length:])


def binary_outputs(response: InferResponse, request: InferRequest) -> frozenset[str]:
    """Return the names of those outputs in `response` that the request wants as bytes."""
    by_default = bool(request.parameters and request.parameters.get("binary_data_output", False))
    asked = {
        output.name: bool(output.parameters.get("binary_data", by_default))
        for output in request.outputs or ()
        if output.parameters
    }
    return frozenset(
        output.name for output in response.outputs if asked.get(output.name, by_default)
    )
