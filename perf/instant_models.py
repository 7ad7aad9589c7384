"""Our server, whose models load in no time: what the control plane alone can do.

    python -m perf.instant_models DATA_FOLDER DATA_PORT SCHEDULER_PORT

Everything is as in `seldon-core serve`, the store on the disk included, but the loader: it reads no
file, and its models cannot be called.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from seldon_core import app
from seldon_core.agent.loading import Loaded
from seldon_core.agent.runtimes.base import Artifact, LoadedModel, Signature
from seldon_core.cli.output import Console
from seldon_core.config.load import load_settings
from seldon_core.errors import ModelRuntimeError
from seldon_core.observability.logs import configure_logs
from seldon_core.resources.model import FoundModels, ModelVersion

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


def main(arguments: Sequence[str]) -> None:
    folder, port, scheduler_port = arguments
    flags = {"listener.port": port, "scheduler.port": scheduler_port}
    settings = load_settings(None, {}, {**flags, "agent.port": "0", "admin.port": "0"}).settings
    configure_logs(settings.log, sys.stderr)
    Path(folder).mkdir(exist_ok=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        console = Console(Path(folder))
        runner.run(app.serve(settings, Path(folder), FoundModels(), console, load=load_at_once))


if __name__ == "__main__":
    main(sys.argv[1:])
