"""What the verbs take; what they do is tested with the modules that do it."""

import click
import pytest

from seldon_core.cli import apply, delete, describe, get, verbs, wait
from seldon_core.cli.delete import DeleteOptions
from seldon_core.cli.get import GetOptions

COMMANDS = [
    verbs.apply,
    verbs.get,
    verbs.describe,
    verbs.delete,
    verbs.wait,
    verbs.api_resources,
]


@pytest.fixture
def called(monkeypatch):
    """Return the arguments with which the verbs called what does their work."""
    calls: list[object] = []

    def work(*arguments):
        calls.append(arguments)
        return 7

    for module in (apply, get, describe, delete, wait):
        monkeypatch.setattr(module, module.__name__.rpartition(".")[2], work)
    return calls


def run(command, *arguments):
    return command.main(list(arguments), prog_name="seldon-core", standalone_mode=False)


def test_apply_takes_manifests(called):
    options = ("-f", "a", "-f", "-", "-R", "-n", "mesh", "--scheduler-host", "h:1")
    assert run(verbs.apply, *options) == 7
    assert called == [(("a", "-"), True, "mesh", "h:1")]


def test_apply_needs_manifests(called):
    with pytest.raises(click.UsageError, match=r"^say which manifests with -f FILE\|DIR\|-$"):
        run(verbs.apply)


def test_get_takes_resources_and_how_to_show_them(called):
    assert run(verbs.get, "models") == 7
    options = ("-o", "wide", "-w", "--no-headers", "--ignore-not-found", "-n", "mesh")
    run(verbs.get, "model", "iris", *options)
    run(verbs.get, "models", "-n", "mesh", "-A")
    assert called == [
        (("models",), (), False, GetOptions(), None),
        (
            ("model", "iris"),
            (),
            False,
            GetOptions("wide", "mesh", is_watch=True, has_header=False, ignores_missing=True),
            None,
        ),
        (("models",), (), False, GetOptions(), None),
    ]


def test_describe_takes_resources(called):
    assert run(verbs.describe, "model/iris", "-n", "mesh") == 7
    assert called == [(("model/iris",), (), False, "mesh", None)]


def test_delete_takes_resources_and_how_long_to_wait(called):
    assert run(verbs.delete, "model", "iris") == 7
    run(verbs.delete, "models", "--all", "--wait=false", "--timeout=5s", "--ignore-not-found")
    assert called == [
        (("model", "iris"), (), False, DeleteOptions(), None),
        (
            ("models",),
            (),
            False,
            DeleteOptions(is_all=True, is_patient=False, timeout="5s", ignores_missing=True),
            None,
        ),
    ]


def test_wait_takes_what_to_wait_for(called):
    assert run(verbs.wait, "--for=condition=ready", "--timeout=300s", "model/iris") == 7
    run(verbs.wait, "-f", "a", "--for", "delete")
    assert called == [
        (("model/iris",), (), False, "condition=ready", "300s", None, None),
        ((), ("a",), False, "delete", "30s", None, None),
    ]


def test_wait_needs_to_be_told_for_what(called):
    with pytest.raises(click.MissingParameter):
        run(verbs.wait, "model/iris")


def test_the_kinds_are_a_table(capsys):
    assert run(verbs.api_resources) is None
    header, model, server, *others = capsys.readouterr().out.splitlines()
    assert header.split() == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert model.split() == ["models", "mlm", "mlops.seldon.io/v1alpha1", "true", "Model"]
    assert server.split() == ["servers", "mls", "mlops.seldon.io/v1alpha1", "true", "Server"]
    assert [line.split()[1] for line in others] == ["mlc", "mlp", "mlx", "v1", "cm"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_help_of_a_verb_fits_a_terminal(command, capsys):
    assert run(command, "--help") == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    if command is not verbs.api_resources:
        assert f"  seldon-core {command.name} " in text.partition("Examples:")[2]
