"""Options of the whole test suite."""

import logging

import pytest
from hypothesis import HealthCheck, settings

from seldon_core.observability.logs import levels

# On shared cores the time that an example takes says nothing about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture
def logging_as_before():
    """Take back how a test had this process log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in levels():
        logging.getLogger(name).setLevel(logging.NOTSET)


def pytest_addoption(parser):
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write what the scheduler decided into tests/scheduler/cases; review the diff",
    )
    parser.addoption("--kill-seed", type=int, help="what decides when a server is killed, and more")
    parser.addoption("--attack-seed", type=int, help="what attackers decide by chance")
    parser.addoption("--kill-rounds", type=int, help="how often a server is killed")
    parser.addoption("--fuzz-seed", type=int, help="what inputs are made of")
    parser.addoption(
        "--fuzz-minutes", type=float, default=30, help="how long to fuzz, with -m long"
    )
