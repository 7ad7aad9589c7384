"""The requests of one HTTP/1 connection: their work, and their answers in the order they came in.

A request is in `queue` from when it is begun until its answer is handed to the transport or its
client is gone. Its work may end before that of one that came before it; then its answer waits, and
is counted. Nothing is written while the client has not read what it was sent.
"""

import asyncio
import logging
from collections import deque
from typing import Protocol

from seldon_core.aio.start import start
from seldon_core.transport.answers import CONTINUE, Exchange, refusal, size, write
from seldon_core.transport.exchange import HttpAnswer, HttpFront, StreamedAnswer
from seldon_core.transport.http1 import Http1Reader
from seldon_core.transport.http1_streaming import Http1Way
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.shared import Shared
from seldon_core.transport.streaming import pump
from seldon_core.transport.unread import Unread

_logger = logging.getLogger(__name__)

_NOT_SENT = HttpAnswer(503, [])


class Owner(Protocol):
    """What is asked of the connection. `is_held` says that it does not read its socket."""

    is_held: bool

    def wake(self) -> None:
        """Go on reading in the next turn of the loop: there may be room for more requests."""

    def is_idle(self) -> bool:
        """Return whether nothing is outstanding and nothing of a request has come."""

    def finish(self, transport: asyncio.Transport) -> None:
        """Close: what was written last is the last answer."""

    def fail(self) -> None:
        """Close now, because of a bug."""


