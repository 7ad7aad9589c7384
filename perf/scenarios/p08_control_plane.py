"""P8: 10,000 models, declared through the scheduler's API, and a start with all of them.

The client is one process of its own (`perf.declarer`). Each round has a new data folder
for 16 callers and another for one, then a start with the models of the first. Beside it stands a
ceiling, gRPC and LMDB and nothing else: how fast this machine's disk and cores are at the moment.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from perf.harness.bench import Bench
from perf.harness.figures import Row, at_least, at_most
from perf.harness.loads import Point
from perf.harness.outputs import LoadError
from perf.harness.processes import ServerProcess, free_port
from perf.harness.servers import READY, ROOT, Server

TITLE = "control plane: 10,000 models that load in no time"
MODELS = 10_000
QUICK_MODELS = 2_000  # to try out
CALLERS = 16


def start(folder: Path) -> Server:
    """Our server with instant models over the data folder `folder`. Raises StartError."""
    port, scheduler_port = free_port(), free_port()
    process = ServerProcess(
        [sys.executable, "-m", "perf.instant_models", str(folder), str(port), str(scheduler_port)],
        folder.with_suffix(".log"),
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    process.wait_ready(port, READY)
    return Server("seldon-core", process, port, scheduler_port)


def start_ceiling(folder: Path) -> Server:
    """`perf.ceilings.control` over an empty folder. Raises StartError."""
    port = free_port()
    folder.mkdir()
    process = ServerProcess(
        [sys.executable, "-m", "perf.ceilings.control", str(port), str(folder)],
        folder.with_suffix(".log"),
        env={"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    process.wait_listening(port)
    return Server("ceiling, gRPC and LMDB", process, 0, port)


def declare(
    server: Server, models: int, callers: int, *, is_ceiling: bool = False
) -> dict[str, float]:
    """What `perf.declarer` measured. Raises LoadError if not every model became available."""
    arguments = [str(server.grpc_port), str(models), str(callers)]
    arguments += ["acknowledged"] if is_ceiling else []
    command = [sys.executable, "-m", "perf.declarer", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise LoadError(f"perf.declarer: {run.stderr.strip()[-500:]}")
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


class Rounds:
    """What is measured once in each round, whichever of its points is asked first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rounds: list[dict[str, float]] = []
        self._asked: dict[str, int] = {}

    def point(self, label: str, unit: str, figure: str) -> Point:
        """The point of one figure of a round."""

        def measure(seconds: float) -> float:
            turn = self._asked.get(figure, 0)
            self._asked[figure] = turn + 1
            if turn == len(self._rounds):
                self._rounds.append(self._measure(MODELS if seconds > 1 else QUICK_MODELS))
            return self._rounds[turn][figure]

        return Point(label, unit, measure)

    def _measure(self, models: int) -> dict[str, float]:
        place = Path(mkdtemp(prefix="control-", dir=self._folder))
        figures: dict[str, float] = {}
        for callers in (CALLERS, 1):
            server = start(place / str(callers))
            try:
                measured = declare(server, models, callers)
            finally:
                server.process.stop()
            figures |= {f"{name} {callers}": value for name, value in measured.items()}
            ceiling = start_ceiling(place / f"ceiling-{callers}")
            try:
                bare = declare(ceiling, models, callers, is_ceiling=True)
            finally:
                ceiling.process.stop()
            figures[f"ceiling {callers}"] = bare["acknowledged"]
        again = start(place / str(CALLERS))
        figures["restart"] = again.process.complete_s
        try:
            figures["found"] = declare(again, models, 0)["available"]
        finally:
            again.process.stop()
        return figures


def run(bench: Bench) -> list[Row]:
    rounds = Rounds(bench.folder)
    rate, ratio = "models/s", "x"
    rows = [
        ("acknowledged, 16 callers", rate, "acknowledged 16", at_least(1_500, rate)),
        ("until all are available, 16 callers", rate, "available 16", at_least(1_500, rate)),
        ("the last 1,000 against the first, 16 callers", ratio, "last 16", at_least(0.8)),
        ("acknowledged, one caller", rate, "acknowledged 1", at_least(800, rate)),
        ("until all are available, one caller", rate, "available 1", at_least(800, rate)),
        ("the last 1,000 against the first, one caller", ratio, "last 1", at_least(0.8)),
        ("restart with them", "s", "restart", at_most(5, "s")),
    ]
    points = [rounds.point(f"seldon-core, {what}", unit, figure) for what, unit, figure, _ in rows]
    points += [
        rounds.point(f"ceiling, gRPC and LMDB alone, {who}", rate, f"ceiling {callers}")
        for who, callers in (("16 callers", CALLERS), ("one caller", 1))
    ]
    *series, ceiling, lone_ceiling = bench.measure(*points, warm_up_s=0)
    ours = {figure: measured for measured, (_, _, figure, _) in zip(series, rows, strict=True)}
    return [
        *(
            Row("P8", f"10,000 models, {what}", measured, None, owed, "figure")
            for measured, (what, _, _, owed) in zip(series, rows, strict=True)
        ),
        Row("P8", "16 callers, against the ceiling", ours["acknowledged 16"], ceiling),
        Row("P8", "one caller, against the ceiling", ours["acknowledged 1"], lone_ceiling),
    ]
