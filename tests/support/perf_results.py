"""Results of the harness, with the facts that a test does not care for filled in."""

from perf.harness.figures import Row
from perf.harness.results import Result


def result_of(scenario: str, *rows: Row, failure: str = "", machine: str = "a machine") -> Result:
    """A result of one scenario."""
    return Result(
        scenario=scenario,
        title=f"title of {scenario}",
        date="2026-01-02 03:04 UTC",
        commit="abc1234",
        command="python -m perf.bench",
        machine=machine,
        versions={"Python": "3.11.7", "wrk": "4.1.0"},
        seconds=4.0,
        rounds=3,
        rows=rows,
        failure=failure,
    )
