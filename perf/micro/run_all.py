"""Run every `perf/micro/bench_*.py`, to see that it still runs; print its figures, judge nothing.

    python -m perf.micro.run_all [--seconds 1]

Each is a module of its own process. One that is still at work after the time it is given is
stopped, which is fine; one that fails makes the whole fail.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
GRACE_S = 20.0  # for imports and preparation, on a busy machine


def benches(folder: Path = FOLDER) -> list[Path]:
    """The programs, by name."""
    return sorted(folder.glob("bench_*.py"))


def run(path: Path, seconds: float) -> tuple[bool, str]:
    """Whether `path` ran without an error, and what it printed; it may read BENCH_SECONDS."""
    root = FOLDER.parents[1]
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "BENCH_SECONDS": f"{seconds:g}",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    try:
        done = subprocess.run(
            [sys.executable, str(path)],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds + GRACE_S,
        )
    except subprocess.TimeoutExpired as stopped:
        printed = stopped.stdout or b""
        text = printed.decode(errors="replace") if isinstance(printed, bytes) else printed
        return True, f"{text}(stopped after {stopped.timeout:g} s)\n"
    return done.returncode == 0, done.stdout


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    parser = argparse.ArgumentParser(prog="python -m perf.micro.run_all", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    seconds = parser.parse_args(arguments).seconds
    failed = []
    for path in benches(folder):
        print(f"== {path.name}", flush=True)
        went_well, text = run(path, seconds)
        print(text, end="", flush=True)
        if not went_well:
            failed.append(path.name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
