"""Pieces of bodies on their way to HTTP/2 clients, one of each stream at a time.

What makes a stream's body piece by piece hands each one over here and goes on when the client has
taken it: the library has sent it, as far as the client's window and the socket allow. Meanwhile it
is counted in the budget. A client that takes nothing for too long, or too little while it is its
stream's window that holds more up, is dropped by who sends to it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.sending import Engine, feed, last_first
from seldon_core.transport.shared import Shared
from seldon_core.transport.sweeper import Watch
from seldon_core.transport.taking import Windows


class WindowedEngine(Engine, Windows, Protocol):
    """What is used of the library's connection."""


class _Delivery:
    """One piece. `parts` are what the library has had no room for yet, last first.

    `queued` are the bytes that the library held when it was last looked at, `moved_at` when they
    last changed. `since` is when it was last seen that enough was taken, `left` what was left then.
    """

    __slots__ = ("has_left", "left", "moved_at", "parts", "queued", "since", "watch")

    def __init__(self, parts: list[memoryview], loop: asyncio.AbstractEventLoop) -> None:
        self.parts = parts
        self.has_left: asyncio.Future[None] = loop.create_future()
        self.moved_at = self.since = loop.time()
        self.left = sum(map(len, parts))
        self.queued = 0
        self.watch: Watch | None = None


class Deliveries:
    """What one connection sends piece by piece. `under_way` are the pieces, by stream.

    `nbytes` are the bytes that are counted for them.

    `gone` is what the library raises for a stream that is over. `flush` has what was given to it
    sent soon; `begin_sending` notes that the client is owed something from now on.
    """

    def __init__(
        self,
        shared: Shared,
        engine: WindowedEngine,
        gone: type[Exception],
        flush: Callable[[], None],
        begin_sending: Callable[[], None],
    ) -> None:
        self._shared = shared
        self._engine = engine
        self._gone = gone
        self._flush = flush
        self._begin_sending = begin_sending
        self.under_way: dict[int, _Delivery] = {}
        self.nbytes = 0

    async def deliver(
        self, stream_id: int, parts: Sequence[Buffer], timeout_s: float, drop: Callable[[], None]
    ) -> None:
        """Send the next of a stream's body and wait until the client has taken it.

        `drop` is called once if it takes nothing for `timeout_s` seconds; it has this cancelled.
        Raises the library's error if the stream is over.
        """
        shared = self._shared
        delivery = _Delivery(last_first(parts), shared.loop)
        nbytes = delivery.left
        shared.budget.take(nbytes)
        self.nbytes += nbytes
        self._begin_sending()
        self.under_way[stream_id] = delivery
        self._watch(stream_id, delivery, timeout_s, drop)
        try:
            feed(self._engine, stream_id, delivery.parts)
            self._flush()
            await delivery.has_left
        finally:
            self.under_way.pop(stream_id, None)
            shared.budget.give(nbytes)
            self.nbytes -= nbytes
            if delivery.watch is not None:
                delivery.watch.cancel()

    def refill(self) -> None:
        """Go on with every piece, after the library has sent all that it could."""
        engine = self._engine
        for stream_id, delivery in list(self.under_way.items()):
            queued = engine.queued_body_size(stream_id)
            if queued != delivery.queued:
                delivery.moved_at = self._shared.loop.time()
            if delivery.parts:
                self._feed(stream_id, delivery)
            elif not queued and not delivery.has_left.done():  # else the task is being cancelled
                delivery.has_left.set_result(None)
            delivery.queued = engine.queued_body_size(stream_id)

    def is_within(self, stream_id: int) -> bool:
        """Return whether only a part of a piece was given to the library."""
        delivery = self.under_way.get(stream_id)
        return delivery is not None and bool(delivery.parts)

    def forget(self, stream_id: int) -> None:
        """Give the library no more of a stream; whoever delivers there is cancelled by who asks."""
        self.under_way.pop(stream_id, None)

    def _feed(self, stream_id: int, delivery: _Delivery) -> None:
        try:
            if feed(self._engine, stream_id, delivery.parts):
                self._flush()
        except self._gone as error:
            delivery.parts.clear()
            if not delivery.has_left.done():
                delivery.has_left.set_exception(error)

    def _watch(
        self, stream_id: int, delivery: _Delivery, timeout_s: float, drop: Callable[[], None]
    ) -> None:
        def look() -> None:
            now = loop.time()
            if now >= delivery.moved_at + timeout_s or self._drips(stream_id, delivery, now):
                drop()
            else:
                self._watch(stream_id, delivery, timeout_s, drop)

        loop = self._shared.loop
        delivery.watch = self._shared.sweeper.watch(delivery.moved_at + timeout_s, look)

    def _drips(self, stream_id: int, delivery: _Delivery, now: float) -> bool:
        """Return whether the client permits too little; who waits for others is left alone."""
        left = sum(map(len, delivery.parts)) + self._engine.queued_body_size(stream_id)
        wanted = (now - delivery.since) * self._shared.settings.write_bytes_per_s
        if delivery.left - left < wanted and self._is_shut(stream_id):
            return True
        delivery.since, delivery.left = now, left
        return False

    def _is_shut(self, stream_id: int) -> bool:
        try:
            return self._engine.stream_remote_window_size(stream_id) <= 0
        except self._gone:
            return False  # its end is read and not handled yet
