"""How the commands of Seldon's tool parse and end, where that differs from click's way.

An error is `Error: …` on standard error and exit code 255, a wrong usage too. On/off flags take a
value behind `=` (`-o=false`), and so do short options (`-i=50`).
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from seldon_core.cli.files import read_text
from seldon_core.cli.groups import SuggestingGroup, not_text, usage_text
from seldon_core.cli.output import say, say_failure
from seldon_core.errors import SeldonError

EXIT_CODE = 255
_INTERRUPTED = 130  # what a shell expects after Ctrl-C

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_WITH_VALUE = re.compile(r"(--[a-z][a-z-]*|-[a-z])=(.*)", re.DOTALL)
_ON = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_OFF = frozenset({"0", "f", "F", "false", "FALSE", "False"})

F = TypeVar("F", bound=Callable[..., Any])


class UnreadableFileError(SeldonError):
    """A file named by `-f` cannot be read. Seldon's tool says so on standard output."""


class MissingCommandError(SeldonError):
    """A group of commands was called without one."""


@contextmanager
def ending_as_seldon() -> Iterator[None]:
    """Turn an expected error into its line and exit code 255."""
    try:
        yield
    except click.UsageError as error:
        say_failure(_usage_text(error))
    except UnreadableFileError as error:
        say(str(error))
    except SeldonError as error:
        say_failure(str(error))
    except UnicodeEncodeError as error:
        say_failure(not_text(error))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    else:
        return
    sys.exit(EXIT_CODE)


def _usage_text(error: click.UsageError) -> str:
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Option):
        longest = max(error.param.opts, key=len).lstrip("-")
        return f'required flag(s) "{longest}" not set'
    return usage_text(error)


class Switch(click.Option):
    """An on/off flag, declared as `--name/--no-name`; the help shows the first form."""

    @classmethod
    def option(cls, *names: str, **attributes: Any) -> Callable[[F], F]:
        """Return the decorator that gives a command such a flag, off by default."""
        return click.option(*names, cls=cls, **{"is_flag": True, "default": False, **attributes})

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the line of the help, without the negative form."""
        record = super().get_help_record(ctx)
        return record and (record[0].partition(" / ")[0], record[1])


class SeldonCommand(click.Command):
    """A command that parses and ends as Seldon's do."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments; a wrong usage ends the program with 255."""
        with ending_as_seldon():
            return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, with values behind `=` where click does not know them."""
        if not ctx.resilient_parsing:  # a shell that completes words wants no errors
            args = list(self._as_click_reads(ctx, args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error ends the program with 255."""
        with ending_as_seldon():
            return super().invoke(ctx)

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
            option = options.get(match[1] if match else arg)
            if match and isinstance(option, Switch):
                yield self._switched(ctx, option, match[1], match[2])
            elif match and option is not None and not match[1].startswith("--"):
                yield match[1]
                yield match[2]
            else:
                yield arg
                if match is None and option is not None and not option.is_flag:
                    yield from (value for value in [next(rest, None)] if value is not None)
        yield from rest

    def _switched(self, ctx: click.Context, option: Switch, name: str, value: str) -> str:
        if value in _ON:
            return name
        if value in _OFF:
            return option.secondary_opts[0]
        raise click.UsageError(f"{name} is on or off: wanted true or false, found {value!r}", ctx)


class SeldonGroup(SuggestingGroup):
    """A group of such commands; called without one it is an error that names them."""

    command_class = SeldonCommand

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(
            *args,
            **{
                "invoke_without_command": True,
                "no_args_is_help": False,
                "context_settings": CONTEXT,
                **attributes,
            },
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of its commands, in the order they were declared in."""
        return list(self.commands)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the group's own arguments; a wrong usage ends the program with 255."""
        with ending_as_seldon():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        with ending_as_seldon():
            result = super().invoke(ctx)
            if ctx.invoked_subcommand is None:
                raise MissingCommandError(
                    f"{self.name} subcommand required\n"
                    f"there are: {', '.join(self.list_commands(ctx))}; "
                    f"see `{ctx.command_path} --help`"
                )
            return result


def read_file(path: str) -> str:
    """Return the text of the file that `-f` names; `-` is standard input.

    Raises UnreadableFileError if it cannot be read.
    """
    try:
        return read_text(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableFileError(f"open {path}: {reason[0].lower()}{reason[1:]}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"open {path}: is not text in UTF-8: {error.reason}") from error
