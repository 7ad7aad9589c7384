"""The program `seldon-core`, also called `seldon`: its commands and their options.

What a command needs is imported when it runs, so that `--help` is instant.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from seldon_core import __version__
from seldon_core.cli.output import say, say_error
from seldon_core.errors import SeldonError

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command line; an expected error is one line on standard error and exit code 1."""
    try:
        cli(prog_name="seldon-core")
    except SeldonError as error:
        say_error(str(error))
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Serve machine-learning models over the Open Inference Protocol, from one process."""


@cli.command()
def serve(
    models: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Serve every manifest and every model folder below DIR. May be repeated.",
        ),
    ] = None,
    role: Annotated[
        str, typer.Option(help="What this process does; so far it does everything.")
    ] = "all",
    host: Annotated[
        str | None,
        typer.Option(help="Address of the inference port, and of no other.  [default: 127.0.0.1]"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Inference, REST and gRPC.  [default: 9000]"),
    ] = None,
    scheduler_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Scheduler's gRPC API: health so far.  [default: 9004]"),
    ] = None,
    agent_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Agent's gRPC API: health so far.  [default: 9005]"),
    ] = None,
    admin_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Metrics, health, log levels.  [default: 9006]"),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of all state.  [default: the user's data folder]"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings, in the shape of config/default.yaml."),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any setting by its name. May be repeated."
        ),
    ] = None,
) -> None:
    """Serve models until Ctrl-C or SIGTERM; requests under way are then answered first.

    A port of 0 takes any free one; the real numbers are printed at start.

    \b
    Examples:
      seldon-core samples samples && seldon-core serve --models samples/models
      seldon-core serve --models ./iris            a folder that holds model.joblib or model.onnx
      seldon-core serve --host 0.0.0.0 --port 8080
      seldon-core serve --set agent.memory=2Gi --set log.format=json

    Settings come from the defaults, then --config, then the environment
    (SELDON_AGENT__MEMORY=2Gi), then these options.
    """
    from seldon_core.cli.serve import parse_assignments, run_serve

    options: dict[str, object] = {
        "listener.host": host,
        "listener.port": port,
        "scheduler.port": scheduler_port,
        "agent.port": agent_port,
        "admin.port": admin_port,
        "data.dir": None if data_dir is None else str(data_dir),
        "log.level": log_level,
    }
    given = {name: value for name, value in options.items() if value is not None}
    run_serve(role, models or [], config, parse_assignments(settings or []) | given)


@cli.command()
def samples(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it does not exist.")],
) -> None:
    """Write small sample models and their manifests to DIR; nothing is downloaded.

    \b
    Example:
      seldon-core samples samples && seldon-core serve --models samples/models
    """
    from seldon_core.cli.samples import run_samples

    run_samples(folder)
