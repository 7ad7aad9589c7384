"""A connection to the scheduler, made from the options of a command."""

from google.protobuf.message import Message

from seldon_core.cli.output import say
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.targets import scheduler_endpoint
from seldon_core.protocol.oip_protojson import show_message
from seldon_core.transport.control_client import SchedulerClient

SUBSCRIBER = "seldon CLI"
"""What the scheduler is told about who asks."""


def open_scheduler_client(options: ControlOptions) -> SchedulerClient:
    """Return a client of the scheduler that `options`, the config in use or the environment name.

    Raises ConfigError if the address, the config or a file of TLS is wrong.
    """
    endpoint = scheduler_endpoint(options)
    return SchedulerClient(endpoint.address, authority=options.authority, tls=endpoint.tls)


def say_message(message: Message) -> None:
    """Print a message as one line of JSON."""
    say(show_message(message))


def say_request(message: Message, options: ControlOptions) -> None:
    """Print what is about to be asked, if the user wants to see it."""
    if options.verbose:
        say_message(message)
