"""Answers of HTTP/2 whose body is sent as it is made: DATA frames, and END_STREAM at the end."""

import asyncio
import logging
from collections.abc import Callable

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.outgoing import StreamedOutgoing
from seldon_core.transport.sending import Engine
from seldon_core.transport.shared import Shared
from seldon_core.transport.streaming import pump
from seldon_core.transport.streams import Stream

_logger = logging.getLogger(__name__)

_INTERNAL_ERROR = 2
_CANCEL = 8


class StreamedAnswers:
    """The answers of one connection that are being made while they are sent.

    `streams` are the connection's, of which a stream is one until its answer has ended.
    """

    def __init__(
        self,
        shared: Shared,
        engine: Engine,
        gone: type[Exception],
        deliveries: Deliveries,
        streams: dict[int, Stream],
        flush: Callable[[], None],
    ) -> None:
        self.shared = shared
        self.engine = engine
        self.gone = gone
        self.deliveries = deliveries
        self.streams = streams
        self.flush = flush
        self._ways: dict[int, _Http2Way] = {}

    async def send(self, stream: Stream, answer: StreamedOutgoing) -> None:
        """Send an answer in the task of its request; returns when it has ended, however."""
        way = self._ways[stream.id] = _Http2Way(self, stream, answer)
        try:
            await pump(answer.answer, way, stream.headers(), self.shared)
        finally:
            del self._ways[stream.id]

    def expire(self, stream: Stream) -> bool:
        """Cut the stream's answer off, as its time has passed; return whether it had begun."""
        way = self._ways.get(stream.id)
        if way is None:
            return False
        way.end_with(_CANCEL)
        return True


class _Http2Way:
    """The way of one answer; implements `streaming.Way`."""

    def __init__(self, owner: StreamedAnswers, stream: Stream, answer: StreamedOutgoing) -> None:
        self._owner = owner
        self._stream = stream
        self._answer = answer

    @property
    def is_over(self) -> bool:
        """Whether the stream has been answered, or has gone."""
        return self._stream.id not in self._owner.streams

    async def open(self) -> bool:
        """Send the header block; return whether a body is wanted."""
        owner, answer = self._owner, self._answer
        self._give(
            lambda: owner.engine.send_response(
                self._stream.id, answer.headers, end_stream=answer.is_head
            )
        )
        return not answer.is_head and not self.is_over

    async def send(self, piece: Buffer) -> None:
        """Send one piece and wait until the client has taken it."""
        owner, stream_id = self._owner, self._stream.id
        if self.is_over:
            raise asyncio.CancelledError
        timeout_s = owner.shared.settings.write_idle_timeout_s
        try:
            await owner.deliveries.deliver(stream_id, [piece], timeout_s, self._drop)
        except owner.gone as error:
            self._lose(error)
            raise asyncio.CancelledError from error

    def finish(self) -> None:
        """End the stream."""
        if not self.is_over and not self._answer.is_head:
            self._give(lambda: self._owner.engine.end_stream(self._stream.id))
        self._leave()

    def cut(self) -> None:
        """Reset the stream."""
        self.end_with(_INTERNAL_ERROR)

    def end_with(self, code: int) -> None:
        """Reset the stream with HTTP/2's `code`."""
        if not self.is_over:
            self._leave()
            self._give(lambda: self._owner.engine.reset_stream(self._stream.id, code))

    def _drop(self) -> None:
        """End the answer of a client that does not take it."""
        self._owner.shared.counters.timeouts += 1
        _logger.debug("dropped an answer that its client does not take stream=%d", self._stream.id)
        self.end_with(_CANCEL)
        self._stream.cancel()

    def _give(self, give: Callable[[], None]) -> None:
        """Give the library something, unless it says that the stream is over."""
        try:
            give()
        except self._owner.gone as error:
            self._lose(error)
        self._owner.flush()

    def _lose(self, error: Exception) -> None:
        _logger.debug("an answer found its stream gone error=%s", error)
        self._leave()

    def _leave(self) -> None:
        self._owner.deliveries.forget(self._stream.id)
        self._owner.streams.pop(self._stream.id, None)
        self._stream.release()
