"""That the hunt finds what there is to find: with targets whose faults are known."""

import re

import pytest

from tests.fuzz.hunts import ENGINES, finished, started


def hunt(*options):
    return finished(started(*options))


def planted(engine, *names):
    targets = [option for name in names for option in ("--target", name)]
    runs = {"hypothesis": "300", "atheris": "3000"}[engine]
    return hunt("--engine", engine, "--registry", "tests.fuzz.planted", "--runs", runs, *targets)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_kind_of_fault_is_found(engine):
    status, words, summary = planted(engine, "raises", "takes time", "takes memory", "dies", "fine")
    assert status == 1
    assert sorted(summary["findings"]) == ["dies", "raises", "takes memory", "takes time"]
    assert summary["executions"]["fine"] >= 300
    for sign in ("ZeroDivisionError", "is the most", "bytes of memory", "signal 11"):
        assert sign in words


@pytest.mark.parametrize("engine", ENGINES)
def test_a_target_that_stands_still_is_cut_off(engine):
    options = ("--registry", "tests.fuzz.planted", "--target", "hangs", "--runs", "300")
    status, words, summary = hunt("--engine", engine, *options, "--still-s", "1")
    assert (status, summary["findings"]) == (1, ["hangs"])
    assert "stood still" in words


def test_a_finding_is_checked_again_by_the_command_that_is_told():
    _, words, _ = planted("hypothesis", "raises")
    again = re.search(r"^Again: python -m tests\.fuzz\.hunt (.*)$", words, re.MULTILINE)
    status, words, _ = hunt("--registry", "tests.fuzz.planted", *again[1].split())
    assert status != 0
    assert "ZeroDivisionError" in words
