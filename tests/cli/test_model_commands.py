import pytest

from seldon_core.cli.infer import InferOptions
from seldon_core.cli.model_commands import model
from tests.support.commands import FLAGS, GIVEN, PLAIN, note_calls, run


@pytest.fixture
def calls(monkeypatch):
    return note_calls(monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["load", "-f", "m", "--force"], ("load_models", "m", PLAIN)),
        (["load", "--file-path", "m", *FLAGS], ("load_models", "m", GIVEN)),
        (["unload", "iris", *FLAGS], ("unload_models", "iris", None, GIVEN)),
        (["unload", "-f", "m", "--force"], ("unload_models", None, "m", PLAIN)),
        (["status", "iris"], ("show_model", "iris", "", 5, PLAIN)),
        (
            ["status", "iris", "-w", "ModelFailed", "-t", "60", *FLAGS],
            ("show_model", "iris", "ModelFailed", 60, GIVEN),
        ),
        (["list", *FLAGS], ("list_models", GIVEN)),
        (
            ["metadata", "iris", "--inference-host", "a:1", "--authority", "x"],
            ("show_metadata", "iris", "a:1", "x"),
        ),
        (["infer", "iris", "{}"], ("infer", "iris", "{}", None, InferOptions())),
    ],
    ids=[
        "load",
        "load with flags",
        "unload by name",
        "unload by file",
        "status",
        "status with flags",
        "list",
        "metadata",
        "infer",
    ],
)
def test_a_command_passes_on_what_was_given(calls, arguments, call):
    assert run(model, *arguments) == 0
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
    ("arguments", "error"),
    [
        ([], "model subcommand required"),
        (["load"], 'required flag(s) "file-path" not set'),
        (["status"], "missing argument 'NAME'"),
        (["status", "a", "b"], "got unexpected extra argument (b)"),
    ],
    ids=["no command", "no file", "no name", "two names"],
)
def test_a_wrong_usage_is_an_error_of_seldons_kind(calls, capsys, arguments, error):
    assert run(model, *arguments) == 255
    assert calls == []
    assert capsys.readouterr().err.startswith(f"Error: {error}")


def test_every_help_teaches_with_an_example(capsys):
    assert run(model, "-h") == 0
    out = capsys.readouterr().out
    assert "seldon model load -f iris.yaml" in out
    assert "..." not in out.partition("Commands:")[2]
    for name in model.commands:
        assert run(model, name, "--help") == 0
        assert f"seldon model {name}" in capsys.readouterr().out
