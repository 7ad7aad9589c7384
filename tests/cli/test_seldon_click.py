import io
import sys

import click
import pytest

from seldon_core.cli.output import say
from seldon_core.cli.seldon_click import SeldonGroup, Switch, UnreadableFileError, read_file
from seldon_core.errors import ConfigError


@click.group(cls=SeldonGroup)
def group():
    """Do things."""


@group.command("show")
@click.argument("words", nargs=-1)
@click.option("--file-path", "-f", required=True)
@click.option("--iterations", "-i", type=int, default=1)
@Switch.option("--quiet/--no-quiet", "-q", help="Say less.")
@Switch.option("--response/--no-response", "-o", default=True)
def show(words, file_path, iterations, quiet, response):
    say(f"{words} {file_path} {iterations} {quiet} {response}")


@group.command("fail")
def fail():
    raise ConfigError("it is wrong")


@group.command("interrupt")
def interrupt():
    raise KeyboardInterrupt


@group.command("read")
def read():
    read_file("missing.yaml")


def run(*arguments):
    """Run the group; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        group(arguments, prog_name="seldon group")
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["-f", "x"], "() x 1 False True"),
        (["-f=x", "-i=5", "a"], "('a',) x 5 False True"),
        (["--file-path=x", "--iterations", "5"], "() x 5 False True"),
        (["-fx", "-i5", "-q"], "() x 5 True True"),
        (["-f", "x", "-o=false", "-q=true"], "() x 1 True False"),
        (["-f", "x", "--response=0", "--quiet=T"], "() x 1 True False"),
        (["-f", "x", "-q", "-q=f", "-o=F", "-o"], "() x 1 False True"),
        (["-f", "-q=true", "--no-response"], "() -q=true 1 False False"),
        (["-f", "x", "--", "-q=true", "-i=3"], "('-q=true', '-i=3') x 1 False True"),
        (["-f=a=b", '{"a":"-o=false"}'], '(\'{"a":"-o=false"}\',) a=b 1 False True'),
    ],
    ids=[
        "spaces",
        "equals signs",
        "long names",
        "joined",
        "switches",
        "other spellings",
        "last one wins",
        "value like a switch",
        "after two dashes",
        "payload",
    ],
)
def test_options_are_read_as_go_programs_do(capsys, arguments, printed):
    assert run("show", *arguments) == 0
    assert capsys.readouterr().out == f"{printed}\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["show"], 'required flag(s) "file-path" not set'),
        (["show", "-f"], "option '-f' requires an argument"),
        (["show", "-f", "x", "-q=maybe"], "-q is on or off: wanted true or false, found 'maybe'"),
        (["show", "--quite"], "there is no option '--quite', did you mean --quiet?"),
        (["shwo"], "there is no command 'shwo', did you mean 'show'?"),
        (["--file"], "there is no option '--file'"),
        (["fail"], "it is wrong"),
    ],
    ids=["required", "no value", "no switch", "typo", "command", "of the group", "expected"],
)
def test_errors_are_one_line_and_exit_code_255(capsys, arguments, error):
    assert run(*arguments) == 255
    out, err = capsys.readouterr()
    assert err.startswith(f"Error: {error}")
    assert err.count("\n") == 1
    assert out == ""


def test_a_group_without_a_command_is_an_error_that_names_them(capsys):
    assert run() == 255
    assert capsys.readouterr().err.splitlines() == [
        "Error: group subcommand required",
        "there are: show, fail, interrupt, read; see `seldon group --help`",
    ]


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_shows_commands_in_order_and_switches_by_their_first_form(capsys, flag):
    assert run(flag) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2]
    assert commands.split()[0] == "show"
    assert run("show", flag) == 0
    assert "-q, --quiet" in (out := capsys.readouterr().out)
    assert "--no-quiet" not in out


def test_a_shell_that_completes_words_hears_of_no_error(capsys):
    command = group.commands["show"]
    with command.make_context("show", ["-q=maybe"], resilient_parsing=True) as context:
        assert "quiet" in context.params
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_ends_quietly(capsys):
    assert run("interrupt") == 130
    assert capsys.readouterr() == ("", "")


def test_an_unreadable_file_is_said_on_standard_output(capsys):
    assert run("read") == 255
    assert capsys.readouterr() == ("open missing.yaml: no such file or directory\n", "")


def test_a_file_is_read_or_standard_input(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("ü", encoding="utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.StringIO("piped"))
    assert read_file(str(tmp_path / "a")) == "ü"
    assert read_file("-") == "piped"


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFileError, match="is not text in UTF-8"):
        read_file(str(tmp_path / "a"))
