"""One HTTP/2 stream: from the header block that opens it to the answer that is to be sent.

A stream is a gRPC call (POST with a gRPC content-type) or an HTTP request. Both take the pieces of
their body in `receive` and make an `Outgoing` of what their front answers. Nothing here knows the
HTTP/2 library or a socket.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from seldon_core.aio.start import Started
from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport import grpc_frames
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.grpc_frames import MessageReader, RefusedCallError
from seldon_core.transport.handler import NO_DEADLINE
from seldon_core.transport.shared import Shared
from seldon_core.transport.sweeper import Watch

if TYPE_CHECKING:
    from seldon_core.transport.rpc import RpcAnswer

Headers = list[tuple[bytes, bytes]]

_RPC_HEADERS: Headers = [(b":status", b"200"), (b"content-type", b"application/grpc")]
_STATUS_OK = (b"grpc-status", b"0")
_FULL = "too many bytes are in flight on this server; try again later"
# Joining small parts and their prefix saves a call into the library for each (0.4 µs); larger
# ones would be copied for nothing.
_JOIN_UP_TO = 16 * 1024
# A value with one of these makes the peer reset the whole stream (RFC 9113, 8.2.1).
_NOT_IN_VALUES = re.compile(rb"[\0\r\n]|^[ \t]|[ \t]$")
# Headers that HTTP/2 forbids (RFC 9113, 8.2.2), and content-length, which is written here.
_NOT_IN_HTTP2 = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"content-length")
)


@dataclass(slots=True)
class Head:
    """A header block, taken apart. One serves many streams, so `headers` is copied for each.

    `is_grpc` says that the stream is a gRPC call. `refusal` is what is wrong with its framing
    headers, None if nothing.
    """

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    is_grpc: bool = False
    timeout_s: float = NO_DEADLINE
    window_bits: int | None = None
    refusal: RefusedCallError | None = None


@dataclass(slots=True)
class Outgoing:
    """An answer for HTTP/2. `parts` None: the header block is all there is ("trailers-only")."""

    headers: Headers
    parts: Sequence[Buffer] | None = None
    trailers: Headers | None = None


def read_head(block: Sequence[tuple[bytes, bytes]]) -> Head:
    """Take a request's header block apart. The library has checked that it is well formed."""
    head = Head(b"", b"", {})
    headers = head.headers
    for name, value in block:
        if name[:1] == b":":
            if name == b":method":
                head.method = value
            elif name == b":path":
                head.target = value
        elif name in headers:
            headers[name] += b"," + value
        else:
            headers[name] = value
    content_type = headers.get(b"content-type", b"")
    if head.method == b"POST" and content_type[:16].lower() == b"application/grpc":
        head.is_grpc = grpc_frames.is_grpc(content_type)
        if head.is_grpc:
            _read_call(head)
    return head


def _read_call(head: Head) -> None:
    headers = head.headers
    try:
        if b"grpc-timeout" in headers:
            head.timeout_s = grpc_frames.timeout_s(headers[b"grpc-timeout"])
        head.window_bits = grpc_frames.window_bits(headers.get(b"grpc-encoding", b"identity"))
    except RefusedCallError as error:
        head.refusal = error


