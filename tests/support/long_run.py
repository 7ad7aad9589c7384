"""Runs the tests that take minutes and writes down how it went: `python -m tests.support.long_run`.

Each run adds a record to tests/LONG.md, whatever its outcome. Options go to pytest.
"""

import subprocess
import sys
import time
from pathlib import Path

from perf.harness import machine

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "tests" / "LONG.md"
TOLD = "long run: "
"""How a line begins that a test wants to have in the record."""

HEAD = """# Long runs

Written by `make test-long`, one record for each run, the newest last.
"""


def main(arguments: list[str]) -> int:
    """Run the tests marked `long`; return pytest's exit status."""
    command = ["-m", "pytest", "-m", "long", *arguments]
    head, began, when = machine.commit(ROOT), time.monotonic(), machine.now()
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if TOLD in line:
                told.append(line.partition(TOLD)[2].strip())
    outcome = "passed" if process.returncode == 0 else f"failed ({process.returncode})"
    text = RECORDS.read_text() if RECORDS.exists() else HEAD
    record = [
        f"## {when}: {outcome}",
        "",
        f"- `{' '.join(['python', *command])}`, {time.monotonic() - began:.0f} s, commit {head}",
        f"- {machine.describe_machine()}",
        *(f"- {each}" for each in told),
    ]
    RECORDS.write_text(text + "\n" + "\n".join(record) + "\n")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
