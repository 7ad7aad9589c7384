"""`seldon pipeline load | unload | status | list | infer | inspect`."""

from typing import Final, NoReturn

from seldon_core.cli.control import SUBSCRIBER, open_scheduler_client, say_request
from seldon_core.cli.output import say_table
from seldon_core.cli.seen_pipelines import state_name, state_names
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.trading import check_state, load_all, show_status, unload_given
from seldon_core.errors import UnsupportedError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.kubernetes import PIPELINE

_TERMINATED: Final = "PipelineTerminated"


def load_pipelines(file: str, options: ControlOptions) -> None:
    """Declare every pipeline of a file. Quiet, unless verbose. Raises as `load_all` does."""
    load_all(file, [PIPELINE], options, is_quiet=not options.verbose)


def unload_pipelines(name: str | None, file: str | None, options: ControlOptions) -> None:
    """Delete the pipeline `name`, or those of a file. Raises as `unload_given` does."""
    unload_given(name, file, PIPELINE, options)


def show_pipeline(name: str, condition: str, timeout_s: int, options: ControlOptions) -> None:
    """Print the status of a pipeline, once it is in the state `condition`, if one is given.

    Raises InvalidRequestError if there is no such state, and as `show_status` does.
    """
    check_state(PIPELINE, condition, list(state_names()))
    show_status(PIPELINE, name, condition, timeout_s, options)


def list_pipelines(options: ControlOptions) -> None:
    """Print a table of all pipelines but those that are gone."""
    request = pb.PipelineStatusRequest(subscriberName=SUBSCRIBER)
    say_request(request, options)
    with open_scheduler_client(options) as client:
        found = [status for status in client.pipeline_status(request) if status.versions]
    rows = []
    for pipeline in found:
        latest = pipeline.versions[-1].state
        if state_name(latest.status) != _TERMINATED:
            rows.append((pipeline.pipelineName, state_name(latest.status), latest.reason))
    say_table(("pipeline", "state", "reason"), rows)


def refuse_call(command: str, name: str) -> NoReturn:
    """Raise UnsupportedError: pipelines are declared and not run yet."""
    raise UnsupportedError(
        f"pipeline {command}: pipelines are declared and shown, and not run yet, so there is "
        f"nothing to call or to inspect of {name!r}; its models can be called one by one with "
        "`seldon model infer`"
    )
