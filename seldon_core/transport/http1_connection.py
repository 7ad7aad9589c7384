"""One HTTP/1.0 or 1.1 connection: what is read is begun, and when that is read.

What arrives is parsed in slices; complete requests are begun, at most 32 in a turn of the loop,
and at most 64 wait for their answers (`http1_requests.py`). What cannot be begun yet holds the
socket: nothing more is read until it is, and while it is not the listener polls the socket for a
hang-up. One request that waits does not hold it, so its hang-up is read.

The life of a connection: OPEN, reading and answering; ENDED, when no more requests are taken
because the client or a refusal said so; LINGERING, when a refusal is sent and what the client still
sends is read and dropped for a while, so that it sees the answer and not a reset.
"""

import asyncio
import logging
from typing import cast

from seldon_core.transport.answers import Exchange
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.http1 import SLICE_BYTES, Http1Reader
from seldon_core.transport.http1_arrival import Arrival
from seldon_core.transport.http1_requests import Requests
from seldon_core.transport.http1_rules import RefusedError
from seldon_core.transport.peers import peer_name
from seldon_core.transport.rota import RECEIVE_BYTES
from seldon_core.transport.shared import Shared

_logger = logging.getLogger(__name__)

_NOTHING = memoryview(b"")


class Http1Connection(asyncio.BufferedProtocol):
    """Reads requests, and has them begun. `is_held` says that the socket is not read.

    No exception leaves its callbacks: an error of ours is logged and closes this connection alone.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._settings = shared.settings
        self._loop = shared.loop
        self._budget = shared.budget
        self._received: bytearray = shared.receive.obj  # type: ignore[assignment]  # what it views
        self._reader = Http1Reader(shared.settings, shared.budget)
        self._requests = Requests(shared, self._reader, self)
        self._queue = self._requests.queue
        self._turn_from = 0  # what had begun before this turn of the loop
        self._unparsed = _NOTHING  # read, but not parsed because something before has to wait
        self.is_held = False
        self._is_refused = False
        self._is_lingering = False
        # What the visits look at.
        now = shared.loop.time()
        self._has_read = True
        self._quiet_since = now
        self._arrival = Arrival(shared, self._reader)

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over an open transport."""
        transport = cast(asyncio.Transport, transport)  # uvloop's has its methods only
        self._requests.transport = transport
        transport.set_write_buffer_limits(high=self._settings.write_buffer_bytes)
        self._requests.http = self._shared.http.for_peer(peer_name(transport))
        self._shared.register(self)

    def take_first(self, data: bytes) -> None:
        """Take in what was read before this connection had the transport."""
        self._guarded_take(memoryview(data))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to receive: the body's own buffer, else the one all connections share."""
        return self._reader.body or self._shared.receive

    def buffer_updated(self, nbytes: int) -> None:
        """Take in `nbytes` that were received."""
        self._has_read = True
        requests, reader = self._requests, self._reader
        self._turn_from = requests.begun
        if reader.body is not None:
            reader.fill(nbytes)
            self._guarded_take(_NOTHING)
            if reader.must_wait:
                self._await_room()
            return
        exchange = reader.feed_again(self._received, nbytes)
        if exchange is None:
            self._guarded_take(self._shared.receive[:nbytes])
            if nbytes == RECEIVE_BYTES:
                # The loop would read again at once, and begin 32 more, and again.
                self._hold()
                self.wake()
            return
        if self._queue or reader.completed or not requests.is_writable:
            reader.completed.append(exchange)
            self._guarded_take(_NOTHING)
            return
        # Alone, as most are: past the loop that shares out turns. With fewer calls in `_settle`
        # this took a request from 3.3 to 2.4 µs.
        try:
            requests.begin(exchange)
        except Exception:
            _logger.exception("closing a connection because of a bug")
            self.fail()

    def eof_received(self) -> None:
        """Close; if anything is outstanding the client has hung up and its work is cancelled."""
        if self._queue or self._reader.completed:
            self._shared.counters.hang_ups += 1
            self.abort()

    def check_hang_up(self) -> None:
        """Take the end of stream of a socket that is not read."""
        self.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel what is outstanding and forget everything."""
        if self._requests.transport is None:
            return
        self._shared.unregister(self)
        self._budget.forget(self.wake)
        self._shared.rota.leave(self._continue)
        self._requests.lose()

    def pause_writing(self) -> None:
        """Begin and write nothing more until the client has read what it was sent."""
        self._requests.pause()

    def resume_writing(self) -> None:
        """Go on."""
        try:
            self._requests.resume()
        except Exception:
            _logger.exception("closing a connection because of a bug")
            self.fail()

    # From the listener.

    def drain(self) -> None:
        """Close at once if nothing is outstanding, else after the last answer."""
        transport = self._requests.transport
        if transport is not None and self.is_idle():
            transport.close()

    def abort(self) -> None:
        """Close now, without sending what is unsent; the work is cancelled."""
        transport = self._requests.transport
        if transport is not None:
            transport.abort()
            self.connection_lost(None)  # the loop's own call comes later and finds it done

    def visit(self, now: float) -> None:
        """Close or refuse what has taken too long; called about once a second."""
        requests = self._requests
        transport = requests.transport
        if transport is None or self._is_lingering:
            return
        is_sending = not requests.is_writable or transport.is_closing()
        if self._has_read or is_sending or self._queue:
            self._has_read = False
            self._quiet_since = now
        if is_sending and requests.is_stuck(now):
            self._shared.counters.timeouts += 1
            self.abort()
            return
        requests.expire(now)
        if transport.is_closing():
            return
        late = self._arrival.look(now, requests.begun, self.is_held)
        if late is not None:
            self._shared.counters.timeouts += 1
            self._refuse_with(late.status, late.message, late.retry_after_s)
            self._guarded_take(_NOTHING)
        elif now - self._quiet_since > self._settings.idle_timeout_s and self.is_idle():
            transport.close()

    # Reading and beginning.

    def _guarded_take(self, data: memoryview) -> None:
        try:
            self._take(data)
        except Exception:
            _logger.exception("closing a connection because of a bug")
            self.fail()

    def _take(self, data: memoryview) -> None:
        reader = self._reader
        at = 0
        while self._begin_completed():
            if at >= len(data) or reader.is_ended:
                if reader.owes_continue:
                    self._requests.send_continue()
                return
            if reader.body is not None:
                at += reader.fill_from(data[at:])
                continue
            try:
                reader.feed(data[at : at + SLICE_BYTES])
            except RefusedError as error:
                self._refuse(error)
            at += SLICE_BYTES
        # The buffer into which all connections receive is needed again, and nothing else is.
        rest = data[at:]
        self._unparsed = memoryview(bytes(rest)) if rest.obj is self._received else rest
        self._hold()

    def _begin_completed(self) -> bool:
        """Begin what may begin now; return False if something has to wait."""
        completed = self._reader.completed
        if not completed:
            return True
        requests, queue = self._requests, self._queue
        begun = requests.begun - self._turn_from
        most = room = 1  # for a client that waits for nothing: its first is begun when it is read
        if queue or begun:
            most, room = self._shared.outstanding(), self._shared.rota.room(begun)
        elif len(completed) > 1:
            most, room = self._shared.outstanding(), self._shared.rota.room(begun) or 1
        while completed:
            if not requests.is_writable or len(queue) >= most:
                return False
            if self._budget.is_full and queue:
                return False
            if not room:
                self.wake()
                return False
            room -= 1
            requests.begin(completed.popleft())
        return True

    # Ending.

    def finish(self, transport: asyncio.Transport) -> None:
        """Close after the last answer; one that is a refusal is given time to be read."""
        self._reader.is_ended = True
        if not self._is_refused:
            transport.close()
            return
        self._is_lingering = True
        if transport.can_write_eof():  # TLS cannot
            transport.write_eof()
        self._resume()
        self._shared.sweeper.watch(self._loop.time() + self._settings.linger_s, self.abort)

    def _refuse(self, error: RefusedError) -> None:
        self._refuse_with(error.status, str(error), error.retry_after_s)
        self._shared.counters.bad_requests += 1

    def _refuse_with(self, status: int, message: str, retry_after_s: int | None = None) -> None:
        """Answer what is being read with a refusal, in its turn, and read no more requests."""
        reader = self._reader
        exchange = reader.incomplete or Exchange(HttpRequest(b"", b"", {}), True)
        exchange.is_last = True
        exchange.answer = self._requests.refusal(exchange, status, message, retry_after_s)
        reader.give_up()
        self._requests.release(exchange)  # what has come of it is of no use while others go before
        self._is_refused = True
        reader.completed.append(exchange)

    # Holding the socket.

    def _hold(self) -> None:
        transport = self._requests.transport
        if not self.is_held and transport is not None and not transport.is_closing():
            self.is_held = True
            transport.pause_reading()
            self._shared.paused[self] = transport

    def _resume(self) -> None:
        transport = self._requests.transport
        if self.is_held and transport is not None and not transport.is_closing():
            self.is_held = False
            transport.resume_reading()
            self._shared.paused.pop(self, None)

    def wake(self) -> None:
        """Go on with what could not be begun, in a later turn of the loop."""
        self._shared.rota.queue_up(self._continue)

    def _continue(self) -> None:
        self._turn_from = self._requests.begun
        data, self._unparsed = self._unparsed, _NOTHING
        self._guarded_take(data)
        if self._reader.must_wait:
            self._await_room()
        elif not self._reader.completed and not self._unparsed:
            self._resume()

    def _await_room(self) -> None:
        """Read no more of a body until others have gone."""
        self._hold()
        self._budget.when_free(self.wake)

    # The rest.

    def is_idle(self) -> bool:
        """Return whether nothing is outstanding and nothing of a request has come."""
        reader = self._reader
        if self._queue or reader.completed or self._unparsed:
            return False
        return reader.incomplete is None and reader.is_between

    def fail(self) -> None:
        """Close now, because of a bug."""
        self._shared.counters.internal_errors += 1
        self.abort()
