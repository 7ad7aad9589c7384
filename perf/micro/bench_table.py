"""What finding a route costs, with 1 and with 10,000 routes: µs per call of resolve + choose.

    python perf/micro/bench_table.py

Owed: 1 µs, and the same at both sizes.
"""

import random
import sys
import timeit
from typing import cast

from seldon_core.router.table import RouteTable
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.handler import InferHandler

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)
CALLS, ROUNDS = 50_000, 5


NOBODY = cast("InferHandler", object())  # never called


def table_of(routes: int, versions: int, replicas: tuple[ReplicaId, ...]) -> RouteTable:
    """A table of equal routes, `m0`, `m1` …."""
    table = RouteTable(dict.fromkeys((R0, R1), NOBODY))
    for index in range(routes):
        name = f"m{index}"
        candidates = [RouteCandidate(name, version, 50, replicas) for version in range(versions)]
        table.apply(RouteUpdate(name, tuple(candidates)))
    return table


def measure(table: RouteTable, headers: dict[bytes, bytes], named: str) -> float:
    """The best of some rounds, in µs per call."""
    point = random.random

    def once() -> None:
        table.resolve(headers, named).candidate(headers, point).upstream(point)

    return min(timeit.repeat(once, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def main() -> int:
    """Print a line for each way to be found."""
    plain = {b"content-type": b"application/json", b"content-length": b"84"}
    for routes in (1, 10_000):
        last = f"m{routes - 1}"
        one, two = table_of(routes, 1, (R0,)), table_of(routes, 2, (R0, R1))
        by_header = {**plain, b"seldon-model": last.encode()}
        sticky = {**plain, b"x-seldon-route": f":{last}_1:".encode()}
        for label, microseconds in (
            ("path, one candidate", measure(one, plain, last)),
            ("header, one candidate", measure(one, by_header, "")),
            ("two candidates on two replicas", measure(two, plain, last)),
            ("two candidates, sticky", measure(two, sticky, last)),
        ):
            print(f"{routes:>6} routes  {label:<31} {microseconds:5.2f} µs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
