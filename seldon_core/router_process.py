"""A process that only routes: `--role=router`.

It learns from the scheduler where calls go, and serves on by what it heard last while that is away.
"""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from seldon_core.config.settings import Settings
from seldon_core.observability.metrics import Metrics, listener_families
from seldon_core.protocol.inference import ServerMetadata
from seldon_core.reloading import Reloadable
from seldon_core.router.handler import RouterHandler
from seldon_core.router.link import RouteLink, wake_by
from seldon_core.router.repository import NoTraces, RouteIndex
from seldon_core.router.sleeping import sleepers
from seldon_core.router.table import RouteTable
from seldon_core.router.waking import open_waking
from seldon_core.running import (
    Ports,
    Reporter,
    follow_limits,
    follow_waking,
    listener_settings,
    server_metadata,
    wake_limits,
)
from seldon_core.transport.admin import open_admin
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.handler import DataServices
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.log_settings import LogLevels
from seldon_core.transport.rpc_client import open_rpc_client
from seldon_core.transport.tls import admin_keys, dial_tls
from seldon_core.transport.upstreams import open_upstreams


class RouterProcess:
    """A router in a process of its own, as clients and operators see it.

    It is ready once it has heard where calls go.
    """

    def __init__(self, link: RouteLink, index: RouteIndex) -> None:
        self.reloadable = Reloadable()
        self._link = link
        self._index = index
        self._listener: Listener | None = None
        self._is_draining = False

    def attach(self, listener: Listener) -> None:
        """Take the data port, which needs this process to answer from."""
        self._listener = listener

    def live(self) -> bool:
        """Return True: whoever asks is answered by the loop that serves."""
        return True

    def ready(self) -> bool:
        """Return whether calls find their way."""
        return not self.not_ready()

    def metadata(self) -> ServerMetadata:
        """Return name, version and the extensions that work."""
        return server_metadata(has_scheduler=False, has_agent=False)

    def not_ready(self) -> Sequence[str]:
        """Return why it is not ready, one sentence each."""
        if self._is_draining:
            return ["the process is stopping"]
        if not self._link.has_routes.is_set():
            return ["the scheduler has not told where calls go yet"]
        return []

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each version that calls go to."""
        return self._index.rows()

    async def begin(self) -> None:
        """Follow the scheduler, for ever."""
        await self._link.follow()

    async def drain(self, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""
        assert self._listener is not None
        self._is_draining = True
        await self._listener.drain(timeout_s)


@asynccontextmanager
async def open_router_process(
    settings: Settings, reporter: Reporter
) -> AsyncIterator[RouterProcess]:
    """Open every part of a router in a process of its own; they stop in the reverse order.

    Raises ConfigError if a port is taken.
    """
    metrics, control = Metrics(), settings.control
    budget = InFlightBytes(settings.payload.in_flight_bytes)
    async with AsyncExitStack() as stack:
        upstreams = await stack.enter_async_context(open_upstreams(budget))
        client = await stack.enter_async_context(
            open_rpc_client(
                settings.scheduler.host, settings.agent.port, "the scheduler", dial_tls(control)
            )
        )
        waking = await stack.enter_async_context(
            open_waking(wake_by(client), wake_limits(settings.scaling))
        )
        table = RouteTable({}, sleepers(waking))
        router = RouterHandler(table, random.random, upstreams.open, waking)
        index = RouteIndex(router)
        link = RouteLink(client, index)
        table.has_all = link.has_routes.is_set
        process = RouterProcess(link, index)
        follow_waking(process.reloadable, waking)
        control_host, keys = control.host, admin_keys(control)
        process.reloadable.add_keys(keys)
        admin = await stack.enter_async_context(
            open_admin(settings.admin, metrics, process, control_host, keys)
        )
        services = DataServices(router, process, index, NoTraces(), LogLevels())
        listener = await stack.enter_async_context(
            open_listener(listener_settings(settings), services, budget)
        )
        process.attach(listener)
        metrics.add_source(lambda: listener_families(listener))
        follow_limits(process.reloadable, listener)
        ports = Ports(settings.listener.host, listener.port, None, None, admin, control_host)
        reporter.opened(ports, settings)
        yield process
