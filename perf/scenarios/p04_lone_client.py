"""P4: what one client waits for that sends one request at a time."""

from perf.harness import loads
from perf.harness.bench import Bench, point
from perf.harness.figures import Row, at_most
from perf.harness.loads import MICROSECONDS, Point
from perf.harness.servers import Server

TITLE = "lone client, REST p50"


def ours(server: Server) -> Point:
    return loads.rest_p50(f"{server.label}, sklearn", server.port, "iris")


def run(bench: Bench) -> list[Row]:
    seldon = bench.seldon()
    sklearn, onnx, unbatched, mlserver = bench.measure(
        ours(seldon),
        loads.rest_p50("seldon-core, ONNX", seldon.port, "iris-onnx"),
        loads.rest_p50("seldon-core, sklearn, not batched", seldon.port, "iris-unbatched"),
        point(
            bench.best_mlserver("lone"),
            lambda server: loads.rest_p50(server.label, server.port, "iris"),
        ),
    )
    return [
        Row("P4", TITLE, sklearn, mlserver, at_most(0.55)),
        Row("P4", TITLE, onnx, mlserver, at_most(0.30)),
        Row(
            "P4", "what batching adds", sklearn, unbatched, at_most(15, MICROSECONDS), "difference"
        ),
    ]
