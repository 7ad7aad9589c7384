"""P1: the smallest REST infer on ONNX, through listener, router and agent of one process."""

from perf.harness import loads
from perf.harness.bench import Bench, point
from perf.harness.figures import Row, at_least
from perf.harness.loads import Point
from perf.harness.servers import Server

TITLE = "REST, iris ONNX, c=16"


def ours(server: Server) -> Point:
    return loads.rest_rate(server.label, server.port, "iris-onnx", 16)


def run(bench: Bench) -> list[Row]:
    seldon, triton = bench.seldon(), bench.triton()
    ceiling = bench.ceiling("rest", "onnx")
    series = bench.measure(
        ours(seldon),
        loads.rest_rate(ceiling.label, ceiling.port, "iris", 16),
        point(triton, lambda server: loads.rest_rate(server.label, server.port, "iris", 16)),
        loads.ready_rate("seldon-core, ready", seldon.port, 16),
        point(triton, lambda server: loads.ready_rate("Triton, ready", server.port, 16)),
    )
    infer, inline, python_backend, ready, triton_ready = series
    return [
        Row("P1", TITLE, infer, inline, at_least(0.60)),
        Row("P1", TITLE, infer, python_backend, at_least(2.0)),
        Row("P1", "front ends alone: GET /v2/health/ready, c=16", ready, triton_ready),
    ]
