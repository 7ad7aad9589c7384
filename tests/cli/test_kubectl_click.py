import click
import pytest

from seldon_core.cli.groups import usage_text
from seldon_core.cli.kubectl_click import FaultsError, Verb


@click.command(cls=Verb)
@click.option("-o", "--output", default="")
@click.option("-w", "--watch", is_flag=True)
@click.option("--wait/--no-wait", "is_patient", default=True)
@click.argument("words", nargs=-1)
def verb(output, watch, is_patient, words):
    if "ill" in words:
        raise FaultsError(["a is wrong", "b is wrong"])
    print((output, watch, is_patient, words))  # noqa: T201 - what the test reads
    return 3


def run(*arguments):
    return verb.main(list(arguments), prog_name="verb", standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ([], ("", False, True, ())),
        (["-o=yaml", "a"], ("yaml", False, True, ("a",))),
        (["-oyaml", "--wait=true"], ("yaml", False, True, ())),
        (["--output=yaml", "--wait=false"], ("yaml", False, False, ())),
        (["-w=true", "--wait=FALSE"], ("", True, False, ())),
        (["--watch=false", "a=b", "-x=1"][:2], ("", False, True, ("a=b",))),
        (["--", "--watch=false"], ("", False, True, ("--watch=false",))),
    ],
    ids=["nothing", "short", "together", "long", "switches", "off", "after a double dash"],
)
def test_values_may_stand_behind_an_equals_sign(capsys, arguments, read):
    assert run(*arguments) == 3
    assert capsys.readouterr().out == f"{read}\n"


def test_a_switch_is_on_or_off():
    with pytest.raises(click.UsageError) as caught:
        run("--wait=perhaps")
    assert usage_text(caught.value) == (
        "--wait is on or off: wanted true or false, found 'perhaps'; see `verb --help`"
    )


def test_each_fault_is_a_line_of_its_own(capsys):
    assert run("ill") == 1
    assert capsys.readouterr().err == "error: a is wrong\nerror: b is wrong\n"
