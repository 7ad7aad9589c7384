"""The scheduler's API: what each call asks of the scheduler, and its answers as messages.

Seldon's `Scheduler` service as far as it is served, and our own `Control` beside it. Handlers may
be called any number at a time; none waits for another, or for a subscriber that reads slowly.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from seldon_core import __version__
from seldon_core.errors import NotFoundError
from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import kubernetes_meta, spec_of
from seldon_core.scheduler.declared_api import DeclaredApi
from seldon_core.scheduler.model_gateway_api import ModelGatewayApi
from seldon_core.scheduler.operator_api import OperatorApi
from seldon_core.scheduler.service import Scheduler
from seldon_core.scheduler.status import ModelStatus, ServerStatus
from seldon_core.scheduler.status_messages import (
    chapter_message,
    scaling_message,
    scaling_reason,
    server_message,
    verdict_message,
)
from seldon_core.transport.control_services import ControlService, StreamMethod, UnaryMethod

COALESCE_S: Final = 0.25
"""A server that changes all the time is told of once in so many seconds."""


class SchedulerApi:
    """Handlers of calls; `peer` is who calls, which the scheduler keeps as the event's actor."""

    def __init__(self, scheduler: Scheduler, coalesce_s: float = COALESCE_S) -> None:
        self._scheduler = scheduler
        self._coalesce_s = coalesce_s
        self._gateways = ModelGatewayApi(scheduler)

    def services(self) -> Sequence[ControlService]:
        """Return what a control port is to serve."""
        declared = DeclaredApi(self._scheduler)
        return (
            ControlService(
                "seldon.mlops.scheduler.Scheduler",
                (
                    UnaryMethod("LoadModel", pb.LoadModelRequest, self.load_model),
                    UnaryMethod("UnloadModel", pb.UnloadModelRequest, self.unload_model),
                    StreamMethod("ModelStatus", pb.ModelStatusRequest, self.model_status),
                    StreamMethod("ServerStatus", pb.ServerStatusRequest, self.server_status),
                    UnaryMethod(
                        "SchedulerStatus", pb.SchedulerStatusRequest, self.scheduler_status
                    ),
                    StreamMethod(
                        "SubscribeModelStatus", pb.ModelSubscriptionRequest, self.follow_models
                    ),
                    StreamMethod(
                        "SubscribeServerStatus", pb.ServerSubscriptionRequest, self.follow_servers
                    ),
                    UnaryMethod(
                        "ModelStatusEvent", pb.ModelUpdateStatusMessage, self._gateways.take_event
                    ),
                    *declared.methods(),
                    *OperatorApi(self._scheduler).methods(),
                ),
            ),
            ControlService(
                "seldon_core.control.Control",
                (
                    UnaryMethod("ApplyModel", pb.LoadModelRequest, self.apply_model),
                    UnaryMethod(
                        "DescribeModel", control_pb2.DescribeModelRequest, self.describe_model
                    ),
                    UnaryMethod("TellStory", control_pb2.StoryRequest, self.tell_story),
                    *declared.own_methods(),
                ),
            ),
        )

    async def load_model(self, request: pb.LoadModelRequest, peer: str) -> pb.LoadModelResponse:
        """Declare a model; answers when it is kept, before it is placed."""
        await self._scheduler.load_model(spec_of(request.model), actor=peer)
        return pb.LoadModelResponse()

    async def apply_model(
        self, request: pb.LoadModelRequest, peer: str
    ) -> control_pb2.ApplyModelResponse:
        """Declare a model and tell what that changed."""
        change = await self._scheduler.load_model(spec_of(request.model), actor=peer)
        return control_pb2.ApplyModelResponse(change=change.name)

    async def unload_model(
        self, request: pb.UnloadModelRequest, peer: str
    ) -> pb.UnloadModelResponse:
        """Delete a model. The version that a request may name has no effect, as in Seldon."""
        meta = None
        if request.HasField("kubernetesMeta"):
            meta = kubernetes_meta(request.kubernetesMeta, "kubernetesMeta")
        await self._scheduler.unload_model(request.model.name, meta=meta, actor=peer)
        return pb.UnloadModelResponse()

    async def model_status(
        self, request: pb.ModelStatusRequest, _: str
    ) -> AsyncGenerator[pb.ModelStatusResponse, None]:
        """Yield the model asked for, or every model, deleted ones included."""
        if request.HasField("model"):
            await self._scheduler.carried_out()
            status = self._model(request.model.name)
            yield self._gateways.message(status, all_versions=request.allVersions)
            return
        for name in self._scheduler.model_names():
            message = await self._message_of(name, all_versions=request.allVersions)
            if message is not None:
                yield message

    async def server_status(
        self, request: pb.ServerStatusRequest, _: str
    ) -> AsyncGenerator[pb.ServerStatusResponse, None]:
        """Yield the server asked for, or every server."""
        await self._scheduler.carried_out()
        statuses = self._scheduler.servers()
        if request.HasField("name"):
            statuses = [self._server(request.name)]
        for status in statuses:
            yield server_message(status)

    async def scheduler_status(
        self, _: pb.SchedulerStatusRequest, __: str
    ) -> pb.SchedulerStatusResponse:
        """Return this program's version."""
        return pb.SchedulerStatusResponse(applicationVersion=__version__)

    async def follow_models(
        self, request: pb.ModelSubscriptionRequest, _: str
    ) -> AsyncGenerator[pb.ModelStatusResponse, None]:
        """Yield the latest version of every model, then of each that changes, as it is by then.

        Nothing comes before a start is complete: until then models seem not to be served. A gateway
        is told instead what to take in and what to let go.
        """
        if request.isModelGateway:
            async with aclosing(self._gateways.follow(request.subscriberName)) as orders:
                async for order in orders:
                    yield order
            return
        await self._scheduler.complete()
        with self._scheduler.watch_models() as watch:
            for name in self._scheduler.model_names():
                message = await self._message_of(name)
                if message is not None:
                    yield message
            async for name in watch:
                message = await self._message_of(name)
                if message is not None:
                    yield message

    async def follow_servers(
        self, _: pb.ServerSubscriptionRequest, __: str
    ) -> AsyncGenerator[pb.ServerStatusResponse, None]:
        """Yield every server, then each that changes, four times a second at most.

        And whenever one should have more replicas or fewer, how many those are.
        """
        now = asyncio.get_running_loop().time
        sent_at: dict[str, float] = {}
        with self._scheduler.watch_servers() as watch, self._scheduler.watch_asks() as asks:
            for status in self._scheduler.servers():
                sent_at[status.name] = now()
                yield server_message(status)
            async for name in watch:
                if asks.take(name):
                    await self._scheduler.carried_out()
                    asked = self._scheduler.asked_replicas(name)
                    about = self._scheduler.server(name)
                    if asked is not None and about is not None:
                        yield scaling_message(about, asked)
                await asyncio.sleep(sent_at.get(name, 0.0) + self._coalesce_s - now())
                sent_at[name] = now()
                await self._scheduler.carried_out()
                changed = self._scheduler.server(name)
                if changed is not None:
                    yield server_message(changed)

    async def describe_model(
        self, request: control_pb2.DescribeModelRequest, _: str
    ) -> control_pb2.DescribeModelResponse:
        """Return a model with why it is where it is, and what happened to it."""
        await self._scheduler.carried_out()
        status = self._model(request.name)
        return control_pb2.DescribeModelResponse(
            status=self._gateways.message(status, all_versions=True),
            verdicts=[verdict_message(each) for each in self._scheduler.explain(request.name)],
            scaling=scaling_reason(status.latest),
            story=self._chapters(request.name),
        )

    async def tell_story(
        self, request: control_pb2.StoryRequest, _: str
    ) -> control_pb2.StoryResponse:
        """Return what happened to a resource of any kind last; nothing of one that is not known."""
        await self._scheduler.carried_out()
        name = request.name if request.kind == "model" else f"{request.name}.{request.kind}"
        return control_pb2.StoryResponse(story=self._chapters(name))

    def _chapters(self, name: str) -> list[control_pb2.Chapter]:
        return [chapter_message(each, name) for each in self._scheduler.story(name)]

    async def _message_of(
        self, name: str, *, all_versions: bool = False
    ) -> pb.ModelStatusResponse | None:
        """Return a model's status, None if it has been forgotten since it was named."""
        await self._scheduler.carried_out()
        status = self._scheduler.model(name)
        if status is None:
            return None
        return self._gateways.message(status, all_versions=all_versions)

    def _model(self, name: str) -> ModelStatus:
        status = self._scheduler.model(name)
        if status is None:
            raise NotFoundError("model", name)
        return status

    def _server(self, name: str) -> ServerStatus:
        status = self._scheduler.server(name)
        if status is None:
            raise NotFoundError("server", name)
        return status
