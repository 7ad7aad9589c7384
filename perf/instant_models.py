"""Our server, whose models load in no time: what the control plane alone can do.

    python -m perf.instant_models DATA_FOLDER DATA_PORT SCHEDULER_PORT [MODELS COUNT]

Everything is as in `seldon-core serve`, the store on the disk included, but the loader: it reads no
file, and its models cannot be called. The models in the folder MODELS are there besides, loaded as
always, and COUNT of the others from the start.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from seldon_core import app
from seldon_core.agent.loading import Loaded, Loader, loader
from seldon_core.agent.runtimes.base import Artifact, LoadedModel, Signature
from seldon_core.cli.folders import find_models
from seldon_core.cli.output import Console
from seldon_core.config.load import load_settings
from seldon_core.errors import ModelRuntimeError
from seldon_core.observability.logs import configure_logs
from seldon_core.resources.model import FoundModels, ModelSpec, ModelVersion

NOTHING = Signature("nothing", inputs=(), outputs=(), default_outputs=())


class Nothing:
    """A model that is there and does nothing."""

    signature = NOTHING

    def infer(self, inputs: Sequence[Any], outputs: Sequence[str]) -> list[Any]:
        raise ModelRuntimeError("a model that was loaded in no time cannot be called")


class NoTime:
    """A runtime that is done at once."""

    name = "nothing"
    releases_gil = True
    inline_limit_s = 1.0

    def load(self, artifact: Artifact, known: Signature | None = None) -> LoadedModel:
        return Nothing()


def load_at_once(
    version: ModelVersion, last: Artifact | None, known: Signature | None
) -> Loaded | Artifact:
    """A loader for `app.serve`."""
    artifact = Artifact(version.internal_name, "nothing", "/none", "/none/model")
    return Loaded(artifact, NoTime(), Nothing(), grown_bytes=1)


def declared(models: Path | None, count: int) -> tuple[FoundModels, Loader]:
    """The models that are there from the start, and the loader for them and all others."""
    if models is None:
        return FoundModels(), load_at_once
    found = find_models([models])
    load = loader(found.trusted)
    others = [ModelSpec(f"model-{i}", f"/models/{i}", memory_bytes=1) for i in range(count)]

    def load_known(
        version: ModelVersion, last: Artifact | None, known: Signature | None
    ) -> Loaded | Artifact:
        chosen = load if version.spec.name in found.specs else load_at_once
        return chosen(version, last, known)

    return FoundModels([*found.specs.values(), *others], (), found.trusted), load_known


def main(
    folder: str, port: str, scheduler_port: str, models: str | None = None, count: str = "0"
) -> None:
    flags = {"listener.port": port, "scheduler.port": scheduler_port}
    settings = load_settings(None, {}, {**flags, "agent.port": "0", "admin.port": "0"}).settings
    configure_logs(settings.log, sys.stderr)
    Path(folder).mkdir(exist_ok=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        console = Console(Path(folder))
        found, load = declared(Path(models) if models else None, int(count))
        runner.run(app.serve(settings, Path(folder), found, console, load=load))


if __name__ == "__main__":
    main(*sys.argv[1:])
