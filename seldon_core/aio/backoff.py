"""How long to wait before something is tried again."""

from collections.abc import Callable


class Backoff:
    """Pauses that double from `first_s` to `most_s`, each a fifth longer or shorter by chance.

    So those who lost the same thing do not all come back at once. `random` returns numbers in
    [0, 1).
    """

    def __init__(self, first_s: float, most_s: float, random: Callable[[], float]) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self._next_s = first_s

    @property
    def is_reset(self) -> bool:
        """Whether there was no pause since the start or the last `reset`."""
        return self._next_s == self._first_s

    def pause_s(self) -> float:
        """Return the next pause."""
        pause_s = self._next_s * (0.8 + 0.4 * self._random())
        self._next_s = min(2 * self._next_s, self._most_s)
        return pause_s

    def reset(self) -> None:
        """Begin anew: it worked."""
        self._next_s = self._first_s
