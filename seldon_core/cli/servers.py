"""`seldon server status | list`."""

from seldon_core.cli.control import SUBSCRIBER, open_scheduler_client, say_message
from seldon_core.cli.output import say, say_table
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.errors import NotFoundError
from seldon_core.proto import scheduler_pb2 as pb


def show_server(
    name: str, shows_request: bool, shows_response: bool, options: ControlOptions
) -> None:
    """Print the status of a server, or if `shows_response` is off a sentence about it.

    Raises SeldonError if the scheduler does not know the server or cannot be reached.
    """
    request = pb.ServerStatusRequest(subscriberName=SUBSCRIBER, name=name)
    if shows_request or options.verbose:
        say_message(request)
    with open_scheduler_client(options) as client:
        status = next(client.server_status(request), None)
    if status is None:
        raise NotFoundError("server", name)
    if shows_response:
        say_message(status)
    else:
        say(
            f"{status.serverName} loaded models {status.numLoadedModelReplicas} "
            f"available replicas {status.availableReplicas}"
        )


def list_servers(options: ControlOptions) -> None:
    """Print a table of all servers."""
    request = pb.ServerStatusRequest(subscriberName=SUBSCRIBER)
    if options.verbose:
        say_message(request)
    with open_scheduler_client(options) as client:
        rows = [
            (server.serverName, str(server.availableReplicas), str(server.numLoadedModelReplicas))
            for server in client.server_status(request)
        ]
    say_table(("server", "replicas", "models"), rows)
