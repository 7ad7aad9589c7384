"""Accepting connections: several in a turn of the event loop.

uvloop accepts one in each turn (libuv does, however many wait), asyncio's own loop all there are.
Beside clients that keep it busy a turn takes milliseconds, and who connects behind five hundred
others would wait for as many turns: a lone client was first answered after 5.7 s.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

from seldon_core.aio.start import start

_logger = logging.getLogger(__name__)

MORE_A_TURN: Final = 32
"""How many connections are accepted with one that the loop accepts. Each takes about 0.1 ms."""


class Backlog:
    """The connections to one `listening` socket, which does not block; each has its `protocol`.

    The loop that accepts from it calls `first` for a protocol.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self._loop = loop
        self._listening = listening
        self._protocol = protocol

    def first(self) -> asyncio.BaseProtocol:
        """Return the protocol of a connection that was accepted, and accept those behind it."""
        for _ in range(MORE_A_TURN):
            try:
                accepted, _ = self._listening.accept()
            except OSError:  # none waits; anything else the loop will find out as well
                break
            start(self._take(accepted), self._loop)
        return self._protocol()

    async def _take(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, accepted)
        except OSError as error:
            _logger.debug("an accepted connection was lost at once error=%s", error)
            accepted.close()
