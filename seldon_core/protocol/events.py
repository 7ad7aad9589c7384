"""Server-sent events: answers that follow each other in one body of `text/event-stream`.

Each is a line `data: <JSON>` and an empty one; JSON as it is written here has no line ends in it.
"""

from typing import Final

from seldon_core.protocol.inference import (
    Buffer,
    Codec,
    Encoded,
    InferRequest,
    InferResponse,
    Parameters,
    RequestedOutput,
)
from seldon_core.protocol.oip_json import error_body

CONTENT_TYPE: Final = b"text/event-stream; charset=utf-8"
"""The content type of a body of events."""

_BINARY: Final = frozenset({"binary_data", "binary_data_output"})


def answer_event(codec: Codec, response: InferResponse, request: InferRequest) -> bytes:
    """Return the event with one answer. Outputs are JSON, also those that are wanted as bytes.

    Raises what `codec.encode_response` does.
    """
    return _event(codec.encode_response(response, without_binary(request)).parts[0])


def encoded_event(answer: Encoded) -> bytes:
    """Return the event with an answer that is JSON already."""
    return _event(b"".join(answer.parts))


def error_event(message: str) -> bytes:
    """Return the event that says what went wrong after answers that went well."""
    return _event(error_body(message))


def _event(document: Buffer) -> bytes:
    return b"".join((b"data: ", document, b"\n\n"))


def without_binary(request: InferRequest) -> InferRequest:
    """Return what a request wishes of its answer, but for binary data: it has no inputs."""
    outputs = request.outputs and [
        RequestedOutput(output.name, _without_binary(output.parameters))
        for output in request.outputs
    ]
    return InferRequest([], outputs, request.id, _without_binary(request.parameters))


def _without_binary(parameters: Parameters | None) -> Parameters | None:
    return parameters and {key: value for key, value in parameters.items() if key not in _BINARY}
