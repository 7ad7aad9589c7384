"""The commands of Seldon's tool about models: `seldon model load`, `infer`, `status` ….

What a command does is imported when it runs.
"""

from collections.abc import Sequence

import click

from seldon_core.cli.seldon_click import SeldonGroup, Switch
from seldon_core.cli.seldon_options import (
    ControlOptions,
    control_options,
    file_option,
    force_option,
    inference_options,
    timeout_option,
)

_MANIFESTS = "Manifests, separated by ---; - is standard input."


@click.group(cls=SeldonGroup)
def model() -> None:
    """Load, call, watch and unload models.

    \b
    Examples:
      seldon model load -f iris.yaml
      seldon model status iris -w ModelAvailable
      seldon model infer iris '{"inputs":[{"name":"predict","shape":[1,4],
                                "datatype":"FP32","data":[[1,2,3,4]]}]}'
      seldon model list
    """


@model.command("load")
@file_option(_MANIFESTS, required=True)
@force_option
@control_options
def load_model(file_path: str, scheduler_host: str | None, authority: str, verbose: bool) -> None:
    """Load the models of a manifest, or update them.

    Returns when they are stored, before they can be called: `model status -w` waits. Several
    documents are loaded in their order, and {} is printed for each; if one of them is wrong, none
    is. A relative storageUri is meant from the manifest's folder, from the current one if the
    manifest comes from standard input.

    \b
    Example:
      seldon model load -f iris.yaml && seldon model status iris -w ModelAvailable
    """
    from seldon_core.cli.models import load_models

    load_models(file_path, ControlOptions(scheduler_host, authority, verbose))


@model.command("unload")
@click.argument("name", required=False, metavar="[NAME]")
@file_option(_MANIFESTS)
@force_option
@control_options
def unload_model(
    name: str | None,
    file_path: str | None,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Delete a model, or those of a manifest.

    \b
    Examples:
      seldon model unload iris
      seldon model unload -f iris.yaml
    """
    from seldon_core.cli.models import unload_models

    unload_models(name, file_path, ControlOptions(scheduler_host, authority, verbose))


@model.command("status")
@click.argument("name", metavar="NAME")
@click.option(
    "--wait",
    "-w",
    default="",
    metavar="STATE",
    help="Wait for this state, such as ModelAvailable or ModelFailed, and print {}.",
)
@timeout_option()
@control_options
def model_status(
    name: str,
    wait: str,
    timeout_secs: int,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Show the state of a model as JSON, or wait for one.

    The answer has the state and its reason, the replicas, and what was declared.

    \b
    Examples:
      seldon model status iris | jq -r '.versions[0].state.state'
      seldon model status iris -w ModelAvailable -t 60
    """
    from seldon_core.cli.models import show_model

    show_model(name, wait, timeout_secs, ControlOptions(scheduler_host, authority, verbose))


@model.command("list")
@control_options
def list_models_(scheduler_host: str | None, authority: str, verbose: bool) -> None:
    """List the models with their states.

    \b
    Example:
      seldon model list
    """
    from seldon_core.cli.models import list_models

    list_models(ControlOptions(scheduler_host, authority, verbose))


@model.command("infer")
@click.argument("name", metavar="NAME")
@click.argument("data", required=False, metavar="[DATA]")
@file_option("The payload instead of DATA; - is standard input.")
@click.option(
    "--inference-mode", default="rest", show_default=True, metavar="MODE", help="rest or grpc."
)
@click.option(
    "--iterations",
    "-i",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Number of calls; of several the routes are counted.",
)
@click.option(
    "--seconds",
    "-t",
    type=int,
    default=0,
    metavar="SECONDS",
    help="Call for so long instead of a number of times.",
)
@Switch.option(
    "--sticky-session/--no-sticky-session", "-s", help="Take the route that the last call took."
)
@click.option("--header", multiple=True, metavar="KEY=VALUE", help="Send this too; repeatable.")
@Switch.option("--show-headers/--no-show-headers", help="Print headers sent and received.")
@Switch.option("--show-request/--no-show-request", "-r", help="Print the body sent.")
@Switch.option(
    "--show-response/--no-show-response",
    "-o",
    default=True,
    help="Print the answer; on, -o=false is off.",
)
@inference_options
def infer_model(
    name: str,
    data: str | None,
    file_path: str | None,
    inference_mode: str,
    iterations: int,
    seconds: int,
    sticky_session: bool,
    header: Sequence[str],
    show_headers: bool,
    show_request: bool,
    show_response: bool,
    inference_host: str | None,
    authority: str,
) -> None:
    """Call a model and print its answer.

    DATA is an inference request as JSON. With --inference-mode grpc it is a ModelInferRequest,
    whose elements are in contents ("contents":{"fp32_contents":[1,2]}); elements in data, as for
    REST, are taken as well. Of several calls it is counted which version answered, and failures
    by their codes; a failure ends nothing then.

    \b
    Examples:
      seldon model infer iris '{"inputs":[{"name":"predict","shape":[1,4],
                                "datatype":"FP32","data":[[1,2,3,4]]}]}'
      seldon model infer iris -f request.json --inference-mode grpc
      seldon model infer iris -f request.json -i 50
      seldon model infer iris -f request.json --show-headers --header x-request-id=mine
    """
    from seldon_core.cli.infer import InferOptions, infer

    options = InferOptions(
        mode=inference_mode,
        host=inference_host,
        authority=authority,
        headers=tuple(header),
        shows_request=show_request,
        shows_response=show_response,
        shows_headers=show_headers,
        is_sticky=sticky_session,
        iterations=iterations,
        seconds=seconds,
    )
    infer(name, data, file_path, options)


@model.command("metadata")
@click.argument("name", metavar="NAME")
@inference_options
def model_metadata(name: str, inference_host: str | None, authority: str) -> None:
    """Show what a model takes and gives, as JSON.

    \b
    Example:
      seldon model metadata iris
    """
    from seldon_core.cli.infer import show_metadata

    show_metadata(name, inference_host, authority)
