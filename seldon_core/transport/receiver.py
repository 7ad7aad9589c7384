"""What becomes of one request to another process, whichever version of HTTP it is sent over."""

from collections.abc import Sequence
from typing import Protocol

from seldon_core.errors import UpstreamError

Headers = Sequence[tuple[bytes, bytes]]


class Receiver(Protocol):
    """What becomes of one request. Each method is called in the turn in which it happens."""

    def on_head(self, headers: Headers, has_ended: bool) -> None:
        """Take the answer's header block, `:status` first. `has_ended`: that is all."""

    def on_data(self, data: bytes, has_ended: bool) -> bool:
        """Take the next piece of the answer; return whether it is credited, else you do it."""

    def on_trailers(self, headers: Headers) -> None:
        """Take the trailers, which end the answer."""

    def on_lost(self, error: UpstreamError) -> None:
        """There is no more of the answer, though it had not ended."""

    def on_room(self) -> None:
        """What was to be sent has left, as far as the peer lets it: there is room for more."""
