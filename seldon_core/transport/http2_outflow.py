"""What goes out on one HTTP/2 connection: pulled from the library as fast as its client takes it.

The library is asked for more only while the transport wants it, so what an answer takes waits where
it is counted. A client that takes too little for too long is cut off.
"""

import asyncio
import logging
from collections.abc import Callable

from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.goodbye import Goodbye
from seldon_core.transport.http2_frames import Engine, Http2Error
from seldon_core.transport.pinging import Pings
from seldon_core.transport.sending import Sender
from seldon_core.transport.settings import KIB
from seldon_core.transport.shared import Shared
from seldon_core.transport.unread import Unread

_logger = logging.getLogger(__name__)

# How much is pulled from the library at a time: past it the transport may ask to pause.
PULL = 64 * KIB


class Outflow:
    """The way out of one connection, which closes it when `goodbye` is said and `is_done()`.

    `transport` is None before it is made, and from when the connection is lost or given up.
    `is_paused` says that it has enough, `is_armed` that there will be a `flush` without `arm`.
    `touched` is when something last came or went that mattered, on the loop's clock. `sender`
    and `deliveries` are what the library has not been given yet.
    """

    def __init__(self, shared: Shared, engine: Engine, is_done: Callable[[], bool]) -> None:
        self._shared = shared
        self._loop = shared.loop
        self._engine = engine
        self._is_done = is_done
        self.transport: asyncio.Transport | None = None
        self.sender = Sender(engine, Http2Error)
        self.deliveries = Deliveries(shared, engine, Http2Error, self.arm, self._begin)
        self.goodbye = Goodbye(engine)
        self.unread = Unread(shared)
        self.is_armed = False
        self.is_paused = False
        self.touched = now = shared.loop.time()
        settings = shared.settings
        self.pings = Pings(engine, settings.ping_s, settings.ping_timeout_s, now)

    def lose(self) -> None:
        """Send nothing any more: the connection is lost."""
        self.transport = None
        self.sender.forget_all()
        self.unread.count(0)
        # They call others back. Without that circle its memory is free at once.
        del self.deliveries, self._is_done

    def abort(self) -> None:
        """Close now, without sending what is unsent."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()

    def arm(self) -> None:
        """Flush soon: once, however many ask for it."""
        if not self.is_armed:
            self.is_armed = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what the library has to send, until the transport or the client has had enough."""
        self.is_armed = False
        transport = self.transport
        if transport is None:
            return
        pull, sender = self._engine.data_to_send, self.sender
        try:
            while not self.is_paused:
                data = pull(PULL)
                if data:
                    self.unread.sent += len(data)
                    transport.write(data)
                # Less than was asked for: the library has no more for now.
                if len(data) < PULL and (sender.is_idle or not sender.refill(self.touched)):
                    if self.deliveries.under_way:
                        self.deliveries.refill()
                    break
        except Http2Error as error:
            _logger.debug("HTTP/2 connection closed error=%s", error)
            self.abort()
            return
        if self.goodbye.is_said:
            self._close_if_done()

    def push(self, now: float) -> None:
        """Flush what has to wait for the client, a while after it last took something."""
        if not self.sender.is_idle:
            self.touched = now
            self.flush()

    def look(self, now: float) -> bool:
        """Count what the client has not read; return whether there is such, else begin anew."""
        # What waits in the library is bounded for each stream, and counted here: more often would
        # cost each call.
        unread = self._engine.queued_body_size() + self._unwritten()
        self.unread.count(unread - self.sender.nbytes - self.deliveries.nbytes)
        if unread or self.is_paused or not self.sender.is_idle:
            return True
        self.unread.begin(now)
        return False

    def is_idle(self, now: float) -> bool:
        """Return whether nothing has come or gone for too long."""
        return now - self.touched > self._shared.settings.idle_timeout_s

    def cut_off(self, now: float) -> bool:
        """Close the connection if its client takes too little; return whether that was so."""
        is_stuck = self.unread.is_stuck(now, self._unwritten())
        if is_stuck:
            self._shared.counters.timeouts += 1
            self.abort()
        return is_stuck

    def _begin(self) -> None:
        """Count the time that the client takes from now on, if it was owed nothing before."""
        if not self.is_paused and not self._engine.queued_body_size():
            self.touched = self._loop.time()
            self.unread.begin(self.touched)

    def _unwritten(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def _close_if_done(self) -> None:
        is_sent = self.sender.is_idle and not self._engine.queued_body_size()
        if is_sent and self._is_done() and self.transport is not None:
            self.transport.close()
