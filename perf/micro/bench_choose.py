"""What a choice costs: by weight among 2 and 100 candidates, two of 2 and of 1,000 replicas.

python perf/micro/bench_choose.py
"""

import random
import sys
import timeit
from collections.abc import Callable
from functools import partial

from seldon_core.router.choose import choose_weighted, cumulate, two_of

CALLS, ROUNDS = 100_000, 5


def measure(once: Callable[[], object]) -> float:
    """The best of some rounds, in µs per call, randomness included."""
    return min(timeit.repeat(once, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def by_weight(cumulative: tuple[int, ...]) -> int:
    """Choose as the router does."""
    return choose_weighted(cumulative, random.random())


def two(count: int) -> tuple[int, int]:
    """Choose as the router does."""
    return two_of(count, random.random(), random.random())


def main() -> int:
    """Print a line for each choice."""
    for count in (2, 100):
        weights = cumulate([1] * count)
        cost = measure(partial(by_weight, weights))
        print(f"by weight among {count:>5}  {cost:5.2f} µs")
    for count in (2, 1_000):
        cost = measure(partial(two, count))
        print(f"two replicas of {count:>5}  {cost:5.2f} µs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
