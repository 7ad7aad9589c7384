"""One HTTP/2 stream: from the header block that opens it to the answer that is to be sent.

A stream is a gRPC call (POST with a gRPC content-type) or an HTTP request. Both take the pieces of
their body in `receive` and make an `Outgoing` of what their front answers. Nothing here knows the
HTTP/2 library or a socket.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from seldon_core.aio.start import Started
from seldon_core.errors import InvalidRequestError, OverloadedError, PayloadTooLargeError
from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport import grpc_frames
from seldon_core.transport.bodies import inflate, largest_body, too_large
from seldon_core.transport.compressing import answer_coding, compressed
from seldon_core.transport.conversations import Conversation
from seldon_core.transport.exchange import HttpFront, HttpRequest, StreamedAnswer
from seldon_core.transport.grpc_frames import MessageReader, RefusedCallError
from seldon_core.transport.handler import NO_DEADLINE
from seldon_core.transport.outgoing import (
    Outgoing,
    StreamedOutgoing,
    http_outgoing,
    packed_outgoing,
    refuse_call,
    refuse_request,
    rpc_outgoing,
    streamed_outgoing,
)
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.settings import KIB, ListenerSettings
from seldon_core.transport.shared import RpcFront, Shared
from seldon_core.transport.sweeper import Watch

LARGE_HEAD = 4 * KIB
"""From here on a head that stays is counted in the budget at once, others when they have stayed."""

_STREAM_BYTES = 2 * KIB  # what a stream takes here and in the library, besides its head and body
_FULL = "too many bytes are in flight on this server; try again later"


@dataclass(slots=True)
class Head:
    """A header block, taken apart. One serves many streams, so `headers` is copied for each.

    `is_grpc` says that the stream is a gRPC call. `refusal` is what is wrong with its framing
    headers, None if nothing, and `excess` what is wrong with its size, "" if nothing. `nbytes` are
    those of its names and values.
    `answer_coding` is how the messages of a call's answer are compressed, b"" if they are not.
    `converse` is what answers a streaming call, which the connection asks its front for.
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
    if head.method == b"POST" and content_type[:16].lower() == b"application/grpc":
        head.is_grpc = grpc_frames.is_grpc(content_type)
        if head.is_grpc:
            _read_call(head)
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


