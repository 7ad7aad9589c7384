"""P7: what other models cost a request: that there are 10,000, and that one of them reloads."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread
from time import monotonic

from perf.harness import loads
from perf.harness.bench import Bench
from perf.harness.figures import Row, at_least
from perf.harness.loads import Point
from perf.harness.outputs import LoadError
from perf.harness.processes import ServerProcess, free_port
from perf.harness.servers import READY, ROOT, Server

TITLE = "REST, iris ONNX, c=16, beside other models"
OTHERS = 9_999
START_S = 180.0  # with all of them, on a slow machine
RELOADED = "iris"  # on sklearn
EVERY_S = 0.2


@contextmanager
def serving(folder: Path, models: Path, others: int) -> Iterator[Server]:
    """Our server with the models of a folder, and so many others, all registered.

    Raises StartError.
    """
    place = Path(mkdtemp(prefix="many-", dir=folder))
    port, scheduler_port = free_port(), free_port()
    command = [sys.executable, "-m", "perf.instant_models", str(place / "data"), str(port)]
    process = ServerProcess(
        [*command, str(scheduler_port), str(models), str(others)],
        place / "log",
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    try:
        process.wait_ready(port, READY, START_S)
        yield Server(f"seldon-core, {others + 1:,} models", process, port, scheduler_port)
    finally:
        process.stop()


class Reloads:
    """Has a model loaded anew, again and again."""

    def __init__(self, port: int, every_s: float) -> None:
        self._port = port
        self._every_s = every_s
        self._stop = Event()
        self.count = 0
        self.failure: LoadError | None = None

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Reload during the block. Raises LoadError if a reload failed, or if there was none."""
        before = self.count
        thread = Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._stop.clear()
        if self.failure is not None:
            raise self.failure
        if self.count == before:
            raise LoadError("nothing was reloaded meanwhile")

    def _run(self) -> None:
        due = monotonic()
        while not self._stop.wait(max(due - monotonic(), 0)):
            try:
                loads.post_once(self._port, f"/v2/repository/models/{RELOADED}/load", "{}")
            except LoadError as error:
                self.failure = error
                return
            self.count += 1
            due = max(due + self._every_s, monotonic())


def during(label: str, point: Point, reloads: Reloads) -> Point:
    """`point`, measured while another model reloads."""

    def measure(seconds: float) -> float:
        with reloads.under_way():
            return point.measure(seconds)

    return Point(label, point.unit, measure)


def ours(server: Server) -> Point:
    return loads.rest_rate(server.label, server.port, "iris-onnx", 16)


def run(bench: Bench) -> list[Row]:
    artifacts = bench.artifacts
    one = bench.enter(serving(bench.folder, artifacts.alone, 0))
    many = bench.enter(serving(bench.folder, artifacts.alone, OTHERS))
    seldon = bench.seldon()
    alone = ours(seldon)
    often, always = Reloads(seldon.port, EVERY_S), Reloads(seldon.port, 0)
    lonely, crowded, rate, reloading, never_done = bench.measure(
        ours(one),
        ours(many),
        alone,
        during(f"seldon-core, {RELOADED} reloads five times a second", alone, often),
        during(f"seldon-core, {RELOADED} reloads all the time", alone, always),
    )
    return [
        Row("P7", "with 10,000 registered models, against 1", crowded, lonely, at_least(0.9)),
        Row("P7", "while another model reloads", reloading, rate, at_least(0.9)),
        Row("P7", "while another model reloads without a pause", never_done, rate),
    ]
