"""The composition root: which parts a process has, how they are wired, and in what order they stop.

The only module that knows more than one role.
"""

import asyncio
import gc
import logging
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from seldon_core import __version__
from seldon_core.agent.service import open_agent
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.supervise import open_tasks
from seldon_core.config.settings import AgentSettings, Settings
from seldon_core.errors import SeldonError
from seldon_core.observability.metrics import Metrics, listener_families
from seldon_core.protocol.inference import ServerMetadata
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.servers import DEFAULT_SERVERS, ServerDefinition
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.scheduler.machine import ModelStatus
from seldon_core.scheduler.service import Scheduler, open_scheduler
from seldon_core.transport.control import AgentLink, ReplicaId
from seldon_core.transport.handler import InferHandler
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.settings import ListenerSettings

_log = logging.getLogger(__name__)

EXTENSIONS = ("binary_tensor_data", "parameters")

_LIBRARIES = {
    ("mlserver", "mlserver"): "seldon_core",
    ("mlserver", "sklearn"): "sklearn",
    ("triton", "triton"): "seldon_core",
    ("triton", "onnx"): "onnxruntime",
    # Seldon's manifests ask for these where the artifact may as well be ONNX, which is then run;
    # one that is none fails to load with a sentence that says so.
    ("triton", "python"): "onnxruntime",
    ("triton", "tensorflow"): "onnxruntime",
}
"""What can be kept of each server's capabilities, and the library that each needs."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the process listens: the real numbers, also where 0 was asked for."""

    host: str
    data: int
    scheduler: int
    agent: int
    admin: int


class Reporter(Protocol):
    """Tells the person who started the process how it goes."""

    def opened(self, ports: Ports, settings: Settings) -> None:
        """Every port is open."""

    def settled(self, model: ModelStatus, took_s: float) -> None:
        """A model can be called, or cannot and will not; `took_s` since it was asked for."""

    def refused(self, name: str, error: SeldonError) -> None:
        """A model was not even accepted."""

    def loaded(self, models: Sequence[ModelStatus]) -> None:
        """All models that were asked for are settled; these are those that there are."""

    def draining(self, timeout_s: float) -> None:
        """The process was told to stop: requests under way have so long to end."""


