"""A process that is one server replica: `--role=agent`.

It serves the Open Inference Protocol on a port of its own, to routers and to whoever asks it, and
is told by the scheduler which models to load.
"""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic

from seldon_core.agent.capabilities import capabilities_here
from seldon_core.agent.link import SchedulerLink, open_scheduler_link
from seldon_core.agent.loading import Loader
from seldon_core.agent.service import Agent, open_agent
from seldon_core.agent.signalling import open_signalling
from seldon_core.agent.traces import Traces
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.threads import open_threads
from seldon_core.config.settings import AgentSettings, Settings
from seldon_core.config.values import is_loopback
from seldon_core.observability.metrics import Metrics, listener_families
from seldon_core.protocol.inference import ServerMetadata
from seldon_core.reloading import Reloadable
from seldon_core.resources.servers import ServerDefinition, default_capabilities
from seldon_core.running import (
    MAX_LOADS_WAITING,
    Ports,
    Reporter,
    address_of,
    follow_limits,
    follow_scaling,
    listener_settings,
    server_metadata,
    worker_count,
)
from seldon_core.transport.admin import open_admin
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaId
from seldon_core.transport.handler import DataServices
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.log_settings import LogLevels
from seldon_core.transport.rpc_client import open_rpc_client
from seldon_core.transport.tls import admin_keys, dial_tls

_log = logging.getLogger(__name__)


class AgentProcess:
    """A replica in a process of its own, as clients, operators and its scheduler see it.

    It is ready once the scheduler has taken it, and stays so while that is away: it serves on.
    """

    def __init__(self, replica: ReplicaId) -> None:
        self._replica = replica
        self.reloadable = Reloadable()
        self._link: SchedulerLink | None = None
        self._agent: Agent | None = None
        self._listener: Listener | None = None
        self._is_draining = False

    def attach(self, link: SchedulerLink, agent: Agent, listener: Listener) -> None:
        """Take the parts, one of which needs this for its reports."""
        self._link, self._agent, self._listener = link, agent, listener

    def report(self, report: ModelReport) -> None:
        """Pass a report on to the scheduler."""
        if self._link is not None:  # while there is none, nothing was ordered
            self._link.report(report)

    def live(self) -> bool:
        """Return True: whoever asks is answered by the loop that serves."""
        return True

    def ready(self) -> bool:
        """Return whether routers may send calls here."""
        return not self.not_ready()

    def metadata(self) -> ServerMetadata:
        """Return name, version and the extensions that work."""
        return server_metadata(has_scheduler=False, has_agent=True)

    def not_ready(self) -> Sequence[str]:
        """Return why it is not ready, one sentence each."""
        if self._is_draining:
            return ["the process is stopping"]
        if self._link is None or not self._link.was_subscribed:
            return ["the scheduler has not taken this replica yet"]
        return []

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each version that is here."""
        assert self._agent is not None
        return [
            {
                "name": held.version.spec.name,
                "version": held.version.version,
                "state": "Loaded",
                "reason": "",
                "replicas": [str(self._replica)],
                "desiredReplicas": held.version.spec.replicas,
            }
            for held in self._agent.held()
        ]

    async def begin(self) -> None:
        """Subscribe to the scheduler, for ever."""
        assert self._link is not None
        assert self._agent is not None
        self._link.attach(self._agent)

    async def drain(self, timeout_s: float) -> None:
        """Have the models served elsewhere, then answer the requests under way."""
        assert self._link is not None
        assert self._listener is not None
        self._is_draining = True
        end = monotonic() + timeout_s
        if self._link.is_subscribed:
            await self._link.drain(timeout_s)
        await self._listener.drain(max(end - monotonic(), 0.0))


@asynccontextmanager
async def open_agent_process(
    settings: Settings,
    trusted: Sequence[Path],
    reporter: Reporter,
    load: Loader | None = None,
) -> AsyncIterator[AgentProcess]:
    """Open every part of a replica in a process of its own; they stop in the reverse order.

    Artifacts below `trusted` may run code when they are loaded; `load` stands in for the runtimes
    in measurements. Raises ConfigError if a port is taken.
    """
    replica = ReplicaId(settings.agent.server_name, settings.agent.replica_idx)
    metrics, traces, process = Metrics(), Traces(), AgentProcess(replica)
    control = settings.control
    async with AsyncExitStack() as stack:
        workers = await stack.enter_async_context(open_workers(worker_count(settings.agent)))
        load_threads = await stack.enter_async_context(
            open_threads("load", 1, max_waiting=MAX_LOADS_WAITING)
        )
        agent = await stack.enter_async_context(
            open_agent(
                replica,
                settings.agent.memory,
                settings.agent.over_commit_percentage,
                reports=process,
                metrics=metrics,
                trusted=trusted,
                workers=workers,
                load_threads=load_threads,
                clock=SystemClock(),
                traces=traces,
                load=load,
            )
        )
        control_host, keys = control.host, admin_keys(control)
        process.reloadable.add_keys(keys)
        admin = await stack.enter_async_context(
            open_admin(settings.admin, metrics, process, control_host, keys)
        )
        services = DataServices(agent.front, process, agent.repository, traces, LogLevels())
        listener = await stack.enter_async_context(
            open_listener(listener_settings(settings), services)
        )
        metrics.add_source(lambda: listener_families(listener))
        follow_limits(process.reloadable, listener)
        client = await stack.enter_async_context(
            open_rpc_client(
                settings.scheduler.host, settings.agent.port, "the scheduler", dial_tls(control)
            )
        )
        address = address_of(settings, listener.port)
        if is_loopback(address.host) and not is_loopback(settings.scheduler.host):
            _log.warning(
                "only routers on this machine reach this replica replica=%s address=%s "
                "hint='--host opens its port to others; agent.host is where they find it'",
                replica,
                address,
            )
        config = ReplicaConfig(
            capabilities_here(definition_of(settings.agent)),
            settings.agent.memory,
            settings.agent.over_commit_percentage,
            address=address,
        )
        link = await stack.enter_async_context(
            open_scheduler_link(client, replica, config, admin_port=admin)
        )
        signalling = await stack.enter_async_context(
            open_signalling(replica, agent.figures, link, settings.scaling, SystemClock())
        )
        follow_scaling(process.reloadable, signalling)
        process.attach(link, agent, listener)
        ports = Ports(settings.listener.host, listener.port, None, None, admin, control_host)
        reporter.opened(ports, settings)
        yield process


def definition_of(settings: AgentSettings) -> ServerDefinition:
    """Return what this replica is to be able to do."""
    name = settings.server_name
    return ServerDefinition(name, settings.capabilities or default_capabilities(name))
