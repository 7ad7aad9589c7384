"""Values behind `=` as Go's tools take them, where click does not: `--wait=false`, `-o=yaml`."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import click

_WITH_VALUE: Final = re.compile(r"(--[a-z][a-z-]*|-[a-zA-Z])=(.*)", re.DOTALL)
_ON: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_OFF: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def as_click_reads(
    command: click.Command, ctx: click.Context, args: Sequence[str]
) -> Iterator[str]:
    """Yield `args` with such values put so that click understands them.

    Raises click.UsageError if an on/off flag has a value that is neither.
    """
    options = {
        name: option
        for option in command.get_params(ctx)
        if isinstance(option, click.Option)
        for name in option.opts
    }
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            yield arg
            break
        match = _WITH_VALUE.fullmatch(arg)
        option = options.get(match[1] if match else arg)
        if match and option is not None and option.is_flag:
            yield from _switched(ctx, option, match[1], match[2])
        elif match and option is not None and not match[1].startswith("--"):
            yield match[1]
            yield match[2]
        else:
            yield arg
            if match is None and option is not None and not option.is_flag:
                yield from (value for value in [next(rest, None)] if value is not None)
    yield from rest


def _switched(ctx: click.Context, option: click.Option, name: str, value: str) -> Iterator[str]:
    """Yield the flag that says the same as `name=value`, nothing for one that is off anyway."""
    if value in _ON:
        yield name
    elif value in _OFF:
        yield from option.secondary_opts[:1]
    else:
        raise click.UsageError(f"{name} is on or off: wanted true or false, found {value!r}", ctx)
