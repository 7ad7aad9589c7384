"""P14: two thousand clients that keep their connections, on P1's model."""

import socket
from collections.abc import Callable
from contextlib import ExitStack

from perf.harness import bodies, loads
from perf.harness.bench import Bench
from perf.harness.figures import Row, at_least
from perf.harness.loads import Point
from perf.harness.outputs import LoadError
from perf.harness.servers import Server
from perf.scenarios import p01_rest_onnx

TITLE = "2,000 keep-alive connections, iris ONNX"
CONNECTIONS = 2_000
MODEL = "iris-onnx"


def ours(server: Server) -> Point:
    return loads.rest_rate(f"{server.label}, c=2,000", server.port, MODEL, CONNECTIONS)


def memory_of_connections(label: str, start: Callable[[], Server]) -> Point:
    """KiB that one more connection takes which has been answered once and stays open.

    Each time of a new server: memory that earlier connections have left free is taken again unseen.
    """

    def measure(_seconds: float) -> float:
        server = start()
        try:
            infer_on_new(server, 1).close()
            before = server.process.memory_bytes()
            with ExitStack() as stack:
                for _ in range(CONNECTIONS):
                    stack.enter_context(infer_on_new(server, CONNECTIONS))
                grown = server.process.memory_bytes() - before
        finally:
            server.process.stop()
        return grown / CONNECTIONS / 1024

    return Point(label, "KiB", measure)


def infer_on_new(server: Server, of: int) -> socket.socket:
    """A new connection on which one infer was answered. Raises LoadError unless with a 200."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(bodies.pipelined_requests(loads.infer_path(MODEL), bodies.IRIS_JSON, 1))
    answer = connection.recv(1 << 16)
    if not answer.startswith(b"HTTP/1.1 200 "):
        connection.close()
        raise LoadError(f"an infer on one of {of} connections: {answer[:200]!r}")
    return connection


def run(bench: Bench) -> list[Row]:
    weighed = memory_of_connections("seldon-core, a connection", bench.seldon)
    (memory,) = bench.measure(weighed, warm_up_s=0)
    seldon = bench.seldon()
    many, few = bench.measure(ours(seldon), p01_rest_onnx.ours(seldon))
    return [
        Row("P14", TITLE, many, few, at_least(0.8)),
        Row("P14", "memory of a connection", memory, kind="figure"),
    ]
