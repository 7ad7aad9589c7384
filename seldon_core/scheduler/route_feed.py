"""Where calls go, kept for routers in other processes: all there is, then what changes.

A router that takes slowly misses states in between and never the last: what waits for it is the
names that changed, so it cannot fill memory. What it is told holds together: a route comes with the
replicas it leads to.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Sequence,
)
from contextlib import aclosing, suppress
from typing import Final

from seldon_core.proto import control_pb2 as pb
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaId,
    RouteSink,
    RouteUpdate,
    Wake,
)
from seldon_core.transport.control_services import ControlService, StreamMethod, UnaryMethod
from seldon_core.transport.link_protocol import agreed_protocol
from seldon_core.transport.route_messages import RouteChanges, parts_of

_LOOK_S: Final = 0.25
"""While a start is not complete, routers are told so often what is known."""


class RouteSinks:
    """A RouteSink that tells several, in their order."""

    def __init__(self, *sinks: RouteSink) -> None:
        self._sinks = sinks

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update` from the next call on."""
        for sink in self._sinks:
            sink.publish(update)

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """Reach `replica` at `address` from now on; None: it is gone."""
        for sink in self._sinks:
            sink.publish_replica(replica, address)


class RouteFeed:
    """A RouteSink that tells whoever subscribes; a control port serves it.

    Before `complete` returns nobody is told that something is gone: replicas still connect again
    after a start, and routers reach what they have been told before. `reach` has the replicas
    inside this process published too, which nobody needs before the first router comes. `wake`
    loads what is scaled to zero.
    """

    def __init__(
        self,
        complete: Callable[[], Awaitable[None]],
        reach: Callable[[], Awaitable[None]] | None = None,
        wake: Wake | None = None,
    ) -> None:
        self._complete = complete
        self._reach = reach
        self._wake = wake
        self._routes: dict[str, RouteUpdate] = {}
        self._replicas: dict[ReplicaId, ReplicaAddress] = {}
        self._followers: list[_Follower] = []

    @property
    def followers(self) -> int:
        """How many routers are told what changes."""
        return len(self._followers)

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update` from the next call on."""
        if update.candidates or update.notice:
            self._routes[update.name] = update
        elif self._routes.pop(update.name, None) is None:
            return
        for follower in self._followers:
            follower.mark_route(update.name)

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """Reach `replica` at `address` from now on; None: it is gone."""
        if self._replicas.get(replica) == address:
            return
        if address is None:
            del self._replicas[replica]
        else:
            self._replicas[replica] = address
        for follower in self._followers:
            follower.mark_replica(replica)

    def services(self) -> Sequence[ControlService]:
        """Return what the agents' port is to serve."""
        method = StreamMethod("SubscribeRoutes", pb.SubscribeRoutesRequest, self.subscribe)
        wake = UnaryMethod("WakeModel", pb.WakeModelRequest, self.wake_model)
        methods = (method,) if self._wake is None else (method, wake)
        return (ControlService("seldon_core.control.Control", methods),)

    async def wake_model(self, request: pb.WakeModelRequest, _: str) -> pb.WakeModelResponse:
        """Have a model loaded that is scaled to zero; answer when that has an outcome."""
        assert self._wake is not None
        return pb.WakeModelResponse(failure=await self._wake(request.name))

    async def subscribe(
        self, request: pb.SubscribeRoutesRequest, _: str
    ) -> AsyncGenerator[pb.RoutesMessage, None]:
        """Yield every route and replica, then what changes, numbered from 1."""
        agreed_protocol(request.protocol, request.oldestProtocol, "router")
        if self._reach is not None:
            await self._reach()
        follower = _Follower()
        self._followers.append(follower)
        sequence = 0
        try:
            async with aclosing(self._changes(follower)) as changes:
                async for changed in changes:
                    for part in parts_of(changed):
                        sequence += 1
                        part.sequence = sequence
                        yield part
        finally:
            self._followers.remove(follower)

    async def _changes(self, follower: "_Follower") -> AsyncGenerator[RouteChanges, None]:
        """Yield what a router is to be told, for ever."""
        follower.mark_all(self._routes, self._replicas)
        while True:
            if await self._is_complete():
                break
            found = _without_ends(self._look_up(follower))
            if found.routes or found.replicas:
                yield found
        follower.clear()  # what changes while this is taken comes after it
        yield RouteChanges(True, tuple(self._routes.values()), dict(self._replicas))
        while True:
            await follower.changed()
            yield self._look_up(follower)

    async def _is_complete(self) -> bool:
        """Return whether a start is complete; waits for that a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._complete()
                return True
        return False

    def _look_up(self, follower: "_Follower") -> RouteChanges:
        """Return what has changed for a router, as it is now."""
        names, replicas = follower.take()
        return RouteChanges(
            routes=tuple(self._routes.get(name) or RouteUpdate(name) for name in names),
            replicas={replica: self._replicas.get(replica) for replica in replicas},
        )


def _without_ends(changes: RouteChanges) -> RouteChanges:
    """Return what is known to lead somewhere, and nothing that only seems to be gone."""
    return RouteChanges(
        routes=tuple(
            update
            for update in changes.routes
            if any(candidate.replicas for candidate in update.candidates)
        ),
        replicas={each: address for each, address in changes.replicas.items() if address},
    )


class _Follower:
    """What has changed since a router was last told."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._replicas: dict[ReplicaId, None] = {}
        self._wakeup = asyncio.Event()

    def mark_all(self, names: Iterable[str], replicas: Iterable[ReplicaId]) -> None:
        self._names.update(dict.fromkeys(names))
        self._replicas.update(dict.fromkeys(replicas))

    def mark_route(self, name: str) -> None:
        self._names[name] = None
        self._wakeup.set()

    def mark_replica(self, replica: ReplicaId) -> None:
        self._replicas[replica] = None
        self._wakeup.set()

    async def changed(self) -> None:
        """Wait until something has changed."""
        await self._wakeup.wait()

    def take(self) -> tuple[list[str], list[ReplicaId]]:
        """Return what has changed, to be looked up before the next wait."""
        names, replicas = list(self._names), list(self._replicas)
        self.clear()
        return names, replicas

    def clear(self) -> None:
        self._wakeup.clear()
        self._names.clear()
        self._replicas.clear()
