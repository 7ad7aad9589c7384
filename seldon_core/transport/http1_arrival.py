"""Whether the request that an HTTP/1 client sends comes in time: first its head, then its body.

It is looked at about once a second, whatever else is answered meanwhile: behind a request that
takes long, another could else be held back for as long, with all that has come of it.
"""

from dataclasses import dataclass

from seldon_core.transport.http1 import Http1Reader
from seldon_core.transport.pace import Pace
from seldon_core.transport.shared import Shared


@dataclass(frozen=True, slots=True)
class Late:
    """What a request that did not come in time is answered; `retry_after_s` as of `refusal`."""

    status: int
    message: str
    retry_after_s: int | None = None


class Arrival:
    """What one connection's `reader` is reading, as visits find it."""

    __slots__ = ("_body_of", "_head_of", "_head_since", "_pace", "_reader", "_shared")

    def __init__(self, shared: Shared, reader: Http1Reader) -> None:
        self._shared = shared
        self._reader = reader
        self._head_of = -1  # the request whose head was found unfinished, and when that was
        self._head_since = 0.0
        self._body_of = -1  # the request whose body was found unfinished
        self._pace = Pace(shared.settings.body_bytes_per_s, 0.0)

    def look(self, now: float, number: int, is_held: bool) -> Late | None:
        """Return what to answer a request that is late, None if nothing is.

        `now` is the loop's clock, `number` tells the requests of a connection apart, and `is_held`
        says that nothing is read of it now.
        """
        reader = self._reader
        if reader.is_ended:
            return None
        if reader.incomplete is not None:
            return self._look_at_body(now, number, is_held)
        if reader.is_between:
            return None
        return self._look_at_head(now, number, is_held)

    def _look_at_body(self, now: float, number: int, is_held: bool) -> Late | None:
        """Find a body that comes too slowly, or for which there has been no room for too long."""
        pace, longest_s = self._pace, self._shared.settings.body_idle_timeout_s
        pace.moved = self._reader.received
        if self._body_of != number or (is_held and not self._reader.must_wait):
            self._body_of = number  # or it is held for requests before it, which is our doing
            pace.begin(now)
        elif is_held:
            if pace.is_too_slow(now, longest_s):
                return Late(503, "too many bytes are in flight, try again", 1)
        elif pace.is_too_slow(now, self._shared.patience_s(longest_s)):
            return Late(408, "the rest of the body did not come in time")
        return None

    def _look_at_head(self, now: float, number: int, is_held: bool) -> Late | None:
        """Find a head that is not complete in its time, however slowly it keeps coming."""
        if self._head_of != number or is_held:
            self._head_of, self._head_since = number, now
        elif now - self._head_since > self._shared.settings.head_timeout_s:
            return Late(408, "the rest of the headers did not come in time")
        return None
