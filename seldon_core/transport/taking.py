"""Whether a client takes what it is sent on each of its streams.

`unread.py` watches a connection as a whole. But one that takes some answers, or the headers of
many, may leave others where they are by giving their streams no window, for as long as it likes and
with all that they hold. A stream that waits because others have their turn is left alone.
"""

from collections.abc import Mapping
from typing import Protocol

from seldon_core.transport.pace import Pace
from seldon_core.transport.shared import Shared


class Windows(Protocol):
    """What is used of the library's connection."""

    @property
    def remote_window_size(self) -> int:
        """Bytes that the client permits on the connection."""

    def stream_remote_window_size(self, stream_id: int) -> int:
        """Return the bytes that the client permits on a stream."""


class Taking:
    """One connection's streams. `gone` is what `windows` raises for a stream that is over."""

    __slots__ = ("_gone", "_paces", "_shared", "_windows")

    def __init__(self, shared: Shared, windows: Windows, gone: type[Exception]) -> None:
        self._shared = shared
        self._windows = windows
        self._gone = gone
        self._paces: dict[int, Pace] = {}  # of what had not left when it was last looked at

    def look(self, left: Mapping[int, int], now: float) -> list[int]:
        """Return the streams whose clients have taken too little for too long.

        `left` are the bytes that have not left, by stream, `now` is the loop's clock.
        """
        settings = self._shared.settings
        patience_s = self._shared.patience_s(settings.write_idle_timeout_s)
        before, self._paces = self._paces, {}
        is_moving = any(
            stream_id not in left or -left[stream_id] > pace.moved
            for stream_id, pace in before.items()
        )
        stuck = []
        for stream_id, nbytes in left.items():
            pace = before.get(stream_id)
            is_new = pace is None
            pace = self._paces[stream_id] = pace or Pace(settings.write_bytes_per_s, now)
            pace.moved = -nbytes
            if is_new or not self._is_blocked(stream_id, is_moving):
                pace.begin(now)
            elif pace.is_too_slow(now, patience_s):
                stuck.append(stream_id)
        return stuck

    def _is_blocked(self, stream_id: int, is_moving: bool) -> bool:
        """Return whether it is for want of the client's permission that a stream waits."""
        windows = self._windows
        try:
            if windows.stream_remote_window_size(stream_id) <= 0:
                return True
        except self._gone:
            return False  # its end is read and not handled yet
        return not is_moving and windows.remote_window_size <= 0
