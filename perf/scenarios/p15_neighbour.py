"""P15: what neighbours cost: one calls a slow model, another never waits for answers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from perf.harness import bodies, loads
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench
from perf.harness.figures import Row, at_least, at_most
from perf.harness.loads import Point
from perf.harness.servers import ROOT, Server

TITLE = "neighbours"
LONG_S = 600.0  # of a load that is stopped before
SETTLE_S = 4.0  # a slow model is moved out of the way only when it has shown to be slow


@contextmanager
def client(port: int, model: str, depth: int) -> Iterator[None]:
    """One connection that keeps `depth` infers of `model` outstanding. Stopped at the end."""
    command = [sys.executable, "-m", "perf.flooder", str(port), loads.infer_path(model), str(depth)]
    with running(command):
        yield


@contextmanager
def h2_client(port: int, model: str, streams: int) -> Iterator[None]:
    """One HTTP/2 connection that keeps `streams` gRPC infers of `model` outstanding."""
    with NamedTemporaryFile() as file:
        file.write(bodies.framed(bodies.iris_message(model)))
        file.flush()
        with running(loads.h2load_command(port, Path(file.name), 1, streams, LONG_S)):
            yield


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    """Run a command that does not end by itself. Stopped at the end."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the neighbour ended by itself: {process.returncode}")
    finally:
        process.kill()
        process.wait()


def beside(
    label: str, point: Point, neighbour: Callable[[], AbstractContextManager[None]]
) -> Point:
    """`point`, measured while `neighbour()` (a context manager) is at work."""

    def measure(seconds: float) -> float:
        with neighbour():
            return point.measure(seconds)

    return Point(label, point.unit, measure)


def models(artifacts: Artifacts) -> Path:
    return artifacts.neighbours


def ours(server: Server) -> Point:
    return loads.rest_rate("seldon-core, iris ONNX alone", server.port, "iris-onnx", 16)


def run(bench: Bench) -> list[Row]:
    seldon = bench.seldon(models(bench.artifacts))
    loads.post_once(seldon.port, loads.infer_path("forest"), bodies.IRIS_JSON)
    alone = ours(seldon)
    with client(seldon.port, "forest", 1):
        alone.measure(SETTLE_S)
    lone = loads.rest_p99("seldon-core, lone client alone", seldon.port, "iris-onnx")
    rate, slowed, quiet, flooded, h2_flooded = bench.measure(
        alone,
        beside(
            "seldon-core, iris ONNX beside a client of a 100-tree forest",
            alone,
            lambda: client(seldon.port, "forest", 1),
        ),
        lone,
        beside(
            "seldon-core, lone client beside a pipelining flooder",
            lone,
            lambda: client(seldon.port, "iris-onnx", 1000),
        ),
        beside(
            "seldon-core, lone client beside an HTTP/2 flooder",
            lone,
            lambda: h2_client(seldon.port, "iris-onnx", 256),
        ),
    )
    return [
        Row("P15", "rate beside a client of a slow model", slowed, rate, at_least(0.5)),
        Row("P15", "lone p99 beside a flooder, HTTP/1", flooded, None, at_most(20, "ms"), "figure"),
        Row("P15", "lone p99 beside a flooder, HTTP/1, against alone", flooded, quiet),
        Row(
            "P15",
            "lone p99 beside a flooder, HTTP/2",
            h2_flooded,
            None,
            at_most(20, "ms"),
            "figure",
        ),
    ]
