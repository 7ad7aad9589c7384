"""Whether a client that has a stream open is still there, though nothing is said on it.

TCP asks the client's machine, once in a minute or so; a ping is answered by the client itself, and
soon. gRPC's clients answer without being told to.
"""

from typing import Protocol


class Engine(Protocol):
    """What is used of the library's connection."""

    def ping(self) -> None:
        """Queue a PING."""


class Pings:
    """The pings of one connection: the next one `every_s` after the last was answered.

    A client that leaves one unanswered for `timeout_s` is dead. With `every_s` 0 nobody is asked.
    """

    __slots__ = ("_asked_at", "_engine", "_every_s", "_heard_at", "_timeout_s")

    def __init__(self, engine: Engine, every_s: float, timeout_s: float, now: float) -> None:
        self._engine = engine
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._heard_at = now
        self._asked_at: float | None = None

    def visit(self, now: float) -> bool:
        """Ask if it is time to; return whether the client is dead. `now` is the loop's clock."""
        if self._asked_at is not None:
            return now - self._asked_at > self._timeout_s
        if self._every_s and now - self._heard_at >= self._every_s:
            self._asked_at = now
            self._engine.ping()
        return False

    def answered(self, now: float) -> bool:
        """Take the answer to a ping; return whether it was one of these."""
        if self._asked_at is None:
            return False
        self._asked_at = None
        self._heard_at = now
        return True
