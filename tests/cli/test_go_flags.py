import click
import pytest

from seldon_core.cli.go_flags import as_click_reads

COMMAND = click.Command(
    "x",
    params=[
        click.Option(["-o", "--output"]),
        click.Option(["-w", "--watch"], is_flag=True),
        click.Option(["--wait/--no-wait", "-W"]),
    ],
)


def read(*args):
    return list(as_click_reads(COMMAND, click.Context(COMMAND), args))


@pytest.mark.parametrize(
    ("args", "seen"),
    [
        (["-o=yaml", "--output=a=b"], ["-o", "yaml", "--output=a=b"]),
        (["-w=t", "--watch=TRUE", "-W=1"], ["-w", "--watch", "-W"]),
        (["-w=f", "--watch=False", "--wait=0"], ["--no-wait"]),
        (["-o", "-w=true", "--output"], ["-o", "-w=true", "--output"]),
        (["-w", "-w=true"], ["-w", "-w"]),
        (["--", "-w=true"], ["--", "-w=true"]),
        (["-x=1", "a=b", "--nope=1"], ["-x=1", "a=b", "--nope=1"]),
        (["-o=a\nb"], ["-o", "a\nb"]),
    ],
    ids=["values", "on", "off", "a value's place", "a flag", "the end", "unknown", "lines"],
)
def test_what_go_takes_is_put_as_click_takes_it(args, seen):
    assert read(*args) == seen


@pytest.mark.parametrize("value", ["yes", "tRUE", ""])
def test_a_flag_is_on_or_off(value):
    with pytest.raises(click.UsageError, match=f"--watch is on or off: .* found '{value}'"):
        read(f"--watch={value}")
