"""The program `seldon-core`, also called `seldon`: its commands by purpose, and how it ends.

What a command needs is imported when it runs, so that `--help` is instant. click and not typer,
which reads every option by pydantic: that takes 70 ms of every start and 15 MiB.
"""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from seldon_core import __version__
from seldon_core.cli.groups import Section, SectionedGroup, not_text, usage_text
from seldon_core.cli.output import say, say_error
from seldon_core.errors import SeldonError

_INTERRUPTED = 130  # what shells report of a program that Ctrl-C ended

_PROGRAMS = ("seldon-core", "seldon")
_PATH = click.Path(path_type=Path)
_DEFAULTS = Path(__file__).resolve().parents[1] / "config" / "default.yaml"


_SECTIONS = (
    Section(
        "Serve models",
        {
            "serve": "seldon_core.cli.main:serve",
            "samples": "seldon_core.cli.main:samples",
            "store": "seldon_core.cli.store_commands:store",
        },
    ),
    Section(
        "Declare and watch resources, as kubectl does",
        {
            "apply": "seldon_core.cli.verbs:apply",
            "get": "seldon_core.cli.verbs:get",
            "describe": "seldon_core.cli.verbs:describe",
            "wait": "seldon_core.cli.verbs:wait",
            "delete": "seldon_core.cli.verbs:delete",
            "api-resources": "seldon_core.cli.verbs:api_resources",
        },
    ),
    Section(
        "Call and manage models, as Seldon's own tool does",
        {
            "model": "seldon_core.cli.seldon_commands:model",
            "server": "seldon_core.cli.seldon_commands:server",
            "pipeline": "seldon_core.cli.pipeline_commands:pipeline",
            "experiment": "seldon_core.cli.experiment_commands:experiment",
            "load": "seldon_core.cli.seldon_commands:load",
            "unload": "seldon_core.cli.seldon_commands:unload",
            "status": "seldon_core.cli.seldon_commands:status",
            "config": "seldon_core.cli.seldon_commands:config",
        },
    ),
    Section(
        "Find the way",
        {
            "help": "seldon_core.cli.help_commands:help_",
            "completion": "seldon_core.cli.help_commands:completion",
        },
    ),
)


def main() -> None:
    """Run the command line; what goes wrong is one line on standard error and exit code 1.

    But Seldon's own commands end by themselves, with the words and the exit code of its tool.
    """
    _prepare_streams()
    try:
        result = cli.main(prog_name=_program(), standalone_mode=False)
    except click.UsageError as error:
        _fail(usage_text(error))
    except click.Abort:  # Ctrl-C
        sys.exit(_INTERRUPTED)
    except SeldonError as error:
        _fail(str(error))
    except UnicodeEncodeError as error:
        _fail(not_text(error))
    sys.exit(result if isinstance(result, int) else 0)


def _prepare_streams() -> None:
    """Read UTF-8 whatever the locale, and write by its number what it has no letter for."""
    if sys.stdin is None:  # the caller closed it
        sys.stdin = open(os.devnull)  # noqa: SIM115 - stays open as long as the program
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - likewise
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(text: str) -> NoReturn:
    say_error(text)
    sys.exit(1)


def _program() -> str:
    """Return the name that the program was called by, `seldon-core` if by `python -m`."""
    called = Path(sys.argv[0]).name
    return called if called in _PROGRAMS else _PROGRAMS[0]


def _print_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        say(f"{_PROGRAMS[0]} {__version__}")
        context.exit()


