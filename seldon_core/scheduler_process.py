"""A process that has the scheduler: alone, with a router, with agents, or with everything.

With every role the default servers' replicas 0 are agents inside it. With scheduler and agents, or
everything, servers that are declared run here as processes of their own; else somebody runs them on
other machines.
"""

import os
import random
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from seldon_core.agent.capabilities import capabilities_here
from seldon_core.agent.lingering import UNLOAD_GRACE_S, Lingering
from seldon_core.agent.loading import Loader
from seldon_core.agent.service import Agent, open_agent
from seldon_core.agent.signalling import open_signalling
from seldon_core.agent.traces import Traces
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import Clock, SystemClock
from seldon_core.aio.supervise import open_tasks
from seldon_core.aio.threads import open_threads
from seldon_core.config.settings import (
    ScalingSettings,
    Settings,
    show_settings,
)
from seldon_core.config.values import LOOPBACK, is_everywhere, is_loopback
from seldon_core.inside import InsidePorts
from seldon_core.observability.audit import open_audit_log
from seldon_core.observability.metrics import Metrics, listener_families, scaling_families
from seldon_core.process import Process
from seldon_core.resources.model import FoundModels
from seldon_core.resources.server import ServerSpec
from seldon_core.resources.servers import DEFAULT_SERVERS
from seldon_core.roles import Role
from seldon_core.router.handler import RouterHandler
from seldon_core.router.sleeping import sleepers
from seldon_core.router.table import RouteTable
from seldon_core.router.waking import open_waking
from seldon_core.running import (
    MAX_LOADS_WAITING,
    Ports,
    Reporter,
    follow_limits,
    follow_scaling,
    follow_waking,
    listener_settings,
    wake_limits,
    worker_count,
)
from seldon_core.scheduler.agent_api import AgentApi
from seldon_core.scheduler.agent_metrics import AgentMetrics
from seldon_core.scheduler.api import SchedulerApi
from seldon_core.scheduler.audit import settings_line
from seldon_core.scheduler.processes import (
    Processes,
    ReplicaWatch,
    devices_here,
    launcher,
    open_processes,
)
from seldon_core.scheduler.repository import ModelRepository, Search
from seldon_core.scheduler.route_feed import RouteFeed, RouteSinks
from seldon_core.scheduler.secret_api import SecretApi
from seldon_core.scheduler.server_api import ServerApi
from seldon_core.scheduler.service import Scheduler, open_scheduler
from seldon_core.scheduler.store import open_store
from seldon_core.scheduler.targets import ScalingRules
from seldon_core.transport.admin import open_admin
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import AgentLink, ReplicaConfig, ReplicaId, RouteSink
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.handler import DataServices, InferHandler
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.log_settings import LogLevels
from seldon_core.transport.subjects import only_for
from seldon_core.transport.tls import admin_keys, server_keys
from seldon_core.transport.upstreams import open_upstreams

_PERIODS_OF_A_RATE = 3


@asynccontextmanager
async def open_scheduler_process(
    settings: Settings,
    data_folder: Path,
    found: FoundModels,
    reporter: Reporter,
    search: Search = FoundModels,
    load: Loader | None = None,
    roles: Collection[Role] = frozenset(Role),
) -> AsyncIterator[Process]:
    """Open every part of a process with the scheduler; they stop in the reverse of this order.

    `data_folder` exists and is this process's alone. `search` finds what there is to be served by
    now, as `found` is at start. `load` stands in for the runtimes in measurements.

    Raises ConfigError if a port is taken, StoreError if the data folder cannot be used.
    """
    parts = _Parts(settings, found, reporter, frozenset(roles))
    async with parts.stack:
        await parts.open_scheduler(data_folder)
        if parts.has_agents_inside:
            await parts.open_agents(load)
        # Admin and control ports go last, so that they can be watched while requests are drained.
        late = await parts.stack.enter_async_context(AsyncExitStack())
        if Role.ROUTER in roles:
            await parts.open_listener(search)
        ports = await parts.open_late(late)
        parts.connect(ports)
        for (
            agent
        ) in parts.agents.values():  # first of all, so that none loads what another one lets go
            parts.stack.callback(agent.dismiss)
        reporter.opened(ports, settings)
        yield parts.process


