"""The values that the Open Inference Protocol is about, in no particular encoding.

A `Payload` is a body as it was received together with the codec that can read it. It is decoded
at most once, when somebody first asks for its values, so that a router which only looks at headers
never pays for decoding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

Parameter = str | int | float | bool
Parameters = dict[str, Parameter]
Buffer = bytes | bytearray | memoryview


@dataclass(slots=True)
class Tensor:
    """One input or output.

    `datatype` is an OIP name (`FP32`). `data` has exactly the tensor's shape, in row-major order;
    its dtype is `tensors.NUMPY_DTYPES[datatype]`: BYTES is an object array of `bytes`, BF16 a
    float32 array whose lower 16 bits are not sent. The array may be a read-only view of a received
    body: copy before writing.
    """

    name: str
    datatype: str
    data: npt.NDArray[Any]
    parameters: Parameters | None = None


@dataclass(slots=True)
class RequestedOutput:
    """An output that the caller asks for by name."""

    name: str
    parameters: Parameters | None = None


@dataclass(slots=True)
class InferRequest:
    """One inference request. `outputs` is None or empty when every output is wanted.

    `raw` is True when a gRPC request carried `raw_input_contents`: its reply then is raw as well.
    """

    inputs: list[Tensor]
    outputs: list[RequestedOutput] | None = None
    id: str = ""
    parameters: Parameters | None = None
    model_name: str = ""
    model_version: str = ""
    raw: bool = False


@dataclass(slots=True)
class InferResponse:
    """One inference reply. `id` echoes the request's."""

    model_name: str
    outputs: list[Tensor]
    model_version: str = ""
    id: str = ""
    parameters: Parameters | None = None


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a model says of one input or output; -1 in `shape` is a variable dimension."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: Parameters | None = None


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model says of itself. `platform` is `<project>_<format>`."""

    name: str
    platform: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerMetadata:
    """What the server says of itself; `extensions` lists exactly what works."""

    name: str
    version: str
    extensions: tuple[str, ...]


@dataclass(slots=True)
class Encoded:
    """An encoded message: `parts` joined are the body; large tensors are views, never copied.

    `json_length` is None unless the body is JSON followed by binary tensors (the binary tensor
    data extension); then it is the length of that JSON in bytes.
    """

    content_type: bytes
    parts: Sequence[Buffer]
    json_length: int | None = None


class Codec(Protocol):
    """Reads requests and writes replies in one encoding (`oip_json`, `oip_grpc`)."""

    def decode_request(self, body: Buffer, json_length: int | None) -> InferRequest:
        """Read a request; arrays may be views of `body`.

        Raises InvalidRequestError if it is not a well-formed request.
        """

    def encode_response(self, response: InferResponse, request: InferRequest) -> Encoded:
        """Write the reply to `request` in the form that it asks for."""


class Payload:
    """A request's body as received, decoded on demand and at most once."""

    __slots__ = ("_request", "body", "codec", "json_length")

    def __init__(self, codec: Codec, body: Buffer, json_length: int | None = None) -> None:
        self.codec = codec
        self.body = body
        self.json_length = json_length
        self._request: InferRequest | None = None

    def decode(self) -> InferRequest:
        """Return the request in the body.

        Raises InvalidRequestError if there is none.
        """
        if self._request is None:
            self._request = self.codec.decode_request(self.body, self.json_length)
        return self._request
