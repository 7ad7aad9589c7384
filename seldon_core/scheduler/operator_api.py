"""What Seldon's operator asks of the scheduler besides what everybody does: it runs the servers."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import checked_name, kubernetes_meta
from seldon_core.scheduler.events import ServerNotice
from seldon_core.scheduler.service import Scheduler
from seldon_core.transport.control_services import StreamMethod, UnaryMethod

MOST_REPLICAS: Final = 100_000
"""Of a server that others run: no more are waited for by name."""

_Event = pb.ControlPlaneResponse.Event

_AFTER_SYNC: Final = (_Event.SEND_EXPERIMENTS, _Event.SEND_MODELS, _Event.SEND_PIPELINES)


class OperatorApi:
    """Handlers of the operator's calls."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def methods(self) -> Sequence[UnaryMethod | StreamMethod]:
        """Return what the `Scheduler` service has of them."""
        return (
            UnaryMethod("ServerNotify", pb.ServerNotifyRequest, self.notify),
            StreamMethod("SubscribeControlPlane", pb.ControlPlaneSubscriptionRequest, self.follow),
        )

    async def notify(self, request: pb.ServerNotifyRequest, peer: str) -> pb.ServerNotifyResponse:
        """Take in how many replicas servers are to have; answers when that is kept."""
        notices = [_notice(server, f"servers.{i}") for i, server in enumerate(request.servers)]
        await self._scheduler.platform.notify_servers(
            notices, is_first_sync=request.isFirstSync, actor=peer
        )
        return pb.ServerNotifyResponse()

    async def follow(
        self, _: pb.ControlPlaneSubscriptionRequest, __: str
    ) -> AsyncGenerator[pb.ControlPlaneResponse, None]:
        """Ask for the servers, once these are there for all else, and keep silent from then on."""
        yield pb.ControlPlaneResponse(event=_Event.SEND_SERVERS)
        await self._scheduler.complete()
        for event in _AFTER_SYNC:
            yield pb.ControlPlaneResponse(event=event)
        await asyncio.Event().wait()


def _notice(server: pb.ServerNotify, path: str) -> ServerNotice:
    meta = None
    if server.HasField("kubernetesMeta"):
        meta = kubernetes_meta(server.kubernetesMeta, f"{path}.kubernetesMeta")
    if server.expectedReplicas > MOST_REPLICAS:
        raise InvalidResourceError(
            f"{path}.expectedReplicas",
            f"{server.expectedReplicas} is too large, the most is {MOST_REPLICAS}",
        )
    return ServerNotice(
        checked_name(server.name, f"{path}.name"),
        server.expectedReplicas,
        server.minReplicas,
        server.maxReplicas,
        server.shared,
        meta,
    )
