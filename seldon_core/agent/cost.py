"""How long a model's next call will take, and so where it runs.

A pure estimate a + b * rows for each model: least squares over its calls, each counting a tenth
less than the one after it. What it must survive is a noisy machine: a call that was preempted took
ten or a hundred times what the model needs. So a first surprise is left out, and only a second one
in a row is believed; then it replaces what was known, and the calls that follow elsewhere are
measured too. If the next ones are like those before the surprise it was a mistake, and forgotten:
beside clients that keep the loop busy each call elsewhere takes a turn of it or two, and the
thousands of requests that wait for the model meanwhile are more than there may be.
"""

from enum import Enum, auto

_DECAY = 0.9
_SURPRISE = 4.0  # times the prediction
_STRIKES = 2  # surprises in a row that are believed
_AGREEING = 3  # calls in a row, of the next _TRIAL after a surprise, that prove it a mistake
_TRIAL = 8
_STRETCH = 4  # times the largest call seen: beyond it the line is a guess


class Place(Enum):
    """Where a call runs."""

    INLINE = auto()  # on the event loop
    AWAY = auto()  # on a thread or in a worker process


class CallCost:
    """The estimate for one model; `limit_s` is the longest call that may run on the loop.

    The first call only warms caches and is not counted; until the second one is, calls go away.
    """

    __slots__ = (
        "_a",
        "_agreeing",
        "_b",
        "_before",
        "_calls",
        "_largest",
        "_limit_s",
        "_strikes",
        "_sum",
        "_sum_r",
        "_sum_rr",
        "_sum_rt",
        "_sum_t",
        "_trial",
        "_trial_rows",
    )

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._calls = 0
        self._strikes = 0
        # What was known until a surprise was believed, while that is on trial.
        self._before: tuple[float, ...] | None = None
        self._agreeing = self._trial = self._trial_rows = 0
        self._start_over()

    def __repr__(self) -> str:
        return f"<CallCost {self._a * 1e6:.0f} us + {self._b * 1e6:.2f} us/row>"

    def place(self, rows: int) -> Place:
        """Decide where a call with `rows` rows runs."""
        if rows > self._largest or self._a + self._b * rows > self._limit_s:
            return Place.AWAY
        return Place.INLINE

    def predict(self, rows: int) -> float:
        """Return the seconds that a call with `rows` rows is expected to take."""
        return self._a + self._b * rows

    def observe(self, rows: int, seconds: float) -> None:
        """Take in that a call with `rows` rows ran for `seconds`, wherever it ran."""
        self._calls += 1
        if self._calls == 1:
            return
        if self._sum and seconds > _SURPRISE * (self._a + self._b * rows):
            self._strikes += 1
            if self._strikes < _STRIKES:
                return
            self._begin_trial(rows)
            self._start_over()
        elif self._before is not None:
            self._try(self._before, rows, seconds)
        self._strikes = 0
        self._add(rows, seconds)

    def _begin_trial(self, rows: int) -> None:
        self._before = (
            *(self._a, self._b, self._sum, self._sum_r, self._sum_t),
            *(self._sum_rr, self._sum_rt),
        )
        self._agreeing, self._trial, self._trial_rows = 0, _TRIAL, rows

    def _try(self, before: tuple[float, ...], rows: int, seconds: float) -> None:
        """Go back to what was known before the surprise if calls are again as they were."""
        if rows < self._trial_rows or self.place(rows) is Place.INLINE:
            return
        self._trial -= 1
        is_like_before = seconds <= _SURPRISE * (before[0] + before[1] * rows)
        self._agreeing = self._agreeing + 1 if is_like_before else 0
        if self._agreeing == _AGREEING:
            self._a, self._b, self._sum, self._sum_r, self._sum_t, self._sum_rr, self._sum_rt = (
                before
            )
        if self._agreeing == _AGREEING or not self._trial:
            self._before = None

    def _start_over(self) -> None:
        self._a = self._b = 0.0
        self._sum = self._sum_r = self._sum_t = self._sum_rr = self._sum_rt = 0.0
        self._largest = 0  # rows up to which the estimate is trusted

    def _add(self, rows: int, seconds: float) -> None:
        self._sum = count = self._sum * _DECAY + 1.0
        self._sum_r = sum_r = self._sum_r * _DECAY + rows
        self._sum_t = sum_t = self._sum_t * _DECAY + seconds
        self._sum_rr = sum_rr = self._sum_rr * _DECAY + rows * rows
        self._sum_rt = sum_rt = self._sum_rt * _DECAY + rows * seconds
        spread = count * sum_rr - sum_r * sum_r
        # Calls of about one size say nothing of the slope: then it is the mean alone.
        slope = (count * sum_rt - sum_r * sum_t) / spread if spread > 0.01 * sum_rr else 0.0
        mean = sum_t / count
        mean_rows = sum_r / count
        self._b = min(max(slope, 0.0), mean / mean_rows) if mean_rows else 0.0
        self._a = mean - self._b * mean_rows
        self._largest = max(self._largest, rows * _STRETCH)
