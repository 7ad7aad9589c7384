"""The options that several of the commands of Seldon's tool share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from seldon_core.cli.seldon_click import Switch

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """The options of every command that asks the scheduler. None: the flag was not given."""

    scheduler_host: str | None = None
    authority: str = ""
    verbose: bool = False


def control_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `scheduler_host`, `authority` and `verbose`, which make a ControlOptions."""
    options = [
        click.option(
            "--scheduler-host",
            metavar="HOST:PORT",
            help="Scheduler.  [env: SELDON_SCHEDULE_HOST; default: 0.0.0.0:9004, this machine]",
        ),
        click.option(
            "--authority",
            default="",
            metavar="NAME",
            help="HTTP/2 authority to name instead of the address.",
        ),
        Switch.option(
            "--verbose/--no-verbose",
            "-v",
            help="Print the request first, and answers that are else not worth a line.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def inference_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `inference_host` and `authority`."""
    options = [
        click.option(
            "--inference-host",
            metavar="HOST:PORT",
            help="Inference.  [env: SELDON_INFER_HOST; default: 0.0.0.0:9000, this machine]",
        ),
        click.option(
            "--authority",
            default="",
            metavar="NAME",
            help="Host or :authority to name instead of the address.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def force_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Have a command take `--force`, which has no effect and is not passed on."""
    option = Switch.option(
        "--force/--no-force",
        expose_value=False,
        help="Accepted for Seldon's scripts, as is SELDON_FORCE_CONTROL_PLANE; has no effect.",
    )
    return option(command)


def file_option(what: str, *, required: bool = False) -> Decorator:
    """Give a command `file_path`, `what` says what is in the file."""
    return click.option(
        "--file-path",
        "-f",
        required=required,
        metavar="FILE",
        help=what,
    )


def timeout_option() -> Decorator:
    """Give a command `timeout_secs`."""
    return click.option(
        "--timeout-secs",
        "-t",
        type=int,
        default=5,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait with --wait.",
    )
