"""The targets, fuzzed for moments in `make test` and for half an hour in `make test-long`.

What fuzzing finds is mended and kept as a test of the module that was wrong, not here.
"""

import random
import time

import pytest

from tests.fuzz.hunts import ENGINES, can_run, finished, started
from tests.fuzz.targets import TARGETS
from tests.support.long_run import TOLD

RUNS = {"hypothesis": 15, "atheris": 100}
"""Inputs for each target in `make test`, times its weight: some seconds on two cores."""


def test_each_target_has_a_name_and_something_to_begin_with():
    assert len({target.name for target in TARGETS}) == len(TARGETS)
    assert all(target.seeds for target in TARGETS)


@pytest.mark.system
@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_breaks_in_a_seeded_slice(engine, request):
    number = request.config.getoption("--fuzz-seed") or 1
    options = ("--engine", engine, "--seed", str(number), "--runs", str(RUNS[engine]))
    status, words, summary = finished(started(*options, "--jobs", "2"), 300)
    assert status == 0, words
    weights = {target.name: target.weight for target in TARGETS}
    few = [name for name, weight in weights.items() if summary["executions"][name] < 10 * weight]
    assert few == []


@pytest.mark.long
@pytest.mark.system
def test_nothing_breaks_in_half_an_hour(request, capsys):
    minutes = request.config.getoption("--fuzz-minutes")
    number = request.config.getoption("--fuzz-seed") or random.SystemRandom().randrange(1, 10**6)
    options = ("--seed", str(number), "--seconds", str(minutes * 60), "--keep")
    began = time.monotonic()
    hunts = [started("--engine", engine, *options) for engine in RUNS if can_run(engine)]
    ended = [finished(each, minutes * 60 + 900) for each in hunts]
    tell = request.config.pluginmanager.get_plugin("terminalreporter").write_line
    with capsys.disabled():
        counts = " and ".join(
            f"{sum(summary['executions'].values())} by {summary['engine']}"
            for _, _, summary in ended
        )
        findings = sum(len(summary["findings"]) for _, _, summary in ended)
        tell(
            f"\n{TOLD}fuzzing, seed {number}: {len(TARGETS)} targets in "
            f"{time.monotonic() - began:.0f} s; inputs: {counts}; {findings} findings"
        )
    assert not any(status for status, _, _ in ended), "\n".join(words for _, words, _ in ended)
