from pathlib import Path

import pytest
from click.testing import CliRunner

from seldon_core.cli import store as runs
from seldon_core.cli.store_commands import store


def invoke(*arguments):
    return CliRunner().invoke(store, arguments, catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["check"], ("run_check", None)),
        (["check", "--data-dir", "d"], ("run_check", "d")),
        (["export"], ("run_export", None, None, False)),
        (["export", "-"], ("run_export", None, None, False)),
        (["export", "--data-dir", "d", "f"], ("run_export", "d", Path("f"), False)),
        (["export", "--with-secrets"], ("run_export", None, None, True)),
        (["import", "-"], ("run_import", None, None)),
        (["import", "f", "--data-dir", "d"], ("run_import", "d", Path("f"))),
    ],
    ids=["check", "check-there", "out", "dash", "to-file", "all", "in", "from-file"],
)
def test_each_command_does_what_it_says(monkeypatch, arguments, call):
    calls = []
    for name in ("run_check", "run_export", "run_import"):
        monkeypatch.setattr(runs, name, lambda *given, name=name: calls.append((name, *given)))
    assert invoke(*arguments).exit_code == 0
    assert calls == [call]


def test_an_import_needs_a_file():
    assert invoke("import").exit_code == 2


@pytest.mark.parametrize(
    "command", [[], ["check"], ["export"], ["import"]], ids=["store", "check", "export", "import"]
)
def test_help_teaches_with_examples(command):
    text = invoke(*command, "--help").output
    assert "seldon-core store check" in text or f"seldon-core store {command[0]}" in text
    assert "..." not in text.partition("Commands:")[2]
    assert all(len(line) <= 100 for line in text.splitlines())
