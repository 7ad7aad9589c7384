"""How many bytes of requests and answers may be in memory at once, over all connections."""

from collections.abc import Callable


class InFlightBytes:
    """Counts the bytes that requests in flight hold, against one limit.

    Who receives a body takes its size and gives it back when the answer has left. `take` never
    refuses: whoever is about to begin something asks `is_full` or `fits` first, so that what has
    begun can always be finished. `is_full` is a plain attribute because it is read per request.
    """

    __slots__ = ("_waiting", "is_full", "limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.is_full = False
        self._waiting: dict[Callable[[], None], None] = {}

    def fits(self, nbytes: int) -> bool:
        """Return whether `nbytes` more stay within the limit, or nothing else is in flight.

        The second half lets a single body above the limit through rather than never.
        """
        return self.used + nbytes <= self.limit or not self.used

    def take(self, nbytes: int) -> None:
        """Count `nbytes` more."""
        self.used += nbytes
        if self.used >= self.limit:
            self.is_full = True

    def give(self, nbytes: int) -> None:
        """Count `nbytes` less; whoever waits is called once there is room again."""
        self.used -= nbytes
        if self.is_full and self.used < self.limit:
            self.is_full = False
            waiting, self._waiting = self._waiting, {}
            for resume in waiting:
                resume()

    def when_free(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, the next time that the budget stops being full.

        A callback given twice is called once. It must not raise.
        """
        self._waiting[resume] = None

    def forget(self, resume: Callable[[], None]) -> None:
        """Do not call `resume` any more; it need not be waiting."""
        self._waiting.pop(resume, None)
