"""Whose turn it is: connections that have more to begin than they may at once.

A turn of the event loop lasts as long as it takes to begin and to answer what begins in it, and
what is sent to the server meanwhile is read when it has ended. So how much begins in one is bounded
over all connections, however many they are: who has more stands in one queue, and goes to its end
after each turn. Who has nothing outstanding need not stand in it: its request begins when it is
read.

What of HTTP/2 is read is parsed at once, 256 calls in 1.5 ms, and that for each of hundreds of
connections in one turn. So the longer the queue is, the less is read of each; what is not stays in
the system's buffers, and holds its sender back. When 500 connections came with 256 calls each, the
first turn took 709 ms, and takes 88; nothing else took longer by it.
"""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from seldon_core.transport.settings import KIB

if TYPE_CHECKING:
    from seldon_core.transport.shared import Counters

REQUESTS_A_TURN: Final = 128
"""How many requests begin in a turn of the loop, but for the first ones of who waits for nothing.

Two full batches. With 45 µs each, answer included, that is 6 ms.
"""

RECEIVE_BYTES: Final = 64 * KIB
"""How much is read at once, as long as few wait."""

_FEW: Final = 2  # as many may wait without less being read
_LEAST_BYTES: Final = 4 * KIB


class Rota:
    """The queue of one listener's connections.

    `counters.requests` counts what begins. `share` is how many requests one connection may begin
    in a turn, at most `most`: less if many wait. `read_bytes` is how much of it is read at once.
    """

    __slots__ = (
        "_counters",
        "_is_open",
        "_loop",
        "_most",
        "_until",
        "_waiting",
        "read_bytes",
        "share",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, counters: "Counters", most: int) -> None:
        self._loop = loop
        self._counters = counters
        self._most = most
        self._waiting: dict[Callable[[], None], None] = {}  # in the order of their turns
        self._is_open = False  # what begins is counted, and the next turn of the loop is ours
        self._until = 0  # the turn is full when so many requests have begun since the start
        self.share = most
        self.read_bytes = RECEIVE_BYTES

    def has_room(self) -> bool:
        """Return whether more requests may begin in this turn of the loop."""
        if not self._is_open:
            self._open()
        return self._counters.requests < self._until

    def room(self, begun: int) -> int:
        """Return how many more a connection may begin that has `begun` so many in its turn."""
        if not self._is_open:
            self._open()
        return max(min(self.share - begun, self._until - self._counters.requests), 0)

    def queue_up(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` in a later turn of the loop; once, however often this is asked till then."""
        self._waiting[go_on] = None
        self._share_out()
        if not self._is_open:
            self._open()

    def leave(self, go_on: Callable[[], None]) -> None:
        """Do not call `go_on` any more; harmless if that is not to be."""
        self._waiting.pop(go_on, None)
        self._share_out()

    def _share_out(self) -> None:
        waiting = len(self._waiting)
        self.share = max(min(REQUESTS_A_TURN // max(waiting, 1), self._most), 1)
        self.read_bytes = max(RECEIVE_BYTES * _FEW // max(waiting, _FEW), _LEAST_BYTES)

    def _open(self) -> None:
        self._is_open = True
        self._until = self._counters.requests + REQUESTS_A_TURN
        self._loop.call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        waiting = self._waiting
        if not waiting:
            self._is_open = False
            return
        counters = self._counters
        self._until = until = counters.requests + REQUESTS_A_TURN
        try:
            for go_on in list(islice(waiting, REQUESTS_A_TURN)):
                if go_on in waiting:  # it may just have left
                    del waiting[go_on]
                    go_on()
                if counters.requests >= until:
                    break
        finally:
            # Behind what ends this turn: the batches of what has begun run before more begins.
            self._loop.call_soon(self._begin_turn)
