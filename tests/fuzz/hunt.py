"""Fuzzes targets: `python -m tests.fuzz.hunt --engine atheris --seconds 600 --target oip_json`.

Each target runs in a process of its own, which is cut off if it stands still. Ends with a line of
JSON that sums up, and with status 1 if anything was found: what it was given, and what went wrong.
`--replay` checks one input again.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz import engines
from tests.fuzz.engines import Slate
from tests.fuzz.target import Target

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "fuzz"
"""What atheris found worth keeping, for the next long run."""

STILL_S = 30.0
"""A process that has been at one input for so long hangs."""


@dataclass
class Running:
    """A process that fuzzes one target."""

    target: Target
    slate: Slate
    pid: int
    log: Path
    seen: int = 0
    seen_at: float = field(default_factory=time.monotonic)
    is_hung: bool = False

    def watch(self, still_s: float) -> None:
        """Abort the process if it has stood still."""
        now, executions = time.monotonic(), self.slate.executions
        if executions != self.seen:
            self.seen, self.seen_at = executions, now
        elif executions and now - self.seen_at > still_s and not self.is_hung:
            self.is_hung = True
            os.kill(self.pid, signal.SIGABRT)

    def finding(self, status: int) -> dict[str, str] | None:
        """Return what was found, once the process has ended with `status`."""
        report = self.slate.report
        if report is None and status:
            ended = f"signal {-status}" if status < 0 else f"status {status}"
            words = "stood still" if self.is_hung else f"ended with {ended}"
            log = self.log.read_text(errors="replace")[-20_000:]
            report = {"input": self.slate.current.hex(), "words": f"{words}\n{log}"}
        return report and {"target": self.target.name, **report}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; return the exit status."""
    options = _parser().parse_args(arguments)
    registry: dict[str, Any] = {}

    def load() -> None:
        registry["targets"] = importlib.import_module(options.registry).TARGETS

    if options.engine == "atheris":
        engines.instrumented(load)
    else:
        load()
    targets = registry["targets"]
    if options.target:
        targets = [target for target in targets if target.name in options.target]
    if options.replay:
        return _replay(targets, options.replay)
    with tempfile.TemporaryDirectory() as scratch:
        folder = KEPT if options.keep else Path(scratch)
        summary = _hunt(options, targets, Path(scratch), folder)
    for finding in summary["findings"]:
        sys.stdout.write(f"{_words(options, finding)}\n")
    summary["findings"] = [finding["target"] for finding in summary["findings"]]
    sys.stdout.write(json.dumps(summary) + "\n")
    return 1 if summary["findings"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Fuzz what reads bytes from outside.")
    add = parser.add_argument
    add("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    add("--registry", default="tests.fuzz.targets", help="the module with TARGETS")
    add("--target", action="append", help="only this one; may be given several times")
    add("--seed", type=int, default=1, help="the same seed and --runs give the same inputs")
    add("--seconds", type=float, default=60.0, help="for all targets together")
    add("--runs", type=int, default=0, help="inputs per target, times its weight; not by time then")
    add("--jobs", type=int, default=1, help="processes at once")
    add("--still-s", type=float, default=STILL_S, help="longest time for one input")
    add("--keep", action="store_true", help="use and extend what atheris has kept in .cache/fuzz")
    add("--replay", help="an input in hex, to be checked once by the one --target")
    return parser


def _replay(targets: Sequence[Target], text: str) -> int:
    (target,) = targets
    engines.Watched(target, Slate())(bytes.fromhex(text))
    return 0


def _hunt(
    options: argparse.Namespace, targets: Sequence[Target], scratch: Path, folder: Path
) -> dict[str, Any]:
    began, weights = time.monotonic(), sum(target.weight for target in targets)
    waiting, executions = list(targets), {}
    running: list[Running] = []
    findings: list[dict[str, str]] = []
    while waiting or running:
        while waiting and len(running) < options.jobs:
            target = waiting.pop(0)
            seconds = options.seconds * options.jobs * target.weight / weights
            running.append(_start(options, target, seconds, scratch, folder))
        time.sleep(0.05)
        for each in list(running):
            each.watch(options.still_s)
            pid, status = os.waitpid(each.pid, os.WNOHANG)
            if pid:
                running.remove(each)
                executions[each.target.name] = each.slate.executions
                if finding := each.finding(os.waitstatus_to_exitcode(status)):
                    findings.append(finding)
    return {
        "engine": options.engine,
        "seed": options.seed,
        "seconds": round(time.monotonic() - began, 1),
        "executions": executions,
        "findings": findings,
    }


def _start(
    options: argparse.Namespace, target: Target, seconds: float, scratch: Path, folder: Path
) -> Running:
    slate, log = Slate(), scratch / f"{target.name}.log"
    pid = os.fork()
    if pid:
        return Running(target, slate, pid, log)
    status = 70
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        engines.confine()
        runs = options.runs * target.weight
        if options.engine == "atheris":
            own = folder / target.name
            engines.run_atheris(target, slate, options.seed, seconds, runs, own)
        engines.run_hypothesis(target, slate, options.seed, seconds, runs)
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def _words(options: argparse.Namespace, finding: dict[str, str]) -> str:
    again = f"python -m tests.fuzz.hunt --target {finding['target']} --replay {finding['input']}"
    shown = repr(bytes.fromhex(finding["input"]))
    return f"\n{finding['target']}: {shown}\n{finding['words']}\nAgain: {again}"


if __name__ == "__main__":
    sys.exit(main())