@click.group(
    cls=SectionedGroup,
    sections=_SECTIONS,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def cli() -> None:
    """Serve machine-learning models over the Open Inference Protocol, from one process.

    \b
    The first minute:
      seldon-core samples samples
      seldon-core serve --models samples/models     in one terminal, and in another:
      seldon-core get models
      seldon-core describe model iris
      seldon-core model infer iris '{"inputs": [{"name": "predict", "shape": [1, 4],
                                    "datatype": "FP32", "data": [5.1, 3.5, 1.4, 0.2]}]}'

    `seldon-core COMMAND --help` tells what each command takes, with examples.
    """


@click.command(epilog=f"\b\nThe settings with their defaults: {_DEFAULTS}")
@click.option(
    "--models",
    type=_PATH,
    multiple=True,
    metavar="DIR",
    help="Serve every manifest and every model folder below DIR. May be repeated.",
)
@click.option(
    "--role",
    default="all",
    show_default=True,
    metavar="ROLE",
    help="What this process does: scheduler, router, agent, some of them with commas, or all.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    help="Address of the inference port, and of no other.  [default: 127.0.0.1]",
)
@click.option("--port", type=int, metavar="PORT", help="Inference, REST and gRPC.  [default: 9000]")
@click.option(
    "--scheduler-port",
    type=int,
    metavar="PORT",
    help="Scheduler's gRPC API, which get, apply and model speak to.  [default: 9004] Of an agent "
    "or a router: the scheduler's port for these.  [default: 9005]",
)
@click.option(
    "--agent-port",
    type=int,
    metavar="PORT",
    help="Scheduler's port for agents and routers in other processes.  [default: 9005]",
)
@click.option(
    "--scheduler-host",
    metavar="ADDRESS",
    help="Where an agent or a router finds the scheduler.  [default: 127.0.0.1]",
)
@click.option(
    "--server-name", metavar="NAME", help="Server that an agent is of.  [default: mlserver]"
)
@click.option(
    "--replica-idx", type=int, metavar="N", help="Which of the server's replicas.  [default: 0]"
)
@click.option(
    "--control-host",
    metavar="ADDRESS",
    help="Address of all ports but the inference port.  [default: 127.0.0.1]",
)
@click.option(
    "--insecure-control",
    is_flag=True,
    help="Open these ports to others although nobody has to prove who he is.",
)
@click.option(
    "--admin-port",
    type=int,
    metavar="PORT",
    help="Metrics, health, log levels.  [default: 9006]",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    help="Folder of all state.  [default: the user's data folder]",
)
@click.option(
    "--config",
    type=_PATH,
    metavar="FILE",
    help="Settings, in the shape of config/default.yaml.",
)
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any setting by its name. May be repeated.",
)
def serve(
    models: Sequence[Path],
    role: str,
    config: Path | None,
    settings: Sequence[str],
    host: str | None,
    port: int | None,
    scheduler_port: int | None,
    agent_port: int | None,
    scheduler_host: str | None,
    server_name: str | None,
    replica_idx: int | None,
    control_host: str | None,
    insecure_control: bool,
    admin_port: int | None,
    data_dir: str | None,
    log_level: str | None,
) -> None:
    """Serve models until Ctrl-C or SIGTERM. Requests under way are then answered first.

    SIGHUP has --config and certificates read again; what needs a restart is named in the
    log. When the terminal is closed the process ends, unless nohup starts it.

    A port of 0 takes any free one; the real numbers are printed at start.

    \b
    Examples:
      seldon-core samples samples && seldon-core serve --models samples/models
      seldon-core serve --models ./iris            a folder that holds model.joblib or model.onnx
      seldon-core serve --host 0.0.0.0 --port 8080
      seldon-core serve --set agent.memory=2Gi --set log.format=json
      seldon-core serve --role=scheduler           and on other machines, or beside it:
      seldon-core serve --role=router --scheduler-host H
      seldon-core serve --role=agent --scheduler-host H --server-name triton --replica-idx 1

    Settings come from the defaults, then --config, then the environment
    (SELDON_AGENT__MEMORY=2Gi), then these options. All of them, every limit among
    them, stand in config/default.yaml of the package, with unit, default and reason.
    """
    from seldon_core.cli.serve import parse_assignments, run_serve

    if scheduler_port is not None and role in ("agent", "router") and agent_port is None:
        scheduler_port, agent_port = None, scheduler_port
    options: dict[str, object] = {
        "listener.host": host,
        "listener.port": port,
        "scheduler.port": scheduler_port,
        "agent.port": agent_port,
        "scheduler.host": scheduler_host,
        "agent.serverName": server_name,
        "agent.replicaIdx": replica_idx,
        "control.host": control_host,
        "control.insecure": True if insecure_control else None,
        "admin.port": admin_port,
        "data.dir": data_dir,
        "log.level": log_level,
    }
    given = {name: value for name, value in options.items() if value is not None}
    run_serve(role, models, config, parse_assignments(settings) | given)


@click.command()
@click.argument("folder", type=_PATH, metavar="DIR")
def samples(folder: Path) -> None:
    """Write small sample models and their manifests to DIR. Nothing is downloaded.

    DIR is made if it does not exist.

    \b
    Example:
      seldon-core samples samples && seldon-core serve --models samples/models
    """
    from seldon_core.cli.samples import run_samples

    run_samples(folder)
