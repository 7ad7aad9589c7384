"""kubectl's verbs: what `apply`, `get`, `describe`, `delete`, `wait` and `api-resources` take.

What they do is in modules of their own, imported when they run.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from seldon_core.cli.kubectl_click import Verb

F = TypeVar("F", bound=Callable[..., Any])


def _scheduler_option(command: F) -> F:
    return click.option(
        "--scheduler-host",
        metavar="HOST:PORT",
        help="Where the scheduler listens.  "
        "[default: the active config, SELDON_SCHEDULE_HOST, 0.0.0.0:9004]",
    )(command)


def _namespace_option(command: F) -> F:
    return click.option(
        "-n", "--namespace", metavar="NAME", help="Only resources of this namespace."
    )(command)


def _files_options(command: F) -> F:
    recursive = click.option(
        "-R",
        "--recursive",
        is_flag=True,
        help="Take the manifests in the folders of a folder as well.",
    )
    files = click.option(
        "-f",
        "--filename",
        "files",
        multiple=True,
        metavar="FILE|DIR|-",
        help="A manifest, a folder of manifests, or - for standard input. May be repeated.",
    )
    return files(recursive(command))


def _resources_argument(command: F) -> F:
    return click.argument("resources", nargs=-1, metavar="[KIND [NAME]... | KIND/NAME...]")(command)


@click.command(cls=Verb)
@_files_options
@click.option(
    "-n",
    "--namespace",
    metavar="NAME",
    help="The namespace of models whose manifest says none.",
)
@_scheduler_option
def apply(
    files: Sequence[str], recursive: bool, namespace: str | None, scheduler_host: str | None
) -> int:
    """Declare models, servers, experiments and pipelines by their manifests.

    Makes new ones, changes those that there are, and prints created, configured or unchanged for
    each. All manifests are checked before the first is sent. It returns when they are declared,
    which is before they are loaded: see `wait`. A storageUri that is a relative path is relative to
    the manifest's folder.

    \b
    Examples:
      seldon-core apply -f iris.yaml
      seldon-core apply -f samples/models -R
      seldon-core apply -f iris.yaml -f wine.yaml
      seldon-core get models -o yaml | seldon-core apply -f -
      seldon-core apply -f iris.yaml && seldon-core wait --for condition=ready -f iris.yaml

    \b
    A manifest:
      apiVersion: mlops.seldon.io/v1alpha1
      kind: Model
      metadata:
        name: iris
      spec:
        storageUri: ./iris
        requirements: [sklearn]
        memory: 100Ki
    """
    from seldon_core.cli.apply import apply

    if not files:
        raise click.UsageError(
            "say which manifests with -f FILE|DIR|-", click.get_current_context()
        )
    return apply(files, recursive, namespace, scheduler_host)


@click.command(cls=Verb)
@_resources_argument
@_files_options
@click.option(
    "-o",
    "--output",
    default="",
    metavar="FORMAT",
    help="wide for more columns, yaml or json for manifests with their status, name for names.",
)
@click.option("-w", "--watch", is_flag=True, help="Go on with what changes, until Ctrl-C.")
@click.option("--no-headers", is_flag=True, help="Print no line of titles.")
@click.option("--ignore-not-found", is_flag=True, help="Take a missing resource for no error.")
@_namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces, as without -n.")
@_scheduler_option
def get(
    resources: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    output: str,
    watch: bool,
    no_headers: bool,
    ignore_not_found: bool,
    namespace: str | None,
    all_namespaces: bool,
    scheduler_host: str | None,
) -> int:
    """Show models, servers and all other resources.

    Kinds may be written in the plural, the singular or in short (mlm, mls); `api-resources` lists
    them. CHANGED is how long ago a model came into its state.

    \b
    Examples:
      seldon-core get models
      seldon-core get models,servers -o wide
      seldon-core get model/iris -o yaml
      seldon-core get model iris wine
      seldon-core get models -w
      seldon-core get -f iris.yaml -o json
    """
    from seldon_core.cli.get import GetOptions, get

    options = GetOptions(
        output=output,
        namespace=None if all_namespaces else namespace,
        is_watch=watch,
        has_header=not no_headers,
        ignores_missing=ignore_not_found,
    )
    return get(resources, files, recursive, options, scheduler_host)


@click.command(cls=Verb)
@_resources_argument
@_files_options
@_namespace_option
@_scheduler_option
def describe(
    resources: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    namespace: str | None,
    scheduler_host: str | None,
) -> int:
    """Tell all about a resource, and why it is as it is.

    Of a model: what is declared, its state, for each server and replica the filter that refused it,
    its versions, and event by event what happened to it and what was decided. Of a server: what is
    declared, its replicas and processes, their memory, and the models on it.

    \b
    Examples:
      seldon-core describe model iris
      seldon-core describe server/mlserver
    """
    from seldon_core.cli.describe import describe

    return describe(resources, files, recursive, namespace, scheduler_host)


@click.command(cls=Verb)
@_resources_argument
@_files_options
@click.option("--all", "is_all", is_flag=True, help="Every model there is.")
@click.option(
    "--wait/--no-wait",
    "is_patient",
    default=True,
    help="Return when nothing is left of them.  [default: wait]",
)
@click.option(
    "--timeout",
    default="0s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait at most; 0s for as long as it takes.",
)
@click.option("--ignore-not-found", is_flag=True, help="Take a missing model for no error.")
@_namespace_option
@_scheduler_option
def delete(
    resources: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    is_all: bool,
    is_patient: bool,
    timeout: str,
    ignore_not_found: bool,
    namespace: str | None,
    scheduler_host: str | None,
) -> int:
    """Delete resources, and wait until they are gone: models until they are unloaded.

    \b
    Examples:
      seldon-core delete model iris
      seldon-core delete model/iris model/wine --no-wait
      seldon-core delete -f iris.yaml --ignore-not-found
      seldon-core delete models --all --timeout 2m
    """
    from seldon_core.cli.delete import DeleteOptions, delete

    options = DeleteOptions(
        namespace=namespace,
        is_all=is_all,
        is_patient=is_patient,
        timeout=timeout,
        ignores_missing=ignore_not_found,
    )
    return delete(resources, files, recursive, options, scheduler_host)


@click.command(cls=Verb)
@_resources_argument
@_files_options
@click.option(
    "--for",
    "wanted",
    required=True,
    metavar="CONDITION",
    help="condition=ready, condition=ready=false, condition=ModelFailed or any other state of a "
    "model, or delete.",
)
@click.option(
    "--timeout",
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for all of them together; 0s looks once.",
)
@_namespace_option
@_scheduler_option
def wait(
    resources: Sequence[str],
    files: Sequence[str],
    recursive: bool,
    wanted: str,
    timeout: str,
    namespace: str | None,
    scheduler_host: str | None,
) -> int:
    """Wait until resources are ready, or gone.

    \b
    Examples:
      seldon-core wait --for condition=ready --timeout 300s model/iris
      seldon-core wait --for condition=ready -f samples/models
      seldon-core wait --for condition=ScheduleFailed model iris
      seldon-core wait --for delete model/iris --timeout 1m30s
    """
    from seldon_core.cli.wait import wait

    return wait(resources, files, recursive, wanted, timeout, namespace, scheduler_host)


@click.command("api-resources", cls=Verb)
def api_resources() -> None:
    """Show the kinds of resources and their short names."""
    from seldon_core.cli.output import say_columns
    from seldon_core.resources.kubernetes import KINDS

    rows = [
        (kind.plural, kind.short_name, kind.api_version, "true", kind.name)
        for kind in KINDS.values()
    ]
    say_columns(("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"), rows)
