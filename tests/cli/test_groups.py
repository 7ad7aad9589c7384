import sys
from types import SimpleNamespace

import click
import pytest

from seldon_core.cli.groups import Section, SectionedGroup, SuggestingGroup, usage_text


@click.command()
@click.option("--colour")
@click.argument("what")
def paint(what, colour):
    """Paint something. In any colour."""


@click.command()
def polish():
    """Polish it."""


@pytest.fixture
def tools():
    group = SuggestingGroup("tools")
    group.add_command(paint)
    group.add_command(polish)
    return group


@pytest.fixture
def workshop():
    return SectionedGroup(
        "workshop",
        sections=[
            Section("Begin", {"polish": "tools_of_a_test:polish"}),
            Section("End", {"paint": "tools_of_a_test:paint"}),
        ],
    )


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Tests are imported under names that an import statement does not find."""
    monkeypatch.setitem(sys.modules, "tools_of_a_test", SimpleNamespace(paint=paint, polish=polish))


def usage_error(group, *arguments):
    with pytest.raises(click.UsageError) as caught:
        group.main(list(arguments), prog_name="tools", standalone_mode=False)
    return usage_text(caught.value)


@pytest.mark.parametrize("kind", ["tools", "workshop"])
def test_a_mistyped_command_suggests_the_right_one(kind, request):
    assert usage_error(request.getfixturevalue(kind), "plish") == (
        "there is no command 'plish', did you mean 'polish'?"
    )


def test_a_command_like_no_other_is_told_what_there_is(tools):
    assert usage_error(tools, "xyzzy") == (
        "there is no command 'xyzzy'; there are: paint, polish; see `tools --help`"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["paint", "--zzz", "it"], "there is no option '--zzz'"),
        (["paint"], "missing argument 'WHAT'"),
        (["paint", "a", "b"], "got unexpected extra argument (b)"),
    ],
    ids=["no such option", "missing argument", "too many"],
)
def test_a_wrong_usage_is_one_sentence_with_the_way_to_help(tools, arguments, text):
    assert usage_error(tools, *arguments) == f"{text}; see `tools paint --help`"


def test_a_mistyped_option_suggests_the_right_one(tools):
    assert usage_error(tools, "paint", "--color", "red", "it") == (
        "there is no option '--color', did you mean --colour?"
    )


def test_an_option_of_the_group_that_there_is_not_is_named(tools):
    assert usage_error(tools, "--frobnicate") == (
        "there is no option '--frobnicate'; see `tools --help`"
    )


def test_what_looks_like_an_option_may_be_no_command_either(tools):
    assert usage_error(tools, "--", "--zzz").startswith("there is no command '--zzz'; there are: ")


def test_a_usage_error_without_a_command_is_only_its_text():
    assert usage_text(click.UsageError("Odd.")) == "odd"


@pytest.mark.parametrize("kind", ["tools", "workshop"])
def test_without_a_command_the_help_is_shown(kind, request, capsys):
    assert request.getfixturevalue(kind).main([], prog_name="tools", standalone_mode=False) == 0
    assert "Usage: tools [OPTIONS] COMMAND" in capsys.readouterr().out


def test_the_help_shows_commands_by_purpose_in_their_order(workshop, capsys):
    workshop.main(["--help"], prog_name="workshop", standalone_mode=False)
    text = capsys.readouterr().out
    assert text.partition("Begin:")[2].split("\n\n")[0].strip() == "polish  Polish it."
    assert text.partition("End:")[2].strip() == "paint   Paint something."


def test_a_command_is_imported_when_it_is_called():
    group = SectionedGroup(sections=[Section("Odd", {"gone": "no_such_module_at_all:gone"})])
    assert group.list_commands(click.Context(group)) == ["gone"]
    with pytest.raises(ModuleNotFoundError):
        group.main(["gone"], standalone_mode=False)
