"""`seldon model load | unload | status | list`."""

from typing import Final

from seldon_core.cli.control import SUBSCRIBER, open_scheduler_client, say_request
from seldon_core.cli.output import say_table
from seldon_core.cli.seen_models import state_name, state_names
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.trading import check_state, load_all, show_status, unload_given
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.kubernetes import MODEL

_TERMINATED: Final = "ModelTerminated"


def load_models(file: str, options: ControlOptions) -> None:
    """Declare every model of a file, in its order, and print each answer; `-` is standard input.

    Nothing is declared if any part of the file is wrong. Raises SeldonError if that is so, the
    scheduler refuses a model or cannot be reached.
    """
    load_all(file, [MODEL], options)


def unload_models(name: str | None, file: str | None, options: ControlOptions) -> None:
    """Delete the model `name`, or every model of a file. Quiet, unless verbose.

    Raises InvalidRequestError unless exactly one of them is given, SeldonError as `load_models`.
    """
    unload_given(name, file, MODEL, options)


def show_model(name: str, condition: str, timeout_s: int, options: ControlOptions) -> None:
    """Print the status of a model; with a `condition` wait for that state and print `{}`.

    That is what Seldon's tool prints here, and scripts take for the mark of success. Raises
    InvalidRequestError if there is no such state, and as `trading.show_status` does.
    """
    check_state(MODEL, condition, list(state_names()))
    show_status(MODEL, name, condition, timeout_s, options, marks_success=True)


def list_models(options: ControlOptions) -> None:
    """Print a table of all models but those that are gone."""
    request = pb.ModelStatusRequest(subscriberName=SUBSCRIBER)
    say_request(request, options)
    with open_scheduler_client(options) as client:
        models = [model for model in client.model_status(request) if model.versions]
    rows = []
    for model in models:
        latest = model.versions[-1].state
        if state_name(latest.state) != _TERMINATED:
            rows.append((model.modelName, state_name(latest.state), latest.reason))
    say_table(("model", "state", "reason"), rows)
