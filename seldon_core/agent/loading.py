"""Brings a model into this process's memory: its files, its runtime, its measured size. Blocks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seldon_core.agent.repository import open_artifact
from seldon_core.agent.runtimes import runtime_named
from seldon_core.agent.runtimes.base import Artifact, LoadedModel, Runtime, Signature
from seldon_core.agent.runtimes.measured import load_measured
from seldon_core.agent.storage import Remotes, fetch
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote


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


def loader(trusted: Sequence[Path], remotes: Remotes | None = None) -> Loader:
    """Return the loader of artifacts, which fetches those that are on one of `remotes`.

    Those below `trusted` may run code when they are loaded.
    """

    def load(
        version: ModelVersion, last: Artifact | None, known: Signature | None
    ) -> Loaded | Artifact:
        remote = remotes.of(version.internal_name) if remotes is not None else None
        if remote is None:
            artifact = open_artifact(version.internal_name, version.spec, trusted)
        else:
            artifact = _open_fetched(version, remote, trusted)
        if version.spec.knobs.isolation == "process":
            return artifact
        runtime = runtime_named(artifact.runtime)
        model, grown = load_measured(runtime, artifact, known if artifact == last else None)
        return Loaded(artifact, runtime, model, grown)

    return load


def _open_fetched(version: ModelVersion, remote: Remote, trusted: Sequence[Path]) -> Artifact:
    """Find the files of a model that is on a remote, where they lie when they have been fetched.

    That is nobody's business: errors speak of them as the model's storageUri does.
    """
    uri = version.spec.storage_uri
    place = str(Path(fetch(uri, remote)))  # as errors write it
    try:
        spec = replace(version.spec, storage_uri=place)
        artifact = open_artifact(version.internal_name, spec, trusted)
    except InvalidResourceError as error:
        message = str(error).removeprefix(f"{error.path}: ")
        raise InvalidResourceError(
            error.path.replace(place, uri), message.replace(place, uri)
        ) from None
    origin = uri.rstrip("/")
    if artifact.folder != place:
        origin = origin.removesuffix(Path(place).name).rstrip("/")
    return replace(artifact, origin=origin)
