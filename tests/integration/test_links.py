"""Scheduler, agents and routers that reach each other over sockets, in one process."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from seldon_core.agent.link import open_scheduler_link
from seldon_core.aio.clock import SystemClock
from seldon_core.resources.model import ModelSpec
from seldon_core.router.link import RouteLink
from seldon_core.scheduler.agent_api import AgentApi
from seldon_core.scheduler.route_feed import RouteFeed
from seldon_core.scheduler.service import open_scheduler
from seldon_core.transport.control import ReplicaAddress, ReplicaConfig, ReplicaId
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.rpc_client import open_rpc_client
from tests.support.agent_link_fakes import FakeAgent
from tests.support.scheduler_fakes import FakeStore
from tests.support.seldon_agent import LOADED, SeldonAgent, a_channel

PATIENCE_S = 3.0


class Routes:
    """What a router would do now: of each name the replicas or the notice; and every withdrawal."""

    def __init__(self):
        self.now = {}
        self.replicas = {}
        self.withdrawn = []

    def publish(self, update):
        replicas = {str(each) for found in update.candidates for each in found.replicas}
        if not replicas and self.now.get(update.name):
            self.withdrawn.append(update.name)
        self.now[update.name] = replicas

    def publish_replica(self, replica, address):
        self.replicas[str(replica)] = address


class World:
    """A scheduler on a port that stays the same when it starts again."""

    def __init__(self):
        self.store = FakeStore()
        self.port = 0
        self.scheduler = None
        self._stack = AsyncExitStack()

    async def start(self):
        links = {}
        feed = RouteFeed(lambda: self.scheduler.complete())
        opening = open_scheduler(links, feed, self.store, SystemClock())
        self.scheduler = await self._stack.enter_async_context(opening)
        services = (*AgentApi(self.scheduler, links).services(), *feed.services())
        opening = open_control_port("agent.port", self.port, services, ping_s=0.5)
        self.port = await self._stack.enter_async_context(opening)
        self.scheduler.sync(PATIENCE_S)

    async def stop(self):
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def load(self, name, replicas=1):
        await self.scheduler.load_model(
            ModelSpec(name, f"/{name}", ("sklearn",), 1, replicas=replicas)
        )


@asynccontextmanager
async def a_world():
    world = World()
    await world.start()
    try:
        yield world
    finally:
        await world.stop()


@asynccontextmanager
async def an_agent(world, index, memory_bytes=1000):
    """A replica that is linked; yields the fake agent and its link."""
    replica = ReplicaId("mlserver", index)
    address = ReplicaAddress("127.0.0.1", 9000 + index, 9000 + index, True)
    config = ReplicaConfig(("sklearn",), memory_bytes, 0, address=address)
    agent = FakeAgent(replica=replica)
    async with (
        open_rpc_client("127.0.0.1", world.port, "the scheduler") as client,
        open_scheduler_link(
            client, replica, config, unload_grace_s=0.01, first_pause_s=0.05
        ) as link,
    ):
        agent.reports = link
        link.attach(agent)
        yield agent, link


@asynccontextmanager
async def a_router(world):
    routes = Routes()
    async with (
        open_rpc_client("127.0.0.1", world.port, "the scheduler") as client,
        asyncio.TaskGroup() as tasks,
    ):
        link = RouteLink(client, routes, first_pause_s=0.05)
        task = tasks.create_task(link.follow())
        yield routes, link
        task.cancel()


async def until(is_so):
    while not is_so():
        await asyncio.sleep(0.01)


def run(test):
    async def limited():
        async with asyncio.timeout(30):
            return await test()

    return asyncio.run(limited())


def test_a_model_is_loaded_elsewhere_and_routers_elsewhere_are_told_where():
    async def test():
        async with a_world() as world, an_agent(world, 0), a_router(world) as (routes, _):
            await world.load("iris")
            await until(lambda: routes.now.get("iris") == {"mlserver/0"})
            assert routes.replicas["mlserver/0"] == ReplicaAddress("127.0.0.1", 9000, 9000, True)

    run(test)


def test_a_replica_that_is_lost_is_done_without_and_comes_back_with_what_it_holds():
    async def test():
        async with a_world() as world, AsyncExitStack() as first, a_router(world) as (routes, _):
            await first.enter_async_context(an_agent(world, 0))
            async with an_agent(world, 1):
                await world.load("iris", replicas=2)
                await until(lambda: routes.now.get("iris") == {"mlserver/0", "mlserver/1"})
                await first.aclose()
                await until(lambda: routes.now.get("iris") == {"mlserver/1"})
                assert routes.replicas["mlserver/0"] is None
                async with an_agent(world, 0):
                    await until(lambda: routes.now.get("iris") == {"mlserver/0", "mlserver/1"})
            assert routes.withdrawn == []

    run(test)


def test_a_scheduler_that_starts_again_finds_everything_as_it_was_and_no_route_is_withdrawn():
    async def test():
        async with (
            a_world() as world,
            an_agent(world, 0) as (one, _),
            an_agent(world, 1) as (other, _),
            a_router(world) as (routes, link),
        ):
            await world.load("iris", replicas=2)
            await world.load("wine")
            await until(lambda: len(routes.now.get("iris", ())) == 2 and routes.now.get("wine"))
            orders = [*one.orders], [*other.orders]
            before = dict(routes.now)
            for _ in range(3):
                await world.stop()
                await until(lambda: not link.is_subscribed)
                assert routes.now == before
                await world.start()
                await until(lambda: link.is_subscribed)
                assert routes.now == before
            assert routes.withdrawn == []
            assert ([*one.orders], [*other.orders]) == orders
            await world.load("late")
            await until(lambda: routes.now.get("late"))

    run(test)


def test_many_models_come_back_without_a_route_being_withdrawn():
    """More than the machine places at a time."""

    async def test():
        async with (
            a_world() as world,
            an_agent(world, 0) as (agent, _),
            a_router(world) as (routes, link),
        ):
            for index in range(200):
                await world.load(f"m{index}")
            await until(lambda: sum(map(bool, routes.now.values())) == 200)
            orders = len(agent.orders)
            await world.stop()
            await until(lambda: not link.is_subscribed)
            await world.start()
            await until(lambda: link.is_subscribed)
            assert routes.withdrawn == []
            assert len(agent.orders) == orders

    run(test)


def test_a_drained_replica_ends_when_its_models_serve_elsewhere():
    async def test():
        async with (
            a_world() as world,
            an_agent(world, 0) as (_, link),
            a_router(world) as (routes, _),
        ):
            await world.load("iris")
            await until(lambda: routes.now.get("iris") == {"mlserver/0"})
            async with an_agent(world, 1):
                await until(lambda: len(world.scheduler.server("mlserver").replicas) == 2)
                await link.drain(10)
                assert routes.withdrawn == []
                await until(lambda: routes.now.get("iris") == {"mlserver/1"})

    run(test)


def test_an_agent_of_seldons_serves_beside_ours():
    async def test():
        async with (
            a_world() as world,
            a_router(world) as (routes, _),
            a_channel(world.port) as channel,
        ):
            agent = SeldonAgent(channel, "triton", 3, held=[("held", 5)])
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(agent.serve())
                await world.load("iris")
                await until(lambda: routes.now.get("iris") == {"triton/3"})
                assert routes.replicas["triton/3"] == ReplicaAddress("127.0.0.1", 9001, 9501)
                assert agent.orders[0] == "load iris 1"
                task.cancel()

    run(test)


@pytest.mark.parametrize("memory", [0, 2**63 - 1], ids=["none", "endless"])
def test_an_agent_that_lies_changes_nothing_wrongly(memory):
    async def test():
        async with (
            a_world() as world,
            an_agent(world, 0),
            a_router(world) as (routes, _),
            a_channel(world.port) as channel,
        ):
            await world.load("iris")
            await until(lambda: routes.now.get("iris") == {"mlserver/0"})
            liar = SeldonAgent(channel, "mlserver", 1, memory=memory, answers=False)
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(liar.serve())
                await until(lambda: len(world.scheduler.server("mlserver").replicas) == 2)
                for version in (1, 2, 77):
                    assert await liar.report("iris", version, LOADED) is not None
                    assert await liar.report("nobodys", version, LOADED) is not None
                await world.scheduler.caught_up()
                assert routes.now["iris"] == {"mlserver/0"}
                assert world.scheduler.model("nobodys") is None
                task.cancel()

    run(test)
