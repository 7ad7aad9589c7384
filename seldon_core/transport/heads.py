"""The header block that opens an HTTP/2 stream, taken apart: what it asks for and in what time.

Nothing is refused here. What is wrong with a head is kept in it, for the stream that it opens to
answer in its own protocol.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from seldon_core.transport import grpc_frames
from seldon_core.transport.compressing import answer_coding
from seldon_core.transport.conversations import Conversation
from seldon_core.transport.grpc_frames import RefusedCallError
from seldon_core.transport.handler import NO_DEADLINE
from seldon_core.transport.settings import ListenerSettings


@dataclass(slots=True)
class Head:
    """A header block, taken apart. One serves many streams, so `headers` is copied for each.

    `is_grpc` says that the stream is a gRPC call. `refusal` is what is wrong with its framing
    headers, None if nothing, and `excess` what is wrong with its size, "" if nothing. `nbytes` are
    those of its names and values.
    `answer_coding` is how the messages of a call's answer are compressed, b"" if they are not.
    `converse` is what answers a streaming call, which the connection asks its front for.
    `is_plain` says that a request has nothing in its head that refuses it at once, `length` what
    its `content-length` says, None if it has none.
    """

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    is_grpc: bool = False
    timeout_s: float = NO_DEADLINE
    window_bits: int | None = None
    refusal: RefusedCallError | None = None
    excess: str = ""
    nbytes: int = 0
    answer_coding: bytes = b""
    converse: Conversation | None = None
    is_plain: bool = False
    length: int | None = None


def read_head(block: Sequence[tuple[bytes, bytes]], settings: ListenerSettings) -> Head:
    """Take a request's header block apart. The library has checked that it is well formed.

    Of one that is too large and is refused, values beyond the first of a name are not kept.
    """
    head = Head(b"", b"", {})
    head.nbytes = sum(len(name) + len(value) for name, value in block)
    head.excess = _excess(block, head.nbytes, settings)
    repeated = _read_fields(block, head)
    if repeated and not head.excess:
        # At once: HPACK repeats 4 KB in a byte, and to add each to the ones before took 1 ms a
        # head, of which a packet has hundreds.
        head.headers.update((name, b",".join(values)) for name, values in repeated.items())
    content_type = head.headers.get(b"content-type", b"")
    is_dialect = head.method == b"POST" and content_type[:16].lower() == b"application/grpc"
    if is_dialect:
        head.is_grpc = grpc_frames.is_grpc(content_type)
        if head.is_grpc:
            _read_call(head)
            return head
    length = head.headers.get(b"content-length")
    head.length = None if length is None else int(length)
    head.is_plain = not (is_dialect or head.excess or head.method == b"CONNECT")
    return head


def _read_fields(block: Sequence[tuple[bytes, bytes]], head: Head) -> dict[bytes, list[bytes]]:
    """Take the first value of each name; return all values of those that have several."""
    headers = head.headers
    repeated: dict[bytes, list[bytes]] = {}
    for name, value in block:
        if name[:1] == b":":
            if name == b":method":
                head.method = value
            elif name == b":path":
                head.target = value
            elif name == b":authority":  # what Host is in HTTP/1 (RFC 9113, 8.3.1)
                headers[b"host"] = value
        elif name not in headers:
            headers[name] = value
        elif name != b"host" or value != headers[name]:  # else it says what `:authority` has said
            repeated.setdefault(name, [headers[name]]).append(value)
    return repeated


def _excess(block: Sequence[tuple[bytes, bytes]], nbytes: int, settings: ListenerSettings) -> str:
    if sum(name[:1] != b":" for name, _ in block) > settings.header_count:
        return f"a request may have {settings.header_count} headers, this has more"
    if nbytes > settings.header_bytes:
        return f"the head of a request may have {settings.header_bytes} bytes, this has more"
    return ""


def _read_call(head: Head) -> None:
    headers = head.headers
    try:
        if b"grpc-timeout" in headers:
            head.timeout_s = grpc_frames.timeout_s(headers[b"grpc-timeout"])
        head.window_bits = grpc_frames.window_bits(headers.get(b"grpc-encoding", b"identity"))
        if head.window_bits is not None:
            head.answer_coding = answer_coding(headers)
    except RefusedCallError as error:
        head.refusal = error
