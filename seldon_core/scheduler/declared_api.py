"""The scheduler's API for pipelines and experiments: requests, statuses, subscriptions.

A pipeline gateway subscribes too: it is told what to take in and to let go, and answers by
PipelineStatusEvent. The data port calls none, so that such a pipeline's state tells what its
gateway has, and not that it can be called here.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from seldon_core.errors import InvalidRequestError, NotFoundError
from seldon_core.proto import chainer_pb2, control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.experiment_message import experiment_of
from seldon_core.protocol.pipeline_message import pipeline_of
from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.declared_events import Side
from seldon_core.scheduler.declared_messages import (
    experiment_status_message,
    order_message,
    pipeline_status_message,
)
from seldon_core.scheduler.service import Scheduler
from seldon_core.transport.control_services import StreamMethod, UnaryMethod

_Operation = chainer_pb2.PipelineUpdateMessage.PipelineOperation

# What an acknowledgement of an operation means, by success and failure.
_ANSWERS: Final = {
    _Operation.Create: (Answer.READY, Answer.FAILED),
    _Operation.Delete: (Answer.TERMINATED, Answer.TERMINATE_FAILED),
}


class DeclaredApi:
    """Handlers of calls; `peer` is who calls, which the scheduler keeps as the event's actor."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._desk = scheduler.declared

    def methods(self) -> Sequence[UnaryMethod | StreamMethod]:
        """Return what of Seldon's `Scheduler` service is served here."""
        return (
            UnaryMethod("LoadPipeline", pb.LoadPipelineRequest, self.load_pipeline),
            UnaryMethod("UnloadPipeline", pb.UnloadPipelineRequest, self.unload_pipeline),
            UnaryMethod("StartExperiment", pb.StartExperimentRequest, self.start_experiment),
            UnaryMethod("StopExperiment", pb.StopExperimentRequest, self.stop_experiment),
            StreamMethod("PipelineStatus", pb.PipelineStatusRequest, self.pipeline_status),
            StreamMethod("ExperimentStatus", pb.ExperimentStatusRequest, self.experiment_status),
            StreamMethod(
                "SubscribePipelineStatus", pb.PipelineSubscriptionRequest, self.follow_pipelines
            ),
            StreamMethod(
                "SubscribeExperimentStatus",
                pb.ExperimentSubscriptionRequest,
                self.follow_experiments,
            ),
            UnaryMethod(
                "PipelineStatusEvent",
                chainer_pb2.PipelineUpdateStatusMessage,
                self.take_pipeline_event,
            ),
        )

    def own_methods(self) -> Sequence[UnaryMethod | StreamMethod]:
        """Return what of our own `Control` service is served here."""
        return (
            UnaryMethod("ApplyPipeline", pb.LoadPipelineRequest, self.apply_pipeline),
            UnaryMethod("ApplyExperiment", pb.StartExperimentRequest, self.apply_experiment),
        )

    async def load_pipeline(
        self, request: pb.LoadPipelineRequest, peer: str
    ) -> pb.LoadPipelineResponse:
        """Declare a pipeline, as a new version even if nothing has changed."""
        spec = pipeline_of(request.pipeline)
        await self._desk.load_pipeline(spec, uid=request.pipeline.uid, actor=peer)
        return pb.LoadPipelineResponse()

    async def apply_pipeline(
        self, request: pb.LoadPipelineRequest, peer: str
    ) -> control_pb2.ApplyModelResponse:
        """Declare a pipeline, as a new version if it differs, and tell what that changed."""
        change = await self._desk.load_pipeline(
            pipeline_of(request.pipeline), actor=peer, only_if_changed=True
        )
        return control_pb2.ApplyModelResponse(change=change.name)

    async def unload_pipeline(
        self, request: pb.UnloadPipelineRequest, peer: str
    ) -> pb.UnloadPipelineResponse:
        """Delete a pipeline."""
        await self._desk.unload_pipeline(request.name, actor=peer)
        return pb.UnloadPipelineResponse()

    async def start_experiment(
        self, request: pb.StartExperimentRequest, peer: str
    ) -> pb.StartExperimentResponse:
        """Declare an experiment, in the place of one of its name."""
        await self._desk.start_experiment(experiment_of(request.experiment), actor=peer)
        return pb.StartExperimentResponse()

    async def apply_experiment(
        self, request: pb.StartExperimentRequest, peer: str
    ) -> control_pb2.ApplyModelResponse:
        """Declare an experiment and tell what that changed."""
        change = await self._desk.start_experiment(experiment_of(request.experiment), actor=peer)
        return control_pb2.ApplyModelResponse(change=change.name)

    async def stop_experiment(
        self, request: pb.StopExperimentRequest, peer: str
    ) -> pb.StopExperimentResponse:
        """Stop an experiment."""
        await self._desk.stop_experiment(request.name, actor=peer)
        return pb.StopExperimentResponse()

    async def pipeline_status(
        self, request: pb.PipelineStatusRequest, _: str
    ) -> AsyncGenerator[pb.PipelineStatusResponse, None]:
        """Yield the pipeline asked for, or every pipeline, deleted ones included."""
        names = [request.name] if request.HasField("name") else self._desk.pipeline_names()
        for name in names:
            message = await self._pipeline_message(name, all_versions=request.allVersions)
            if message is not None:
                yield message
            elif request.HasField("name"):
                raise NotFoundError("pipeline", name)

    async def experiment_status(
        self, request: pb.ExperimentStatusRequest, _: str
    ) -> AsyncGenerator[pb.ExperimentStatusResponse, None]:
        """Yield the experiment asked for, or every experiment, stopped ones included."""
        names = [request.name] if request.HasField("name") else self._desk.experiment_names()
        for name in names:
            message = await self._experiment_message(name)
            if message is not None:
                yield message
            elif request.HasField("name"):
                raise NotFoundError("experiment", name)

    async def follow_pipelines(
        self, request: pb.PipelineSubscriptionRequest, _: str
    ) -> AsyncGenerator[pb.PipelineStatusResponse, None]:
        """Yield the latest version of every pipeline, then of each that changes.

        A gateway is told instead what to take in and what to let go. Nothing else comes before a
        start is complete: until then the models of a pipeline seem not to be served.
        """
        if request.isPipelineGateway:
            if not request.subscriberName:
                raise InvalidRequestError(
                    "a pipeline gateway subscribes by a name of its own: subscriberName is empty"
                )
            with self._desk.join(Side.GATEWAY, request.subscriberName) as orders:
                async for order in orders:
                    yield order_message(order)
            return
        await self._scheduler.complete()
        with self._desk.watch_pipelines() as watch:
            for name in self._desk.pipeline_names():
                message = await self._pipeline_message(name)
                if message is not None:
                    yield message
            async for name in watch:
                message = await self._pipeline_message(name)
                if message is not None:
                    yield message

    async def follow_experiments(
        self, _: pb.ExperimentSubscriptionRequest, __: str
    ) -> AsyncGenerator[pb.ExperimentStatusResponse, None]:
        """Yield every experiment, then each that changes, once a start is complete."""
        await self._scheduler.complete()
        with self._desk.watch_experiments() as watch:
            for name in self._desk.experiment_names():
                message = await self._experiment_message(name)
                if message is not None:
                    yield message
            async for name in watch:
                message = await self._experiment_message(name)
                if message is not None:
                    yield message

    async def take_pipeline_event(
        self, request: chainer_pb2.PipelineUpdateStatusMessage, peer: str
    ) -> chainer_pb2.PipelineUpdateStatusResponse:
        """Take in what a gateway says of an order; one that was overtaken is no error."""
        update = request.update
        answers = _ANSWERS.get(update.op)
        if answers is None:
            raise InvalidRequestError(
                f"op {update.op} of an acknowledgement is neither Create (1) nor Delete (2)"
            )
        await self._desk.acknowledge(
            Side.GATEWAY,
            update.stream,
            (update.pipeline, update.version, update.uid),
            update.timestamp,
            answers[not request.success],
            actor=peer,
        )
        return chainer_pb2.PipelineUpdateStatusResponse()

    async def _pipeline_message(
        self, name: str, *, all_versions: bool = False
    ) -> pb.PipelineStatusResponse | None:
        """Return a pipeline's status, None if it has been forgotten since it was named."""
        await self._scheduler.carried_out()
        status = self._desk.pipeline(name)
        return (
            None if status is None else pipeline_status_message(status, all_versions=all_versions)
        )

    async def _experiment_message(self, name: str) -> pb.ExperimentStatusResponse | None:
        await self._scheduler.carried_out()
        status = self._desk.experiment(name)
        return None if status is None else experiment_status_message(status)
