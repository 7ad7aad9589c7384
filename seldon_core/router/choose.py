"""Choosing among candidates and among replicas. Randomness is an argument."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate


def cumulate(weights: Iterable[int]) -> tuple[int, ...]:
    """Return running sums of `weights` for `choose_weighted`.

    Weights need not total 100. If all are 0, each candidate gets the same share.
    """
    listed = list(weights)
    return tuple(accumulate(listed if any(listed) else [1] * len(listed)))


def choose_weighted(cumulative: tuple[int, ...], point: float) -> int:
    """Return the index whose share of the running sums holds `point`, 0 <= point < 1.

    A weight of 0 is never chosen.
    """
    return bisect_right(cumulative, point * cumulative[-1])


def two_of(count: int, first: float, second: float) -> tuple[int, int]:
    """Return two different indexes below `count` (>= 2) for two points in [0, 1)."""
    one = int(first * count)
    return one, (one + 1 + int(second * (count - 1))) % count
