"""A router and an agent in processes of their own, without the scheduler, as P5 measures them.

    python -m perf.two_processes agent PORT MODEL_FOLDER...
    python -m perf.two_processes router PORT AGENT_PORT[,AGENT_PORT...] MODEL_NAME...

Every model is version 1 on every replica, and a model's name is its folder's.
"""

import asyncio
import gc
import random
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from seldon_core.agent.loading import loader
from seldon_core.agent.service import open_agent
from seldon_core.agent.traces import Traces
from seldon_core.agent.worker import open_workers
from seldon_core.aio.clock import SystemClock
from seldon_core.aio.threads import open_threads
from seldon_core.observability.metrics import Metrics
from seldon_core.protocol.inference import ServerMetadata
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import (
    ModelReport,
    ReplicaAddress,
    ReplicaId,
    RouteCandidate,
    RouteUpdate,
)
from seldon_core.transport.handler import DataServices, InferHandler, Repository
from seldon_core.transport.listener import open_listener
from seldon_core.transport.log_settings import LogLevels
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.upstreams import open_upstreams

REPLICA = ReplicaId("measured", 0)


class Steady:
    """A server that is ready."""

    def live(self) -> bool:
        return True

    def ready(self) -> bool:
        return True

    def metadata(self) -> ServerMetadata:
        return ServerMetadata("measured", "0", ())


class Loads:
    """Waits for so many models to be loaded."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.done = asyncio.Event()

    def report(self, report: ModelReport) -> None:
        if report.reason:
            raise RuntimeError(report.reason)
        self._left -= 1
        if not self._left:
            self.done.set()


async def agent(port: int, folders: list[Path]) -> None:
    """Serve the models in `folders` until a signal comes."""
    async with AsyncExitStack() as stack:
        loads = Loads(len(folders))
        threads = await stack.enter_async_context(open_threads("load", 1))
        workers = await stack.enter_async_context(open_workers(1))
        opened = await stack.enter_async_context(
            open_agent(
                REPLICA,
                1024 * MIB,
                0,
                reports=loads,
                metrics=Metrics(),
                trusted=folders,
                workers=workers,
                load_threads=threads,
                clock=SystemClock(),
                traces=Traces(),
                load=loader(folders),
            )
        )
        for folder in folders:
            opened.load_model(ModelVersion(ModelSpec(folder.name, folder.as_uri()), 1))
        await loads.done.wait()
        await serve(stack, port, opened.front, opened.repository)


async def router(port: int, agent_ports: list[int], names: list[str]) -> None:
    """Serve the models `names` of the agents until a signal comes."""
    async with AsyncExitStack() as stack:
        budget = InFlightBytes(1024 * MIB)
        upstreams = await stack.enter_async_context(open_upstreams(budget))
        handler = RouterHandler(RouteTable({}), random.random, upstreams.open)
        replicas = tuple(ReplicaId("measured", index) for index in range(len(agent_ports)))
        for replica, at in zip(replicas, agent_ports, strict=True):
            address = ReplicaAddress("127.0.0.1", at, at, is_ours=True)
            handler.publish_replica(replica, address)
        for name in names:
            handler.publish(RouteUpdate(name, (RouteCandidate(name, 1, 100, replicas),)))
        await serve(stack, port, handler, None)


async def serve(
    stack: AsyncExitStack, port: int, handler: InferHandler, repository: Repository | None
) -> None:
    services = DataServices(handler, Steady(), repository, Traces(), LogLevels())  # type: ignore[arg-type]  # nobody asks
    await stack.enter_async_context(open_listener(ListenerSettings(port=port), services))
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    gc.freeze()  # this and the next line as `app.serve` has them
    gc.set_threshold(20_000)
    await stopped.wait()


def main(role: str, port: str, *rest: str) -> None:
    if role == "agent":
        uvloop.run(agent(int(port), [Path(folder).resolve() for folder in rest]))
    else:
        ports = [int(one) for one in rest[0].split(",")]
        uvloop.run(router(int(port), ports, list(rest[1:])))


if __name__ == "__main__":
    main(*sys.argv[1:])
