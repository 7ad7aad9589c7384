"""P5: the smallest REST infer through a router to an agent in another process."""

from perf.harness import loads
from perf.harness.bench import Bench, point
from perf.harness.figures import Row, at_least

TITLE = "REST, iris ONNX, router → agent in another process"


def run(bench: Bench) -> list[Row]:
    router, agent = bench.two_processes()
    ceiling, envoy = bench.ceiling("two_processes", "hop"), bench.envoy(agent)
    rows = []
    for connections in (16, 64):
        hop, least, proxied = bench.measure(
            loads.rest_rate(router.label, router.port, "iris-onnx", connections),
            loads.rest_rate(ceiling.label, ceiling.port, "iris-onnx", connections),
            point(
                envoy,
                lambda server, count=connections: loads.rest_rate(  # type: ignore[misc]  # a default
                    server.label, server.port, "iris-onnx", count
                ),
            ),
        )
        title = f"{TITLE}, c={connections}"
        rows += [
            Row("P5", title, hop, proxied, at_least(1.0)),
            Row("P5", title, hop, least, at_least(0.7)),
        ]
    return rows
