"""The time, as a value that is handed around so that tests can hold it still."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time. The data path asks `monotonic` only; control events carry `wall`."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps; only differences mean something."""

    def wall(self) -> float:
        """Return UTC seconds since 1970 that never step back while the process runs."""


class SystemClock:
    """The machine's clock.

    The wall clock is read once; from then on it is that reading plus monotonic time. So it never
    steps back, and it does not follow a correction of the machine's clock until a restart. It
    begins at `not_before` if the machine says that it is earlier, so that it does not step back
    over a restart either.
    """

    def __init__(self, not_before: float = 0.0) -> None:
        now = max(time.time(), not_before)  # noqa: TID251 - this is the clock
        self._offset = now - time.monotonic()

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; the same scale as the loop's `time()`."""
        return time.monotonic()

    def wall(self) -> float:
        """Return UTC seconds since 1970, as far as they were right when the process started."""
        return self._offset + time.monotonic()
