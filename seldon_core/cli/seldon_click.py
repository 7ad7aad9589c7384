"""How the commands of Seldon's tool parse and end, where that differs from click's way.

An error is `Error: …` on standard error and exit code 255, a wrong usage too. On/off flags take a
value behind `=` (`-o=false`), and so do short options (`-i=50`).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from seldon_core.cli.files import read_text
from seldon_core.cli.go_flags import as_click_reads
from seldon_core.cli.groups import SuggestingGroup, not_text, usage_text
from seldon_core.cli.output import say, say_failure
from seldon_core.errors import SeldonError

EXIT_CODE = 255
_INTERRUPTED = 130  # what a shell expects after Ctrl-C

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


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
            args = list(as_click_reads(self, ctx, args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an expected error ends the program with 255."""
        with ending_as_seldon():
            return super().invoke(ctx)


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
