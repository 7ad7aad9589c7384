"""Loads a model and finds out how much memory it takes. Blocks.

The growth of the process is the model's size only if nothing else grows meanwhile, so loads are
made one at a time; beside requests that are served it stays an approximation.
"""

import os
import sys

from seldon_core.agent.runtimes.base import (
    Artifact,
    LoadedModel,
    Runtime,
    Signature,
    words_of,
)
from seldon_core.errors import ModelRuntimeError, SeldonError

_LARGE_BYTES = 16 * 1024 * 1024
"""From this size a model is not loaded twice to be measured: the library is the smaller part."""


def load_measured(
    runtime: Runtime, artifact: Artifact, known: Signature | None = None
) -> tuple[LoadedModel, int]:
    """Load as `Runtime.load` does; return the model and its bytes, at least those of its file.

    Modules that come with a model belong to its library and not to it (85 MB with the first
    estimator, whose own size is 1 kB). A second load, made only then, shows what the model takes.
    Raises what `Runtime.load` does; with an `origin` a ModelRuntimeError that does not name the
    folder, whatever the library says.
    """
    try:
        return _load_measured(runtime, artifact, known)
    except Exception as error:  # a library may raise anything
        if not artifact.origin:
            raise
        text = str(error) if isinstance(error, SeldonError) else words_of(error)
        for folder in (artifact.folder, os.path.realpath(artifact.folder)):
            text = text.replace(folder, artifact.origin)
        raise ModelRuntimeError(text) from None


def _load_measured(
    runtime: Runtime, artifact: Artifact, known: Signature | None
) -> tuple[LoadedModel, int]:
    modules = len(sys.modules)
    model, grown = _load(runtime, artifact, known)
    if len(sys.modules) > modules and os.path.getsize(artifact.path) < _LARGE_BYTES:
        # While the first is there: its memory is not free.
        again, grown = _load(runtime, artifact, model.signature)
        return again, grown
    return model, grown


def _load(runtime: Runtime, artifact: Artifact, known: Signature | None) -> tuple[LoadedModel, int]:
    before = resident_bytes()
    model = runtime.load(artifact, known)
    # A model may lie in memory that something else has freed; it is not for nothing even then.
    return model, max(resident_bytes() - before, os.path.getsize(artifact.path))


def resident_bytes(statm: str = "/proc/self/statm") -> int:
    """Return this process's resident memory, 0 where the system does not tell."""
    try:
        with open(statm, encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
