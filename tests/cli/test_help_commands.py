import subprocess
import sys

import pytest

from seldon_core.cli.main import main


def run(monkeypatch, *arguments):
    """Run the program; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["seldon", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize(
    "names",
    [[], ["model"], ["model", "infer"], ["load"], ["help"]],
    ids=["program", "group", "command of a group", "command", "itself"],
)
def test_help_tells_what_the_flag_tells(monkeypatch, capsys, names):
    assert run(monkeypatch, *names, "--help") == 0
    by_flag = capsys.readouterr().out
    assert run(monkeypatch, "help", *names) == 0
    assert capsys.readouterr().out == by_flag
    assert by_flag.startswith(" ".join(["Usage: seldon", *names]))


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["modle"], "there is no command 'modle', did you mean 'model'?"),
        (["model", "laod"], "there is no command 'laod', did you mean 'load'?"),
        (["load", "x"], "'seldon load' has no commands of its own"),
    ],
    ids=["typo", "typo in a group", "beyond a command"],
)
def test_help_on_what_there_is_not_is_an_error(monkeypatch, capsys, names, error):
    assert run(monkeypatch, "help", *names) == 255
    assert capsys.readouterr().err.startswith(f"Error: {error}")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell_is_printed(monkeypatch, capsys, shell):
    assert run(monkeypatch, "completion", shell) == 0
    out = capsys.readouterr().out
    assert "_SELDON_COMPLETE" in out
    assert f"{shell}_complete" in out


def test_another_shell_is_refused_with_those_that_there_are(monkeypatch, capsys):
    assert run(monkeypatch, "completion", "tcsh") == 255
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("seldon mod", ["model"]),
        ("seldon model in", ["infer"]),
        ("seldon model infer --show-h", ["--show-headers"]),
        ("seldon model infer -o=maybe --show-h", ["--show-headers"]),
    ],
    ids=["command", "command of a group", "flag", "behind a wrong flag"],
)
def test_a_shell_is_told_how_words_go_on(words, completed):
    program = "import sys; sys.argv[0] = 'seldon'; from seldon_core.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "_SELDON_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stderr == ""
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == completed
