"""All replicas in other processes that one process calls, and the end of their connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from seldon_core.aio.supervise import Tasks, open_tasks
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaAddress, ReplicaId
from seldon_core.transport.settings import KIB

if TYPE_CHECKING:
    from seldon_core.transport.links import Links
    from seldon_core.transport.upstream import RemoteReplica

_VISIT_S: Final = 1.0
_RECEIVE_BYTES: Final = 64 * KIB


class Upstreams:
    """Makes the handlers of replicas in other processes. Got from `open_upstreams`."""

    def __init__(self, tasks: Tasks, budget: InFlightBytes) -> None:
        self._tasks = tasks
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._receive = memoryview(b"")
        self._links: list[Links[Any]] = []
        self._timer: asyncio.TimerHandle | None = None

    def open(self, replica: ReplicaId, address: ReplicaAddress) -> "RemoteReplica":
        """Return the handler of a replica; it connects when it is first called."""
        # Most processes have all replicas inside: for them it would be 1 MiB and 50 ms for nothing.
        from seldon_core.transport.http1_client import Http1Links
        from seldon_core.transport.http2_links import Http2Links
        from seldon_core.transport.upstream import RemoteReplica

        if self._timer is None:
            self._receive = memoryview(bytearray(_RECEIVE_BYTES))
            self._visit()
        name, host, is_ours = f"replica {replica} at {address}", address.host, address.is_ours
        authority = str(address).encode()
        rpc = Http2Links(host, address.grpc_port, name, self._tasks, self._receive, pings=is_ours)
        self._links.append(rpc)
        if is_ours:
            return RemoteReplica(rpc, authority, self._budget)
        rest = Http1Links(host, address.http_port, name, self._tasks)
        self._links.append(rest)
        return RemoteReplica(rest, authority, self._budget, rpc)

    def close(self) -> None:
        """Close every connection."""
        if self._timer is not None:
            self._timer.cancel()
        for links in self._links:
            links.abort()

    def _visit(self) -> None:
        self._timer = self._loop.call_later(_VISIT_S, self._visit)
        for links in self._links:
            links.visit(self._loop.time())
        self._links = [links for links in self._links if not links.is_done]


@asynccontextmanager
async def open_upstreams(budget: InFlightBytes) -> AsyncIterator[Upstreams]:
    """Make handlers of replicas for the length of a block; its end closes every connection.

    Large answers on their way are counted in `budget`.
    """
    async with open_tasks("upstreams") as tasks:
        upstreams = Upstreams(tasks, budget)
        try:
            yield upstreams
        finally:
            upstreams.close()
