"""Brings a model into this process's memory, and measures what that takes. Blocks.

Called on a thread of its own, one load at a time: the growth of the process's resident memory is
a model's size only if nothing else grows meanwhile. It stays an approximation, since requests are
served beside it.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seldon_core.agent.repository import open_artifact
from seldon_core.agent.runtimes import runtime_named
from seldon_core.agent.runtimes.base import Artifact, LoadedModel, Runtime
from seldon_core.resources.model import ModelVersion


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory. `grown_bytes` is how much the process grew, never less than its file."""

    artifact: Artifact
    runtime: Runtime
    model: LoadedModel
    grown_bytes: int


Loader = Callable[[ModelVersion], Loaded]
"""Loads a version. Raises InvalidResourceError or ModelRuntimeError with a reason for its user."""


def loader(trusted: Sequence[Path]) -> Loader:
    """Return the loader of local artifacts; those below `trusted` may run code when loaded."""

    def load(version: ModelVersion) -> Loaded:
        artifact = open_artifact(version.internal_name, version.spec, trusted)
        # First, so that the library's import is not taken for the model's memory.
        runtime = runtime_named(artifact.runtime)
        before = resident_bytes()
        model = runtime.load(artifact)
        grown = max(resident_bytes() - before, Path(artifact.path).stat().st_size)
        return Loaded(artifact, runtime, model, grown)

    return load


def resident_bytes(statm: str = "/proc/self/statm") -> int:
    """Return the process's resident memory, 0 where the system does not tell."""
    try:
        with open(statm, encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
