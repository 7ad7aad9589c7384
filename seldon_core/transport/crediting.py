"""How much an HTTP/2 client may send: what is taken in is credited, or withheld for a while.

A body of unannounced length that finds the budget full is not credited until it is free again, one
that was announced not from a quarter above it on. Its client stops when it has used up its window,
which bounds what it can have sent by then.
"""

from collections.abc import Callable

from seldon_core.transport.budget import InFlightBytes


class Withheld:
    """The credit that one connection withholds.

    `credit(amount, stream_id)` lets the client send so much more, also for streams that are gone,
    or the connection's window would shrink with each. `resume` is called when the budget has room:
    it calls `give_all`, and sends what came of it.
    """

    def __init__(
        self, budget: InFlightBytes, credit: Callable[[int, int], None], resume: Callable[[], None]
    ) -> None:
        self._budget = budget
        self._credit = credit
        self._resume = resume
        self._withheld: dict[int, int] = {}  # by stream: a client may send it byte by byte

    def add(self, nbytes: int, stream_id: int) -> None:
        """Credit `nbytes` of a stream when the budget has room."""
        self._withheld[stream_id] = self._withheld.get(stream_id, 0) + nbytes
        self._budget.when_free(self._resume)

    def holds(self, stream_id: int) -> bool:
        """Return whether something of a stream is withheld."""
        return stream_id in self._withheld

    def give_all(self) -> None:
        """Credit everything."""
        withheld, self._withheld = self._withheld, {}
        for stream_id, nbytes in withheld.items():
            self._credit(nbytes, stream_id)

    def forget(self) -> None:
        """Credit nothing any more: the connection is lost."""
        self._budget.forget(self._resume)
