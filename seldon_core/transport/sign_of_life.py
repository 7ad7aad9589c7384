"""Whether a peer that is silent is still there: it is asked by a ping, and given up later.

What the peer has not been sent for want of speed it cannot answer. So the time that it has counts
from when the last of what was written before the ping has come to its machine.
"""

import asyncio
import fcntl
import sys
import termios

SILENT_S = 2.0
"""Who has said nothing for so long is asked."""


class SignOfLife:
    """What was last heard of one peer. `written` are the bytes it was sent since the beginning.

    A peer that is asked has `patience_s` to answer. Instants are on the loop's clock.
    """

    __slots__ = ("_arrived", "_arrived_with_ping", "_asked", "_heard", "patience_s", "written")

    def __init__(self, patience_s: float, now: float) -> None:
        self.patience_s = patience_s
        self.written = 0
        self._heard = now
        self._asked: float | None = None
        self._arrived = 0
        self._arrived_with_ping = 0

    @property
    def is_asked(self) -> bool:
        """Whether a ping was sent that is not answered."""
        return self._asked is not None

    def hear(self, now: float) -> None:
        """Note that the peer has said something."""
        self._heard, self._asked = now, None

    def is_silent(self, now: float) -> bool:
        """Return whether the peer has said nothing for a while."""
        return now - self._heard >= SILENT_S

    def asked(self, now: float) -> None:
        """Note that a ping was written."""
        self._asked = now
        self._arrived_with_ping = self.written

    def is_lost(self, now: float, unsent: int) -> bool:
        """Return whether the peer has had its time; asked every second while it is silent.

        `unsent` of what was written has not come to the peer's machine.
        """
        before, self._arrived = self._arrived, self.written - unsent
        if self._asked is None:
            return False
        if before < self._arrived and before < self._arrived_with_ping:
            self._asked = now  # on a slow link it is still behind what was sent before it
        return now - self._asked >= self.patience_s


def on_its_way(transport: asyncio.Transport) -> int:
    """Return how many bytes of what was written have not come to the peer's machine."""
    connected = transport.get_extra_info("socket")
    unsent = fcntl.ioctl(connected.fileno(), termios.TIOCOUTQ, bytes(4))
    return transport.get_write_buffer_size() + int.from_bytes(unsent, sys.byteorder)
