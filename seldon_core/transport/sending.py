"""What of a connection's answers has not been given to the HTTP/2 library yet.

The library copies what it is given, so large answers are fed to it bit by bit as the client takes
them. And a client that is answered before it has sent everything is told so by RST_STREAM(NO_ERROR)
(RFC 9113, 8.1), which must not overtake the answer.
"""

from collections.abc import Iterable
from typing import Protocol

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.outgoing import Headers, Outgoing
from seldon_core.transport.settings import KIB
from seldon_core.transport.streams import Stream

# How much of one answer the library holds. Twice what is pulled from it at a time.
SEND_AHEAD = 128 * KIB
_NO_ERROR = 0


class Engine(Protocol):
    """What is used of the library's connection."""

    def send_response(
        self, stream_id: int, headers: Iterable[tuple[bytes, bytes]], *, end_stream: bool = False
    ) -> None:
        """Queue a header block."""

    def send_data(
        self, stream_id: int, data: bytes | bytearray | memoryview, *, end_stream: bool = False
    ) -> None:
        """Queue a copy of `data`."""

    def send_trailers(self, stream_id: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Queue trailers, which end the stream."""

    def end_stream(self, stream_id: int) -> None:
        """End the stream after what is queued."""

    def reset_stream(self, stream_id: int, error_code: int) -> None:
        """Queue a reset, ahead of everything else of the stream; harmless if it is gone."""

    def queued_body_size(self, stream_id: int | None = None) -> int:
        """Return the bytes of body that are queued."""


def last_first(parts: Iterable[Buffer]) -> list[memoryview]:
    """Return `parts` as `feed` takes them: the last is the next to go, as popping it is cheap."""
    return [memoryview(part).cast("B") for part in reversed(tuple(parts))]


def feed(engine: Engine, stream_id: int, parts: list[memoryview]) -> bool:
    """Give the library what it has room for of `parts`, last first; return whether it had any."""
    room = SEND_AHEAD - engine.queued_body_size(stream_id)
    if room <= 0:
        return False
    while parts and room > 0:
        part = parts.pop()
        engine.send_data(stream_id, part[:room])
        if len(part) > room:
            parts.append(part[room:])
        room -= len(part)
    return True


class _Rest:
    """The rest of one answer."""

    __slots__ = ("parts", "stream", "trailers")

    def __init__(self, stream: Stream, answer: Outgoing) -> None:
        self.stream = stream
        self.parts = last_first(answer.parts or ())
        self.trailers: Headers | None = answer.trailers


class Sender:
    """Gives answers to the library, large ones bit by bit.

    `gone` is what the library raises for a stream that is over.
    """

    def __init__(self, engine: Engine, gone: type[Exception]) -> None:
        self._engine = engine
        self.gone = gone
        self._rests: dict[int, _Rest] = {}
        self._early: dict[int, float] = {}  # when each may be reset
        self._given: dict[int, None] = {}  # streams with answers that may not have left

    @property
    def is_idle(self) -> bool:
        """Whether every answer has been given to the library."""
        return not self._rests and not self._early

    @property
    def nbytes(self) -> int:
        """How many bytes are counted for what has not been given to the library."""
        return sum(rest.stream.held for rest in self._rests.values())

    def submit(self, stream: Stream, answer: Outgoing) -> None:
        """Begin to send an answer. What the stream holds is released when it has left here.

        Raises the library's error if the stream is gone.
        """
        engine, stream_id, parts = self._engine, stream.id, answer.parts
        if not stream.has_ended:
            self._early[stream_id] = stream.touched + stream.linger_s
        engine.send_response(stream_id, answer.headers, end_stream=parts is None)
        if parts is None:
            stream.release()
            return
        self._given[stream_id] = None
        if len(parts) == 1 and len(parts[0]) <= SEND_AHEAD:
            stream.release()
            engine.send_data(stream_id, parts[0], end_stream=answer.trailers is None)
            if answer.trailers is not None:
                engine.send_trailers(stream_id, answer.trailers)
        else:
            rest = self._rests[stream_id] = _Rest(stream, answer)
            stream.hold(sum(map(len, rest.parts)))
            self._feed(rest)

    def end_early(self, stream_id: int) -> None:
        """Reset a stream that was answered before its client has ended, once that has left."""
        self._early[stream_id] = 0.0

    def forget(self, stream_id: int) -> None:
        """Drop what is left for a stream that is gone."""
        self._early.pop(stream_id, None)
        self._given.pop(stream_id, None)
        self._drop(stream_id)

    def _drop(self, stream_id: int) -> None:
        rest = self._rests.pop(stream_id, None)
        if rest is not None:
            rest.stream.release()

    def forget_all(self) -> None:
        """Drop everything: the connection is lost."""
        for stream_id in list(self._rests):
            self.forget(stream_id)
        self._early.clear()
        self._given.clear()

    def unread(self) -> dict[int, int]:
        """Return how many bytes of each answer have not left, for those of which there are any."""
        engine, left = self._engine, {}
        for stream_id in list(self._given):
            rest = self._rests.get(stream_id)
            nbytes = engine.queued_body_size(stream_id)
            nbytes += sum(map(len, rest.parts)) if rest is not None else 0
            if nbytes:
                left[stream_id] = nbytes
            else:
                del self._given[stream_id]
        return left

    def refill(self, now: float) -> bool:
        """Give the library more after it has sent all it could; return whether there was any.

        `now` is the loop's clock.
        """
        fed = [rest for rest in list(self._rests.values()) if self._feed_if_open(rest)]
        return self._reset_early(now) or bool(fed)

    def _feed_if_open(self, rest: _Rest) -> bool:
        """Do as `_feed`; a reset that is read but not handled yet ends this answer only."""
        try:
            return self._feed(rest)
        except self.gone:
            self.forget(rest.stream.id)
            return False

    def _feed(self, rest: _Rest) -> bool:
        """Give the library what it has room for; return whether it had any."""
        engine, stream_id, parts = self._engine, rest.stream.id, rest.parts
        if not feed(engine, stream_id, parts):
            return False
        if not parts:
            if rest.trailers is None:
                engine.end_stream(stream_id)
            else:
                engine.send_trailers(stream_id, rest.trailers)
            self._drop(stream_id)
        return True

    def _reset_early(self, now: float) -> bool:
        """Reset the streams whose answers have left, though their clients still send."""
        engine = self._engine
        due = [
            stream_id
            for stream_id, instant in self._early.items()
            if now >= instant
            and stream_id not in self._rests
            and not engine.queued_body_size(stream_id)
        ]
        for stream_id in due:
            del self._early[stream_id]
            engine.reset_stream(stream_id, _NO_ERROR)
        return bool(due)
