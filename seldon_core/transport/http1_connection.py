"""One HTTP/1.0 or 1.1 connection: what is read is begun and answered in order.

What arrives is parsed in slices; complete requests are begun, at most 32 in a turn of the loop,
and their answers are written in their order, at most 64 waiting. What cannot be begun yet holds
the socket: nothing more is read until it is, and while it is not the listener polls the socket for
a hang-up. One request that waits does not hold it, so its hang-up is read.

The life of a connection: OPEN, reading and answering; ENDED, when no more requests are taken
because the client or a refusal said so; LINGERING, when a refusal is sent and what the client still
sends is read and dropped for a while, so that it sees the answer and not a reset.
"""

import asyncio
import logging
from collections import deque
from typing import cast

from seldon_core.aio.start import start
from seldon_core.transport.answers import CONTINUE, Exchange, refusal, size, write
from seldon_core.transport.exchange import HttpAnswer, HttpRequest, StreamedAnswer
from seldon_core.transport.http1 import SLICE_BYTES, Http1Reader, RefusedError
from seldon_core.transport.http1_arrival import Arrival
from seldon_core.transport.http1_streaming import Http1Way
from seldon_core.transport.peers import peer_name
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.shared import RECEIVE_BYTES, Shared
from seldon_core.transport.streaming import pump
from seldon_core.transport.unread import Unread

_logger = logging.getLogger(__name__)

_NOTHING = memoryview(b"")
_NOT_SENT = HttpAnswer(503, [])


