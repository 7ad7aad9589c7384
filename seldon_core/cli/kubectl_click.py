"""How kubectl's verbs parse and end, where that differs from click's way.

On/off flags take a value behind `=` (`--wait=false`), and so do short options (`-o=yaml`). What a
verb returns is the exit code.
"""

from collections.abc import Sequence
from typing import Any

import click

from seldon_core.cli.go_flags import as_click_reads
from seldon_core.cli.output import say_error
from seldon_core.errors import SeldonError


class FaultsError(SeldonError):
    """Several things are wrong. `faults` are sentences, each an error of its own."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Verb(click.Command):
    """A command that parses as kubectl's do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, with values behind `=` where click does not know them."""
        return super().parse_args(ctx, list(as_click_reads(self, ctx, args)))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; return the exit code. Each fault is a line of its own."""
        try:
            return super().invoke(ctx)
        except FaultsError as error:
            for fault in error.faults:
                say_error(fault)
            return 1
