"""The messages of a stream's answers between processes of our own.

They are ModelStreamInferResponses as Triton has them, with fields that only we know: whether one
more answer to the same message follows, and an error's statuses. So the process between, which does
not read answers, knows which message each is to, and passes errors on as what they are.
"""

from typing import Final

from seldon_core.errors import InvalidRequestError, RelayedError, SeldonError, UpstreamError
from seldon_core.protocol.inference import Buffer, Encoded, InferResponse, Payload
from seldon_core.protocol.oip_grpc import CONTENT_TYPE
from seldon_core.protocol.oip_stream import note_final, triton_encoded, triton_message
from seldon_core.protocol.protobuf_wire import field_tag, scan, varint
from seldon_core.protocol.status import INTERNAL, is_grpc_error, is_http_error, status_of

RELAYED: Final = b"relayed"
"""What the header x-seldon-stream-format says of them."""

_LONGEST_ERROR: Final = 4096
_ERROR, _RESPONSE = field_tag(1), field_tag(2)
_IS_FINAL, _HTTP, _GRPC = 100 << 3, 101 << 3, 102 << 3  # numbers, so their kind is 0


def relayed_message(
    outcome: InferResponse | Encoded | SeldonError, payload: Payload, *, is_final: bool
) -> list[Buffer]:
    """Return one answer to the message `payload`."""
    flag = varint(_IS_FINAL) + varint(int(is_final))
    if isinstance(outcome, SeldonError):
        text = str(outcome)[:_LONGEST_ERROR].encode("utf-8", "replace")
        status = status_of(outcome)
        codes = varint(_HTTP) + varint(status.http) + varint(_GRPC) + varint(status.grpc)
        return [flag + codes + bytes((_ERROR,)) + varint(len(text)) + text]
    if isinstance(outcome, Encoded):
        return [flag, *triton_encoded(outcome)]
    request = payload.decode()
    note_final(outcome, request, is_final=is_final)
    return [flag, *triton_message(outcome, request)]


def read_relayed(message: Buffer) -> tuple[Encoded | SeldonError, bool]:
    """Return an answer or the error that a message met, and whether it is the last to its message.

    The answer is a view of `message`. Raises UpstreamError if it is no such message.
    """
    try:
        fields = scan(message)
    except InvalidRequestError as error:
        raise UpstreamError(f"a replica's answer cannot be read: {error}") from error
    found = {tag: (start, end) for tag, start, end in fields or ()}
    if _IS_FINAL not in found or (_ERROR not in found and _RESPONSE not in found):
        raise UpstreamError("a replica's answer to a message of a stream cannot be read")
    is_final = bool(message[found[_IS_FINAL][0]])
    if _RESPONSE in found:
        start, end = found[_RESPONSE]
        return Encoded(CONTENT_TYPE, (memoryview(message)[start:end],)), is_final
    start, end = found[_ERROR]
    text = bytes(message[start:end]).decode("utf-8", "replace")
    http, grpc = (_number(message, found.get(tag)) for tag in (_HTTP, _GRPC))
    http = http if is_http_error(http) else 500
    grpc = grpc if is_grpc_error(grpc) else INTERNAL
    return RelayedError(text or f"the message met gRPC code {grpc}", http, grpc), is_final


def _number(message: Buffer, where: tuple[int, int] | None) -> int:
    start, end = where or (0, 0)
    return sum((byte & 0x7F) << 7 * at for at, byte in enumerate(message[start:end]))