class Stream(ABC):
    """What is known of one stream while its client waits for the answer.

    `deadline` and `touched` are instants on the loop's clock: when the caller's time ends, and when
    something last happened. `task` is the work, once it had to wait. `has_ended` says that the
    client has sent everything. `held` are the bytes counted in the budget on the stream's behalf,
    and `is_reserved` says that they are all that will come. `size` is the body's announced length.
    A client that was answered before it has ended may send on for `linger_s` seconds.
    """

    __slots__ = (
        "deadline",
        "has_ended",
        "head",
        "held",
        "id",
        "is_reserved",
        "linger_s",
        "shared",
        "size",
        "task",
        "touched",
        "watch",
    )

    def __init__(self, stream_id: int, head: Head, shared: Shared, now: float) -> None:
        self.id = stream_id
        self.head = head
        self.shared = shared
        self.deadline = now + head.timeout_s
        self.touched = now
        self.has_ended = False
        self.held = 0
        self.size = 0
        self.linger_s = 0.0
        self.is_reserved = True
        self.task: Started | None = None
        self.watch: Watch | None = None

    @abstractmethod
    def open(self) -> Outgoing | None:
        """Return the answer if the header block alone decides it."""

    @abstractmethod
    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the body. An answer means that no more is wanted."""

    @abstractmethod
    async def answer(self) -> Outgoing:
        """Answer the whole request; raises nothing but CancelledError."""

    @abstractmethod
    def expire(self) -> Outgoing:
        """Return the answer to a client whose time has passed."""

    @abstractmethod
    def fail(self) -> Outgoing:
        """Return the answer to a client whose request met a bug."""

    def reserve(self, nbytes: int) -> bool:
        """Count `nbytes` of the body in the budget; return whether there was room."""
        budget = self.shared.budget
        if budget.is_full or not budget.fits(nbytes):
            return False
        self.hold(nbytes)
        return True

    def hold(self, nbytes: int) -> None:
        """Count `nbytes` more in the budget, room or not."""
        self.shared.budget.take(nbytes)
        self.held += nbytes

    def wait(self, expire: Callable[[], None]) -> None:
        """Stay for a while: count what was not counted yet, and call `expire` at the deadline."""
        if not self.held and self.size:
            self.hold(self.size)
        self.watch = self.shared.sweeper.watch(self.deadline, expire)

    def release(self) -> None:
        """Give back what is held and watch no deadline any more."""
        if self.held:
            self.shared.budget.give(self.held)
            self.held = 0
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None

    def cancel(self) -> None:
        """Stop the work; nobody waits for it any more."""
        self.release()
        if self.task is not None:
            self.task.cancel()


class RpcStream(Stream):
    """A unary gRPC call."""

    __slots__ = ("_message", "_reader")

    def __init__(self, stream_id: int, head: Head, shared: Shared, now: float) -> None:
        super().__init__(stream_id, head, shared, now)
        self._message: bytes | None = None
        self._reader: MessageReader | None = None

    def open(self) -> Outgoing | None:
        """Refuse a call with framing headers that cannot be honoured."""
        refusal = self.head.refusal
        return self._refuse(refusal) if refusal is not None else None

    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the message. An answer means that the call is refused."""
        if self._reader is None and self._message is None and not self.shared.budget.is_full:
            # Most messages are small and come whole. They need no reader, and are counted only if
            # they have to wait: together 1.6 of 11.4 µs a call (bench_http2).
            message = grpc_frames.small_message(data, self.shared.settings.body_bytes)
            self._message = message
            if message is not None:
                self.size = len(message)
                return None
        try:
            return self._read(data)
        except RefusedCallError as error:
            return self._refuse(error)

    def _read(self, data: bytes) -> Outgoing | None:
        reader = self._reader
        if reader is None:
            settings, bits = self.shared.settings, self.head.window_bits
            reader = self._reader = MessageReader(settings.body_bytes, bits, settings.gzip_ratio)
            if self._message is not None:
                reader.feed(grpc_frames.prefix(self.size) + self._message)
        reader.feed(data)
        if not self.held:
            self.size = reader.announced
            # The announced length is taken at once: what has begun can always be finished.
            if not self.reserve(self.size):
                return self._no_room()
        return None

    def _no_room(self) -> Outgoing:
        self.shared.counters.overloaded += 1
        return refuse_call(status.RESOURCE_EXHAUSTED, _FULL)

    def _refuse(self, error: RefusedCallError) -> Outgoing:
        self.shared.counters.bad_requests += 1
        return refuse_call(error.code, error.message)

    async def answer(self) -> Outgoing:
        """Call the front; raises nothing but CancelledError."""
        message: Buffer | None = self._message
        if message is None:
            try:
                message = self._finish()
            except RefusedCallError as error:
                return self._refuse(error)
        head = self.head
        return rpc_outgoing(
            await self.shared.rpc.answer(head.target, head.headers.copy(), message, self.deadline)
        )

    def _finish(self) -> Buffer:
        if self._reader is None:
            raise grpc_frames.no_message()
        message = self._reader.finish()
        if len(message) > self.size:  # it was compressed
            self.hold(len(message) - self.size)
        return message

    def expire(self) -> Outgoing:
        """Return DEADLINE_EXCEEDED."""
        return refuse_call(status.DEADLINE_EXCEEDED, "the deadline of the call has passed")

    def fail(self) -> Outgoing:
        """Return INTERNAL."""
        return refuse_call(status.INTERNAL, "internal error")


