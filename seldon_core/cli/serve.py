"""`seldon-core serve`: from the options to a running process."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop

from seldon_core import app
from seldon_core.agent.repository import SETTINGS, WELL_KNOWN
from seldon_core.aio.parent import end_with_parent
from seldon_core.cli.data_folder import locate
from seldon_core.cli.folders import Found, find_models
from seldon_core.cli.output import Console, Journal, say_warning
from seldon_core.config.load import load_settings
from seldon_core.config.settings import Settings
from seldon_core.errors import ConfigError
from seldon_core.observability.logs import configure_logs
from seldon_core.resources.model import FoundModels
from seldon_core.roles import Role, parse_roles
from seldon_core.running import Reporter

_FILES_SHOWN = 5  # of a folder without a model: enough to see what it is


def run_serve(
    role: str, models: Sequence[Path], config: Path | None, flags: Mapping[str, object]
) -> None:
    """Serve until the process is told to stop. `flags` are settings by dotted name.

    Raises ConfigError if a setting is wrong, a folder is missing or a port is taken.
    """
    roles = parse_roles(role)
    loaded = load_settings(config, os.environ, flags)
    settings = loaded.settings
    if settings.agent.parent:
        end_with_parent(settings.agent.parent)
    configure_logs(settings.log, sys.stderr)
    for notice in loaded.notices:
        say_warning(notice)
    _check_together(roles, models)
    data_folder = locate(settings.data.dir)
    if Role.SCHEDULER in roles:  # others keep nothing
        _make(data_folder)
    data_folder = data_folder.resolve()
    trusted = [data_folder, *map(Path, settings.agent.trusted_prefixes)]

    def search() -> tuple[Found, FoundModels]:
        found = find_models(models)
        # The agents have this very list: what a manifest points to by now may be loaded, too.
        known = set(trusted)
        trusted.extend(folder for folder in found.trusted if folder not in known)
        return found, FoundModels(list(found.specs.values()), found.problems, trusted)

    found, models_found = search()
    for problem in found.problems:
        say_warning(f"not served: {problem.reason}")
    for folder, names in found.strays.items():
        say_warning(f"{folder} holds no model and no manifest: {_looked_for(names)}")
    if models and not (found.specs or found.problems or found.strays):
        folders = ", ".join(map(str, models))
        say_warning(f"found no model folder and no manifest below {folders}: {_looked_for([])}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            app.serve(
                settings,
                data_folder,
                models_found,
                _console(roles, settings, data_folder),
                search=lambda: search()[1],
                roles=roles,
                read_settings=lambda: load_settings(config, os.environ, flags).settings,
                settings_files=[config] if config else [],
            )
        )


def _check_together(roles: frozenset[Role], models: Sequence[Path]) -> None:
    if models and Role.SCHEDULER not in roles:
        raise ConfigError(
            "--models: only a process with the scheduler serves folders; give them to that one"
        )


def _console(roles: frozenset[Role], settings: Settings, data_folder: Path) -> Reporter:
    """Return what tells how it goes: of what the roles have."""
    if roles == frozenset(Role):
        return Console(data_folder)
    if roles == {Role.AGENT}:
        replica = f"{settings.agent.server_name}/{settings.agent.replica_idx}"
        return Journal(replica) if settings.agent.parent else Console(None, replica)
    return Console(data_folder if Role.SCHEDULER in roles else None, "")


def _looked_for(names: Sequence[str]) -> str:
    """Say what would have been served, and what files there are instead."""
    shown = ", ".join(names[:_FILES_SHOWN]) + (", …" if len(names) > _FILES_SHOWN else "")
    wanted = ", ".join((*WELL_KNOWN, SETTINGS, "*.yaml"))
    return f"looked for {wanted} and numbered folders, found {shown or 'nothing'}"


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


def _make(folder: Path) -> None:
    """Make the folder of all state if need be, and try it out."""
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
