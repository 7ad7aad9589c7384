"""How kubectl's verbs parse and end, where that differs from click's way.

On/off flags take a value behind `=` (`--wait=false`), and so do short options (`-o=yaml`). What a
verb returns is the exit code.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from seldon_core.cli.output import say_error
from seldon_core.errors import SeldonError

_WITH_VALUE: Final = re.compile(r"(--[a-z][a-z-]*|-[a-zA-Z])=(.*)", re.DOTALL)
_ON: Final = frozenset({"1", "t", "true"})
_OFF: Final = frozenset({"0", "f", "false"})


class FaultsError(SeldonError):
    """Several things are wrong. `faults` are sentences, each an error of its own."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Verb(click.Command):
    """A command that parses as kubectl's do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, with values behind `=` where click does not know them."""
        return super().parse_args(ctx, list(self._as_click_reads(ctx, args)))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; return the exit code. Each fault is a line of its own."""
        try:
            return super().invoke(ctx)
        except FaultsError as error:
            for fault in error.faults:
                say_error(fault)
            return 1

    def _as_click_reads(self, ctx: click.Context, args: list[str]) -> Iterator[str]:
        options = {
            name: option
            for option in self.get_params(ctx)
            if isinstance(option, click.Option)
            for name in option.opts
        }
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                yield arg
                break
            match = _WITH_VALUE.fullmatch(arg)
            option = options.get(match[1]) if match else None
            if match is None or option is None:
                yield arg
            elif option.is_flag:
                yield from _switched(ctx, option, match[1], match[2])
            elif match[1].startswith("--"):
                yield arg
            else:
                yield match[1]
                yield match[2]
        yield from rest


def _switched(ctx: click.Context, option: click.Option, name: str, value: str) -> Iterator[str]:
    """Yield the flag that says the same as `name=value`, nothing for one that is off anyway."""
    if value.lower() in _ON:
        yield name
    elif value.lower() in _OFF:
        yield from option.secondary_opts[:1]
    else:
        raise click.UsageError(f"{name} is on or off: wanted true or false, found {value!r}", ctx)
