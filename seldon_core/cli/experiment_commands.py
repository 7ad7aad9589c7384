"""The commands of Seldon's tool about experiments: `seldon experiment start`, `status` ….

What a command does is imported when it runs.
"""

import click

from seldon_core.cli.seldon_click import SeldonGroup, Switch
from seldon_core.cli.seldon_options import (
    ControlOptions,
    control_options,
    file_option,
    force_option,
    timeout_option,
)

_MANIFESTS = "Manifests, separated by ---; - is standard input."


@click.group(cls=SeldonGroup)
def experiment() -> None:
    """Split calls over models or pipelines.

    \b
    Examples:
      seldon experiment start -f half.yaml
      seldon experiment status half -w
      seldon model infer half.experiment -f request.json -i 50
      seldon experiment stop half
    """


@experiment.command("start")
@file_option(_MANIFESTS, required=True)
@force_option
@control_options
def start_experiment(
    file_path: str, scheduler_host: str | None, authority: str, verbose: bool
) -> None:
    """Declare the experiments of a manifest, or change them.

    Returns when they are stored, before their routes are in place: `experiment status -w` waits.

    \b
    Example:
      seldon experiment start -f half.yaml && seldon experiment status half -w
    """
    from seldon_core.cli.experiments import start_experiments

    start_experiments(file_path, ControlOptions(scheduler_host, authority, verbose))


@experiment.command("stop")
@click.argument("name", required=False, metavar="[NAME]")
@file_option(_MANIFESTS)
@force_option
@control_options
def stop_experiment(
    name: str | None,
    file_path: str | None,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Stop an experiment, or those of a manifest. Its default has its own route back then.

    \b
    Examples:
      seldon experiment stop half
      seldon experiment stop -f half.yaml
    """
    from seldon_core.cli.experiments import stop_experiments

    stop_experiments(name, file_path, ControlOptions(scheduler_host, authority, verbose))


@experiment.command("status")
@click.argument("name", metavar="NAME")
@Switch.option("--wait/--no-wait", "-w", help="Wait until it is active.")
@timeout_option()
@control_options
def experiment_status(
    name: str,
    wait: bool,
    timeout_secs: int,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Show whether an experiment is active as JSON, once it is if asked to wait.

    \b
    Examples:
      seldon experiment status half
      seldon experiment status half -w -t 60
    """
    from seldon_core.cli.experiments import show_experiment

    show_experiment(name, wait, timeout_secs, ControlOptions(scheduler_host, authority, verbose))


@experiment.command("list")
@control_options
def list_experiments_(scheduler_host: str | None, authority: str, verbose: bool) -> None:
    """List the experiments and whether they are active.

    \b
    Example:
      seldon experiment list
    """
    from seldon_core.cli.experiments import list_experiments

    list_experiments(ControlOptions(scheduler_host, authority, verbose))
