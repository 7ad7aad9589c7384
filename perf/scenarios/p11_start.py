"""P11: from the spawn to ready, and what is resident then: without a model, and with one."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from perf.harness import servers
from perf.harness.bench import Bench, Missing
from perf.harness.figures import Row, at_most
from perf.harness.loads import Point
from perf.harness.servers import MlserverChoice, Server

TITLE = "start to ready; resident memory"
SETTLE_S = 1.0
LEAST = MlserverChoice(workers=0, batching=False)  # the quickest and smallest that it can be


def start_s(label: str, start: Callable[[], Server]) -> Point:
    """Seconds that one start takes, to ready with all its models; the server is stopped again."""

    def measure(_seconds: float) -> float:
        server = start()
        server.process.stop()
        return server.process.complete_s

    return Point(label, "s", measure)


def resident_mib(label: str, start: Callable[[], Server]) -> Point:
    """MiB resident in all processes of a server that has been ready for a moment."""

    def measure(_seconds: float) -> float:
        server = start()
        time.sleep(SETTLE_S)
        resident = server.process.memory_bytes() / 2**20
        server.process.stop()
        return resident

    return Point(label, "MiB", measure)


def of_peer(bench: Bench, model: Path | None) -> tuple[Point | Missing, Point | Missing]:
    """What MLServer needs for a start, in time and in memory."""
    probe = bench.mlserver(LEAST, empty=model is None)
    bench.stop_all()
    if isinstance(probe, Missing):
        return probe, probe
    start = partial(servers.start_mlserver, bench.folder, LEAST, model)
    return start_s(probe.label, start), resident_mib(probe.label, start)


def run(bench: Bench) -> list[Row]:
    rows = []
    for what, models, model in [
        ("no model", bench.artifacts.empty, None),
        ("iris sklearn loaded", bench.artifacts.one, bench.artifacts.sklearn),
    ]:
        start = partial(servers.start_seldon, bench.folder, models, bench.source)
        ours = start_s("seldon-core", start), resident_mib("seldon-core", start)
        peers = of_peer(bench, model)
        figures = bench.measure(*ours, *peers, warm_up_s=0)
        bounds = (at_most(0.5), at_most(0.45)) if model is None else (None, None)
        rows += [
            Row("P11", f"start to ready, {what}", figures[0], figures[2], bounds[0]),
            Row("P11", f"resident memory, {what}", figures[1], figures[3], bounds[1]),
        ]
    return rows
