"""What of the bodies of requests has not been given to the HTTP/2 library yet, client side.

The library copies what it is given, so of a large body it has at most `sending.SEND_AHEAD` bytes;
the rest stays where it is. A request may be open: then more is to come than has been given here.
"""

from collections.abc import Callable, Sequence

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.sending import Engine, feed, last_first
from seldon_core.transport.settings import KIB

JOIN_UP_TO = 16 * KIB
"""A body of at most this is given to the library at once."""


class Uploads:
    """The bodies of one connection's requests. `gone` is what `engine` raises for a stream that is
    over, which its events tell too; `on_room(stream_id)` is called when more of a body has left.

    `rests` has what is left of each, the next part last, and `open` the streams whose requests have
    not ended. Both are looked at for every answer, and stay the same objects.
    """

    def __init__(
        self, engine: Engine, gone: type[Exception], on_room: Callable[[int], None]
    ) -> None:
        self._engine = engine
        self._gone = gone
        self._on_room = on_room
        self.rests: dict[int, list[memoryview]] = {}
        self.open: set[int] = set()

    def give(self, stream_id: int, body: Sequence[Buffer]) -> None:
        """Give the library a body, or the next parts of an open request's, or begin to."""
        waiting = self.rests.get(stream_id)
        if waiting is not None:
            waiting[:0] = last_first(body)
            return
        if sum(map(len, body)) <= JOIN_UP_TO:
            data = body[0] if len(body) == 1 else b"".join(body)
            try:
                self._engine.send_data(stream_id, data, end_stream=stream_id not in self.open)
            except self._gone:
                return
        else:
            self.rests[stream_id] = last_first(body)
            self._feed(stream_id)

    def end(self, stream_id: int) -> bool:
        """End an open request after what was given; return whether there is something to send."""
        if stream_id not in self.open:
            return False
        self.open.discard(stream_id)
        if stream_id in self.rests:
            return False
        try:
            self._engine.end_stream(stream_id)
        except self._gone:
            return False
        return True

    def refill(self) -> bool:
        """Give the library more after it has sent all it could; return whether there was any."""
        fed = [self._feed(stream_id) for stream_id in list(self.rests)]
        return any(fed)

    def forget(self, stream_id: int) -> bool:
        """Give no more of a request; return whether there was more, or might have been."""
        was_left = self.rests.pop(stream_id, None) is not None
        if stream_id in self.open:
            self.open.discard(stream_id)
            return True
        return was_left

    def forget_all(self) -> None:
        """Drop everything: the connection is lost."""
        self.rests.clear()
        self.open.clear()

    def _feed(self, stream_id: int) -> bool:
        """Give the library what it has room for; return whether there was any."""
        parts = self.rests[stream_id]
        try:
            if not feed(self._engine, stream_id, parts):
                return False
            if not parts:
                del self.rests[stream_id]
                if stream_id not in self.open:
                    self._engine.end_stream(stream_id)
                self._on_room(stream_id)
        except self._gone:
            self.rests.pop(stream_id, None)
            return False
        return True
