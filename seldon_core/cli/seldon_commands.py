"""The commands of Seldon's tool: `model`, `server`, `config`, and `load`, `unload`, `status`.

Names, flags and texts are that tool's, so that its scripts run unchanged. What a command does is
imported when it runs.
"""

import click

from seldon_core.cli.model_commands import model
from seldon_core.cli.seldon_click import CONTEXT, SeldonCommand, SeldonGroup, Switch
from seldon_core.cli.seldon_options import (
    ControlOptions,
    control_options,
    file_option,
    force_option,
    timeout_option,
)

__all__ = ["config", "load", "model", "server", "status", "unload"]

_MANIFESTS = "Manifests, separated by ---.  [default: standard input]"


@click.group(cls=SeldonGroup)
def server() -> None:
    """Show the servers that models run on.

    \b
    Examples:
      seldon server list
      seldon server status mlserver
    """


@click.group(cls=SeldonGroup)
def config() -> None:
    """Keep addresses and TLS files of several installations.

    \b
    Example:
      seldon config add prod ./prod.json && seldon config activate prod

    One of them can be in use. A flag goes before it, it goes before the environment. A config
    file is JSON; every key may be left out:

    \b
      {"dataplane":    {"inferHost": "seldon.example.com:443", "tls": true,
                        "skipSSLVerify": false, "keyPath": "", "crtPath": "", "caPath": "ca.crt"},
       "controlplane": {"schedulerHost": "seldon.example.com:9044",
                        "keyPath": "tls.key", "crtPath": "tls.crt", "caPath": "ca.crt"},
       "kafka":        {"bootstrap": "", "namespace": "", "topicPrefix": ""}}
    """


@server.command("status")
@click.argument("name", metavar="NAME")
@Switch.option("--show-request/--no-show-request", "-r", help="Print the request first.")
@Switch.option(
    "--show-response/--no-show-response",
    "-o",
    default=True,
    help="Print all of the answer; on, -o=false prints a sentence.",
)
@control_options
def server_status(
    name: str,
    show_request: bool,
    show_response: bool,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Show the replicas of a server, with memory and models, as JSON.

    \b
    Examples:
      seldon server status mlserver
      seldon server status mlserver -o=false
    """
    from seldon_core.cli.servers import show_server

    options = ControlOptions(scheduler_host, authority, verbose)
    show_server(name, show_request, show_response, options)


@server.command("list")
@control_options
def list_servers_(scheduler_host: str | None, authority: str, verbose: bool) -> None:
    """List the servers with their replicas and the models on them.

    \b
    Example:
      seldon server list
    """
    from seldon_core.cli.servers import list_servers

    list_servers(ControlOptions(scheduler_host, authority, verbose))


@config.command("activate")
@click.argument("key", metavar="KEY")
def activate(key: str) -> None:
    """Use the config KEY from now on.

    \b
    Example:
      seldon config activate prod
    """
    from seldon_core.cli.config_index import activate_config

    activate_config(key)


@config.command("add")
@click.argument("key", metavar="KEY")
@click.argument("path", metavar="PATH")
def add(key: str, path: str) -> None:
    """Register the config file PATH as KEY.

    `seldon config --help` says what may be in it.

    \b
    Example:
      seldon config add prod ./prod.json
    """
    from seldon_core.cli.config_index import add_config

    add_config(key, path)


@config.command("deactivate")
@click.argument("key", metavar="KEY")
def deactivate(key: str) -> None:
    """Use the config KEY no longer.

    \b
    Example:
      seldon config deactivate prod
    """
    from seldon_core.cli.config_index import deactivate_config

    deactivate_config(key)


@config.command("list")
@click.argument("key", required=False, metavar="[KEY]")
def list_configs_(key: str | None) -> None:
    """List the configs, or show the file of one.

    \b
    Examples:
      seldon config list
      seldon config list prod
    """
    from seldon_core.cli.config_index import list_configs

    list_configs(key)


@config.command("remove")
@click.argument("key", metavar="KEY")
def remove(key: str) -> None:
    """Forget the config KEY; its file stays.

    \b
    Example:
      seldon config remove prod
    """
    from seldon_core.cli.config_index import remove_config

    remove_config(key)


@click.command("load", cls=SeldonCommand, context_settings=CONTEXT)
@file_option(_MANIFESTS)
@force_option
@control_options
def load(file_path: str | None, scheduler_host: str | None, authority: str, verbose: bool) -> None:
    """Load everything in a file: models, pipelines and experiments.

    \b
    Examples:
      seldon load -f models.yaml && seldon status -f models.yaml -w
      seldon load < models.yaml
    """
    from seldon_core.cli.trading import ALL, load_all

    load_all(file_path or "-", ALL, ControlOptions(scheduler_host, authority, verbose))


@click.command("unload", cls=SeldonCommand, context_settings=CONTEXT)
@file_option(_MANIFESTS)
@force_option
@control_options
def unload(
    file_path: str | None, scheduler_host: str | None, authority: str, verbose: bool
) -> None:
    """Delete everything that a file names.

    \b
    Example:
      seldon unload -f models.yaml
    """
    from seldon_core.cli.trading import unload_all

    unload_all(file_path or "-", ControlOptions(scheduler_host, authority, verbose))


@click.command("status", cls=SeldonCommand, context_settings=CONTEXT)
@file_option(_MANIFESTS)
@Switch.option("--wait/--no-wait", "-w", help="Wait until each is available, ready or active.")
@timeout_option()
@control_options
def status(
    file_path: str | None,
    wait: bool,
    timeout_secs: int,
    scheduler_host: str | None,
    authority: str,
    verbose: bool,
) -> None:
    """Show the state of everything that a file names.

    A line of JSON for each, in the order of the file; with --wait once it is available.

    \b
    Example:
      seldon status -f models.yaml -w -t 60
    """
    from seldon_core.cli.trading import show_all_status

    options = ControlOptions(scheduler_host, authority, verbose)
    show_all_status(file_path or "-", wait, timeout_secs, options)
