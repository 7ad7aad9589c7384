"""The composition root: which parts a process has, how they are wired, and in what order they stop.

The only module that knows more than one role.
"""

import asyncio
import gc
import logging
import os
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from seldon_core import __version__
from seldon_core.agent.capabilities import capabilities_here
from seldon_core.agent.loading import Loader
from seldon_core.agent.service import Agent, open_agent
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.signals import stop_on_signals
from seldon_core.aio.supervise import open_tasks
from seldon_core.aio.threads import open_threads
from seldon_core.config.settings import AgentSettings, Settings
from seldon_core.errors import SeldonError
from seldon_core.observability.metrics import Metrics, listener_families
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import ModelMetadata, Payload, ServerMetadata
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.resources.model import ModelSpec, RefusedModel
from seldon_core.resources.servers import DEFAULT_SERVERS
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.scheduler.api import SchedulerApi
from seldon_core.scheduler.service import Scheduler, open_scheduler
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.scheduler.status import ModelStatus
from seldon_core.scheduler.store import open_store
from seldon_core.transport.admin import open_admin
from seldon_core.transport.control import AgentLink, ReplicaId, RouteUpdate
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.handler import InferCall, InferHandler
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.settings import ListenerSettings

_log = logging.getLogger(__name__)

EXTENSIONS = ("binary_tensor_data", "parameters")

# A pool starts no more than one load for each model that is registered.
_MAX_LOADS_WAITING = 100_000

_END_TIMEOUT_S = 10.0
"""Once the requests are answered, what still runs has so long to end."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the process listens: the real numbers, also where 0 was asked for."""

    host: str
    data: int
    scheduler: int
    agent: int
    admin: int


@dataclass(frozen=True, slots=True)
class FoundModels:
    """What is to be served at start, and what was found for it but cannot be.

    Artifacts below the folders `trusted` may run code when they are loaded.
    """

    specs: Sequence[ModelSpec] = ()
    refused: Sequence[RefusedModel] = ()
    trusted: Sequence[Path] = ()


class Reporter(Protocol):
    """Tells the person who started the process how it goes."""

    def opened(self, ports: Ports, settings: Settings) -> None:
        """Every port is open."""

    def refused(self, name: str, error: SeldonError) -> None:
        """A model was not even accepted, of which the log says nothing."""

    def loaded(
        self, models: Sequence[ModelStatus], refused: int, example: ModelMetadata | None
    ) -> None:
        """Every model is settled, none of `models` deleted; so many more were not even accepted.

        `example` is one that can be called, None if there is none.
        """

    def draining(self, timeout_s: float) -> None:
        """The process was told to stop: requests under way have so long to end."""