class Process:
    """A running process: what clients and operators see of it as a whole.

    It is the data path's `ServerState` and the admin port's `ProcessState`.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._loading: dict[str, None] = {}
        self._is_draining = False

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
        reasons = [f"model {name} is loading" for name in self._loading]
        return ["the process is stopping", *reasons] if self._is_draining else reasons

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each model."""
        return [
            {
                "name": row.name,
                "version": row.version,
                "state": row.state.value,
                "reason": row.reason,
                "replicas": list(row.replicas),
                "desiredReplicas": row.desired_replicas,
            }
            for row in self._scheduler.status()
        ]

    async def load_models(self, specs: Sequence[ModelSpec], reporter: Reporter) -> None:
        """Ask for every model, then report each as it settles; one that fails stops no other."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._loading = dict.fromkeys(spec.name for spec in specs)
        answers = [(spec.name, self._scheduler.load_model(spec)) for spec in specs]
        for name, answer in answers:
            try:
                await answer
                await self._scheduler.settled([name])
            except SeldonError as error:
                reporter.refused(name, error)
            else:
                status = self._scheduler.status_of(name)
                assert status is not None, "nobody unloads a model while it is asked for"
                reporter.settled(status, loop.time() - began)
            del self._loading[name]
        # What was made up to here stays: later collections need not look at it again, which
        # would cost a request tens of milliseconds now and then.
        gc.collect()
        gc.freeze()
        reporter.loaded(self._scheduler.status())

    async def drain(self, listener: Listener, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""
        self._is_draining = True
        await listener.drain(timeout_s)


async def serve(
    settings: Settings, specs: Sequence[ModelSpec], trusted: Sequence[Path], reporter: Reporter
) -> None:
    """Run the process with every role until SIGINT or SIGTERM; a second signal ends it at once.

    Artifacts below `trusted` may run code when they are loaded. Raises ConfigError if a port is
    taken, and whatever a background loop fails with.
    """
    stop = _stop_on_signals()
    async with open_process(settings, trusted, reporter) as (process, listener):
        gc.freeze()
        async with open_tasks("process") as tasks:
            tasks.start(process.load_models(specs, reporter), name="load models")
            await stop.wait()
        drain_timeout_s = settings.listener.drain_timeout_s
        reporter.draining(drain_timeout_s)
        await process.drain(listener, drain_timeout_s)


@asynccontextmanager
async def open_process(
    settings: Settings, trusted: Sequence[Path], reporter: Reporter
) -> AsyncIterator[tuple[Process, Listener]]:
    """Open every part of a process with all roles; they stop in the reverse of this order."""
    metrics = Metrics()
    links: dict[ReplicaId, AgentLink] = {}
    handlers: dict[ReplicaId, InferHandler] = {}
    router = RouterHandler(RouteTable(handlers), random.random)
    async with AsyncExitStack() as stack:
        workers = await stack.enter_async_context(open_workers(_worker_count(settings.agent)))
        scheduler = await stack.enter_async_context(open_scheduler(links, router, SystemClock()))
        for server in DEFAULT_SERVERS:
            replica = ReplicaId(server.name, 0)
            agent = await stack.enter_async_context(
                open_agent(
                    replica,
                    settings.agent.memory,
                    settings.agent.over_commit_percentage,
                    reports=scheduler,
                    metrics=metrics,
                    trusted=trusted,
                    workers=workers,
                )
            )
            links[replica], handlers[replica] = agent, agent.handler
            scheduler.connect_replica(
                replica,
                _capabilities(server),
                settings.agent.memory,
                settings.agent.over_commit_percentage,
            )
        process = Process(scheduler)
        # Admin and control ports go last, so that they can be watched while requests are drained,
        # and come last, since their libraries take 160 ms to import.
        late = await stack.enter_async_context(AsyncExitStack())
        listener = await stack.enter_async_context(
            open_listener(_listener_settings(settings), router, process)
        )
        metrics.add_source(lambda: listener_families(listener))
        ports = await _open_late(late, settings, metrics, process, listener)
        reporter.opened(ports, settings)
        yield process, listener


async def _open_late(
    stack: AsyncExitStack,
    settings: Settings,
    metrics: Metrics,
    process: Process,
    listener: Listener,
) -> Ports:
    from seldon_core.observability.admin import open_admin
    from seldon_core.transport.control_grpc import open_control_port

    admin = await stack.enter_async_context(open_admin(settings.admin, metrics, process))
    scheduler, agent = [
        await stack.enter_async_context(open_control_port(setting, port))
        for setting, port in (
            ("scheduler.port", settings.scheduler.port),
            ("agent.port", settings.agent.port),
        )
    ]
    return Ports(settings.listener.host, listener.port, scheduler, agent, admin)


def _listener_settings(settings: Settings) -> ListenerSettings:
    given = settings.listener.model_dump(exclude={"drain_timeout_s"})
    return ListenerSettings(**given, in_flight_bytes=settings.payload.in_flight_bytes)


def _capabilities(server: ServerDefinition) -> tuple[str, ...]:
    """Return what `server` can really do here: with the libraries that are installed."""
    libraries = ((name, _LIBRARIES.get((server.name, name))) for name in server.capabilities)
    return tuple(name for name, library in libraries if library and find_spec(library))


def _worker_count(settings: AgentSettings) -> int:
    return settings.workers or max(1, (os.cpu_count() or 1) - 1)


def _stop_on_signals() -> asyncio.Event:
    """Return an event that the first SIGINT or SIGTERM sets; the second ends the process."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def take(number: signal.Signals) -> None:
        if stop.is_set():
            # Not an exception: whatever is being waited for may be what hangs.
            os._exit(128 + number)
        _log.info("stopping signal=%s", number.name)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, take, number)
    return stop
