import click
import pytest

from seldon_core.cli.output import say
from seldon_core.cli.seldon_click import SeldonCommand
from seldon_core.cli.seldon_options import (
    control_options,
    file_option,
    force_option,
    inference_options,
    timeout_option,
)


def command(*decorators):
    """Return a command with these options that prints what it is given."""

    def show(**given):
        say(str(given))

    callback = show
    for decorate in decorators:
        callback = decorate(callback)
    return click.command("do", cls=SeldonCommand)(callback)


@pytest.mark.parametrize(
    ("decorator", "arguments", "given"),
    [
        (control_options, [], {"scheduler_host": None, "authority": "", "verbose": False}),
        (
            control_options,
            ["--scheduler-host", "a:1", "--authority=x", "-v"],
            {"scheduler_host": "a:1", "authority": "x", "verbose": True},
        ),
        (inference_options, [], {"inference_host": None, "authority": ""}),
        (
            inference_options,
            ["--inference-host", "a:1", "--authority", "x"],
            {"inference_host": "a:1", "authority": "x"},
        ),
        (force_option, ["--force"], {}),
        (force_option, ["--force=true"], {}),
        (file_option("Manifests."), ["-f", "x"], {"file_path": "x"}),
        (file_option("Manifests."), [], {"file_path": None}),
        (timeout_option(), [], {"timeout_secs": 5}),
        (timeout_option(), ["-t", "60"], {"timeout_secs": 60}),
    ],
    ids=[
        "control defaults",
        "control",
        "inference defaults",
        "inference",
        "force",
        "force by value",
        "file",
        "no file",
        "default time",
        "time",
    ],
)
def test_options_are_passed_on(capsys, decorator, arguments, given):
    with pytest.raises(SystemExit):
        command(decorator)(arguments)
    assert capsys.readouterr().out == f"{given}\n"


def test_options_stand_in_the_help_in_their_order(capsys):
    with pytest.raises(SystemExit):
        command(control_options, force_option, file_option("Manifests."))(["--help"])
    out = capsys.readouterr().out
    names = ["--file-path", "--force", "--scheduler-host", "--authority", "--verbose"]
    assert sorted(names, key=out.index) == names
    assert "Manifests." in out
