"""Data ports of the replicas inside a process that has the scheduler, for routers elsewhere.

A router reaches a replica by the version's internal name. The port that clients use takes no such
name: through it they would come to versions that no route leads to. So each replica gets a port of
its own, as one in a process of its own has, once the first router asks where calls go.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

from seldon_core.agent.service import Agent
from seldon_core.agent.traces import Traces
from seldon_core.config.settings import Settings
from seldon_core.errors import SeldonError
from seldon_core.running import address_of, drain_all, listener_settings
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaId, RouteSink
from seldon_core.transport.handler import DataServices, ServerState
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.log_settings import LogLevels

_log = logging.getLogger(__name__)


class InsidePorts:
    """The ports of `agents`, at `settings.listener.host`; `routes` is told where they are."""

    def __init__(
        self,
        settings: Settings,
        agents: Mapping[ReplicaId, Agent],
        routes: RouteSink,
        server: ServerState,
        budget: InFlightBytes,
        traces: Traces,
    ) -> None:
        self._settings = settings
        self._agents = agents
        self._routes = routes
        self._server = server
        self._budget = budget
        self._traces = traces
        self._wanted = asyncio.Event()
        self._are_open = asyncio.Event()
        self._listeners: list[Listener] = []

    async def reach(self) -> None:
        """Have the ports opened; done when routers can be told of them."""
        self._wanted.set()
        await self._are_open.wait()

    async def run(self) -> None:
        """Open the ports when they are wanted, and keep them open for ever."""
        await self._wanted.wait()
        async with AsyncExitStack() as stack:
            try:
                for replica in self._agents:
                    await self._open(replica, stack)
            except SeldonError as error:
                # Its own router serves on.
                _log.error("routers elsewhere do not reach the replicas here reason=%r", str(error))
            self._are_open.set()
            await asyncio.Event().wait()

    async def drain(self, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""
        await drain_all(self._listeners, timeout_s)

    async def _open(self, replica: ReplicaId, stack: AsyncExitStack) -> None:
        agent = self._agents[replica]
        services = DataServices(
            agent.front, self._server, agent.repository, self._traces, LogLevels()
        )
        settings = replace(listener_settings(self._settings), port=0)
        opening = open_listener(settings, services, self._budget)
        listener = await stack.enter_async_context(opening)
        self._listeners.append(listener)
        address = address_of(self._settings, listener.port)
        _log.info("replica is open to routers elsewhere replica=%s address=%s", replica, address)
        self._routes.publish_replica(replica, address)