class Http1Connection(asyncio.BufferedProtocol):
    """Reads requests, has its peer's front answer them, writes the answers.

    No exception leaves its callbacks: an error of ours is logged and closes this connection alone.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._settings = shared.settings
        self._loop = shared.loop
        self._budget = shared.budget
        self._http = shared.http
        self._received: bytearray = shared.receive.obj  # type: ignore[assignment]  # what it views
        self._transport: asyncio.Transport | None = None
        self._reader = Http1Reader(shared.settings, shared.budget)
        self._queue: deque[Exchange] = deque()  # begun, not answered: the order of the answers
        self._ways: dict[Exchange, Http1Way] = {}  # of answers that are sent as they are made
        self._turn = 0  # requests begun in this turn of the loop
        self._unparsed = b""  # read, but not parsed because something before has to wait
        self._is_held = False  # the socket is not read
        self._is_writable = True
        self._is_refused = False
        self._is_lingering = False
        self._next_turn: asyncio.Handle | None = None
        self._unread = Unread(shared)
        # What the visits look at.
        now = shared.loop.time()
        self._has_read = True
        self._begun = 0
        self._quiet_since = now
        self._arrival = Arrival(shared, self._reader)

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over an open transport."""
        transport = cast(asyncio.Transport, transport)  # uvloop's has its methods only
        self._transport = transport
        transport.set_write_buffer_limits(high=self._settings.write_buffer_bytes)
        self._http = self._shared.http.for_peer(peer_name(transport))
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
        self._turn = 0
        reader = self._reader
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
                self._wake()
            return
        if self._queue or reader.completed or not self._is_writable:
            reader.completed.append(exchange)
            self._guarded_take(_NOTHING)
            return
        # Alone, as most are: past the loop that shares out turns. With fewer calls in `_settle`
        # this took a request from 3.3 to 2.4 µs.
        try:
            self._begin(exchange)
        except Exception:
            _logger.exception("closing a connection because of a bug")
            self._fail()

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
        if self._transport is None:
            return
        self._transport = None
        self._shared.unregister(self)
        self._budget.forget(self._wake)
        self._unread.count(0)
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._shared.queue_up(-1)
        for way in self._ways.values():
            way.lose()
        self._drop_requests()

    def pause_writing(self) -> None:
        """Begin and write nothing more until the client has read what it was sent."""
        self._is_writable = False
        if self._transport is not None:
            unsent = self._transport.get_write_buffer_size()
            self._unread.count(unsent - sum(way.counted for way in self._ways.values()))
            self._unread.begin(self._loop.time(), unsent)
        for way in self._ways.values():
            way.pause()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_writable = True
        self._unread.count(0)
        try:
            self._flush()
        except Exception:
            _logger.exception("closing a connection because of a bug")
            self._fail()

    # From the listener.

    def drain(self) -> None:
        """Close at once if nothing is outstanding, else after the last answer."""
        if self._transport is not None and self._is_idle():
            self._transport.close()

    def abort(self) -> None:
        """Close now, without sending what is unsent; the work is cancelled."""
        if self._transport is not None:
            self._transport.abort()
            self.connection_lost(None)  # the loop's own call comes later and finds it done

    def visit(self, now: float) -> None:
        """Close or refuse what has taken too long; called about once a second."""
        transport = self._transport
        if transport is None or self._is_lingering:
            return
        is_sending = not self._is_writable or transport.is_closing()
        if self._has_read or is_sending or self._queue:
            self._has_read = False
            self._quiet_since = now
        if is_sending and self._unread.is_stuck(now, transport.get_write_buffer_size()):
            self._shared.counters.timeouts += 1
            self.abort()
            return
        self._expire(now)
        if transport.is_closing():
            return
        late = self._arrival.look(now, self._begun, self._is_held)
        if late is not None:
            self._shared.counters.timeouts += 1
            self._refuse_with(late.status, late.message, late.retry_after_s)
            self._guarded_take(_NOTHING)
        elif now - self._quiet_since > self._settings.idle_timeout_s and self._is_idle():
            transport.close()

    # Reading and beginning.

    def _guarded_take(self, data: memoryview) -> None:
        try:
            self._take(data)
        except Exception:
            _logger.exception("closing a connection because of a bug")
            self._fail()

    def _take(self, data: memoryview) -> None:
        reader = self._reader
        at = 0
        while self._begin_completed():
            if at >= len(data) or reader.is_ended:
                if reader.owes_continue:
                    self._send_continue()
                return
            if reader.body is not None:
                at += reader.fill_from(data[at:])
                continue
            try:
                reader.feed(data[at : at + SLICE_BYTES])
            except RefusedError as error:
                self._refuse(error)
            at += SLICE_BYTES
        self._unparsed = bytes(data[at:])
        self._hold()

    def _begin_completed(self) -> bool:
        """Begin what may begin now; return False if something has to wait."""
        completed, settings = self._reader.completed, self._settings
        while completed:
            if self._turn >= self._shared.share:
                self._wake()
                return False
            if not self._is_writable or len(self._queue) >= settings.outstanding:
                return False
            if self._budget.is_full and self._queue:
                return False
            self._begin(completed.popleft())
        return True

    def _begin(self, exchange: Exchange) -> None:
        self._turn += 1
        self._begun += 1
        self._shared.counters.requests += 1
        self._queue.append(exchange)
        if exchange.answer is not None:  # a refusal
            self._flush()
            return
        if self._budget.is_full and not exchange.held:
            self._shared.counters.overloaded += 1
            headers = exchange.request.headers
            exchange.answer = refusal(headers, 503, "too many bytes are in flight, try again", 1)
            self._flush()
            return
        task = start(self._serve(exchange), self._loop)
        if task is not None:
            exchange.task = task
            exchange.deadline = self._loop.time() + self._settings.request_timeout_s
            if not exchange.held:
                exchange.held = len(exchange.request.body)
                self._budget.take(exchange.held)

    async def _serve(self, exchange: Exchange) -> None:
        try:
            answer = await self._http.answer(exchange.request)
        except asyncio.CancelledError:
            if self._transport is None or exchange.answer is not None:
                raise
            name = self._name(exchange)
            _logger.exception("a request was cancelled by others request_id=%s", name)
            answer = self._bug(exchange)
        except Exception:
            _logger.exception("a request failed by a bug request_id=%s", self._name(exchange))
            answer = self._bug(exchange)
        if isinstance(answer, StreamedAnswer):
            await self._stream(exchange, answer)
        else:
            self._settle(exchange, answer)

    def _name(self, exchange: Exchange) -> str:
        """Return the id that the log and the answer name a request by."""
        request_id = request_id_of(exchange.request.headers)
        exchange.request.headers[REQUEST_ID] = request_id.encode()
        return request_id

    def _bug(self, exchange: Exchange) -> HttpAnswer:
        self._shared.counters.internal_errors += 1
        headers = exchange.request.headers
        return refusal(headers, 500, "internal error; the server's log has more")

    # Answering.

    async def _stream(self, exchange: Exchange, answer: StreamedAnswer) -> None:
        """Send an answer as it is made, when it is its turn."""
        transport = self._transport
        if transport is None or exchange.answer is not None:  # nobody waits any more
            await answer.pieces.aclose()
            return
        way = self._ways[exchange] = Http1Way(
            transport,
            exchange,
            answer,
            self._budget,
            lambda is_whole: self._end_stream(exchange, is_whole),
        )
        self._flush()
        try:
            await pump(answer, way, exchange.request.headers, self._shared)
        finally:
            self._ways.pop(exchange, None)

    def _end_stream(self, exchange: Exchange, is_whole: bool) -> None:
        """Go on after an answer that was sent as it was made; without its end nothing follows."""
        transport = self._transport
        assert transport is not None  # or the way would have been told
        self._queue.popleft()
        self._release(exchange)
        if not is_whole:
            self._drop_requests()
        elif exchange.is_last or (self._shared.draining and self._is_idle()):
            self._finish(transport)
        else:
            self._flush()

    def _settle(self, exchange: Exchange, answer: HttpAnswer) -> None:
        """Take the answer; write it if it is its turn."""
        if exchange.answer is not None or self._transport is None:
            return  # nobody waits any more
        exchange.answer = answer
        if self._queue[0] is exchange and self._is_writable:
            try:
                self._flush()
            except Exception:
                _logger.exception("closing a connection because of a bug")
                self._fail()
        else:
            nbytes = size(answer)
            exchange.held += nbytes
            self._budget.take(nbytes)

    def _flush(self) -> None:
        queue, transport = self._queue, self._transport
        while queue and self._is_writable and transport is not None:
            exchange = queue[0]
            if exchange.answer is None:
                if exchange in self._ways:
                    self._ways[exchange].give_turn()
                break
            queue.popleft()
            if self._shared.draining and self._is_idle():
                exchange.is_last = True
            write(transport, exchange, exchange.answer)
            if exchange.held:
                self._release(exchange)
            if exchange.is_last:
                self._finish(transport)
                return
        if self._is_held:
            self._wake()
        elif self._reader.owes_continue:
            self._send_continue()

    def _finish(self, transport: asyncio.Transport) -> None:
        self._reader.is_ended = True
        if not self._is_refused:
            transport.close()
            return
        self._is_lingering = True
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
        exchange.answer = refusal(exchange.request.headers, status, message, retry_after_s)
        reader.give_up()
        self._release(exchange)  # what has come of it is of no use while others go before
        self._is_refused = True
        reader.completed.append(exchange)

    def _send_continue(self) -> None:
        if self._transport is not None and not self._queue:
            self._reader.owes_continue = False
            self._transport.write(CONTINUE)

    # Holding the socket.

    def _hold(self) -> None:
        if not self._is_held and self._transport is not None and not self._transport.is_closing():
            self._is_held = True
            self._transport.pause_reading()
            self._shared.paused[self] = self._transport

    def _resume(self) -> None:
        if self._is_held and self._transport is not None and not self._transport.is_closing():
            self._is_held = False
            self._transport.resume_reading()
            self._shared.paused.pop(self, None)

    def _wake(self) -> None:
        if self._next_turn is None:
            self._next_turn = self._loop.call_soon(self._continue)
            self._shared.queue_up(1)

    def _continue(self) -> None:
        self._next_turn = None
        self._shared.queue_up(-1)
        self._turn = 0
        data, self._unparsed = memoryview(self._unparsed), b""
        self._guarded_take(data)
        if self._reader.must_wait:
            self._await_room()
        elif not self._reader.completed and not self._unparsed:
            self._resume()

    def _await_room(self) -> None:
        """Read no more of a body until others have gone."""
        self._hold()
        self._budget.when_free(self._wake)

    # The rest.

    def _is_idle(self) -> bool:
        reader = self._reader
        if self._queue or reader.completed or self._unparsed:
            return False
        return reader.incomplete is None and reader.is_between

    def _drop_requests(self) -> None:
        """Answer none of the requests that are outstanding, and take no more."""
        outstanding = [*self._queue, *self._reader.completed]
        if self._reader.incomplete is not None:
            outstanding.append(self._reader.incomplete)
        self._queue.clear()
        self._reader.completed.clear()
        self._reader.close()
        for exchange in outstanding:
            self._release(exchange)
            exchange.answer = exchange.answer or _NOT_SENT  # its work ends without another
            exchange.cancel()

    def _release(self, exchange: Exchange) -> None:
        self._budget.give(exchange.held)
        exchange.held = 0

    def _fail(self) -> None:
        self._shared.counters.internal_errors += 1
        self.abort()

    def _expire(self, now: float) -> None:
        """Answer what was not answered in its time."""
        for exchange in list(self._queue):
            if exchange.answer is None and exchange.deadline <= now:
                self._shared.counters.timeouts += 1
                way = self._ways.get(exchange)
                if way is not None and way.has_begun:
                    way.cut()
                else:
                    if way is not None:
                        way.lose()
                    limit = self._settings.request_timeout_s
                    headers = exchange.request.headers
                    self._settle(exchange, refusal(headers, 504, f"no answer within {limit:g} s"))
                exchange.cancel()
