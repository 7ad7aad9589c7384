"""Runs click commands as a shell would, and notes what they ask their workers to do."""

import pytest

from seldon_core.cli import (
    config_index,
    experiments,
    infer,
    models,
    pipelines,
    servers,
    trading,
)
from seldon_core.cli.seldon_options import ControlOptions

PLAIN = ControlOptions()
GIVEN = ControlOptions("a:1", "x", True)
FLAGS = ["--scheduler-host", "a:1", "--authority", "x", "-v"]
"""What makes the options GIVEN."""

WORKERS = {
    models: ["load_models", "unload_models", "show_model", "list_models"],
    trading: ["load_all", "unload_all", "show_all_status"],
    pipelines: ["load_pipelines", "unload_pipelines", "show_pipeline", "list_pipelines"],
    experiments: [
        "start_experiments",
        "stop_experiments",
        "show_experiment",
        "list_experiments",
    ],
    servers: ["show_server", "list_servers"],
    infer: ["infer", "show_metadata"],
    config_index: [
        "add_config",
        "activate_config",
        "deactivate_config",
        "remove_config",
        "list_configs",
    ],
}


def run(command, *arguments):
    """Run a command; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        command(arguments)
    return ended.value.code


def note_calls(monkeypatch):
    """Have no worker do anything; return the list of what they are called with."""
    made: list[object] = []
    for module, names in WORKERS.items():
        for name in names:
            monkeypatch.setattr(module, name, lambda *given, name=name: made.append((name, *given)))
    return made
