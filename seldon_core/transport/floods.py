"""What an HTTP/2 client may send only so often: frames that cost it a few bytes and us some work.

The library bounds what has to do with one frame or one moment: header blocks, CONTINUATION frames,
entries of SETTINGS, acknowledgements that wait to be sent, frames of unknown types or without
sense. What is legal and only too often is counted here, by kind, for each connection.

There is nothing here but numbers: no clock, no library, no socket.
"""

from enum import Enum

from seldon_core.transport.settings import ListenerSettings

BURST_S = 10.0
"""So many seconds' worth may come at once: a client that cancels all it has, or sends a large
upload of small pieces, is no flood."""


class Flood(Enum):
    """What is counted. The value says it in messages."""

    RESETS = "resets of streams"
    SETTINGS = "SETTINGS frames"
    PINGS = "PING frames"
    EMPTY_DATA = "empty DATA frames"
    WINDOW_UPDATES = "WINDOW_UPDATE frames"


class Floods:
    """The counts of one connection: for each kind a bucket of tokens that fills with time.

    `now` is seconds of any clock that does not go back.
    """

    __slots__ = ("_left", "_rates", "_since")

    def __init__(self, settings: ListenerSettings, now: float) -> None:
        self._rates = {
            Flood.RESETS: settings.resets_per_s,
            Flood.SETTINGS: settings.settings_per_s,
            Flood.PINGS: settings.pings_per_s,
            Flood.EMPTY_DATA: settings.empty_data_per_s,
            Flood.WINDOW_UPDATES: settings.window_updates_per_s,
        }
        self._left = {kind: rate * BURST_S for kind, rate in self._rates.items()}
        self._since = dict.fromkeys(self._rates, now)

    def is_flood(self, kind: Flood, now: float) -> bool:
        """Count one more; return whether that is too many.

        Honest clients send some of these with every call, so a bucket is looked at only when it is
        empty: 0.08 µs instead of 0.25.
        """
        left = self._left[kind] = self._left[kind] - 1
        return left < 0 and not self._refill(kind, now)

    def _refill(self, kind: Flood, now: float) -> bool:
        """Add what time has brought since the last time; return whether there is enough for one."""
        rate = self._rates[kind]
        earned = min((now - self._since[kind]) * rate, rate * BURST_S)
        self._since[kind] = now
        self._left[kind] += earned
        return self._left[kind] >= 0

    def describe(self, kind: Flood) -> str:
        """Say what there was too much of, for the client and the log."""
        return f"more than {self._rates[kind]} {kind.value} a second"
