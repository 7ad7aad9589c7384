"""The end of an HTTP/2 connection whose client sends too much of what is legal.

It is told why by GOAWAY(ENHANCE_YOUR_CALM) and a text; operators by a counter and a line in the
log, which a flood of such clients does not flood.
"""

import asyncio
import logging
import struct
from contextlib import suppress
from typing import Final

from seldon_core.transport.shared import Shared

_logger = logging.getLogger(__name__)

ENHANCE_YOUR_CALM: Final = 11

_GOAWAY: Final = 7
_ANY_STREAM: Final = (1 << 31) - 1  # streams of which something may have been done (RFC 9113, 6.8)


def note_flood(shared: Shared, peer: str, text: str) -> None:
    """Count a flood; log it if none was logged in the last second, with how many were not."""
    shared.counters.floods += 1
    others = shared.floods.due(shared.loop.time())
    if others is not None:
        _logger.warning(
            "closed a connection that floods peer=%s reason=%r others=%d", peer, text, others
        )


def goaway(text: str) -> bytes:
    """Return the frame, also for when the library refuses to write any more."""
    payload = struct.pack(">II", _ANY_STREAM, ENHANCE_YOUR_CALM) + text.encode()[:1024]
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", _GOAWAY, 0, 0) + payload


class Leaving(asyncio.BufferedProtocol):
    """What is left of a connection: not read any more, open until its client has seen why.

    To close it at once would be to reset it, as there is something unread, and a reset overtakes
    what was written.
    """

    def __init__(self, shared: Shared, transport: asyncio.Transport) -> None:
        self._shared = shared
        self._transport = transport
        shared.register(self)
        transport.set_protocol(self)
        transport.pause_reading()
        shared.paused[self] = transport
        if transport.can_write_eof():  # TLS cannot
            with suppress(OSError):  # the client has closed its side by now
                transport.write_eof()
        shared.sweeper.watch(shared.loop.time() + shared.settings.linger_s, self.abort)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer that all connections share; nothing is read any more."""
        return self._shared.receive

    def buffer_updated(self, nbytes: int) -> None:
        """Drop what was read before the pause."""

    def take_first(self, data: bytes) -> None:
        """Drop it."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone."""
        self._shared.unregister(self)

    def drain(self) -> None:
        """Close: nothing is outstanding."""
        self.abort()

    def abort(self) -> None:
        """Close."""
        self._transport.abort()

    def visit(self, now: float) -> None:
        """Nothing to look at: the end is watched."""

    def check_hang_up(self) -> None:
        """Close, as the client has."""
        self.abort()
