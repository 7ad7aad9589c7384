import pytest

from seldon_core.cli.experiment_commands import experiment
from tests.support.commands import FLAGS, GIVEN, PLAIN, note_calls, run


@pytest.fixture
def calls(monkeypatch):
    return note_calls(monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["start", "-f", "m", *FLAGS], ("start_experiments", "m", GIVEN)),
        (["stop", "e", "--force"], ("stop_experiments", "e", None, PLAIN)),
        (["stop", "-f", "m"], ("stop_experiments", None, "m", PLAIN)),
        (["status", "e"], ("show_experiment", "e", False, 5, PLAIN)),
        (["status", "e", "-w", "-t=9"], ("show_experiment", "e", True, 9, PLAIN)),
        (["list"], ("list_experiments", PLAIN)),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_a_command_passes_on_what_was_given(calls, arguments, call):
    assert run(experiment, *arguments) == 0
    assert calls == [call]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Error: experiment subcommand required"),
        (["start"], 'Error: required flag(s) "file-path" not set'),
    ],
    ids=["no command", "no file"],
)
def test_a_wrong_usage_is_an_error_of_seldons_kind(calls, arguments, words, capsys):
    assert run(experiment, *arguments) == 255
    assert words in capsys.readouterr().err
    assert calls == []
