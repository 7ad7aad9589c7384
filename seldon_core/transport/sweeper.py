"""One clock tick for every time-out of the listener, instead of a timer each.

A timer of the loop per request costs 4-5 µs; a watch here is one entry in a dict. What it costs is
precision: a deadline is noticed up to 50 ms late.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable

_logger = logging.getLogger(__name__)

TICK_S = 0.05
TICKS_A_ROUND = 20
"""Every visitor is visited once in this many ticks, a twentieth of them at a time."""


class Watch:
    """One deadline that is being watched; see `Sweeper.watch`."""

    __slots__ = ("_bucket", "_buckets", "_callback", "_tick")

    def __init__(
        self, buckets: "dict[int, dict[Watch, None]]", tick: int, callback: Callable[[], None]
    ) -> None:
        self._buckets = buckets
        self._tick = tick
        self._bucket = buckets.setdefault(tick, {})
        self._bucket[self] = None
        self._callback = callback

    def cancel(self) -> None:
        """Do not call back any more; harmless if it already has."""
        # The last of a bucket takes it away. The deadline may be years ahead, and another one each
        # call.
        if self in self._bucket:
            del self._bucket[self]
            if not self._bucket:
                self._buckets.pop(self._tick, None)

    def fire(self) -> None:
        """Call back."""
        self._callback()


class Sweeper:
    """Ticks every 50 ms: calls back what is due and visits the connections in slices.

    `visitors` is asked once a second for everything that wants a visit; `each_tick` is called on
    every tick. Exceptions of either are logged and stop nothing else.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        visitors: Callable[[], Iterable[Callable[[float], None]]] = tuple,
        each_tick: Callable[[], None] | None = None,
    ) -> None:
        self._loop = loop
        self._visitors = visitors
        self._each_tick = each_tick
        self._buckets: dict[int, dict[Watch, None]] = {}
        self._swept = self._tick_of(loop.time())  # every bucket up to here has fired
        self._round: list[Callable[[float], None]] = []
        self._slice = 0  # visits a tick in this round
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def stop(self) -> None:
        """Stop ticking; what is watched is dropped without being called."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()
        self._round.clear()

    def watch(self, deadline: float, callback: Callable[[], None]) -> Watch | None:
        """Call `callback` at `deadline` (seconds of the loop's clock) or up to a tick later.

        Returns None, and never calls, if `deadline` is infinite. A deadline in the past is
        called on the next tick.
        """
        if deadline == math.inf:
            return None
        tick = max(self._tick_of(deadline) + 1, self._swept + 1)
        return Watch(self._buckets, tick, callback)

    @staticmethod
    def _tick_of(instant: float) -> int:
        return int(instant / TICK_S)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK_S, self._tick)
        now = self._loop.time()
        self._fire_until(self._tick_of(now))
        if self._each_tick is not None:
            self._guarded(self._each_tick)
        self._visit(now)

    def _fire_until(self, tick: int) -> None:
        # After a long stall there may be more ticks behind than buckets ahead.
        if tick - self._swept > len(self._buckets):
            due = sorted(number for number in self._buckets if number <= tick)
        else:
            due = [n for n in range(self._swept + 1, tick + 1) if n in self._buckets]
        self._swept = tick
        for number in due:
            bucket = self._buckets.pop(number)
            while bucket:  # a callback may cancel others of the same bucket
                self._guarded(bucket.popitem()[0].fire)

    def _visit(self, now: float) -> None:
        if self._ticks % TICKS_A_ROUND == 0:
            self._round = list(self._visitors())
            self._slice = math.ceil(len(self._round) / TICKS_A_ROUND)
        self._ticks += 1
        for _ in range(min(self._slice, len(self._round))):
            visit = self._round.pop()
            self._guarded(lambda visit=visit: visit(now))  # type: ignore[misc]

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            _logger.exception("a callback of the sweeper failed")