class _Parts:
    """The parts of one process, as far as they are open."""

    def __init__(
        self, settings: Settings, found: FoundModels, reporter: Reporter, roles: frozenset[Role]
    ) -> None:
        self.stack = AsyncExitStack()
        self.agents: dict[ReplicaId, Agent] = {}
        self.has_agents_inside = roles == frozenset(Role)
        self._settings = settings
        self._found = found
        self._roles = roles
        self._metrics = Metrics()
        self._traces = Traces()
        self._links: dict[ReplicaId, AgentLink] = {}
        self._handlers: dict[ReplicaId, InferHandler] = {}
        self._budget = InFlightBytes(settings.payload.in_flight_bytes)
        self._reporter = reporter
        self._inside = [server.name for server in DEFAULT_SERVERS if self.has_agents_inside]
        self._listener: Listener | None = None
        self._processes: Processes | None = None
        # These are there once the scheduler is open.
        self.process: Process
        self._scheduler: Scheduler
        self._environments: Path
        self._clock: Clock
        self._feed: RouteFeed
        self._router: RouterHandler | None = None
        self._inside_ports: InsidePorts

    async def open_scheduler(self, data_folder: Path) -> None:
        """Open the store, first, since it says whether this process may run at all; then who runs
        servers and the scheduler."""
        enter = self.stack.enter_async_context
        store = await enter(open_store(data_folder))
        environments = self._settings.agent.environments
        self._environments = Path(environments or data_folder / "environments")
        self._clock = SystemClock(not_before=store.last_now)
        waking = None
        if Role.ROUTER in self._roles:
            upstreams = await enter(open_upstreams(self._budget))
            limits = wake_limits(self._settings.scaling)
            waking = await enter(open_waking(self._wake, limits))
            table = RouteTable(self._handlers, sleepers(waking))
            self._router = RouterHandler(table, random.random, upstreams.open, waking)
        patience_s = self._settings.scheduler.ready_timeout_s
        self.process = Process(self._router, self._found, self._reporter, patience_s)
        if waking is not None:
            follow_waking(self.process.reloadable, waking)
        sinks: list[RouteSink] = [self.process]
        if Role.AGENT in self._roles:
            own = self._settings.agent
            self._processes = await enter(
                open_processes(self._inside, self._clock, own.labels, own.processes, devices_here())
            )
            sinks.append(ReplicaWatch(self._processes))
            if not self.has_agents_inside:  # until somebody declares them otherwise
                for server in DEFAULT_SERVERS:
                    self._processes.run_server(ServerSpec(server.name, server.name), 1)
        reach = self._reach_inside if self.has_agents_inside else None
        self._feed = RouteFeed(lambda: self._scheduler.complete(), reach, self._wake)
        routes = RouteSinks(*sinks, self._feed)
        audit = await enter(open_audit_log(self._settings.log.audit))
        scheduler = open_scheduler(
            self._links,
            routes,
            store,
            self._clock,
            self._processes,
            scaling_rules(self._settings.scaling),
            audit,
        )
        self._scheduler = await enter(scheduler)
        self._metrics.add_source(lambda: scaling_families(self._scheduler.scalings()))
        self.process.attach(self._scheduler)
        self.process.reloadable.follow(self._take)
        if audit is not None:
            self.process.reloadable.observe(
                lambda outcome, reason: audit.write(
                    settings_line(self._clock.wall(), outcome, reason)
                )
            )
        self.process.expect(model.name for model in store.models if model.deleted_at is None)

    async def open_agents(self, load: Loader | None) -> None:
        """Open the default servers' replicas inside this process."""
        enter = self.stack.enter_async_context
        workers = await enter(open_workers(worker_count(self._settings.agent)))
        threads = await enter(open_threads("load", 1, max_waiting=MAX_LOADS_WAITING))
        for server in DEFAULT_SERVERS:
            replica = ReplicaId(server.name, 0)
            agent = await enter(
                open_agent(
                    replica,
                    self._settings.agent.memory,
                    self._settings.agent.over_commit_percentage,
                    reports=self._scheduler,
                    metrics=self._metrics,
                    trusted=self._found.trusted,
                    workers=workers,
                    load_threads=threads,
                    clock=self._clock,
                    traces=self._traces,
                    load=load,
                )
            )
            signalling = await enter(
                open_signalling(
                    replica, agent.figures, self._scheduler, self._settings.scaling, self._clock
                )
            )
            follow_scaling(self.process.reloadable, signalling)
            self.agents[replica] = agent
            link = Lingering(agent, self._grace_s)
            self.stack.callback(link.close)
            self._links[replica], self._handlers[replica] = link, agent.handler
        self._inside_ports = InsidePorts(
            self._settings_of_agents(),
            self.agents,
            self._feed,
            self.process,
            self._budget,
            self._traces,
        )
        self.process.inside = self._inside_ports
        tasks = await enter(open_tasks("inside"))
        tasks.start(self._inside_ports.run(), name="ports")

    async def open_listener(self, search: Search) -> None:
        """Open the data port."""
        enter = self.stack.enter_async_context
        assert self._router is not None
        searches = await enter(open_threads("search", 1))
        repository = ModelRepository(self._scheduler, search, searches)
        services = DataServices(self._router, self.process, repository, self._traces, LogLevels())
        listener = await enter(
            open_listener(listener_settings(self._settings), services, self._budget)
        )
        self._metrics.add_source(lambda: listener_families(listener))
        self.process.listener = self._listener = listener
        follow_limits(self.process.reloadable, listener)

    async def open_late(self, stack: AsyncExitStack) -> Ports:
        """Open the admin and the control ports."""
        settings, control = self._settings, self._settings.control
        host, keys = control.host, server_keys(control)
        own_keys = admin_keys(control, keys)
        self.process.reloadable.add_keys(keys, own_keys)
        secrets = SecretApi(self._scheduler).services()
        agents = AgentApi(self._scheduler, self._links, is_encrypted=keys is not None)
        merge = None
        if self._processes is not None:
            merge = AgentMetrics(self._processes, agents.hello_of).merge
        admin = await stack.enter_async_context(
            open_admin(settings.admin, self._metrics, self.process, host, own_keys, merge)
        )
        services = SchedulerApi(self._scheduler).services()
        servers = ServerApi(self._scheduler, self._processes).services()
        links = only_for(
            control.agent_subjects,
            "control.agentSubjects",
            (*agents.services(), *self._feed.services()),
        )
        scheduler_port, agent_port = [
            await stack.enter_async_context(
                open_control_port(setting, port, served, host=host, keys=keys)
            )
            for setting, port, served in (
                ("scheduler.port", settings.scheduler.port, (*services, *servers, *secrets)),
                ("agent.port", settings.agent.port, links),
            )
        ]
        data = self._listener.port if self._listener is not None else None
        return Ports(settings.listener.host, data, scheduler_port, agent_port, admin, host)

    def connect(self, ports: Ports) -> None:
        """Take the replicas of this process in, and begin to run others: no port can be taken any
        more, and the log tells of each."""
        if self.has_agents_inside:
            agent = self._settings.agent
            for server in DEFAULT_SERVERS:
                config = ReplicaConfig(
                    capabilities_here(server), agent.memory, agent.over_commit_percentage
                )
                self._scheduler.connect_replica(ReplicaId(server.name, 0), config)
        if self._processes is not None:
            assert ports.agent is not None
            host = LOOPBACK if is_everywhere(ports.control_host) else ports.control_host
            launch = launcher(
                self._agent_settings, os.environ, (host, ports.agent), self._environments
            )
            self._processes.begin(launch)

    def _take(self, settings: Settings) -> None:
        """Follow new settings: agents that are started from now on have them."""
        self._settings = settings
        self._scheduler.scaling.change(scaling_rules(settings.scaling))

    async def _wake(self, model: str) -> str:
        return await self._scheduler.scaling.wake(model)

    async def _reach_inside(self) -> None:
        await self._inside_ports.reach()

    def _grace_s(self) -> float:
        """Return how long a version may still be called that is to be unloaded."""
        return UNLOAD_GRACE_S if self._feed.followers else 0.0

    def _settings_of_agents(self) -> Settings:
        """Return the settings of this process's replicas, wherever they run.

        They are open to others if there can be routers elsewhere, besides the one in this process.
        """
        own = self._settings
        is_alone = self._router is not None and is_loopback(own.control.host)
        host = LOOPBACK if is_alone else own.listener.host
        return replace(own, listener=replace(own.listener, host=host))

    def _agent_settings(self) -> dict[str, dict[str, object]]:
        """Return the settings of agents that this process starts, as things are now."""
        own = self._settings_of_agents()
        trusted = tuple(map(str, self._found.trusted))
        settings = replace(
            own,
            agent=replace(own.agent, trusted_prefixes=trusted),
            control=replace(own.control, host=LOOPBACK, insecure=False),
        )
        return show_settings(settings)


def scaling_rules(settings: ScalingSettings) -> ScalingRules:
    """Return when models and servers are scaled; a rate that is missed twice counts no more."""
    return ScalingRules(
        settings.models,
        settings.servers,
        settings.stable_s,
        settings.up_window_s,
        settings.down_window_s,
        _PERIODS_OF_A_RATE * settings.period_s,
        settings.packing,
    )
