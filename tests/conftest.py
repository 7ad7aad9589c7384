"""Options of the whole test suite."""


def pytest_addoption(parser):
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write what the scheduler decided into tests/scheduler/cases; review the diff",
    )
