"""P11: from the spawn to the first 200 of /v2/health/ready, and what is resident then, no model."""

import time
from collections.abc import Callable

from perf.harness import servers
from perf.harness.bench import Bench, Missing
from perf.harness.figures import Row, at_most
from perf.harness.loads import Point
from perf.harness.servers import MlserverChoice, Server

TITLE = "start to ready; resident memory, no model"
SETTLE_S = 1.0
LEAST = MlserverChoice(workers=0, batching=False)  # the quickest and smallest that it can be


def start_s(label: str, start: Callable[[], Server]) -> Point:
    """Seconds that one start takes; the server is stopped again."""

    def measure(_seconds: float) -> float:
        server = start()
        server.process.stop()
        return server.process.start_s

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


def run(bench: Bench) -> list[Row]:
    def seldon() -> Server:
        return servers.start_seldon(bench.folder, bench.artifacts.empty, bench.source)

    def mlserver() -> Server:
        return servers.start_mlserver(bench.folder, LEAST, None)

    probe = bench.mlserver(LEAST, empty=True)
    peers: list[Point | Missing] = (
        [probe, probe]
        if isinstance(probe, Missing)
        else [
            start_s(probe.label, mlserver),
            resident_mib(probe.label, mlserver),
        ]
    )
    bench.stop_all()
    ours = [start_s("seldon-core", seldon), resident_mib("seldon-core", seldon)]
    start, resident, mlserver_start, mlserver_resident = bench.measure(*ours, *peers, warm_up_s=0)
    return [
        Row("P11", "start to ready", start, mlserver_start, at_most(0.5)),
        Row("P11", "resident memory, no model", resident, mlserver_resident, at_most(0.45)),
    ]