class HttpStream(Stream):
    """A plain HTTP request."""

    __slots__ = ("_body", "_length")

    def __init__(self, stream_id: int, head: Head, shared: Shared, now: float) -> None:
        super().__init__(stream_id, head, shared, now)
        length = head.headers.get(b"content-length")
        self.size = int(length or b"0")
        self.is_reserved = length is not None
        # curl 7.88 does not see an answer whose reset comes while it still sends the body.
        self.linger_s = shared.settings.linger_s
        self._body: bytes | bytearray = b""
        self._length = 0

    def open(self) -> Outgoing | None:
        """Refuse a gRPC dialect that nobody here speaks, and a body announced too large."""
        content_type = self.head.headers.get(b"content-type", b"")
        if self.head.method == b"POST" and content_type[:16].lower() == b"application/grpc":
            return self._refuse(415, "of gRPC's formats only application/grpc(+proto) is spoken")
        if self.size > self.shared.settings.body_bytes:
            return self._too_large()
        # Taken at once, so what has begun can always be finished.
        if self.size and not self.reserve(self.size):
            self.shared.counters.overloaded += 1
            return refuse_request(503, _FULL)
        return None

    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the body. An answer means that it is too large."""
        self._length += len(data)
        if self._length > self.shared.settings.body_bytes:
            return self._too_large()
        if not self.is_reserved:
            self.hold(len(data))
        if not self._body:
            self._body = data
        elif isinstance(self._body, bytearray):
            self._body += data
        else:
            self._body = bytearray(self._body) + data
        return None

    def _too_large(self) -> Outgoing:
        most = self.shared.settings.body_bytes
        return self._refuse(413, f"the body has more than {most} bytes, the most received")

    def _refuse(self, code: int, message: str) -> Outgoing:
        self.shared.counters.bad_requests += 1
        return refuse_request(code, message)

    async def answer(self) -> Outgoing:
        """Call the front; raises nothing but CancelledError."""
        head = self.head
        request = HttpRequest(head.method, head.target, head.headers.copy(), self._body)
        return http_outgoing(await self.shared.http.answer(request), head.method == b"HEAD")

    def expire(self) -> Outgoing:
        """Return 408 if the body was not complete, else 504."""
        if self.has_ended:
            return refuse_request(504, "the request took longer than it may")
        return refuse_request(408, "the body did not arrive in time")

    def fail(self) -> Outgoing:
        """Return 500."""
        return refuse_request(500, "internal error")


def rpc_outgoing(answer: "RpcAnswer") -> Outgoing:
    """Write a gRPC answer as HTTP/2 has it. An answer without a message is trailers-only."""
    headers = _RPC_HEADERS + clean(answer.headers) if answer.headers else _RPC_HEADERS
    parts = answer.parts
    if parts is None:
        message = status.percent_encode_message(answer.message)
        return Outgoing(
            [
                *headers,
                (b"grpc-status", str(answer.status).encode()),
                (b"grpc-message", message),
                *clean(answer.trailers),
            ]
        )
    length = sum(map(len, parts)) if len(parts) != 1 else len(parts[0])
    framed = [grpc_frames.prefix(length), *parts]
    if length <= _JOIN_UP_TO:
        framed = [b"".join(framed)]
    return Outgoing(headers, framed, [_STATUS_OK, *clean(answer.trailers)])


def refuse_call(code: int, message: str) -> Outgoing:
    """Return a gRPC call's refusal, trailers-only. It names the encodings, which one kind needs."""
    return Outgoing(
        [
            *_RPC_HEADERS,
            (b"grpc-status", str(code).encode()),
            (b"grpc-message", status.percent_encode_message(message)),
            (b"grpc-accept-encoding", grpc_frames.ACCEPT_ENCODING),
        ]
    )


def http_outgoing(answer: HttpAnswer, is_head: bool = False) -> Outgoing:
    """Write an HTTP answer as HTTP/2 has it; the answer to HEAD keeps its length but no body."""
    parts = answer.parts
    length = sum(map(len, parts))
    headers = [(b":status", str(answer.status).encode())]
    if length or answer.status not in (204, 304):
        headers.append((b"content-length", str(length).encode()))
    for name, value in clean(answer.headers):
        lower = name.lower()
        if lower not in _NOT_IN_HTTP2:
            headers.append((lower, value))
    return Outgoing(headers, parts if length and not is_head else None)


def refuse_request(code: int, message: str) -> Outgoing:
    """Return an HTTP refusal with the body that the Open Inference Protocol asks for."""
    headers = [(b"content-type", b"application/json")]
    return http_outgoing(HttpAnswer(code, headers, [orjson.dumps({"error": message})]))


def clean(headers: Headers) -> Headers:
    """Return `headers` with no value that makes the peer reset the stream."""
    for _, value in headers:
        # Request ids are mostly alphanumeric, which costs 0.3 µs less to see than to search.
        if not value.isalnum() and _NOT_IN_VALUES.search(value):
            return [(name, _NOT_IN_VALUES.sub(b" ", value).strip()) for name, value in headers]
    return headers
