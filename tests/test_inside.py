"""Data ports for the replicas inside a process that has the scheduler."""

import asyncio
import contextlib
import socket

from seldon_core.agent.traces import Traces
from seldon_core.aio.supervise import open_tasks
from seldon_core.config.load import load_settings
from seldon_core.errors import NotFoundError
from seldon_core.inside import InsidePorts
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaId
from tests.support.hop import Steady
from tests.support.scheduler_fakes import FakeRoutes

ONE, OTHER = ReplicaId("mlserver", 0), ReplicaId("triton", 0)


class Front:
    """Has no model."""

    async def infer(self, call):
        raise NotFoundError("model", call.model)

    stream = metadata = ready = config = statistics = infer


class Agent:
    """As much of one as a data port needs."""

    def __init__(self):
        self.front, self.repository = Front(), None


@contextlib.asynccontextmanager
async def inside(**flags):
    settings = load_settings(None, {}, flags).settings
    routes = FakeRoutes()
    budget = InFlightBytes(1 << 20)
    agents = {ONE: Agent(), OTHER: Agent()}
    ports = InsidePorts(settings, agents, routes, Steady(), budget, Traces())
    async with open_tasks("test") as tasks:
        tasks.start(ports.run(), name="ports")
        yield ports, routes


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=20))


def takes(address):
    with contextlib.suppress(OSError), socket.create_connection((address.host, address.http_port)):
        return True
    return False


def test_ports_are_opened_when_the_first_router_comes_and_once():
    async def test():
        async with inside() as (ports, routes):
            await asyncio.sleep(0)
            assert not routes.replicas
            await ports.drain(0)  # of nothing
            await asyncio.gather(ports.reach(), ports.reach())
            places = dict(routes.replicas)
            assert set(places) == {ONE, OTHER}
            assert all(map(takes, places.values()))
            await ports.reach()
            assert routes.replicas == places
            await ports.drain(1)
            assert not any(map(takes, places.values()))

    run(test)


def test_a_port_that_cannot_be_opened_is_logged_and_ends_nothing(caplog):
    async def test():
        async with inside(**{"listener.host": "192.0.2.1"}) as (ports, routes):
            await ports.reach()
            assert not routes.replicas

    run(test)
    assert "routers elsewhere do not reach the replicas here" in caplog.text
