"""`seldon model load | unload | status | list`, and the generic `load | unload | status`."""

from collections.abc import Sequence
from dataclasses import replace

from seldon_core.cli.control import SUBSCRIBER, open_scheduler_client, say_message, say_request
from seldon_core.cli.files import folder_of, source_of
from seldon_core.cli.output import say_table
from seldon_core.cli.seldon_click import read_file
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.waiting import wait_until
from seldon_core.errors import DeadlineError, InvalidRequestError, InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.words import did_you_mean
from seldon_core.transport.control_client import SchedulerClient

AVAILABLE = "ModelAvailable"
"""The condition that the generic `status --wait` waits for."""

_TERMINATED = pb.ModelStatus.ModelState.Value("ModelTerminated")
_STATES = [name for name, number in pb.ModelStatus.ModelState.items() if number]
_MODEL = "Model"


def load_models(file: str, options: ControlOptions) -> None:
    """Declare every model of a file, in its order, and print each answer; `-` is standard input.

    Nothing is declared if any part of the file is wrong. Raises SeldonError if that is so, the
    scheduler refuses a model or cannot be reached.
    """
    requests = [pb.LoadModelRequest(model=message_of(spec)) for spec in _read_specs(file)]
    with open_scheduler_client(options) as client:
        for request in requests:
            say_request(request, options)
            say_message(client.load_model(request))


def unload_models(name: str | None, file: str | None, options: ControlOptions) -> None:
    """Delete the model `name`, or every model of a file. Quiet, unless verbose.

    Raises InvalidRequestError unless exactly one of them is given, SeldonError as `load_models`.
    """
    if (name is None) == (file is None):
        raise InvalidRequestError(
            "name a model or give its manifest with -f FILE, one of the two"
            if name is None
            else f"both the model {name!r} and -f {file} are given; give one of the two"
        )
    names = [name] if name is not None else _read_names(file or "")
    _unload(names, options, is_quiet=not options.verbose)


def unload_all(file: str, options: ControlOptions) -> None:
    """Delete every model of a file and print each answer."""
    _unload(_read_names(file), options, is_quiet=False)


def show_status(name: str, condition: str, timeout_s: int, options: ControlOptions) -> None:
    """Print the status of a model; with a `condition` wait for that state and print `{}`.

    Raises InvalidRequestError if there is no such state, DeadlineError if it is not reached in
    time, and SeldonError if the scheduler does not know the model or cannot be reached.
    """
    if condition and condition not in _STATES:
        hint = did_you_mean(condition, _STATES) or f"; there are: {', '.join(_STATES)}"
        raise InvalidRequestError(f"there is no model state {condition!r} to wait for{hint}")
    with open_scheduler_client(options) as client:
        say_request(_status_request(name), options)
        if condition:
            _await(client, name, condition, timeout_s)
            # What Seldon's tool prints here, and scripts take for the mark of success.
            say_message(pb.ModelStatusResponse())
        else:
            say_message(_status(client, name))


def show_all_status(file: str, must_wait: bool, timeout_s: int, options: ControlOptions) -> None:
    """Print the status of every model of a file, once each is available if asked to wait.

    Raises SeldonError as `show_status`; `timeout_s` is for each model.
    """
    names = _read_names(file)
    with open_scheduler_client(options) as client:
        for name in names:
            say_request(_status_request(name), options)
            if must_wait:
                say_message(_await(client, name, AVAILABLE, timeout_s))
            else:
                say_message(_status(client, name))


def list_models(options: ControlOptions) -> None:
    """Print a table of all models but those that are gone."""
    request = pb.ModelStatusRequest(subscriberName=SUBSCRIBER)
    say_request(request, options)
    with open_scheduler_client(options) as client:
        models = [model for model in client.model_status(request) if model.versions]
    rows = []
    for model in models:
        latest = model.versions[-1].state
        if latest.state != _TERMINATED:
            rows.append((model.modelName, _state(latest), latest.reason))
    say_table(("model", "state", "reason"), rows)


def _unload(names: Sequence[str], options: ControlOptions, *, is_quiet: bool) -> None:
    with open_scheduler_client(options) as client:
        for name in names:
            request = pb.UnloadModelRequest(model=pb.ModelReference(name=name))
            say_request(request, options)
            response = client.unload_model(request)
            if not is_quiet:
                say_message(response)


def _status_request(name: str) -> pb.ModelStatusRequest:
    return pb.ModelStatusRequest(subscriberName=SUBSCRIBER, model=pb.ModelReference(name=name))


def _status(client: SchedulerClient, name: str) -> pb.ModelStatusResponse:
    return next(client.model_status(_status_request(name)), pb.ModelStatusResponse(modelName=name))


def _await(
    client: SchedulerClient, name: str, condition: str, timeout_s: int
) -> pb.ModelStatusResponse:
    """Return a model's status once it is in the state `condition`."""
    seen, is_met = wait_until(
        lambda: _status(client, name), lambda status: _latest_state(status) == condition, timeout_s
    )
    if not is_met:
        reason = seen.versions[0].state.reason if seen.versions else ""
        raise DeadlineError(
            f"Model wait status timeout\n{name} is in state {_latest_state(seen)} "
            f"after {timeout_s} s{': ' if reason else ''}{reason}"
        )
    return seen


def _latest_state(status: pb.ModelStatusResponse) -> str:
    return _state(status.versions[0].state if status.versions else pb.ModelStatus())


def _state(status: pb.ModelStatus) -> str:
    try:
        return str(pb.ModelStatus.ModelState.Name(status.state))
    except ValueError:  # of a newer scheduler
        return str(status.state)


def _read_specs(file: str) -> list[ModelSpec]:
    """Return what a file declares, with its paths made absolute and Kubernetes' part there."""
    # 0.13 s, for pydantic, that `status` and `list` are spared.
    from seldon_core.resources.manifests import parse_manifests, with_base

    folder = folder_of(file)
    specs = [
        with_base(replace(spec, meta=spec.meta or KubernetesMeta()), folder)
        for spec in parse_manifests(read_file(file), source_of(file))
    ]
    if not specs:
        raise InvalidResourceError(source_of(file), "declares nothing")
    return specs


def _read_names(file: str) -> list[str]:
    from seldon_core.resources.manifests import parse_references

    source = source_of(file)
    names = []
    for reference in parse_references(read_file(file), source):
        if reference.kind != _MODEL:
            raise InvalidResourceError(
                source, f"kind {reference.kind} cannot be given here; give models, of kind Model"
            )
        names.append(reference.name)
    if not names:
        raise InvalidResourceError(source, "declares nothing")
    return names
