"""The end of an HTTP/2 connection that its server wants, in two steps (RFC 9113, 6.8).

First the client is told that it should stop, then, when a ping has come back and with it everything
that was on its way, which stream was the last.
"""

from typing import Protocol

DRAIN_PING_S = 1.0
"""How long a client may take to answer the ping before the last stream is named anyway."""


class Engine(Protocol):
    """What is used of the library's connection."""

    def send_shutdown_notice(self) -> None:
        """Queue a GOAWAY that names no stream."""

    def ping(self) -> None:
        """Queue a PING."""

    def send_goaway(self) -> None:
        """Queue a GOAWAY that names the last stream that was taken."""


class Goodbye:
    """How far one connection has come with its end.

    `is_begun` says that it was asked for, `is_said` that no stream follows any more.
    """

    __slots__ = ("_engine", "_say_by", "is_begun", "is_said")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._say_by = 0.0
        self.is_begun = False
        self.is_said = False

    def begin(self, now: float) -> None:
        """Ask the client to open no more streams; `now` is the loop's clock."""
        self.is_begun = True
        self._say_by = now + DRAIN_PING_S
        self._engine.send_shutdown_notice()
        self._engine.ping()

    def say(self) -> bool:
        """Name the last stream, unless it is too early or was done; return whether it was now."""
        if not self.is_begun or self.is_said:
            return False
        self.is_said = True
        self._engine.send_goaway()
        return True

    def visit(self, now: float) -> bool:
        """Do as `say` if the ping has not come back in time."""
        return self.is_begun and now >= self._say_by and self.say()
