import pytest

from seldon_core.cli import seldon_commands
from seldon_core.cli.model_commands import model
from seldon_core.cli.seldon_commands import config, load, server, status, unload
from seldon_core.cli.trading import ALL
from tests.support.commands import FLAGS, GIVEN, PLAIN, note_calls, run


@pytest.fixture
def calls(monkeypatch):
    return note_calls(monkeypatch)


@pytest.mark.parametrize(
    ("command", "arguments", "call"),
    [
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
        (load, [*FLAGS, "--force"], ("load_all", "-", ALL, GIVEN)),
        (load, ["-f", "m"], ("load_all", "m", ALL, PLAIN)),
        (unload, [*FLAGS, "--force"], ("unload_all", "-", GIVEN)),
        (unload, ["-f", "m"], ("unload_all", "m", PLAIN)),
        (status, FLAGS, ("show_all_status", "-", False, 5, GIVEN)),
        (status, ["-f", "m", "-w", "-t=9"], ("show_all_status", "m", True, 9, PLAIN)),
    ],
    ids=[
        "server status",
        "server status with flags",
        "server list",
        "config add",
        "config activate",
        "config deactivate",
        "config remove",
        "config list",
        "config list of one",
        "load from standard input",
        "load",
        "unload from standard input",
        "unload",
        "status from standard input",
        "status",
    ],
)
def test_a_command_passes_on_what_was_given(calls, command, arguments, call):
    assert run(command, *arguments) == 0
    assert calls == [call]


@pytest.mark.parametrize(
    ("command", "arguments", "error"),
    [
        (server, [], "server subcommand required"),
        (config, [], "config subcommand required"),
        (load, ["--foce"], "there is no option '--foce', did you mean --force?"),
    ],
    ids=["server", "config", "option"],
)
def test_a_wrong_usage_is_an_error_of_seldons_kind(calls, capsys, command, arguments, error):
    assert run(command, *arguments) == 255
    assert calls == []
    assert capsys.readouterr().err.startswith(f"Error: {error}")


@pytest.mark.parametrize("group", [server, config], ids=lambda group: group.name)
def test_every_help_of_a_group_teaches_with_an_example(capsys, group):
    assert run(group, "-h") == 0
    out = capsys.readouterr().out
    assert f"seldon {group.name} " in out
    assert "..." not in out.partition("Commands:")[2]
    for name in group.commands:
        assert run(group, name, "--help") == 0
        assert f"seldon {group.name} {name}" in capsys.readouterr().out


@pytest.mark.parametrize("command", [load, unload, status], ids=lambda command: command.name)
def test_every_help_of_the_generic_commands_has_an_example(capsys, command):
    assert run(command, "-h") == 0
    assert f"seldon {command.name} " in capsys.readouterr().out


def test_the_commands_of_models_are_found_here_too():
    assert seldon_commands.model is model
