"""Groups of commands: a typo names the command or option that was probably meant.

The commands of a `SectionedGroup` are shown by purpose, and imported when they are called or
listed, so that one command does not wait for the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from seldon_core.cli.output import say
from seldon_core.resources.words import nearest

_SENTENCE = 200  # characters: more than a line, so that none ends in dots


class SuggestingGroup(click.Group):
    """A group that knows what a mistyped command may mean; without a command it shows its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the group's own arguments; none at all print the help and end the program."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            say(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with. Raises click.UsageError if there is none."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            meant = nearest(name, known)
            hint = f", did you mean {meant!r}?" if meant else f"; there are: {', '.join(known)}"
            raise click.UsageError(f"there is no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@dataclass(frozen=True, slots=True)
class Section:
    """Commands that serve one purpose: by name, the `module:attribute` where each is."""

    title: str
    commands: Mapping[str, str]


class SectionedGroup(SuggestingGroup):
    """A group whose commands are in sections, in their order, and in modules of their own."""

    def __init__(self, *args: Any, sections: Sequence[Section] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._sections = sections
        self._places = {
            name: place for section in sections for name, place in section.commands.items()
        }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the sections."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, imported; None if there is none of this name."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help, a paragraph for each section."""
        width = max(len(name) for name in self._places)
        for section in self._sections:
            rows = [
                (name.ljust(width), command.get_short_help_str(_SENTENCE))
                for name in section.commands
                if (command := self.get_command(ctx, name)) is not None
            ]
            with formatter.section(section.title):
                formatter.write_dl(rows)


def usage_text(error: click.UsageError) -> str:
    """Return a wrong usage in a sentence, with what to type instead or the way to the help."""
    text = error.format_message()
    if isinstance(error, click.NoSuchOption):
        meant = (error.possibilities or [""])[0]
        hint = f", did you mean {meant}?" if meant else ""
        text = f"there is no option {error.option_name!r}{hint}"
    text = text.rstrip(".")
    text = text[:1].lower() + text[1:]
    if error.ctx is None or text.endswith("?"):
        return text
    return f"{text}; see `{error.ctx.command_path} --help`"


def not_text(error: UnicodeEncodeError) -> str:
    """Return that an argument has bytes which are no text, and so cannot be sent as a name."""
    return f"{error.object!a} is not text in UTF-8"
