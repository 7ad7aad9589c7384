"""Show where our server's time goes while a scenario loads it.

    python -m perf.profile P1 [--seconds 10] [--native] [--out flame.svg] [--save]

Samples the stacks with py-spy, which needs the right to trace processes, and prints the parts of
the program and its functions by their own time. A function's time is also that of the system calls
it makes: `write` sends. `--save` keeps it for the report, `--out` also draws a flame graph.
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
from perf.harness import machine, results
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench
from perf.harness.servers import ROOT

SAMPLES_PER_S = 200  # each stops the server for a moment
WAITING = frozenset({"_worker (concurrent/futures/thread.py)", "Thread.run (threading.py)"})
"""Where threads of pools wait for work, which py-spy does not see to be idle."""
LINES = 35
SAVED_LINES = 15


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options. Exits with 2 for a scenario that cannot load our server alone."""
    parser = argparse.ArgumentParser(prog="python -m perf.profile", description=__doc__)
    parser.add_argument("scenario", type=str.upper, nargs="?", default="P1")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--native", action="store_true", help="also the stacks of C extensions")
    parser.add_argument("--out", type=Path, help="a flame graph as SVG")
    parser.add_argument("--save", action="store_true", help="for the report")
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


def part_of(frame: str) -> str:
    """The part of the program that a function belongs to: a package of ours, or a library."""
    path = frame.rpartition("(")[2].rstrip(")")
    if path.startswith("asyncio/runners.py"):
        return "event loop: polling, reading, timers"
    folders = path.split("/")
    return "/".join(folders[:2]) if folders[0] == "seldon_core" else folders[0]


def parts(own: Counter[str]) -> Counter[str]:
    """Samples of each part of the program."""
    found: Counter[str] = Counter()
    for frame, count in own.items():
        found[part_of(frame)] += count
    return found


def shown(own: Counter[str], below: Counter[str], lines: int = LINES) -> str:
    """The parts, then the functions with most time of their own and with what they call."""
    total = sum(own.values()) or 1
    shares = [f"{100 * count / total:6.1f} %  {part}" for part, count in parts(own).most_common(9)]
    rows = [
        f"{100 * count / total:6.1f} % {100 * below[frame] / total:6.1f} %  {frame}"
        for frame, count in own.most_common(lines)
    ]
    return "\n".join(["     own  part", *shares, "", "     own    below  function", *rows])


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
    if options.save:
        head = f"{options.scenario}, {figure:,.0f} {point.unit} while sampled, "
        head += f"{machine.now()}, commit {machine.commit(ROOT)}"
        text = f"{head}\n\n{shown(own, below, SAVED_LINES)}\n"
        results.save_profile(options.scenario, text, ROOT / "perf" / "results")
    return 0


if __name__ == "__main__":
    sys.exit(main())
