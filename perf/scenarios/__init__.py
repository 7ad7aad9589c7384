"""One module for each row of what is owed, in the order of its number.

A scenario is a module with a `TITLE` and `run(bench) -> list[Row]`; it is found by its name,
`p<number>_<what>.py`, and called P<number>. A module that has `ours(server) -> Point` (and
`models(artifacts)`, if it wants other models) can also be compared between two versions of our
server, and profiled.
"""

import pkgutil
from importlib import import_module
from types import ModuleType


def names() -> dict[str, str]:
    """The module of each scenario, by its number: `{"P1": "perf.scenarios.p01_…"}`."""
    found = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {f"P{int(name[1:3])}": f"{__name__}.{name}" for name in found}


def load(name: str) -> ModuleType:
    """The scenario called `name`, in either case. Raises KeyError if there is none."""
    return import_module(names()[name.upper()])
