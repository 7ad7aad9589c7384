"""How many bytes of requests and answers may be in memory at once, over all connections."""

from asyncio import Lock, Semaphore
from collections.abc import Callable

_PLACES = 4


class InFlightBytes:
    """Counts the bytes that requests in flight hold, against one limit.

    Who receives a body counts its bytes as they come, and gives them back when the answer has left.
    `take` never refuses: whoever is about to begin something asks `is_full` or `fits` first. What
    has begun may go a quarter beyond the limit, so that most of it can be finished; from there on
    (`is_over`) nobody is read any more until there is room. Nothing is counted before it is there:
    a client that announces much and sends nothing would keep the others out.

    `is_full` and `is_over` are plain attributes because they are read per request.

    Who works on a body bit by bit, as on one that is decompressed, has one of `places` meanwhile,
    and holds `turn` for as long as a bit takes: however many there are, each turn of the loop one
    takes a step.
    """

    __slots__ = ("_most", "_waiting", "is_full", "is_over", "limit", "places", "turn", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._most = limit + limit // 4
        self.used = 0
        self.is_full = False
        self.is_over = False
        self.turn = Lock()
        self.places = Semaphore(_PLACES)
        self._waiting: dict[Callable[[], None], None] = {}

    def change_limit(self, limit: int) -> None:
        """Let so many bytes be in flight; what is already is not given up."""
        self.limit = limit
        self._most = limit + limit // 4
        self.take(0)
        self.give(0)

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
            self.is_over = self.used >= self._most

    def give(self, nbytes: int) -> None:
        """Count `nbytes` less; whoever waits is called once there is room again."""
        self.used -= nbytes
        if self.is_full:
            self.is_over = self.used >= self._most
            if self.used < self.limit:
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
