"""How each kind is loaded, unloaded and asked about through the scheduler's API."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from seldon_core.cli.control import SUBSCRIBER
from seldon_core.cli.seen import name_of
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.experiment_message import experiment_message
from seldon_core.protocol.model_message import message_of
from seldon_core.protocol.pipeline_message import pipeline_message
from seldon_core.resources.kubernetes import EXPERIMENT, MODEL, PIPELINE
from seldon_core.transport.control_client import SchedulerClient


@dataclass(frozen=True, slots=True)
class Trade:
    """The calls about one kind, and how to read their answers.

    `ready` is the state that one waits for; `state_of` returns a status's state and the reason,
    and `nothing` a status that says none.
    """

    ready: str
    load_request: Callable[[Any], Message]
    load: Callable[[SchedulerClient, Any], Message]
    unload_request: Callable[[str], Message]
    unload: Callable[[SchedulerClient, Any], Message]
    status_request: Callable[[str], Message]
    status: Callable[[SchedulerClient, Any], Iterator[Message]]
    state_of: Callable[[Any], tuple[str, str]]
    nothing: Callable[[str], Message]


def _model_state(status: pb.ModelStatusResponse) -> tuple[str, str]:
    state = status.versions[0].state if status.versions else pb.ModelStatus()
    return name_of(pb.ModelStatus.ModelState, state.state), state.reason


def _pipeline_state(status: pb.PipelineStatusResponse) -> tuple[str, str]:
    state = status.versions[0].state if status.versions else pb.PipelineVersionState()
    return name_of(pb.PipelineVersionState.PipelineStatus, state.status), state.reason


def _experiment_state(status: pb.ExperimentStatusResponse) -> tuple[str, str]:
    return ("active" if status.active else "inactive"), status.statusDescription


TRADES: Final[Mapping[str, Trade]] = {
    MODEL: Trade(
        ready="ModelAvailable",
        load_request=lambda spec: pb.LoadModelRequest(model=message_of(spec)),
        load=lambda client, request: client.load_model(request),
        unload_request=lambda name: pb.UnloadModelRequest(model=pb.ModelReference(name=name)),
        unload=lambda client, request: client.unload_model(request),
        status_request=lambda name: pb.ModelStatusRequest(
            subscriberName=SUBSCRIBER, model=pb.ModelReference(name=name)
        ),
        status=lambda client, request: client.model_status(request),
        state_of=_model_state,
        nothing=lambda name: pb.ModelStatusResponse(modelName=name),
    ),
    PIPELINE: Trade(
        ready="PipelineReady",
        load_request=lambda spec: pb.LoadPipelineRequest(pipeline=pipeline_message(spec)),
        load=lambda client, request: client.load_pipeline(request),
        unload_request=lambda name: pb.UnloadPipelineRequest(name=name),
        unload=lambda client, request: client.unload_pipeline(request),
        status_request=lambda name: pb.PipelineStatusRequest(subscriberName=SUBSCRIBER, name=name),
        status=lambda client, request: client.pipeline_status(request),
        state_of=_pipeline_state,
        nothing=lambda name: pb.PipelineStatusResponse(pipelineName=name),
    ),
    EXPERIMENT: Trade(
        ready="active",
        load_request=lambda spec: pb.StartExperimentRequest(experiment=experiment_message(spec)),
        load=lambda client, request: client.start_experiment(request),
        unload_request=lambda name: pb.StopExperimentRequest(name=name),
        unload=lambda client, request: client.stop_experiment(request),
        status_request=lambda name: pb.ExperimentStatusRequest(
            subscriberName=SUBSCRIBER, name=name
        ),
        status=lambda client, request: client.experiment_status(request),
        state_of=_experiment_state,
        nothing=lambda name: pb.ExperimentStatusResponse(experimentName=name),
    ),
}
