"""A scheduler that serves Secrets on a real socket, with one replica that obeys."""

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from seldon_core.scheduler.api import SchedulerApi
from seldon_core.scheduler.secret_api import SecretApi
from seldon_core.scheduler.service import open_scheduler
from seldon_core.transport.control import ReplicaConfig, ReplicaId
from seldon_core.transport.control_port import open_control_port
from tests.support.scheduler_fakes import FakeLink, FakeRoutes, FakeStore, StoppedClock

REPLICA = ReplicaId("mlserver", 0)


class RemoteLink(FakeLink):
    """Remembers the remotes that it was told to load from. `finds_secrets` as an agent's does."""

    def __init__(self, finds_secrets=False):
        super().__init__(REPLICA)
        self.finds_secrets = finds_secrets
        self.remotes = {}

    def load_model(self, version, remote=None):
        self.remotes[version.internal_name] = remote
        super().load_model(version, remote)


@dataclass
class SecretScheduler:
    """Where it is, its replica's link and its store."""

    address: str
    link: RemoteLink
    store: Any


async def _serve(store, started, stop):
    link = RemoteLink()
    async with open_scheduler({REPLICA: link}, FakeRoutes(), store, StoppedClock()) as scheduler:
        link.sink = scheduler
        scheduler.connect_replica(REPLICA, ReplicaConfig(("sklearn",), 100, 10))
        scheduler.sync()
        services = (*SchedulerApi(scheduler).services(), *SecretApi(scheduler).services())
        async with open_control_port("scheduler.port", 0, services) as port:
            started(SecretScheduler(f"127.0.0.1:{port}", link, store))
            await stop.wait()


@contextmanager
def secret_scheduler(store=None):
    """Run it on a thread of its own for the length of a block."""
    is_up, found = threading.Event(), {}

    async def main():
        found["loop"], found["stop"] = asyncio.get_running_loop(), asyncio.Event()

        def started(scheduler):
            found["scheduler"] = scheduler
            is_up.set()

        await _serve(store or FakeStore(), started, found["stop"])

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    try:
        assert is_up.wait(10), "it did not start"
        yield found["scheduler"]
    finally:
        found["loop"].call_soon_threadsafe(found["stop"].set)
        thread.join()
