"""What a call in a thread costs, there and back: in our pool, and in the library's executor.

    python -m perf.micro.bench_threads

The call does nothing. Wall time, and the computing time of all threads together.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time

import uvloop

from seldon_core.aio.threads import open_threads

ROUNDS = 5


async def measure(hop: Callable[[], Awaitable[object]], seconds: float) -> tuple[float, float]:
    """The best of some rounds, in µs a call: wall time and computing time."""
    best = (float("inf"), float("inf"))
    for _ in range(ROUNDS):
        calls, began, computed = 0, perf_counter(), process_time()
        while perf_counter() - began < seconds / ROUNDS:
            await hop()
            calls += 1
        wall, computing = perf_counter() - began, process_time() - computed
        best = min(best, (wall / calls * 1e6, computing / calls * 1e6))
    return best


async def main(seconds: float) -> None:
    """Print a line for each way."""
    loop = asyncio.get_running_loop()
    async with open_threads("bench", 1) as pool:
        with ThreadPoolExecutor(1) as executor:
            ways: dict[str, Callable[[], Awaitable[object]]] = {
                "aio.threads": lambda: pool.run(int),
                "executor": lambda: loop.run_in_executor(executor, int),
            }
            for name, hop in ways.items():
                wall, computing = await measure(hop, seconds / len(ways))
                print(f"{name:12} {wall:7.1f} µs, computing {computing:7.1f} µs")


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BENCH_SECONDS", "1")
    uvloop.run(main(float(given)))
