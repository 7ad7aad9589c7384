import pytest

from seldon_core.cli import config_commands, infer, models, servers
from seldon_core.cli.infer import InferOptions
from seldon_core.cli.seldon_commands import config, load, model, server, status, unload
from seldon_core.cli.seldon_options import ControlOptions

PLAIN = ControlOptions()
GIVEN = ControlOptions("a:1", "x", True)
FLAGS = ["--scheduler-host", "a:1", "--authority", "x", "-v"]


def run(command, *arguments):
    """Run a command; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        command(arguments)
    return ended.value.code


@pytest.fixture
def calls(monkeypatch):
    """What the workers were called with: the name of each and its arguments."""
    made: list[object] = []
    workers = {
        models: [
            "load_models",
            "unload_models",
            "unload_all",
            "show_status",
            "show_all_status",
            "list_models",
        ],
        servers: ["show_server", "list_servers"],
        infer: ["infer", "show_metadata"],
        config_commands: [
            "add_config",
            "activate_config",
            "deactivate_config",
            "remove_config",
            "list_configs",
        ],
    }
    for module, names in workers.items():
        for name in names:
            monkeypatch.setattr(module, name, lambda *given, name=name: made.append((name, *given)))
    return made


@pytest.mark.parametrize(
    ("command", "arguments", "call"),
    [
        (model, ["load", "-f", "m", "--force"], ("load_models", "m", PLAIN)),
        (model, ["load", "--file-path", "m", *FLAGS], ("load_models", "m", GIVEN)),
        (model, ["unload", "iris", *FLAGS], ("unload_models", "iris", None, GIVEN)),
        (model, ["unload", "-f", "m", "--force"], ("unload_models", None, "m", PLAIN)),
        (model, ["status", "iris"], ("show_status", "iris", "", 5, PLAIN)),
        (
            model,
            ["status", "iris", "-w", "ModelFailed", "-t", "60", *FLAGS],
            ("show_status", "iris", "ModelFailed", 60, GIVEN),
        ),
        (model, ["list", *FLAGS], ("list_models", GIVEN)),
        (
            model,
            ["metadata", "iris", "--inference-host", "a:1", "--authority", "x"],
            ("show_metadata", "iris", "a:1", "x"),
        ),
        (model, ["infer", "iris", "{}"], ("infer", "iris", "{}", None, InferOptions())),
        (server, ["status", "s"], ("show_server", "s", False, True, PLAIN)),
        (
            server,
            ["status", "s", "-r", "-o=false", *FLAGS],
            ("show_server", "s", True, False, GIVEN),
        ),
        (server, ["list", *FLAGS], ("list_servers", GIVEN)),
        (config, ["add", "k", "p"], ("add_config", "k", "p")),
        (config, ["activate", "k"], ("activate_config", "k")),
        (config, ["deactivate", "k"], ("deactivate_config", "k")),
        (config, ["remove", "k"], ("remove_config", "k")),
        (config, ["list"], ("list_configs", None)),
        (config, ["list", "k"], ("list_configs", "k")),
        (load, [*FLAGS, "--force"], ("load_models", "-", GIVEN)),
        (load, ["-f", "m"], ("load_models", "m", PLAIN)),
        (unload, [*FLAGS, "--force"], ("unload_all", "-", GIVEN)),
        (unload, ["-f", "m"], ("unload_all", "m", PLAIN)),
        (status, FLAGS, ("show_all_status", "-", False, 5, GIVEN)),
        (status, ["-f", "m", "-w", "-t=9"], ("show_all_status", "m", True, 9, PLAIN)),
    ],
)
def test_a_command_passes_on_what_was_given(calls, command, arguments, call):
    assert run(command, *arguments) == 0
    assert calls == [call]


def test_every_flag_of_infer_is_passed_on(calls):
    flags = "-f p -s -i 5 -t 3 -r -o=false --show-headers --inference-mode grpc"
    headers = ["--header", "a=1", "--header", "b=2"]
    place = ["--inference-host", "a:1", "--authority", "x"]
    assert run(model, "infer", "iris", *flags.split(), *headers, *place) == 0
    options = InferOptions(
        mode="grpc",
        host="a:1",
        authority="x",
        headers=("a=1", "b=2"),
        shows_request=True,
        shows_response=False,
        shows_headers=True,
        is_sticky=True,
        iterations=5,
        seconds=3,
    )
    assert calls == [("infer", "iris", None, "p", options)]


@pytest.mark.parametrize(
    ("command", "arguments", "error"),
    [
        (model, [], "model subcommand required"),
        (server, [], "server subcommand required"),
        (config, [], "config subcommand required"),
        (model, ["load"], 'required flag(s) "file-path" not set'),
        (model, ["status"], "missing argument 'NAME'"),
        (model, ["status", "a", "b"], "got unexpected extra argument (b)"),
        (load, ["--foce"], "there is no option '--foce', did you mean --force?"),
    ],
)
def test_a_wrong_usage_is_an_error_of_seldons_kind(calls, capsys, command, arguments, error):
    assert run(command, *arguments) == 255
    assert calls == []
    assert capsys.readouterr().err.startswith(f"Error: {error}")


GROUPS = {
    model: ["load", "unload", "status", "list", "infer", "metadata"],
    server: ["status", "list"],
    config: ["activate", "add", "deactivate", "list", "remove"],
}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_help_teaches_with_an_example(capsys, group):
    assert run(group, "-h") == 0
    out = capsys.readouterr().out
    assert f"seldon {group.name} " in out
    assert "..." not in out.partition("Commands:")[2]
    for name in GROUPS[group]:
        assert run(group, name, "--help") == 0
        assert f"seldon {group.name} {name}" in capsys.readouterr().out


@pytest.mark.parametrize("command", [load, unload, status], ids=lambda command: command.name)
def test_every_help_of_the_generic_commands_has_an_example(capsys, command):
    assert run(command, "-h") == 0
    assert f"seldon {command.name} " in capsys.readouterr().out
