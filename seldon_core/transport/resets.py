"""The resets that a client owes, no faster than a peer takes them for an attack.

Our own listener, as others since the rapid-reset attacks, ends a connection on which too many
streams are reset. Many calls share a connection between processes, so a burst of callers who leave
would take all others with them.
"""

import asyncio
from collections.abc import Callable

RESETS_PER_S = 50.0
"""Half of what our listener allows by default."""

RESETS_AT_ONCE = 500


class Resets:
    """Calls `reset(stream_id)` for each stream given to `add`, now or when it is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reset: Callable[[int], None]) -> None:
        self._loop = loop
        self._reset = reset
        self._left = float(RESETS_AT_ONCE)
        self._since = loop.time()
        self._waiting: dict[int, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """The number of streams that wait to be reset."""
        return len(self._waiting)

    def add(self, stream_id: int) -> None:
        """Reset a stream."""
        self._waiting[stream_id] = None
        if self._timer is None:
            self._work()

    def forget(self, stream_id: int) -> None:
        """Do not reset a stream that has ended by itself."""
        self._waiting.pop(stream_id, None)

    def stop(self) -> None:
        """Reset nothing more."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _work(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._left = min(self._left + (now - self._since) * RESETS_PER_S, RESETS_AT_ONCE)
        self._since = now
        while self._waiting and self._left >= 1:
            self._left -= 1
            stream_id = next(iter(self._waiting))
            del self._waiting[stream_id]
            self._reset(stream_id)
        if self._waiting:
            self._timer = self._loop.call_later(1 / RESETS_PER_S, self._work)