class Process:
    """A running process: what clients and operators see of it as a whole.

    It is the data path's `ServerState`, the admin port's `ProcessState`, and the scheduler's
    `RouteSink`: what is published for a model on its way to the router tells when it is settled.
    It is not ready before every model of `found` is, and every one that was kept from the last
    time; those that are refused are shown, and make nobody wait.
    """

    def __init__(self, router: RouterHandler, found: FoundModels, reporter: Reporter) -> None:
        self._router = router
        self._reporter = reporter
        self._found = found.specs
        self._loading = {spec.name for spec in found.specs}
        self._unanswered = set(self._loading)
        self._refused = list(found.refused)
        self._is_draining = False

    def attach(self, scheduler: Scheduler) -> None:
        """Take the scheduler, which itself needs this process to publish to."""
        self._scheduler = scheduler

    def expect(self, names: Iterable[str]) -> None:
        """Wait for models that were kept from the last time, too."""
        self._loading |= set(names)

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update`, and wait for the model no longer if that settles it.

        Until the folder's declaration of a model is answered, an update is about what was kept: one
        that was deleted is gone by that, and yet to be loaded.
        """
        self._router.publish(update)
        if update.name in self._loading and update.name not in self._unanswered:
            self._settle(update.name)

    def live(self) -> bool:
        """Return True: whoever asks is answered by the loop that serves."""
        return True

    def ready(self) -> bool:
        """Return whether every model asked for at start is settled, and the process goes on."""
        return not self._loading and not self._is_draining

    def metadata(self) -> ServerMetadata:
        """Return name, version and the extensions that work."""
        return ServerMetadata("seldon-core", __version__, EXTENSIONS)

    def not_ready(self) -> Sequence[str]:
        """Return what is not ready, one sentence each."""
        reasons = [f"model {name} is loading" for name in sorted(self._loading)]
        return ["the process is stopping", *reasons] if self._is_draining else reasons

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each model, then for each that was refused; `version` is 0 there."""
        rows: list[Mapping[str, object]] = [
            {
                "name": model.name,
                "version": model.latest.version.version,
                "state": model.latest.state.value,
                "reason": model.latest.reason,
                "replicas": [
                    str(ReplicaId(model.latest.server, replica.replica_idx))
                    for replica in model.latest.replicas
                    if replica.state is ReplicaState.AVAILABLE
                ],
                "desiredReplicas": model.latest.version.spec.replicas,
            }
            for model in self._models()
        ]
        rows += [
            {
                "name": refused.name,
                "version": 0,
                "state": "Refused",
                "reason": refused.reason,
                "source": refused.source,
                "replicas": [],
                "desiredReplicas": 0,
            }
            for refused in self._refused
        ]
        return rows

    async def load_models(self) -> None:
        """Ask for every model and wait until all are settled; one that fails stops no other."""
        scheduler = self._scheduler
        scheduler.sync()
        answers = [(spec, scheduler.load_model(spec, from_folder=True)) for spec in self._found]
        for spec, answer in answers:
            try:
                await answer
            except SeldonError as error:
                self._refused.append(RefusedModel(spec.storage_uri, str(error), spec.name))
                self._reporter.refused(spec.name, error)
            self._unanswered.discard(spec.name)
            self._settle(spec.name)  # one that is refused may be there, as it was declared before
        await scheduler.settled(self._loading)
        self._loading.clear()  # each was settled once, though one may be tried again by now
        # What was made up to here stays: later collections need not look at it again, which
        # would cost a request tens of milliseconds now and then.
        gc.collect()
        gc.freeze()
        self._reporter.loaded(self._models(), len(self._refused), await self._example())

    def _models(self) -> list[ModelStatus]:
        """Every model that is not gone."""
        models = self._scheduler.models()
        return [model for model in models if model.latest.state is not ModelState.TERMINATED]

    def _settle(self, name: str) -> None:
        model = self._scheduler.model(name)
        versions = model.versions if model is not None else ()
        if all(version.state is not ModelState.PROGRESSING for version in versions):
            self._loading.discard(name)

    async def _example(self) -> ModelMetadata | None:
        for model in self._models():
            if model.latest.state is ModelState.AVAILABLE:
                name = model.name
                call = InferCall(
                    Verb.MODEL_METADATA, name, "", {}, Payload(JSON_CODEC, b""), "rest", ""
                )
                try:
                    return replace(await self._router.metadata(call), name=name)
                except SeldonError:
                    continue  # it was deleted since, or has no route while the disk is full
        return None

    async def drain(self, listener: Listener, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""
        self._is_draining = True
        await listener.drain(timeout_s)


async def serve(
    settings: Settings,
    data_folder: Path,
    found: FoundModels,
    reporter: Reporter,
    load: Loader | None = None,
) -> None:
    """Run the process with every role until a signal ends it; a second one does at once.

    `data_folder` exists and is this process's alone. What was begun may end first: requests for the
    drain time-out, then the rest for 10 s. `load` stands in for the runtimes in measurements.

    Raises ConfigError if a port is taken, StoreError if the data folder cannot be used, and
    whatever a background loop fails with.
    """
    stop = stop_on_signals()
    async with open_process(settings, data_folder, found, reporter, load) as (process, listener):
        gc.freeze()
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
        scheduler = await stack.enter_async_context(
            open_scheduler(links, process, store, SystemClock(not_before=store.last_now))
        )
        process.attach(scheduler)
        process.expect(model.name for model in store.models if model.deleted_at is None)
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
            open_listener(_listener_settings(settings), router, process)
        )
        metrics.add_source(lambda: listener_families(listener))
        ports = await _open_late(late, settings, metrics, process, scheduler, listener)
        # Only now, when no port can be taken any more: the log tells of each.
        for server in DEFAULT_SERVERS:
            scheduler.connect_replica(
                ReplicaId(server.name, 0),
                capabilities_here(server),
                settings.agent.memory,
                settings.agent.over_commit_percentage,
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
