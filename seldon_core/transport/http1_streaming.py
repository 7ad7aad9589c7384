"""Answers of HTTP/1 whose body is sent as it is made.

HTTP/1.1 has chunks for that. In HTTP/1.0 the end of the connection is the end of the body, so that
only a reset tells a client that it is not whole.
"""

import asyncio
import socket
import struct
from collections.abc import Callable

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.answers import Exchange, streamed_head
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import StreamedAnswer

_LAST_CHUNK = b"0\r\n\r\n"
# Up to here a chunk is joined with what is around it; larger ones are not copied.
_COPY_BYTES = 16 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: to close is to reset


class Http1Way:
    """The way of one answer; implements `streaming.Way`.

    Its connection lets it go on with `give_turn`, stops it with `pause` while the client does not
    take what is sent, and tells it with `lose` that nothing is wanted any more. It tells its
    connection the end by `ended(is_whole)`. `has_begun` says that the head is sent, `counted` are
    the bytes of the piece that is on its way, which the budget counts.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        exchange: Exchange,
        answer: StreamedAnswer,
        budget: InFlightBytes,
        ended: Callable[[bool], None],
    ) -> None:
        self._transport = transport
        self._exchange = exchange
        self._answer = answer
        self._budget = budget
        self._ended = ended
        self._is_chunked = not exchange.is_http10
        self._is_paused = True
        self._waiter: asyncio.Future[None] | None = None
        self.has_begun = False
        self.counted = 0
        self.is_over = False

    def give_turn(self) -> None:
        """Go on: every answer before this one is sent, and the client takes more."""
        self._is_paused = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def pause(self) -> None:
        """Make nothing more until the client has read what it was sent."""
        self._is_paused = True

    def lose(self) -> None:
        """Send nothing more: the connection is lost, or the request was answered otherwise."""
        self.is_over = True

    async def open(self) -> bool:
        """Send the head in its turn; return whether a body is wanted."""
        await self._until_taken()
        exchange, is_chunked = self._exchange, self._is_chunked
        self.has_begun = True
        exchange.is_last = exchange.is_last or not is_chunked
        self._transport.write(streamed_head(self._answer, is_chunked, exchange.is_last))
        return exchange.request.method != b"HEAD"

    async def send(self, piece: Buffer) -> None:
        """Send one piece as a chunk, and let others run."""
        nbytes = piece.nbytes if isinstance(piece, memoryview) else len(piece)
        self._budget.take(nbytes)
        self.counted = nbytes
        try:
            if self.is_over:
                raise asyncio.CancelledError
            self._write(piece, nbytes)
            await asyncio.sleep(0)  # the loop sends it now, also if the next one is there already
            await self._until_taken()
        finally:
            self._budget.give(nbytes)
            self.counted = 0

    def finish(self) -> None:
        """End the body."""
        if self.is_over:
            return
        self.is_over = True
        if self._is_chunked and self._exchange.request.method != b"HEAD":
            self._transport.write(_LAST_CHUNK)
        self._ended(True)

    def cut(self) -> None:
        """Close the connection without the last chunk."""
        if self.is_over:
            return
        self.is_over = True
        if self._is_chunked:
            self._transport.close()
        else:
            _reset(self._transport)
        self._ended(False)

    def _write(self, piece: Buffer, nbytes: int) -> None:
        if not self._is_chunked:
            self._transport.write(piece)
        elif nbytes > _COPY_BYTES:
            self._transport.writelines([b"%x\r\n" % nbytes, piece, b"\r\n"])
        else:
            self._transport.write(b"".join((b"%x\r\n" % nbytes, piece, b"\r\n")))

    async def _until_taken(self) -> None:
        while self._is_paused:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


def _reset(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
