"""The composition root: which parts a process has, how they are wired, and in what order they stop.

With `process.py`, which is what it composes, the only module that knows more than one role.
"""

import asyncio
import gc
import logging
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from seldon_core.agent.capabilities import capabilities_here
from seldon_core.agent.loading import Loader
from seldon_core.agent.service import Agent, open_agent
from seldon_core.agent.traces import Traces
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.signals import stop_on_signals
from seldon_core.aio.supervise import open_tasks
from seldon_core.aio.threads import open_threads
from seldon_core.config.settings import AgentSettings, Settings
from seldon_core.observability.metrics import Metrics, listener_families
from seldon_core.process import Ports, Process, Reporter
from seldon_core.resources.model import FoundModels
from seldon_core.resources.servers import DEFAULT_SERVERS
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.scheduler.api import SchedulerApi
from seldon_core.scheduler.repository import ModelRepository, Search
from seldon_core.scheduler.service import Scheduler, open_scheduler
from seldon_core.scheduler.store import open_store
from seldon_core.transport.admin import open_admin
from seldon_core.transport.control import AgentLink, ReplicaConfig, ReplicaId
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.handler import DataServices, InferHandler
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.log_settings import LogLevels
from seldon_core.transport.settings import ListenerSettings

_log = logging.getLogger(__name__)

# A pool starts no more than one load for each model that is registered.
_MAX_LOADS_WAITING = 100_000

_YOUNG_OBJECTS = 20_000
"""New objects between two collections of garbage. With Python's 700, each looks at thousands of
requests that wait and are no garbage: with 2,000 connections a request took 50 µs instead of 41."""

_END_TIMEOUT_S = 10.0
"""Once the requests are answered, what still runs has so long to end."""


async def serve(
    settings: Settings,
    data_folder: Path,
    found: FoundModels,
    reporter: Reporter,
    search: Search = FoundModels,
    load: Loader | None = None,
) -> None:
    """Run the process with every role until a signal ends it; a second one does at once.

    `data_folder` exists and is this process's alone. `search` finds what there is to be served by
    now, as `found` is at start. What was begun may end first: requests for the drain time-out, then
    the rest for 10 s. `load` stands in for the runtimes in measurements.

    Raises ConfigError if a port is taken, StoreError if the data folder cannot be used, and
    whatever a background loop fails with.
    """
    stop = stop_on_signals()
    opening = open_process(settings, data_folder, found, reporter, search, load)
    async with opening as (process, listener):
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        async with open_tasks("process") as tasks:
            tasks.start(process.load_models(), name="load models")
            await stop.wait()
        drain_timeout_s = settings.listener.drain_timeout_s
        reporter.draining(drain_timeout_s)
        await process.drain(listener, drain_timeout_s)
        last_resort = asyncio.get_running_loop().call_later(_END_TIMEOUT_S, _end_at_once)
    last_resort.cancel()


def _end_at_once() -> None:
    """End a process that waits in vain: a run or a load on a thread cannot be stopped otherwise."""
    _log.error("a model's run or load does not end, so the process ends without it")
    os._exit(1)


@asynccontextmanager
async def open_process(
    settings: Settings,
    data_folder: Path,
    found: FoundModels,
    reporter: Reporter,
    search: Search = FoundModels,
    load: Loader | None = None,
) -> AsyncIterator[tuple[Process, Listener]]:
    """Open every part of a process with all roles; they stop in the reverse of this order."""
    metrics = Metrics()
    agents: list[Agent] = []
    links: dict[ReplicaId, AgentLink] = {}
    handlers: dict[ReplicaId, InferHandler] = {}
    router = RouterHandler(RouteTable(handlers), random.random)
    process = Process(router, found, reporter)
    async with AsyncExitStack() as stack:
        # First, since it says whether this process may run at all.
        store = await stack.enter_async_context(open_store(data_folder))
        workers = await stack.enter_async_context(open_workers(_worker_count(settings.agent)))
        clock = SystemClock(not_before=store.last_now)
        scheduler = await stack.enter_async_context(open_scheduler(links, process, store, clock))
        process.attach(scheduler)
        process.expect(model.name for model in store.models if model.deleted_at is None)
        searches = await stack.enter_async_context(open_threads("search", 1))
        repository, traces = ModelRepository(scheduler, search, searches), Traces()
        load_threads = await stack.enter_async_context(
            open_threads("load", 1, max_waiting=_MAX_LOADS_WAITING)
        )
        for server in DEFAULT_SERVERS:
            replica = ReplicaId(server.name, 0)
            agent = await stack.enter_async_context(
                open_agent(
                    replica,
                    settings.agent.memory,
                    settings.agent.over_commit_percentage,
                    reports=scheduler,
                    metrics=metrics,
                    trusted=found.trusted,
                    workers=workers,
                    load_threads=load_threads,
                    clock=clock,
                    traces=traces,
                    load=load,
                )
            )
            agents.append(agent)
            links[replica], handlers[replica] = agent, agent.handler
        for started in agents:
            stack.callback(started.dismiss)
        # Admin and control ports go last, so that they can be watched while requests are drained.
        late = await stack.enter_async_context(AsyncExitStack())
        listener = await stack.enter_async_context(
            open_listener(
                _listener_settings(settings),
                DataServices(router, process, repository, traces, LogLevels()),
            )
        )
        metrics.add_source(lambda: listener_families(listener))
        ports = await _open_late(late, settings, metrics, process, scheduler, listener)
        # Only now, when no port can be taken any more: the log tells of each.
        for server in DEFAULT_SERVERS:
            scheduler.connect_replica(
                ReplicaId(server.name, 0),
                ReplicaConfig(
                    capabilities_here(server),
                    settings.agent.memory,
                    settings.agent.over_commit_percentage,
                ),
            )
        reporter.opened(ports, settings)
        yield process, listener


async def _open_late(
    stack: AsyncExitStack,
    settings: Settings,
    metrics: Metrics,
    process: Process,
    scheduler: Scheduler,
    listener: Listener,
) -> Ports:
    admin = await stack.enter_async_context(open_admin(settings.admin, metrics, process))
    services = SchedulerApi(scheduler).services()
    scheduler_port, agent_port = [
        await stack.enter_async_context(open_control_port(setting, port, served))
        for setting, port, served in (
            ("scheduler.port", settings.scheduler.port, services),
            ("agent.port", settings.agent.port, ()),
        )
    ]
    return Ports(settings.listener.host, listener.port, scheduler_port, agent_port, admin)


def _listener_settings(settings: Settings) -> ListenerSettings:
    given = asdict(settings.listener)
    del given["drain_timeout_s"]  # this module's own
    return ListenerSettings(**given, in_flight_bytes=settings.payload.in_flight_bytes)


def _worker_count(settings: AgentSettings) -> int:
    return settings.workers or max(1, (os.cpu_count() or 1) - 1)
