"""One streaming gRPC call on an HTTP/2 stream: what its client sends, and what it is answered in.

Which of it is said when, and whether there is still somebody to hear it, is `conversing.py`'s.
"""

from collections.abc import Callable, Sequence

from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.call_stream import RpcStream
from seldon_core.transport.compressing import compressed
from seldon_core.transport.conversations import InitialMetadata
from seldon_core.transport.heads import Head
from seldon_core.transport.incoming import Incoming
from seldon_core.transport.outgoing import (
    Headers,
    Outgoing,
    framed_packed,
    rpc_headers,
    rpc_outgoing,
)
from seldon_core.transport.pace import Pace
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.shared import RpcFront, Shared


class StreamingCall(RpcStream):
    """A streaming call. `credit(nbytes)` lets its client send so much more.

    `incoming` is what the client has sent and the handler has not taken. `has_said_headers` says
    that `opening` was sent.
    """

    __slots__ = ("_metadata", "_pace", "has_said_headers", "incoming", "request_id")

    def __init__(
        self,
        stream_id: int,
        head: Head,
        shared: Shared,
        now: float,
        front: RpcFront,
        credit: Callable[[int], None],
    ) -> None:
        super().__init__(stream_id, head, shared, now, front)
        self.incoming = Incoming(shared, head.window_bits, credit)
        self.has_said_headers = False
        self.request_id = request_id_of(head.headers).encode()
        self._metadata: Headers = []
        self._pace: Pace | None = None  # of a message that was incomplete at the last look

    @property
    def method(self) -> str:
        """What is called, as far as a log has room for it."""
        return self.head.target[:256].decode("latin-1")

    def release(self) -> None:
        """Drop what is left to read too."""
        super().release()
        self.incoming.drop()

    def comes_too_slowly(self, now: float, patience_s: float) -> bool:
        """Return whether the handler waits too long for the rest of a message that has begun.

        `now` is the loop's clock; to be asked now and then.
        """
        received = self.incoming.received
        if received < 0:
            self._pace = None
            return False
        pace = self._pace
        if pace is None:
            pace = self._pace = Pace(self.shared.settings.body_bytes_per_s, now)
        is_shorter = received < pace.moved  # another message
        pace.moved = received
        if is_shorter:
            pace.begin(now)
            return False
        return pace.is_too_slow(now, patience_s)

    def add_metadata(self, said: InitialMetadata) -> None:
        """Take what the handler wants in the headers of the answer."""
        self._metadata.extend(said)

    def opening(self) -> Headers:
        """Return the headers that open the answer."""
        if self.head.answer_coding:
            self._metadata.append((b"grpc-encoding", self.head.answer_coding))
        return rpc_headers(self._metadata)

    async def framed(self, message: Sequence[Buffer]) -> Sequence[Buffer]:
        """Return a message as it is sent, compressed if the caller wants it so and it helps."""
        coding = self.head.answer_coding
        packed = await compressed(message, coding, self.shared.budget) if coding else None
        if packed is not None:
            return framed_packed(packed)
        return rpc_outgoing(RpcAnswer(status.OK, parts=message)).parts or ()

    def status_alone(self, code: int, message: str) -> Outgoing:
        """Return the end of a call that was not opened: its status and metadata, no message."""
        return rpc_outgoing(RpcAnswer(code, message, self._metadata, [self._named]))

    def trailers(self, code: int, message: str) -> Headers:
        """Return the end of a call that was opened."""
        trailers: Headers = [(b"grpc-status", str(code).encode()), self._named]
        if message:
            trailers.append((b"grpc-message", status.percent_encode_message(message)))
        return trailers

    @property
    def _named(self) -> tuple[bytes, bytes]:
        return REQUEST_ID, self.request_id
