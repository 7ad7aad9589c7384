"""P3: the smallest gRPC infer on ONNX, contents raw."""

from perf.harness import loads
from perf.harness.bench import Bench, point
from perf.harness.figures import Row, at_least
from perf.harness.loads import Point
from perf.harness.servers import Server

TITLE = "gRPC, iris ONNX, raw contents, 2 connections x 8 streams"


def ours(server: Server) -> Point:
    return loads.grpc_rate(server.label, server.grpc_port, "iris-onnx")


def iris(server: Server) -> Point:
    return loads.grpc_rate(server.label, server.grpc_port, "iris")


def run(bench: Bench) -> list[Row]:
    infer, mlserver, triton, ceiling = bench.measure(
        ours(bench.seldon()),
        point(bench.best_mlserver("grpc"), iris),
        point(bench.triton(), iris),
        iris(bench.ceiling("grpc", "onnx")),
    )
    return [
        Row("P3", TITLE, infer, mlserver, at_least(12.0)),
        Row("P3", TITLE, infer, triton, at_least(3.0)),
        Row("P3", TITLE, infer, ceiling, at_least(0.50)),
    ]