class Requests:
    """What one connection has been asked and has not answered.

    `queue` is in the order of the answers, `begun` counts all requests there ever were. `transport`
    is None before it is made and once it is lost. `is_writable` is False while the client has to
    read before it is sent more. `http` answers them.
    """

    def __init__(self, shared: Shared, reader: Http1Reader, owner: Owner) -> None:
        self._shared = shared
        self._settings = shared.settings
        self._loop = shared.loop
        self._budget = shared.budget
        self._reader = reader
        self._owner = owner
        self.http: HttpFront = shared.http
        self.transport: asyncio.Transport | None = None
        self.queue: deque[Exchange] = deque()
        self._ways: dict[Exchange, Http1Way] = {}  # of answers that are sent as they are made
        self._unread = Unread(shared)
        self.begun = 0
        self.is_writable = True

    def begin(self, exchange: Exchange) -> None:
        """Begin the next request, or send its refusal in its turn. What it raises is a bug."""
        self.begun += 1
        self._shared.counters.requests += 1
        self.queue.append(exchange)
        if exchange.answer is not None:  # a refusal
            self.flush()
            return
        if self._budget.is_full and not exchange.held:
            self._shared.counters.overloaded += 1
            text = "too many bytes are in flight, try again"
            exchange.answer = self.refusal(exchange, 503, text, 1)
            self.flush()
            return
        task = start(self._serve(exchange), self._loop)
        if task is not None:
            exchange.task = task
            exchange.deadline = self._loop.time() + self._settings.request_timeout_s
            if not exchange.held:
                exchange.held = len(exchange.request.body)
                self._budget.take(exchange.held)

    def refusal(
        self, exchange: Exchange, status: int, message: str, retry_after_s: int | None = None
    ) -> HttpAnswer:
        """Return what the framing answers by an error; it is counted, unless there is an answer."""
        if exchange.answer is None:
            self._shared.refusals.rest_status(status, message)
        return refusal(exchange.request.headers, status, message, retry_after_s)

    def flush(self) -> None:
        """Write the answers that are there and whose turn it is, and have more requests begun."""
        queue, transport = self.queue, self.transport
        if transport is None:
            return
        while queue and self.is_writable:
            exchange = queue[0]
            if exchange.answer is None:
                if exchange in self._ways:
                    self._ways[exchange].give_turn()
                break
            queue.popleft()
            if self._shared.draining and self._owner.is_idle():
                exchange.is_last = True
            write(transport, exchange, exchange.answer)
            if exchange.held:
                self.release(exchange)
            if exchange.is_last:
                self._owner.finish(transport)
                return
        if self._owner.is_held:
            self._owner.wake()
        elif self._reader.owes_continue:
            self.send_continue()

    def send_continue(self) -> None:
        """Tell the client that its body is wanted, if its request is the next to be answered."""
        if self.transport is not None and not self.queue:
            self._reader.owes_continue = False
            self.transport.write(CONTINUE)

    def pause(self) -> None:
        """Write nothing more until the client has read what it was sent."""
        self.is_writable = False
        if self.transport is not None:
            unsent = self.transport.get_write_buffer_size()
            self._unread.count(unsent - sum(way.counted for way in self._ways.values()))
            self._unread.begin(self._loop.time(), unsent)
        for way in self._ways.values():
            way.pause()

    def resume(self) -> None:
        """Go on. What it raises is a bug."""
        self.is_writable = True
        self._unread.count(0)
        self.flush()

    def is_stuck(self, now: float) -> bool:
        """Return whether the client, which has to read, has taken too little for too long."""
        transport = self.transport
        return transport is not None and self._unread.is_stuck(
            now, transport.get_write_buffer_size()
        )

    def expire(self, now: float) -> None:
        """Answer what was not answered in its time; `now` is the loop's clock."""
        for exchange in list(self.queue):
            if exchange.answer is None and exchange.deadline <= now:
                self._shared.counters.timeouts += 1
                way = self._ways.get(exchange)
                if way is not None and way.has_begun:
                    way.cut()
                else:
                    if way is not None:
                        way.lose()
                    limit = self._settings.request_timeout_s
                    late = self.refusal(exchange, 504, f"no answer within {limit:g} s")
                    self._settle(exchange, late)
                exchange.cancel()

    def lose(self) -> None:
        """Stop everything: the connection is lost."""
        self.transport = None
        self._unread.count(0)
        for way in self._ways.values():
            way.lose()
        self._drop()
        # It has this. Without that circle the memory of both is free at once.
        del self._owner

    def release(self, exchange: Exchange) -> None:
        """Give back what a request holds of the budget."""
        self._budget.give(exchange.held)
        exchange.held = 0

    # The work.

    async def _serve(self, exchange: Exchange) -> None:
        try:
            answer = await self.http.answer(exchange.request)
        except asyncio.CancelledError:
            if self.transport is None or exchange.answer is not None:
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
        return self.refusal(exchange, 500, "internal error; the server's log has more")

    def _settle(self, exchange: Exchange, answer: HttpAnswer) -> None:
        """Take the answer; write it if it is its turn."""
        if exchange.answer is not None or self.transport is None:
            return  # nobody waits any more
        exchange.answer = answer
        if self.queue[0] is exchange and self.is_writable:
            try:
                self.flush()
            except Exception:
                _logger.exception("closing a connection because of a bug")
                self._owner.fail()
        else:
            nbytes = size(answer)
            exchange.held += nbytes
            self._budget.take(nbytes)

    async def _stream(self, exchange: Exchange, answer: StreamedAnswer) -> None:
        """Send an answer as it is made, when it is its turn."""
        transport = self.transport
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
        self.flush()
        try:
            await pump(answer, way, exchange.request.headers, self._shared)
        finally:
            self._ways.pop(exchange, None)

    def _end_stream(self, exchange: Exchange, is_whole: bool) -> None:
        """Go on after an answer that was sent as it was made; without its end nothing follows."""
        transport = self.transport
        assert transport is not None  # or the way would have been told
        self.queue.popleft()
        self.release(exchange)
        if not is_whole:
            self._drop()
        elif exchange.is_last or (self._shared.draining and self._owner.is_idle()):
            self._owner.finish(transport)
        else:
            self.flush()

    def _drop(self) -> None:
        """Answer none of the requests that are outstanding, and take no more."""
        outstanding = [*self.queue, *self._reader.completed]
        if self._reader.incomplete is not None:
            outstanding.append(self._reader.incomplete)
        self.queue.clear()
        self._reader.completed.clear()
        self._reader.close()
        for exchange in outstanding:
            self.release(exchange)
            exchange.answer = exchange.answer or _NOT_SENT  # its work ends without another
            exchange.cancel()
