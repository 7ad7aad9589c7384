"""A plain HTTP request on an HTTP/2 stream: its body, of any length announced or not."""

from seldon_core.errors import TunnelError
from seldon_core.protocol.status import status_of
from seldon_core.transport.bodies import largest_body, too_large
from seldon_core.transport.exchange import HttpFront, HttpRequest, StreamedAnswer
from seldon_core.transport.heads import Head
from seldon_core.transport.outgoing import (
    Outgoing,
    StreamedOutgoing,
    http_outgoing,
    refuse_request,
    streamed_outgoing,
)
from seldon_core.transport.shared import Shared
from seldon_core.transport.streams import FULL, Stream


class HttpStream(Stream):
    """A plain HTTP request, which `front` answers."""

    __slots__ = ("_body", "_front", "_length", "_limit")

    def __init__(
        self, stream_id: int, head: Head, shared: Shared, now: float, front: HttpFront
    ) -> None:
        super().__init__(stream_id, head, shared, now)
        self._front = front
        length = head.length
        if length is None:
            self.is_announced = False
        else:
            self.size = length
        # curl 7.88 does not see an answer whose reset comes while it still sends the body.
        self.linger_s = shared.settings.linger_s
        self._body: bytes | bytearray = b""
        self._length = 0
        self._limit = largest_body(head.headers, shared.settings)

    def open(self) -> Outgoing | None:
        """Refuse a gRPC dialect that nobody here speaks, a tunnel, and a body announced too large.

        Who asks for a tunnel sends no end before there is one.
        """
        if not self.head.is_plain:
            return self._refuse_head()
        if self.size > self._limit:
            return self._too_large()
        if (self.size and not self.has_room()) or self.is_too_large_now():
            self.shared.counters.overloaded += 1
            return self._end_with(503, FULL, 1)
        return None

    def _refuse_head(self) -> Outgoing:
        if self.head.excess:
            return self._refuse(431, self.head.excess)
        if self.head.method == b"CONNECT":
            error = TunnelError()
            return self._refuse(status_of(error).http, str(error))
        return self._refuse(415, "of gRPC's formats only application/grpc(+proto) is spoken")

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
        return self._end_with(code, message)

    def _end_with(self, code: int, message: str, retry_after_s: int | None = None) -> Outgoing:
        self.shared.refusals.rest_status(code, message)
        return refuse_request(self.headers(), code, message, retry_after_s)

    async def answer(self) -> Outgoing | StreamedOutgoing:
        """Call the front; what it raises is a bug and comes out."""
        head = self.head
        request = HttpRequest(head.method, head.target, self.headers(), self._body)
        answer = await self._front.answer(request)
        is_head = head.method == b"HEAD"
        if isinstance(answer, StreamedAnswer):
            return streamed_outgoing(answer, is_head)
        return http_outgoing(answer, is_head)

    def expire(self) -> Outgoing:
        """Return 408 if the body was not complete, else 504."""
        if self.has_ended:
            limit = self.shared.settings.request_timeout_s
            return self._end_with(504, f"no answer within {limit:g} s")
        return self._end_with(408, "the rest of the body did not come in time")

    def fail(self) -> Outgoing:
        """Return 500."""
        return self._end_with(500, "internal error; the server's log has more")
