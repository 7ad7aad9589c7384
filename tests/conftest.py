"""Options of the whole test suite."""

from hypothesis import HealthCheck, settings

# On shared cores the time that an example takes says nothing about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_addoption(parser):
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write what the scheduler decided into tests/scheduler/cases; review the diff",
    )
