"""What a client has not read yet of what it is sent: counted in the budget, and watched."""

from seldon_core.transport.pace import Pace
from seldon_core.transport.shared import Shared


class Unread:
    """One client's. `sent` are bytes handed to the transport, for who has them counted there.

    `unsent` is always what the transport still holds, `now` the loop's clock.
    """

    __slots__ = ("_counted", "_pace", "_shared", "sent")

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._counted = 0
        self._pace = Pace(shared.settings.write_bytes_per_s, shared.loop.time())
        self.sent = 0

    def count(self, nbytes: int) -> None:
        """Let the budget count `nbytes`: what waits for the client and is not counted elsewhere."""
        nbytes = max(nbytes, 0)
        if nbytes != self._counted:
            self._shared.budget.give(self._counted)
            self._shared.budget.take(nbytes)
            self._counted = nbytes

    def begin(self, now: float, unsent: int = 0) -> None:
        """Watch from now on: the client was owed nothing before."""
        self._pace.moved = self.sent - unsent
        self._pace.begin(now)

    def is_stuck(self, now: float, unsent: int) -> bool:
        """Return whether the client has taken too little for too long."""
        shared = self._shared
        self._pace.moved = self.sent - unsent
        patience_s = shared.patience_s(shared.settings.write_idle_timeout_s)
        return self._pace.is_too_slow(now, patience_s)
