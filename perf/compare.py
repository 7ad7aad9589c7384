"""Compare two versions of our server on one scenario, in alternation, and print the ratio.

    python -m perf.compare P1 --a main --b HEAD [--seconds 4] [--rounds 5]
    python -m perf.compare P1 --a . --b 'python -X perf -m seldon_core serve {arguments}'

A version is a git reference (checked out aside), a folder with a tree, or a command with a space in
it, in whose `{arguments}` stand the models and ports. Both run in this Python environment, at the
same time, and are measured in turns.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from perf import scenarios
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench
from perf.harness.figures import Row, amount
from perf.harness.loads import Point
from perf.harness.servers import ROOT, Server


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options. Exits with 2 for a scenario that cannot be compared."""
    parser = argparse.ArgumentParser(prog="python -m perf.compare", description=__doc__)
    parser.add_argument("scenario", type=str.upper)
    parser.add_argument("--a", default="HEAD", help="git reference, folder or command")
    parser.add_argument("--b", default=".", help="git reference, folder or command")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    if options.scenario not in comparable():
        parser.error(f"{options.scenario} is none of {', '.join(comparable())}")
    return options


def comparable() -> list[str]:
    """The scenarios that can measure our server alone."""
    return [name for name in scenarios.names() if hasattr(scenarios.load(name), "ours")]


@contextmanager
def tree_of(version: str) -> Iterator[Path]:
    """The tree that `version` names; a git reference is checked out for the time of the block."""
    if Path(version).is_dir():
        yield Path(version).resolve()
        return
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory(prefix="seldon-compare-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), version], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def start(bench: Bench, scenario: ModuleType, version: str) -> Server:
    """Our server as `version` says, with the models of the scenario. Raises StartError."""
    models = getattr(scenario, "models", lambda artifacts: artifacts.ours)(bench.artifacts)
    if " " in version:
        return bench.seldon(models, command=version)
    return bench.seldon(models, source=bench.enter(tree_of(version)))


def point_of(scenario: ModuleType, server: Server, version: str) -> Point:
    """What the scenario measures of our server, called by the version."""
    point: Point = scenario.ours(server)
    return replace(point, label=version)


def verdict(row: Row) -> str:
    """The ratio of medians and its spread, b over a, on one line."""
    value, spread, beside = row.value, row.spread, row.beside
    if value is None or spread is None or beside is None:
        return f"{row.scenario}: {row.verdict}"
    unit = row.ours.unit
    return (
        f"{row.scenario}: b / a = {value:.3f} [{spread[0]:.3f} - {spread[1]:.3f}]   "
        f"a = {amount(beside.median)} {unit}, b = {amount(row.ours.median)} {unit}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    scenario = scenarios.load(options.scenario)
    with tempfile.TemporaryDirectory(prefix="seldon-compare-") as name:
        folder = Path(name)
        artifacts = Artifacts(folder / "models").make()
        bench = Bench(folder, artifacts, options.seconds, options.rounds)
        try:
            points = [
                point_of(scenario, start(bench, scenario, version), f"{letter} ({version})")
                for letter, version in (("a", options.a), ("b", options.b))
            ]
            a, b = bench.measure(*points)
        finally:
            bench.stop_all()
    print(verdict(Row(options.scenario, scenario.TITLE, b, a)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
