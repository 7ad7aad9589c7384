"""The commands of Seldon's tool about pipelines: `seldon pipeline load`, `status` ….

What a command does is imported when it runs.
"""

import click

from seldon_core.cli.seldon_click import SeldonGroup
from seldon_core.cli.seldon_options import (
    ControlOptions,
    control_options,
    file_option,
    force_option,
    timeout_option,
)

_MANIFESTS = "Manifests, separated by ---; - is standard input."
_ANY = {"ignore_unknown_options": True, "allow_extra_args": True}


@click.group(cls=SeldonGroup)
def pipeline() -> None:
    """Declare, watch and delete pipelines, which are not run yet.

    \b
    Examples:
      seldon pipeline load -f chain.yaml
      seldon pipeline status chain
      seldon pipeline list
    """


@pipeline.command("load")
@file_option(_MANIFESTS, required=True)
@force_option
@control_options
def load_pipeline(
    file_path: str, scheduler_host: str | None, authority: str, verbose: bool
) -> None:
    """Declare the pipelines of a manifest, each as a new version.

    Returns when they are stored. If one of several documents is wrong, none is declared.

    \b
    Example:
      seldon pipeline load -f chain.yaml
    """
    from seldon_core.cli.pipelines import load_pipelines

    load_pipelines(file_path, ControlOptions(scheduler_host, authority, verbose))


@pipeline.command("unload")
@click.argument("name", required=False, metavar="[NAME]")
@file_option(_MANIFESTS)
@force_option
@control_options
def unload_pipeline(
    name: str | None,
    file_path: str | None,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Delete a pipeline, or those of a manifest.

    \b
    Examples:
      seldon pipeline unload chain
      seldon pipeline unload -f chain.yaml
    """
    from seldon_core.cli.pipelines import unload_pipelines

    unload_pipelines(name, file_path, ControlOptions(scheduler_host, authority, verbose))


@pipeline.command("status")
@click.argument("name", metavar="NAME")
@click.option(
    "--wait",
    "-w",
    default="",
    metavar="STATE",
    help="Wait for this state, such as PipelineReady or PipelineTerminated.",
)
@timeout_option()
@control_options
def pipeline_status(
    name: str,
    wait: str,
    timeout_secs: int,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Show the state of a pipeline as JSON, once it is in a state if one is to be waited for.

    \b
    Examples:
      seldon pipeline status chain | jq -r '.versions[0].state.status'
      seldon pipeline status chain -w PipelineReady -t 60
    """
    from seldon_core.cli.pipelines import show_pipeline

    show_pipeline(name, wait, timeout_secs, ControlOptions(scheduler_host, authority, verbose))


@pipeline.command("list")
@control_options
def list_pipelines_(scheduler_host: str | None, authority: str, verbose: bool) -> None:
    """List the pipelines with their states.

    \b
    Example:
      seldon pipeline list
    """
    from seldon_core.cli.pipelines import list_pipelines

    list_pipelines(ControlOptions(scheduler_host, authority, verbose))


@pipeline.command("infer", context_settings=_ANY)
@click.argument("name", metavar="NAME")
def infer_pipeline(name: str) -> None:
    """Call a pipeline; pipelines are not run yet, so this says so.

    \b
    Example:
      seldon pipeline infer chain '{"inputs": []}'
    """
    from seldon_core.cli.pipelines import refuse_call

    refuse_call("infer", name)


@pipeline.command("inspect", context_settings=_ANY)
@click.argument("name", metavar="NAME")
def inspect_pipeline(name: str) -> None:
    """Show what passed a pipeline; pipelines are not run yet, so this says so.

    \b
    Example:
      seldon pipeline inspect chain
    """
    from seldon_core.cli.pipelines import refuse_call

    refuse_call("inspect", name)
