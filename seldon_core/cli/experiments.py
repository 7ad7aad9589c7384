"""`seldon experiment start | stop | status | list`."""

from seldon_core.cli.control import SUBSCRIBER, open_scheduler_client, say_request
from seldon_core.cli.output import say_table
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.trades import TRADES
from seldon_core.cli.trading import load_all, show_status, unload_given
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.kubernetes import EXPERIMENT


def start_experiments(file: str, options: ControlOptions) -> None:
    """Declare every experiment of a file. Quiet, unless verbose. Raises as `load_all` does."""
    load_all(file, [EXPERIMENT], options, is_quiet=not options.verbose)


def stop_experiments(name: str | None, file: str | None, options: ControlOptions) -> None:
    """Stop the experiment `name`, or those of a file. Raises as `unload_given` does."""
    unload_given(name, file, EXPERIMENT, options)


def show_experiment(name: str, must_wait: bool, timeout_s: int, options: ControlOptions) -> None:
    """Print the status of an experiment, once it is active if asked to wait.

    Raises as `show_status` does.
    """
    condition = TRADES[EXPERIMENT].ready if must_wait else ""
    show_status(EXPERIMENT, name, condition, timeout_s, options)


def list_experiments(options: ControlOptions) -> None:
    """Print a table of all experiments but those that were stopped."""
    request = pb.ExperimentStatusRequest(subscriberName=SUBSCRIBER)
    say_request(request, options)
    with open_scheduler_client(options) as client:
        rows = [
            (status.experimentName, "true" if status.active else "false")
            for status in client.experiment_status(request)
            if not status.deleted
        ]
    say_table(("experiment", "active"), rows)
