import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from seldon_core import __version__
from seldon_core.cli import get, samples, serve
from seldon_core.cli.main import cli, main
from seldon_core.config.load import DEFAULTS
from seldon_core.errors import ConfigError


def run(monkeypatch, *arguments, program="seldon-core"):
    """Run the program; return its exit code."""
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_version_is_printed(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"seldon-core {__version__}\n"


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["samples"]], ids=["program", "serve", "samples"]
)
def test_help_teaches_with_examples(monkeypatch, capsys, command):
    assert run(monkeypatch, *command, "--help") == 0
    text = capsys.readouterr().out
    assert "Usage: seldon-core" in text
    assert "..." not in text.replace("[ARGS]...", "")
    if command:
        assert "seldon-core samples samples && seldon-core serve --models samples/models" in text


def test_the_help_of_serve_says_where_the_settings_are(monkeypatch, capsys):
    assert run(monkeypatch, "serve", "--help") == 0
    assert f" {DEFAULTS}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("program", "name"),
    [("bin/seldon", "seldon"), ("bin/seldon-core", "seldon-core"), ("__main__.py", "seldon-core")],
    ids=["short", "long", "module"],
)
def test_the_usage_has_the_name_that_was_typed(monkeypatch, capsys, program, name):
    assert run(monkeypatch, "--help", program=program) == 0
    assert f"Usage: {name} [" in capsys.readouterr().out


def test_only_the_options_that_were_given_are_flags(monkeypatch):
    calls: list[object] = []
    monkeypatch.setattr(serve, "run_serve", lambda *arguments: calls.append(arguments))
    assert run(monkeypatch, "serve") == 0
    assert (
        run(
            monkeypatch,
            "serve",
            "--models",
            "a",
            "--models",
            "b",
            "--port",
            "0",
            "--data-dir",
            "d",
            "--config",
            "c",
            "--set",
            "admin.port=1",
        )
        == 0
    )
    assert calls == [
        ("all", (), None, {}),
        (
            "all",
            (Path("a"), Path("b")),
            Path("c"),
            {"listener.port": 0, "data.dir": "d", "admin.port": "1"},
        ),
    ]


def test_samples_are_written_to_the_folder_named(monkeypatch):
    folders: list[Path] = []
    monkeypatch.setattr(samples, "run_samples", folders.append)
    assert run(monkeypatch, "samples", "here") == 0
    assert folders == [Path("here")]


def test_every_command_is_there_and_in_one_section(monkeypatch, capsys):
    run(monkeypatch, "--help")
    text = capsys.readouterr().out
    listed = [line.split()[0] for line in text.splitlines() if re.match("  [a-z-]+  ", line)]
    commands = cli.list_commands(click.Context(cli))
    assert [name for name in listed if name in commands] == commands
    for name in commands:
        assert cli.get_command(click.Context(cli), name).name == name


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["modle", "list"], "there is no command 'modle', did you mean 'model'?"),
        (["get", "--wtach"], "there is no option '--wtach', did you mean --watch?"),
        (["samples"], "missing argument 'DIR'; see `seldon-core samples --help`"),
    ],
    ids=["command", "option", "argument"],
)
def test_a_wrong_usage_is_one_line_too(monkeypatch, capsys, arguments, error):
    assert run(monkeypatch, *arguments) == 1
    assert capsys.readouterr().err == f"error: {error}\n"


def test_what_a_verb_returns_is_the_exit_code(monkeypatch):
    monkeypatch.setattr(get, "get", lambda *arguments: 1)
    assert run(monkeypatch, "get", "models") == 1


def test_ctrl_c_ends_a_verb_without_a_word_of_blame(monkeypatch, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(get, "get", interrupt)
    assert run(monkeypatch, "get", "models", "-w") == 130
    assert capsys.readouterr().err.strip() == ""


def test_an_expected_error_is_one_line(monkeypatch, capsys):
    def fail(*arguments):
        raise ConfigError("listener.port: taken")

    monkeypatch.setattr(serve, "run_serve", fail)
    assert run(monkeypatch, "serve") == 1
    assert capsys.readouterr().err == "error: listener.port: taken\n"


def test_help_does_not_import_the_program():
    heavy = "{'numpy', 'pydantic', 'grpc', 'asyncio', 'rich', 'yaml', 'google.protobuf'}"
    program = (
        "import sys; from seldon_core.cli.main import cli; "
        "cli.main(['--help'], standalone_mode=False); "
        f"assert not {heavy} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def call(*arguments, **options):
    """Run the program as a process of its own; return the exit code and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "seldon_core", *arguments],
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        **options,
    )
    return done.returncode, done.stderr.decode(errors="replace")


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (["config", "list"], 255, "Error: "),
        (["api-resources"], 1, "error: "),
    ],
    ids=["seldon's", "kubectl's"],
)
def test_an_answer_that_cannot_be_written_is_an_error(command, code, line):
    with open("/dev/full", "w") as full:
        reason = "the answer cannot be written: No space left on device\n"
        assert call(*command, stdout=full) == (code, line + reason)


def test_streams_that_the_caller_closed_are_empty(tmp_path):
    environ = {"HOME": str(tmp_path)}
    closed = {"stdout": None, "env": environ, "preexec_fn": lambda: (os.close(0), os.close(1))}
    assert call("api-resources", **closed) == (0, "")
    assert call("load", **closed) == (255, "Error: standard input: declares nothing\n")


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (["model", "status"], 255, "Error: "),
        (["get", "model"], 1, "error: "),
    ],
    ids=["seldon's", "kubectl's"],
)
def test_a_name_that_is_no_text_is_an_error(command, code, line):
    assert call(*command, b"\xff") == (code, line + r"'\udcff' is not text in UTF-8" + "\n")


def test_a_locale_without_a_letter_gets_its_number(tmp_path):
    environ = {"HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    (tmp_path / "é.json").write_text("{}")
    assert call("config", "add", "é", str(tmp_path / "é.json"), env=environ) == (0, "")
    with open(tmp_path / "out", "w+b") as out:
        assert call("config", "list", stdout=out, env=environ) == (0, "")
        out.seek(0)
        assert rb"\xe9.json" in out.read()


def test_manifests_are_utf_8_whatever_the_locale(tmp_path):
    environ = {"HOME": str(tmp_path), "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    done = call("apply", "-f", "-", input="kind: é".encode(), stdout=-3, env=environ)
    assert "there is no kind '\ufffd'" in done[1]  # a letter of Latin-1, as the locale wants it
    done = call("apply", "-f", "-", input=b"kind: \xe9", stdout=-3, env=environ)
    assert done == (1, "error: standard input is not text in UTF-8: unexpected end of data\n")
