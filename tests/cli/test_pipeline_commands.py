import pytest

from seldon_core.cli.experiment_commands import experiment
from seldon_core.cli.pipeline_commands import pipeline
from tests.support.commands import FLAGS, GIVEN, PLAIN, note_calls, run


@pytest.fixture
def calls(monkeypatch):
    return note_calls(monkeypatch)


@pytest.mark.parametrize(
    ("command", "arguments", "call"),
    [
        (pipeline, ["load", "-f", "m", "--force"], ("load_pipelines", "m", PLAIN)),
        (pipeline, ["unload", "p", *FLAGS], ("unload_pipelines", "p", None, GIVEN)),
        (pipeline, ["unload", "-f", "m"], ("unload_pipelines", None, "m", PLAIN)),
        (pipeline, ["status", "p"], ("show_pipeline", "p", "", 5, PLAIN)),
        (
            pipeline,
            ["status", "p", "-w", "PipelineReady", "-t", "60", *FLAGS],
            ("show_pipeline", "p", "PipelineReady", 60, GIVEN),
        ),
        (pipeline, ["list", *FLAGS], ("list_pipelines", GIVEN)),
        (experiment, ["start", "-f", "m", *FLAGS], ("start_experiments", "m", GIVEN)),
        (experiment, ["stop", "e", "--force"], ("stop_experiments", "e", None, PLAIN)),
        (experiment, ["stop", "-f", "m"], ("stop_experiments", None, "m", PLAIN)),
        (experiment, ["status", "e"], ("show_experiment", "e", False, 5, PLAIN)),
        (experiment, ["status", "e", "-w", "-t=9"], ("show_experiment", "e", True, 9, PLAIN)),
        (experiment, ["list"], ("list_experiments", PLAIN)),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_a_command_passes_on_what_was_given(calls, command, arguments, call):
    assert run(command, *arguments) == 0
    assert calls == [call]


@pytest.mark.parametrize(
    "arguments",
    [
        ["infer", "chain", "{}", "--inference-mode", "grpc", "-i", "5"],
        ["inspect", "chain", "--format", "json"],
    ],
    ids=["infer", "inspect"],
)
def test_calling_a_pipeline_fails_with_the_reason(arguments, capsys):
    assert run(pipeline, *arguments) == 255
    assert "pipelines are declared and shown, and not run yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        (pipeline, [], "Error: pipeline subcommand required"),
        (experiment, [], "Error: experiment subcommand required"),
        (experiment, ["start"], 'Error: required flag(s) "file-path" not set'),
    ],
    ids=["pipeline", "experiment", "no file"],
)
def test_a_wrong_usage_is_an_error_of_seldons_kind(calls, command, arguments, words, capsys):
    assert run(command, *arguments) == 255
    assert words in capsys.readouterr().err
    assert calls == []
