"""The requests and unary calls of one HTTP/2 connection: when they begin, and what they come to.

A request is in `streams` from its header block until its answer is given to the library or its
client is gone, whichever is first. The library is ahead of its events: a stream whose request was
just read may already be reset. So every answer goes through the one guarded `answer`.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

from seldon_core.aio.start import start
from seldon_core.transport.deliveries import Deliveries, WindowedEngine
from seldon_core.transport.http2_streaming import StreamedAnswers
from seldon_core.transport.outgoing import Outgoing, StreamedOutgoing
from seldon_core.transport.pace import Pace
from seldon_core.transport.sending import Sender
from seldon_core.transport.shared import Shared
from seldon_core.transport.streams import Stream
from seldon_core.transport.taking import Taking

_logger = logging.getLogger(__name__)

_CANCEL = 8  # HTTP/2's code for a stream that is not wanted any more


class Requests:
    """What one connection has been asked and has not answered, by stream.

    `flush` has what was given to `engine` sent soon. `is_withheld(stream_id)` says whether a client
    may send no more for now.
    """

    def __init__(
        self,
        shared: Shared,
        engine: WindowedEngine,
        sender: Sender,
        deliveries: Deliveries,
        is_withheld: Callable[[int], bool],
        flush: Callable[[], None],
    ) -> None:
        self._is_withheld = is_withheld
        self._paces: dict[int, Pace] = {}  # of bodies that were incomplete at the last visit
        self._shared = shared
        self._engine = engine
        self._taking = Taking(shared, engine, sender.gone)
        self._loop = shared.loop
        self._sender = sender
        self._deliveries = deliveries
        self._flush = flush
        self.streams: dict[int, Stream] = {}
        self._streamed = StreamedAnswers(
            shared, engine, sender.gone, deliveries, self.streams, flush
        )

    def begin(self, stream: Stream, now: float) -> None:
        """Begin a request whose client has sent everything; `now` is the loop's clock."""
        stream.has_ended = True
        self._shared.counters.requests += 1
        if stream.deadline <= now:
            self._expire(stream)
            return
        stream.task = start(self._serve(stream), self._loop)
        if stream.task is not None:
            stream.wait(lambda: self._expire(stream))

    def watch_unfinished(self, streams: Iterable[Stream]) -> None:
        """Watch the deadlines of those that have not begun: they are waiting for their clients."""
        for stream in streams:
            if not stream.has_ended and stream.id in self.streams:
                stream.watch_deadline(partial(self._expire, stream))

    def answer(self, stream: Stream, answer: Outgoing) -> None:
        """Give the library an answer, if the client still wants it.

        This is the one place that answers: the stream may be gone already, or go in this call.
        """
        if self.streams.pop(stream.id, None) is None:
            return
        sender = self._sender
        try:
            sender.submit(stream, answer)
        except sender.gone as error:
            _logger.debug("an answer found its stream gone error=%s", error)
            stream.release()
            sender.forget(stream.id)
        self._flush()

    def closed(self, stream_id: int) -> bool:
        """Stop the work of a stream that is over; return whether it was a request's."""
        stream = self.streams.pop(stream_id, None)
        if stream is None:
            return False
        self._shared.counters.hang_ups += 1
        self._deliveries.forget(stream_id)
        stream.cancel()
        return True

    def lose(self) -> None:
        """Stop everything: the connection is lost."""
        if self.streams:
            self._shared.counters.hang_ups += 1
        streams = list(self.streams.values())
        self.streams.clear()
        for stream in streams:
            stream.cancel()

    def visit(self, now: float) -> None:
        """Answer the requests whose time has passed, and count those that stay."""
        timeout_s = self._shared.settings.request_timeout_s
        before, self._paces = self._paces, {}
        for stream in list(self.streams.values()):
            stream.keep()
            is_late = now >= stream.deadline
            if stream.has_ended:
                is_late = is_late or now - stream.touched > timeout_s
            else:
                is_late = self._comes_too_slowly(stream, before.get(stream.id), now) or is_late
            if is_late:
                self._expire(stream)

    def visit_unread(self, now: float) -> None:
        """Reset the streams whose answers are not taken, though others of the connection may be."""
        for stream_id in self._taking.look(self._sender.unread(), now):
            self._shared.counters.timeouts += 1
            self._sender.forget(stream_id)
            self._engine.reset_stream(stream_id, _CANCEL)
            self._flush()

    def _comes_too_slowly(self, stream: Stream, pace: Pace | None, now: float) -> bool:
        settings = self._shared.settings
        if pace is None:
            pace = Pace(settings.body_bytes_per_s, now)
            pace.moved = stream.received
            pace.begin(stream.touched)
        self._paces[stream.id] = pace
        pace.moved = stream.received
        patience_s = settings.body_idle_timeout_s
        if not self._is_withheld(stream.id):
            patience_s = self._shared.patience_s(patience_s)
        return pace.is_too_slow(now, patience_s)

    def _expire(self, stream: Stream) -> None:
        """Answer a stream whose time has passed, and stop its work."""
        if stream.id not in self.streams:
            return  # it is answered, which takes its client a while to read
        self._shared.counters.timeouts += 1
        if not self._streamed.expire(stream):
            self.answer(stream, stream.expire())
        stream.stop()

    async def _serve(self, stream: Stream) -> None:
        try:
            answer = await stream.answer()
        except asyncio.CancelledError:
            if stream.id not in self.streams:
                raise
            # Not our doing: what the work waited for was cancelled. The client is told.
            _logger.exception("a request was cancelled by others request_id=%s", stream.name())
            self._shared.counters.internal_errors += 1
            answer = stream.fail()
        except Exception:
            _logger.exception("a request failed by a bug request_id=%s", stream.name())
            self._shared.counters.internal_errors += 1
            if stream.id not in self.streams:
                return  # nobody waits any more
            answer = stream.fail()
        if type(answer) is Outgoing:
            self.answer(stream, answer)
        elif type(answer) is StreamedOutgoing:
            await self._streamed.send(stream, answer)
