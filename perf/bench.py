"""Run scenarios, side by side with the peers that are installed, and write the report.

    python -m perf.bench [P1 P2 …] [--seconds 4] [--rounds 3] [--quick] [--report-only]

Results go to perf/results/<scenario>.json, and the report is written from all that lie there, so a
scenario can be measured again alone. `--quick` is for trying a scenario out: one second a point,
nothing written.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from perf import scenarios
from perf.harness import machine, picture, report, results
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench
from perf.harness.outputs import LoadError
from perf.harness.peers import AbsentError
from perf.harness.processes import StartError
from perf.harness.results import Result
from perf.harness.servers import ROOT

FOLDER = ROOT / "perf"
LEAST_ROUNDS = 3  # fewer say nothing of the spread


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options. Exits with 2 for a scenario that there is none of, or too few rounds."""
    parser = argparse.ArgumentParser(prog="python -m perf.bench", description=__doc__)
    known = scenarios.names()
    parser.add_argument("scenarios", nargs="*", type=str.upper, help=f"of {', '.join(known)}")
    parser.add_argument("--seconds", type=float, default=4.0, help="of load a point and round")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS, help="alternating")
    parser.add_argument("--quick", action="store_true", help="one second a point, nothing written")
    parser.add_argument(
        "--report-only", action="store_true", help="from the results that lie there"
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.scenarios if name not in known]:
        parser.error(f"no scenario {', '.join(unknown)}; there are {', '.join(known)}")
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"at least {LEAST_ROUNDS} rounds")
    if options.quick:
        options.seconds = 1.0
    return options


def run_scenario(name: str, bench: Bench) -> Result:
    """Run one scenario; one that cannot run is a result too, with the reason."""
    scenario = scenarios.load(name)
    print(f"{name} {scenario.TITLE}", flush=True)
    rows, failure = (), ""
    try:
        rows = tuple(scenario.run(bench))
    except (StartError, LoadError, AbsentError) as error:
        failure = str(error)
    finally:
        bench.stop_all()
    return Result(
        scenario=name,
        title=scenario.TITLE,
        date=machine.now(),
        commit=machine.commit(bench.source),
        command=machine.command_line("perf.bench"),
        machine=machine.describe_machine(),
        versions=machine.versions(),
        seconds=bench.seconds,
        rounds=bench.rounds,
        rows=rows,
        failure=failure,
    )


def write_report(folder: Path = FOLDER) -> None:
    """REPORT.md and report.svg from all results that lie in `folder`/results."""
    found = results.read_all(folder / "results")
    profiles = results.read_profiles(folder / "results")
    (folder / "REPORT.md").write_text(report.render(found, profiles))
    picture.draw(found, folder / "report.svg")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    done = []
    if not options.report_only:
        with tempfile.TemporaryDirectory(prefix="seldon-bench-") as name:
            folder = Path(name)
            artifacts = Artifacts(folder / "models").make()
            bench = Bench(folder, artifacts, options.seconds, options.rounds)
            for scenario in options.scenarios or scenarios.names():
                done.append(run_scenario(scenario, bench))
                print(report.plain(done[-1:]), flush=True)
                if not options.quick:
                    results.save(done[-1], FOLDER / "results")
    if not options.quick:
        write_report()
        print(f"written: {FOLDER / 'REPORT.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
