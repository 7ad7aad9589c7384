"""`seldon-core serve`: from the options to a running process."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from seldon_core import app
from seldon_core.agent.repository import WELL_KNOWN
from seldon_core.cli.folders import find_models
from seldon_core.cli.output import Console, say_warning
from seldon_core.config.load import load_settings
from seldon_core.errors import ConfigError
from seldon_core.observability.logs import configure_logs
from seldon_core.roles import parse_roles


def run_serve(
    role: str, models: Sequence[Path], config: Path | None, flags: Mapping[str, object]
) -> None:
    """Serve until the process is told to stop. `flags` are settings by dotted name.

    Raises ConfigError if a setting is wrong, a folder is missing or a port is taken.
    """
    parse_roles(role)
    loaded = load_settings(config, os.environ, flags)
    settings = loaded.settings
    configure_logs(settings.log, sys.stderr)
    for notice in loaded.notices:
        say_warning(notice)
    data_folder = _data_folder(settings.data.dir)
    found = find_models(models)
    for problem in found.problems:
        say_warning(f"not served: {problem}")
    if models and not (found.specs or found.problems):
        folders = ", ".join(map(str, models))
        say_warning(
            f"found no model folder and no manifest (*.yaml) below {folders}; "
            f"a model folder holds {', '.join(WELL_KNOWN[:-1])} or {WELL_KNOWN[-1]}"
        )
    trusted = [*found.trusted, data_folder, *map(Path, settings.agent.trusted_prefixes)]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        specs = list(found.specs.values())
        runner.run(app.serve(settings, specs, trusted, Console(data_folder)))


def parse_assignments(assignments: Sequence[str]) -> dict[str, object]:
    """Return what `--set listener.port=9001` sets, by name.

    Raises ConfigError if there is no `=`.
    """
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: wanted group.setting=value")
        values[name] = value
    return values


def _data_folder(given: str) -> Path:
    """Return the folder of all state, made if need be and tried out."""
    folder = Path(given).expanduser() if given else _usual_data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"data.dir: cannot write to {str(folder)!r}: {error.strerror}; "
            "choose another folder with --data-dir"
        ) from error
    return folder.resolve()


def _usual_data_folder() -> Path:
    # Imported here: it brings 1 MB with it, which whoever names a folder is spared.
    import platformdirs

    return platformdirs.user_data_path("seldon-core")
