"""Show where our server's time goes while a scenario loads it.

    python -m perf.profile P1 [--seconds 10] [--native] [--out flame.svg]

Samples the stacks with py-spy (`pip install py-spy`; it needs the right to trace processes) and
prints the functions by their own time and by the time below them. `--out` also draws a flame graph.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from perf import scenarios
from perf.compare import comparable, start
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench
from perf.harness.servers import ROOT

SAMPLES_PER_S = 200  # each stops the server for a moment
WAITING = frozenset({"_worker (concurrent/futures/thread.py)", "Thread.run (threading.py)"})
"""Where threads of pools wait for work, which py-spy does not see to be idle."""
LINES = 35


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options. Exits with 2 for a scenario that cannot load our server alone."""
    parser = argparse.ArgumentParser(prog="python -m perf.profile", description=__doc__)
    parser.add_argument("scenario", type=str.upper, nargs="?", default="P1")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--native", action="store_true", help="also the stacks of C extensions")
    parser.add_argument("--out", type=Path, help="a flame graph as SVG")
    options = parser.parse_args(arguments)
    if options.scenario not in comparable():
        parser.error(f"{options.scenario} is none of {', '.join(comparable())}")
    return options


def shares(collapsed: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Samples of each function by itself, and of each with what it calls.

    `collapsed` has a line for each stack, `outer;inner count`, as py-spy's format `raw`; recursion
    counts once. Lines of a function are taken together, and threads that wait are left out.
    """
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in collapsed:
        stack, _, count = line.rstrip().rpartition(" ")
        if not stack:
            continue
        frames = [without_line(frame) for frame in stack.split(";")]
        if frames[-1] in WAITING:
            continue
        own[frames[-1]] += int(count)
        for frame in set(frames):
            below[frame] += int(count)
    return own, below


def without_line(frame: str) -> str:
    """`infer (agent/handler.py:42)` as `infer (agent/handler.py)`."""
    head, colon, line = frame.rpartition(":")
    return f"{head})" if colon and line.rstrip(")").isdigit() else frame


def shown(own: Counter[str], below: Counter[str], lines: int = LINES) -> str:
    """The functions with most time of their own, and their share with what they call."""
    total = sum(own.values()) or 1
    rows = [
        f"{100 * count / total:6.1f} % {100 * below[frame] / total:6.1f} %  {frame}"
        for frame, count in own.most_common(lines)
    ]
    return "\n".join(["     own    below", *rows])


def record(pid: int, seconds: int, form: str, out: Path, native: bool) -> subprocess.Popen[bytes]:
    """Start py-spy on a process; it ends by itself."""
    py_spy = shutil.which("py-spy") or str(Path(sys.executable).parent / "py-spy")
    command = [py_spy, "record", "--pid", str(pid), "--duration", str(seconds), "--format", form]
    options = ["--rate", str(SAMPLES_PER_S), "--output", str(out), "--subprocesses"]
    return subprocess.Popen(
        [*command, *options, *(["--native"] if native else [])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    scenario = scenarios.load(options.scenario)
    with tempfile.TemporaryDirectory(prefix="seldon-profile-") as name:
        folder = Path(name)
        artifacts = Artifacts(folder / "models").make()
        bench = Bench(folder, artifacts, options.seconds, 1)
        try:
            server = start(bench, scenario, str(ROOT))
            point = scenario.ours(server)
            point.measure(1.0)
            pid, raw = server.process.pid, folder / "stacks"
            sampler = record(pid, options.seconds, "raw", raw, options.native)
            figure = point.measure(options.seconds + 1)
            sampler.wait()
            if options.out:
                drawing = record(pid, options.seconds, "flamegraph", options.out, options.native)
                point.measure(options.seconds + 1)
                drawing.wait()
        finally:
            bench.stop_all()
        own, below = shares(raw.read_text().splitlines())
    print(f"{options.scenario}: {figure:,.1f} {point.unit} while sampled")
    print(shown(own, below))
    return 0


if __name__ == "__main__":
    sys.exit(main())
