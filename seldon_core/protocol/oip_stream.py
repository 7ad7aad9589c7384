"""The messages of ModelStreamInfer's answers, in the two shapes that clients know.

Triton's ModelStreamInferResponse is {error_message = 1, infer_response = 2}, MLServer's answer a
bare ModelInferResponse. There are no bytes that clients of both read.
"""

from collections.abc import Sequence
from typing import Final

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import (
    Buffer,
    Encoded,
    InferRequest,
    InferResponse,
    Payload,
)
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.protocol.oip_json import LONGEST_MESSAGE
from seldon_core.protocol.protobuf_wire import field_tag, varint

WANTS_FINAL: Final = "triton_enable_empty_final_response"
"""The request parameter by which a caller asks to be told which answer is the last to a request."""

IS_FINAL: Final = "triton_final_response"
"""The response parameter that tells it."""

_ERROR_MESSAGE: Final = bytes((field_tag(1),))
_INFER_RESPONSE: Final = bytes((field_tag(2),))


def bare_message(response: InferResponse, request: InferRequest) -> Sequence[Buffer]:
    """Return a ModelInferResponse; arrays are views, as in a unary answer."""
    return GRPC_CODEC.encode_response(response, request).parts


def triton_message(response: InferResponse, request: InferRequest) -> list[Buffer]:
    """Return a ModelStreamInferResponse with `response`; arrays are views."""
    return _wrapped(bare_message(response, request))


def triton_encoded(response: Encoded) -> list[Buffer]:
    """Return a ModelStreamInferResponse with a ModelInferResponse that another process wrote."""
    return _wrapped(response.parts)


def _wrapped(parts: Sequence[Buffer]) -> list[Buffer]:
    return [_INFER_RESPONSE + varint(sum(map(len, parts))), *parts]


def triton_error_message(error: str, payload: Payload, *, is_final: bool) -> list[Buffer]:
    """Return a ModelStreamInferResponse with an error, of which 4 KiB are sent.

    The response beside it has the request's id, so that the caller knows what failed.
    """
    text = error[:LONGEST_MESSAGE].encode("utf-8", "replace")
    parts: list[Buffer] = [_ERROR_MESSAGE + varint(len(text)) + text]
    try:
        request = payload.decode()
    except InvalidRequestError:
        return parts
    response = InferResponse(request.model_name, [], "", request.id)
    note_final(response, request, is_final=is_final)
    return parts + triton_message(response, request)


def note_final(response: InferResponse, request: InferRequest, *, is_final: bool) -> None:
    """Write on a response whether it is the last one, if its request asks for that."""
    if request.parameters is not None and request.parameters.get(WANTS_FINAL) is True:
        response.parameters = {**(response.parameters or {}), IS_FINAL: is_final}
