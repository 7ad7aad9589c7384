"""The router's side of the link to a scheduler in another process: it learns where calls go.

It subscribes for ever, and serves by what it heard last while it hears nothing. A subscription
begins with all there is, or, where the scheduler has just started and does not know that yet, with
what it knows; each message has the number after the one before. So it never misses something
unnoticed and never goes back.
"""

import asyncio
import logging
import random
from contextlib import aclosing
from typing import Final

from seldon_core import __version__
from seldon_core.aio.backoff import Backoff
from seldon_core.errors import UpstreamError
from seldon_core.proto import control_pb2 as pb
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaId,
    RouteSink,
    RouteUpdate,
    Wake,
)
from seldon_core.transport.link_protocol import OLDEST_PROTOCOL, PROTOCOL
from seldon_core.transport.resubscribing import FIRST_PAUSE_S, resubscribe
from seldon_core.transport.route_messages import RouteChanges, changes_of
from seldon_core.transport.rpc_client import RpcClient

_log = logging.getLogger(__name__)

LONGEST_PAUSE_S: Final = 2.0
"""Between attempts to subscribe. Replicas of a scheduler that is back soon unload what it has left,
and wait with that only as long as `agent/link.py` says."""

_PATH: Final = "/seldon_core.control.Control/SubscribeRoutes"
_WAKE: Final = "/seldon_core.control.Control/WakeModel"
_WAKE_S: Final = 60.0
"""After so long without an answer the scheduler is asked again."""


class RouteLink:
    """Keeps `routes` as the scheduler that `client` calls has them.

    `is_subscribed` says whether that is so now, `has_routes` is set once all were told.
    """

    def __init__(
        self, client: RpcClient, routes: RouteSink, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self.is_subscribed = False
        self.has_routes = asyncio.Event()
        self._client = client
        self._sink = routes
        self._routes: dict[str, RouteUpdate] = {}
        self._replicas: dict[ReplicaId, ReplicaAddress] = {}
        self._backoff = Backoff(first_pause_s, LONGEST_PAUSE_S, random.random)

    async def follow(self) -> None:
        """Follow the scheduler for ever."""
        await resubscribe(self._subscribe, "the scheduler's routes", self._backoff)

    async def _subscribe(self) -> None:
        """Subscribe once, and take in what is told until the stream ends."""
        request = pb.SubscribeRoutesRequest(
            protocol=PROTOCOL, oldestProtocol=OLDEST_PROTOCOL, version=__version__
        )
        parts: list[pb.RoutesMessage] = []
        last = 0
        try:
            async with aclosing(self._client.stream(_PATH, request, pb.RoutesMessage)) as messages:
                async for message in messages:
                    if message.sequence != last + 1:
                        raise UpstreamError(
                            f"the scheduler's message {message.sequence} on routes followed {last}"
                        )
                    last = message.sequence
                    parts.append(message)
                    if message.isComplete:
                        self._take(parts)
                        parts = []
        finally:
            self.is_subscribed = False

    def _take(self, parts: list[pb.RoutesMessage]) -> None:
        try:
            changes = changes_of(parts)
        except ValueError as error:
            raise UpstreamError(f"the scheduler's routes make no sense: {error}") from error
        if not self.is_subscribed:
            self.is_subscribed = True
            self._backoff.reset()
            self._client.ask_for_life()
        if changes.is_snapshot:
            _log.info(
                "all routes are known routes=%d replicas=%d",
                len(changes.routes),
                len(changes.replicas),
            )
            changes = self._with_what_is_gone(changes)
            self.has_routes.set()
        self._apply(changes)

    def _with_what_is_gone(self, snapshot: RouteChanges) -> RouteChanges:
        """Return what a snapshot changes: all that is in it, and the end of what is not."""
        named = {update.name for update in snapshot.routes}
        ended = tuple(RouteUpdate(name) for name in self._routes if name not in named)
        missing = {each: None for each in self._replicas if each not in snapshot.replicas}
        return RouteChanges(
            routes=snapshot.routes + ended, replicas={**snapshot.replicas, **missing}
        )

    def _apply(self, changes: RouteChanges) -> None:
        """Say what is new: replicas before the routes to them, and their end after those."""
        for replica, address in changes.replicas.items():
            if address is not None and self._replicas.get(replica) != address:
                self._replicas[replica] = address
                self._sink.publish_replica(replica, address)
        for update in changes.routes:
            if self._routes.get(update.name, RouteUpdate(update.name)) != update:
                self._keep(update)
                self._sink.publish(update)
        for replica, address in changes.replicas.items():
            if address is None and self._replicas.pop(replica, None) is not None:
                self._sink.publish_replica(replica, None)

    def _keep(self, update: RouteUpdate) -> None:
        if update.candidates or update.notice:
            self._routes[update.name] = update
        else:
            self._routes.pop(update.name, None)


def wake_by(client: RpcClient) -> Wake:
    """Return what has models loaded that are scaled to zero, by the scheduler `client` calls."""

    async def wake(model: str) -> str:
        request = pb.WakeModelRequest(name=model)
        answer = await client.unary(_WAKE, request, pb.WakeModelResponse, _WAKE_S)
        return answer.failure

    return wake
