"""How the codecs' benches measure and print: a row for each operation, the best of five rounds."""

import os
import sys
import timeit
from collections.abc import Callable, Sequence

Row = tuple[str, Callable[[], object]]


def measure(once: Callable[[], object], seconds: float) -> float:
    """The best of five rounds that take about `seconds` together, in µs per call."""
    timer = timeit.Timer(once)
    calls = max(1, int(seconds / 5 / max(min(timer.repeat(3, 1)), 1e-7)))
    return min(timer.repeat(5, calls)) / calls * 1e6


def report(rows: Sequence[Row]) -> int:
    """Print each row; together they take the seconds given as argument or by BENCH_SECONDS."""
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BENCH_SECONDS", "1"))
    for name, once in rows:
        print(f"{name:32} {measure(once, seconds / len(rows)):10.2f} µs")
    return 0
