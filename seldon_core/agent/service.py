"""An agent: one server replica, from its first model to its last."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from seldon_core.agent.copies import Workers
from seldon_core.agent.execution import Grounds
from seldon_core.agent.front import AgentFront, AgentRepository
from seldon_core.agent.handler import AgentHandler
from seldon_core.agent.hosting import ModelHost
from seldon_core.agent.loading import Loader, loader
from seldon_core.agent.pool import ModelPool
from seldon_core.agent.scaling import Figures
from seldon_core.agent.storage import Remotes
from seldon_core.agent.traces import Traces
from seldon_core.aio.clock import Clock
from seldon_core.aio.supervise import open_tasks
from seldon_core.aio.threads import ThreadPool, open_threads
from seldon_core.observability.metrics import Metrics
from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.transport.control import HeldModel, ReplicaId, ReportSink


class Agent:
    """One server replica: an `AgentLink` for the scheduler, and `handler` for the router.

    `front` and `repository` are for a data port of its own.
    """

    def __init__(self, host: ModelHost, clock: Clock, remotes: Remotes) -> None:
        self.handler = AgentHandler(host, clock)
        self.front = AgentFront(self.handler, host)
        self.repository = AgentRepository(host)
        self._host = host
        self._remotes = remotes

    @property
    def finds_secrets(self) -> bool:
        """It is told what a Secret says."""
        return False

    def load_model(self, version: ModelVersion, remote: Remote | None = None) -> None:
        """Load, from `remote`; a LOADED or LOAD_FAILED report follows."""
        self._remotes.put(version.internal_name, remote)
        self._host.load(version)

    def dismiss(self) -> None:
        """Begin the end: where agents end in turn, none loads while it waits for another."""
        self._host.dismiss()

    def unload_model(self, model: str, version: int) -> None:
        """Let what runs finish, then unload; an UNLOADED report follows."""
        self._host.unload(model, version)

    def held(self) -> tuple[HeldModel, ...]:
        """Return every version that is here, those that were evicted from memory included."""
        return tuple(map(HeldModel, self._host.held()))

    def figures(self) -> Iterator[Figures]:
        """Yield how much each model is called that is scaled by that."""
        for name in list(self._host.served):  # who takes them lets others change that meanwhile
            served, slot = self._host.served.get(name), self._host.pool.slots.get(name)
            if served is not None and slot is not None and served.version.spec.is_watched:
                under_way = slot.running - slot.is_held + len(slot.waiting)
                yield Figures(served.version, under_way, served.counts.ended, served.counts)

    def available_bytes(self) -> int:
        """Return the room that is left, over-commit included."""
        pool = self._host.pool
        return max(pool.limit - pool.registered, 0)


@asynccontextmanager
async def open_agent(
    replica: ReplicaId,
    capacity_bytes: int,
    over_commit_percentage: int,
    *,
    reports: ReportSink,
    metrics: Metrics,
    trusted: Sequence[Path],
    workers: Workers,
    load_threads: ThreadPool,
    clock: Clock,
    traces: Traces,
    load: Loader | None = None,
) -> AsyncIterator[Agent]:
    """Run a server replica for the length of a block.

    Its models may take `capacity_bytes` together, and be registered for `over_commit_percentage`
    more: the least recently used ones are evicted and loaded again on demand. Artifacts below
    `trusted` may run code when they are loaded. `load_threads` is one thread for every agent of the
    process: loads are measured by how the process grows, so there is one at a time. `traces` is of
    all agents, too, and `clock` the process's. `load` stands in for the runtimes in tests. The end
    of the block waits for the calls that run and the load that is under way, then unloads every
    model.
    """
    remotes = Remotes()
    pool = ModelPool(capacity_bytes, over_commit_percentage)
    counts = metrics.replica(replica.server, str(replica.replica_idx))
    counts.capacity_bytes = pool.capacity
    counts.capacity_overcommit_bytes = pool.limit

    def count_fault() -> None:
        metrics.internal_errors += 1

    async with (
        open_threads("agent-run", os.cpu_count() or 1) as run_threads,
        open_tasks(f"agent {replica}") as tasks,
    ):
        grounds = Grounds(tasks, run_threads, workers, count_fault)
        host = ModelHost(
            replica,
            pool,
            grounds,
            load or loader(trusted, remotes),
            load_threads,
            reports,
            counts,
            traces,
            remotes.drop,
        )
        yield Agent(host, clock, remotes)
        await host.dismiss()
