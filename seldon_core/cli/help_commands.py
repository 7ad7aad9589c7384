"""`seldon help` and `seldon completion`: what every command takes, also for a shell to know."""

from collections.abc import Sequence

import click
from click.shell_completion import get_completion_class

from seldon_core.cli.output import say
from seldon_core.cli.seldon_click import CONTEXT, SeldonCommand

_SHELLS = ("bash", "zsh", "fish")


@click.command("help", cls=SeldonCommand, context_settings=CONTEXT)
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(context: click.Context, names: Sequence[str]) -> None:
    """Tell what a command takes, as its --help does.

    \b
    Examples:
      seldon help
      seldon help model infer
    """
    asked = context.find_root()
    for name in names:
        if not isinstance(asked.command, click.Group):
            raise click.UsageError(f"{asked.command_path!r} has no commands of its own", asked)
        _, command, _ = asked.command.resolve_command(asked, [name])
        assert command is not None  # it raises instead
        asked = click.Context(command, asked, name, **command.context_settings)
    say(asked.command.get_help(asked))


@click.command("completion", cls=SeldonCommand, context_settings=CONTEXT)
@click.argument("shell", type=click.Choice(_SHELLS), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and flags: bash, zsh or fish.

    \b
    Example, for the shell that it is typed in:
      source <(seldon completion bash)
    """
    root = context.find_root()
    program = root.info_name or ""
    variable = f"_{program}_COMPLETE".replace("-", "_").upper()
    kind = get_completion_class(shell)
    assert kind is not None  # click knows the three
    script = kind(root.command, {}, program, variable)
    # Not `source()`, which starts a bash to ask for its version.
    say(script.source_template % script.source_vars())
