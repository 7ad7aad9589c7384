"""Brings a model into this process's memory: its files, its runtime, its measured size. Blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seldon_core.agent.repository import open_artifact
from seldon_core.agent.runtimes import runtime_named
from seldon_core.agent.runtimes.base import Artifact, LoadedModel, Runtime, Signature
from seldon_core.agent.runtimes.measured import load_measured
from seldon_core.resources.model import ModelVersion


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory. `grown_bytes` is how much the process grew, never less than its file."""

    artifact: Artifact
    runtime: Runtime
    model: LoadedModel
    grown_bytes: int


Loader = Callable[[ModelVersion, Artifact | None, Signature | None], Loaded | Artifact]
"""Loads a version. The artifact and the signature are those of its last load, None at the first.

Returns the artifact alone if the model is to be isolated: then nothing of it is read here.
Raises InvalidResourceError or ModelRuntimeError with a reason for its user."""


def loader(trusted: Sequence[Path]) -> Loader:
    """Return the loader of local artifacts; those below `trusted` may run code when loaded."""

    def load(
        version: ModelVersion, last: Artifact | None, known: Signature | None
    ) -> Loaded | Artifact:
        artifact = open_artifact(version.internal_name, version.spec, trusted)
        if version.spec.knobs.isolation == "process":
            return artifact
        runtime = runtime_named(artifact.runtime)
        model, grown = load_measured(runtime, artifact, known if artifact == last else None)
        return Loaded(artifact, runtime, model, grown)

    return load
