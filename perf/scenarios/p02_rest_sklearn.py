"""P2: small REST infers on scikit-learn, whose call costs the same for one row and for sixteen."""

from perf.harness import loads
from perf.harness.bench import Bench, Missing, point
from perf.harness.figures import Row, at_least
from perf.harness.loads import Point
from perf.harness.servers import Server

TITLE = "REST, iris sklearn, default batching"


def ours(server: Server) -> Point:
    return rate(server, 16)


def rate(server: Server, connections: int) -> Point:
    return loads.rest_rate(server.label, server.port, "iris", connections)


def rate_of_peer(server: Server | Missing, connections: int) -> Point | Missing:
    return point(server, lambda present: rate(present, connections))


def run(bench: Bench) -> list[Row]:
    seldon, inline = bench.seldon(), bench.ceiling("rest", "sklearn")
    mlserver = bench.best_mlserver("rest 16")
    few = bench.measure(
        rate(seldon, 16),
        rate_of_peer(mlserver, 16),
        rate_of_peer(bench.envoy(mlserver), 16),
        rate(inline, 16),
    )
    many = bench.measure(rate(seldon, 64), rate_of_peer(bench.best_mlserver("rest 64"), 64))
    return [
        Row("P2", f"{TITLE}, c=16", few[0], few[1], at_least(8.0)),
        Row("P2", f"{TITLE}, c=16", few[0], few[2], at_least(12.0)),
        Row("P2", f"{TITLE}, c=64", many[0], many[1], at_least(15.0)),
        Row("P2", f"{TITLE}, c=16", few[0], few[3]),
    ]
