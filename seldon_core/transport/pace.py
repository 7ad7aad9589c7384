"""Whether bytes come, or are taken, fast enough: a rate over a time, so that pauses are allowed."""


class Pace:
    """Bytes that moved, looked at now and then.

    `moved` counts them from any beginning on; who counts sets it. `bytes_per_s` is what is wanted
    on average, at least one byte. `now` is seconds of a clock that does not go back.
    """

    __slots__ = ("_bytes_per_s", "_mark", "_since", "moved")

    def __init__(self, bytes_per_s: int, now: float) -> None:
        self._bytes_per_s = bytes_per_s
        self.moved = 0
        self._mark = 0
        self._since = now

    def begin(self, now: float) -> None:
        """Look from now on: what was before, or was nobody's fault, does not count."""
        self._mark = self.moved
        self._since = now

    def is_too_slow(self, now: float, patience_s: float) -> bool:
        """Return whether too little has moved for longer than `patience_s` seconds."""
        elapsed_s = now - self._since
        if self.moved - self._mark >= max(1.0, elapsed_s * self._bytes_per_s):
            self.begin(now)
            return False
        return elapsed_s > patience_s
