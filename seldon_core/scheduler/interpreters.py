"""Which Python the replicas of a server run in: a path, a named environment, or this program's own.

A named environment is a folder in the folder of environments, made as by `python -m venv`. Where a
server is written for a cluster its image is the name: `registry/team/fraud:1.2` is `fraud-1.2`, as
`venv` allows no colon, or else `fraud`.
"""

import sys
from pathlib import Path
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.server import ServerSpec

LACKS_LIBRARY: Final = 78
"""The exit code of an agent whose Python lacks what the program needs (EX_CONFIG)."""

_SHARED: Final = ("site-packages", "dist-packages")


def interpreter_of(server: ServerSpec, environments: Path) -> str:
    """Return the path of the Python that runs a server's replicas.

    `python` stands above the environment's name. Raises InvalidResourceError if there is no such
    environment in `environments`.
    """
    if server.python:
        return server.python
    if not server.environment_name:
        return sys.executable
    places = [environments / name / "bin" / "python" for name in names_of(server.environment_name)]
    for python in places:
        if python.is_file():
            return str(python)
    missing = " and no ".join(map(str, places)) or f"such folder in {environments}"
    raise InvalidResourceError(
        "environment", f"{server.environment_name!r} is not on this machine: there is no {missing}"
    )


def names_of(environment: str) -> tuple[str, ...]:
    """Return the folders in which an environment may be, the best first.

    Of an image's name only what follows the last slash counts, with its tag or without, and without
    a digest. No name leads out of the folder of environments.
    """
    tagged = environment.rpartition("/")[2].partition("@")[0]
    bare = tagged.partition(":")[0]
    names = dict.fromkeys((tagged.replace(":", "-"), bare))
    return tuple(name for name in names if name.strip("."))


def importable_by(python: str, package: Path, environments: Path) -> Path:
    """Return the folder from which the interpreter `python` is to import `package`.

    It is where the package is. But among other libraries, in the `site-packages` of this program's
    own Python, another one would find those instead of its own: for it there is a folder with
    nothing but a link. Raises InvalidResourceError if that cannot be made.
    """
    if python == sys.executable or package.parent.name not in _SHARED:
        return package.parent
    alone = environments / ".seldon-core"
    link = alone / package.name
    try:
        if not link.is_symlink() or link.readlink() != package:
            alone.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(package)
    except OSError as error:
        why = f"{link} cannot be made, by which {python} would find this program: {error.strerror}"
        raise InvalidResourceError("environment", why) from error
    return alone