class Stream(ABC):
    """What is known of one stream while its client waits for the answer.

    `deadline` and `touched` are instants on the loop's clock: when the caller's time ends, and when
    something last happened. `task` is the work, once it had to wait. `has_ended` says that the
    client has sent everything. `held` are the bytes of bodies counted in the budget on the stream's
    behalf, `kept` those of the stream itself. `size` is the body's announced length, and
    `is_announced` says that there was room for it.
    A client that was answered before it has ended may send on for `linger_s` seconds.
    """

    __slots__ = (
        "deadline",
        "has_ended",
        "head",
        "held",
        "id",
        "is_announced",
        "kept",
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
        self.kept = 0
        self.size = 0
        self.linger_s = 0.0
        self.is_announced = True
        self.task: Started | None = None
        self.watch: Watch | None = None

    @abstractmethod
    def open(self) -> Outgoing | None:
        """Return the answer if the header block alone decides it."""

    @abstractmethod
    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the body. An answer means that no more is wanted."""

    @abstractmethod
    async def answer(self) -> Outgoing | StreamedOutgoing:
        """Answer the whole request; what a front raises is a bug and comes out."""

    @abstractmethod
    def expire(self) -> Outgoing:
        """Return the answer to a client whose time has passed."""

    @abstractmethod
    def fail(self) -> Outgoing:
        """Return the answer to a client whose request met a bug."""

    def name(self) -> str:
        """Return the id that the log and the answer name the request by."""
        request_id = request_id_of(self.head.headers)
        headers = {**self.head.headers, REQUEST_ID: request_id.encode()}
        self.head = replace(self.head, headers=headers)  # a copy: other streams have this head too
        return request_id

    @property
    @abstractmethod
    def received(self) -> int:
        """How many bytes of the body have come."""

    def has_room(self) -> bool:
        """Return whether there is room in the budget for the announced body."""
        budget = self.shared.budget
        is_alone = budget.used == self.kept
        return (is_alone or budget.fits(self.size)) and not budget.is_full

    def _is_too_large_now(self) -> bool:
        """Return whether there is no room in the budget for a head of this size."""
        return self.head.nbytes > LARGE_HEAD and self.shared.budget.is_full

    def must_wait(self) -> bool:
        """Return whether the client may send no more until others have gone; asked if it is full.

        What was announced, and had room, goes on for a while, and if it is alone to its end.
        """
        budget = self.shared.budget
        return not self.is_announced or (budget.is_over and budget.used > self.held + self.kept)

    def hold(self, nbytes: int) -> None:
        """Count `nbytes` more in the budget, room or not."""
        self.shared.budget.take(nbytes)
        self.held += nbytes

    def keep(self) -> None:
        """Count what the stream itself takes: it stays for a while. Harmless if that was done."""
        if not self.kept:
            self.kept = _STREAM_BYTES + self.head.nbytes
            self.shared.budget.take(self.kept)

    def wait(self, expire: Callable[[], None]) -> None:
        """Stay for a while: count what was not counted yet, and call `expire` at the deadline."""
        if self.head.nbytes > LARGE_HEAD:
            self.keep()
        if not self.held and self.size:
            self.hold(self.size)
        self.watch = self.shared.sweeper.watch(self.deadline, expire)

    def release(self) -> None:
        """Give back what is held and watch no deadline any more."""
        if self.held or self.kept:
            self.shared.budget.give(self.held + self.kept)
            self.held = self.kept = 0
        if self.watch is not None:
            self.watch.cancel()
            self.watch = None

    def cancel(self) -> None:
        """Stop the work; nobody waits for it any more."""
        self.release()
        self.stop()

    def stop(self) -> None:
        """Stop the work only.

        And forget it: its end refers to its frames and they to this, and without that circle the
        body's memory is free at once.
        """
        task, self.task = self.task, None
        if task is not None:
            task.cancel()


class RpcStream(Stream):
    """A unary gRPC call, which `front` answers."""

    __slots__ = ("_front", "_message", "_reader")

    def __init__(
        self, stream_id: int, head: Head, shared: Shared, now: float, front: RpcFront
    ) -> None:
        super().__init__(stream_id, head, shared, now)
        self._front = front
        self._message: bytes | None = None
        self._reader: MessageReader | None = None

    def open(self) -> Outgoing | None:
        """Refuse a call with framing headers that cannot be honoured."""
        refusal, excess = self.head.refusal, self.head.excess
        if excess:
            refusal = RefusedCallError(status.RESOURCE_EXHAUSTED, excess)
        if refusal is not None:
            return self._refuse(refusal)
        return self._no_room() if self._is_too_large_now() else None

    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the message. An answer means that the call is refused."""
        if self._reader is None and self._message is None and not self.shared.budget.is_full:
            # Most messages are small and come whole. They need no reader, and are counted only if
            # they have to wait: together 1.4 of 11.6 µs a call (bench_http2).
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
            limit = self.shared.settings.body_bytes
            reader = self._reader = MessageReader(limit, self.head.window_bits)
            if self._message is not None:
                reader.feed(grpc_frames.prefix(self.size) + self._message)
        reader.feed(data)
        if not self.size:
            self.size = reader.announced
            if not self.has_room():
                return self._no_room()
        self.hold(len(data))
        return None

    @property
    def received(self) -> int:
        """How many bytes have come of a message that does not come whole."""
        return self.held

    def _no_room(self) -> Outgoing:
        self.shared.counters.overloaded += 1
        return refuse_call(self.head.headers, status.RESOURCE_EXHAUSTED, _FULL)

    def _refuse(self, error: RefusedCallError) -> Outgoing:
        self.shared.counters.bad_requests += 1
        return refuse_call(self.head.headers, error.code, error.message)

    async def answer(self) -> Outgoing:
        """Call the front; what it raises is a bug and comes out."""
        message: Buffer | None = self._message
        if message is not None:
            if self.head.answer_coding:
                return await self._packed(await self._call(message))
            return rpc_outgoing(await self._call(message))
        try:
            if self._reader is None:
                raise grpc_frames.no_message()
            message = self._reader.finish()
            if self._reader.is_compressed:
                return await self._call_inflated(message)
        except RefusedCallError as error:
            return self._refuse(error)
        return await self._packed(await self._call(message))

    def _call(self, message: Buffer) -> Awaitable[RpcAnswer]:
        head = self.head
        return self._front.answer(head.target, head.headers.copy(), message, self.deadline)

    async def _call_inflated(self, message: Buffer) -> Outgoing:
        """Do as `_call` with a compressed message; raises RefusedCallError if it is not one."""
        settings, budget = self.shared.settings, self.shared.budget
        bits = self.head.window_bits
        assert bits is not None  # or the reader would have refused the message
        try:
            plain, held = await inflate(message, bits, settings.body_bytes, settings, budget)
        except (PayloadTooLargeError, OverloadedError) as error:
            raise RefusedCallError(status.RESOURCE_EXHAUSTED, str(error)) from error
        except InvalidRequestError as error:
            raise RefusedCallError(status.INTERNAL, str(error)) from error
        try:
            return await self._packed(await self._call(plain))
        finally:
            budget.give(held)

    async def _packed(self, answer: RpcAnswer) -> Outgoing:
        """Write the answer, its message compressed if the caller wants it so and it helps."""
        coding = self.head.answer_coding
        if not coding or answer.parts is None:
            return rpc_outgoing(answer)
        packed = await compressed(answer.parts, coding, self.shared.budget)
        return rpc_outgoing(answer) if packed is None else packed_outgoing(answer, packed, coding)

    def expire(self) -> Outgoing:
        """Return DEADLINE_EXCEEDED, and whose limit it was."""
        message = "the deadline of the call has passed"
        if not self.has_ended and self.deadline == NO_DEADLINE:
            message = "the rest of the message did not come in time"
        elif self.deadline == NO_DEADLINE:
            message = f"no answer within {self.shared.settings.request_timeout_s:g} s"
        return refuse_call(self.head.headers, status.DEADLINE_EXCEEDED, message)

    def fail(self) -> Outgoing:
        """Return INTERNAL."""
        message = "internal error; the server's log has more"
        return refuse_call(self.head.headers, status.INTERNAL, message)


class HttpStream(Stream):
    """A plain HTTP request, which `front` answers."""

    __slots__ = ("_body", "_front", "_length", "_limit")

    def __init__(
        self, stream_id: int, head: Head, shared: Shared, now: float, front: HttpFront
    ) -> None:
        super().__init__(stream_id, head, shared, now)
        self._front = front
        length = head.headers.get(b"content-length")
        self.size = int(length or b"0")
        self.is_announced = length is not None
        # curl 7.88 does not see an answer whose reset comes while it still sends the body.
        self.linger_s = shared.settings.linger_s
        self._body: bytes | bytearray = b""
        self._length = 0
        self._limit = largest_body(head.headers, shared.settings)

    def open(self) -> Outgoing | None:
        """Refuse a gRPC dialect that nobody here speaks, and a body announced too large."""
        if self.head.excess:
            return self._refuse(431, self.head.excess)
        content_type = self.head.headers.get(b"content-type", b"")
        if self.head.method == b"POST" and content_type[:16].lower() == b"application/grpc":
            return self._refuse(415, "of gRPC's formats only application/grpc(+proto) is spoken")
        if self.size > self._limit:
            return self._too_large()
        if (self.size and not self.has_room()) or self._is_too_large_now():
            self.shared.counters.overloaded += 1
            return refuse_request(self.head.headers, 503, _FULL, 1)
        return None

    def receive(self, data: bytes) -> Outgoing | None:
        """Take the next bytes of the body. An answer means that it is too large."""
        self._length += len(data)
        if self._length > self._limit:
            return self._too_large()
        self.hold(len(data))
        if not self._body:
            self._body = data
        elif isinstance(self._body, bytearray):
            self._body += data
        else:
            self._body = bytearray(self._body) + data
        return None

    @property
    def received(self) -> int:
        """How many bytes of the body have come."""
        return self._length

    def _too_large(self) -> Outgoing:
        return self._refuse(413, too_large(self._limit, self.shared.settings))

    def _refuse(self, code: int, message: str) -> Outgoing:
        self.shared.counters.bad_requests += 1
        return refuse_request(self.head.headers, code, message)

    async def answer(self) -> Outgoing | StreamedOutgoing:
        """Call the front; what it raises is a bug and comes out."""
        head = self.head
        request = HttpRequest(head.method, head.target, head.headers.copy(), self._body)
        answer = await self._front.answer(request)
        is_head = head.method == b"HEAD"
        if isinstance(answer, StreamedAnswer):
            return streamed_outgoing(answer, is_head)
        return http_outgoing(answer, is_head)

    def expire(self) -> Outgoing:
        """Return 408 if the body was not complete, else 504."""
        if self.has_ended:
            limit = self.shared.settings.request_timeout_s
            return refuse_request(self.head.headers, 504, f"no answer within {limit:g} s")
        return refuse_request(self.head.headers, 408, "the rest of the body did not come in time")

    def fail(self) -> Outgoing:
        """Return 500."""
        message = "internal error; the server's log has more"
        return refuse_request(self.head.headers, 500, message)
