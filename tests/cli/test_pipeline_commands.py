import pytest

from seldon_core.cli.pipeline_commands import pipeline
from tests.support.commands import FLAGS, GIVEN, PLAIN, note_calls, run


@pytest.fixture
def calls(monkeypatch):
    return note_calls(monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["load", "-f", "m", "--force"], ("load_pipelines", "m", PLAIN)),
        (["unload", "p", *FLAGS], ("unload_pipelines", "p", None, GIVEN)),
        (["unload", "-f", "m"], ("unload_pipelines", None, "m", PLAIN)),
        (["status", "p"], ("show_pipeline", "p", "", 5, PLAIN)),
        (
            ["status", "p", "-w", "PipelineReady", "-t", "60", *FLAGS],
            ("show_pipeline", "p", "PipelineReady", 60, GIVEN),
        ),
        (["list", *FLAGS], ("list_pipelines", GIVEN)),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_a_command_passes_on_what_was_given(calls, arguments, call):
    assert run(pipeline, *arguments) == 0
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
    ("arguments", "words"),
    [
        ([], "Error: pipeline subcommand required"),
        (["load"], 'Error: required flag(s) "file-path" not set'),
    ],
    ids=["no command", "no file"],
)
def test_a_wrong_usage_is_an_error_of_seldons_kind(calls, arguments, words, capsys):
    assert run(pipeline, *arguments) == 255
    assert words in capsys.readouterr().err
    assert calls == []
