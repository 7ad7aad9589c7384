"""A real scheduler stays right, and as large as it was, whatever agents and routers tell it."""

import asyncio
import time
import urllib.request
from contextlib import asynccontextmanager

import grpc
import psutil
import pytest

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import ModelSpec
from seldon_core.transport.control_client import RpcError, SchedulerClient
from tests.support.odd_agents import OddAgent, OddRouter, request
from tests.support.seldon_agent import LOAD_FAILED, LOADED, UNLOADED, a_channel
from tests.support.server import serving

pytestmark = pytest.mark.system

MIB = 1 << 20
CODE = grpc.StatusCode
PORTS = ("--scheduler-port=0", "--agent-port=0", "--admin-port=0")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    data = tmp_path_factory.mktemp("scheduler")
    with serving("serve", "--role=scheduler", f"--data-dir={data}", *PORTS) as server:
        yield server
        with urllib.request.urlopen(f"{server.admin}/livez", timeout=10) as answer:
            assert answer.status == 200
        assert server.stop() == 0
        assert "Traceback" not in server.output


class World:
    """The scheduler, a channel of an agent's, and a client of the control API."""

    def __init__(self, scheduler, channel, client):
        self.scheduler, self.channel, self._client = scheduler, channel, client

    def agent(self, *asked, **fields):
        return OddAgent(self.channel, request(*asked, **fields))

    async def ask(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)

    async def declare(self, name, server, **fields):
        declared = message_of(ModelSpec(name, f"/{name}", (server,), **fields))
        await self.ask(self._client.load_model, pb.LoadModelRequest(model=declared))

    async def delete(self, name):
        await self.ask(self._client.unload_model, pb.UnloadModelRequest(model={"name": name}))

    async def state(self, name):
        """The latest version's state, why, and the replicas that have it by what it is there."""
        asked = pb.ModelStatusRequest(model={"name": name})
        (status,) = await self.ask(lambda: list(self._client.model_status(asked)))
        latest = status.versions[-1]
        places = {
            index: pb.ModelReplicaStatus.ModelReplicaState.Name(each.state)
            for index, each in latest.modelReplicaState.items()
        }
        state = pb.ModelStatus.ModelState.Name(latest.state.state)
        return state, latest.state.reason, places

    async def becomes(self, name, wanted):
        while (found := await self.state(name))[0] != wanted:
            await asyncio.sleep(0.02)
        return found

    async def server(self, name):
        asked = pb.ServerStatusRequest(name=name)
        return (await self.ask(lambda: list(self._client.server_status(asked))))[0]

    async def has_replicas(self, name, count):
        while await self._replicas(name) != count:
            await asyncio.sleep(0.02)

    async def _replicas(self, name):
        try:
            return (await self.server(name)).availableReplicas
        except RpcError:  # nobody knows it yet
            return 0

    def logged(self, text):
        return [line for line in self.scheduler.lines if text in line]

    def resident(self):
        return psutil.Process(self.scheduler.process.pid).memory_info().rss


@pytest.fixture
def in_world(scheduler):
    """Runs a coroutine function that is given the world."""

    @asynccontextmanager
    async def made():
        with SchedulerClient(f"127.0.0.1:{scheduler.ports['scheduler']}") as client:
            async with a_channel(scheduler.ports["agent"]) as channel:
                yield World(scheduler, channel, client)

    def run(test):
        async def limited():
            async with asyncio.timeout(60), made() as world:
                await test(world)

        asyncio.run(limited())

    return run


@pytest.mark.parametrize("memory", [0, 2**63 - 1], ids=["no memory", "endless memory"])
def test_memory_that_cannot_be_is_counted_and_breaks_nothing(in_world, memory):
    async def test(world):
        server = f"memory{memory % 7}"
        odd = world.agent(server, memory=memory, available=2**64 - 1)
        async with odd.subscribed():
            await world.has_replicas(server, 1)
            await world.declare(f"on-{server}", server, memory_bytes=10)
            if memory:
                await odd.has(lambda: odd.orders)
                for available in (2**64 - 1, 0, 10**18, 1):
                    fields = {"availableMemoryBytes": available, "measuredMemoryBytes": 2**64 - 1}
                    assert await odd.report(f"on-{server}", 1, LOADED, **fields) is None
                await world.becomes(f"on-{server}", "ModelAvailable")
            else:
                _, reason, _ = await world.becomes(f"on-{server}", "ScheduleFailed")
                assert "memory" in reason
            (resources,) = (await world.server(server)).resources
            assert resources.availableMemoryBytes <= resources.totalMemoryBytes == memory
        await world.delete(f"on-{server}")

    in_world(test)


def test_memory_beyond_what_a_number_of_it_holds_is_refused_in_words(in_world):
    async def test(world):
        odd = world.agent("toolarge", memory=2**64 - 1)
        async with odd.subscribed():
            await odd.has(lambda: odd.end)
        assert odd.end[0] is CODE.FAILED_PRECONDITION
        assert "memoryBytes" in odd.end[1]

    in_world(test)


@pytest.mark.parametrize("hello", [None, (1, 1, "x")], ids=["Seldon's", "ours"])
def test_reports_that_answer_no_order_change_nothing(in_world, hello):
    async def test(world):
        server = "stale-ours" if hello else "stale"
        model = f"on-{server}"
        odd = world.agent(server, hello=hello)
        async with odd.subscribed():
            await world.has_replicas(server, 1)
            # Before any order; of what nobody knows; of no model at all.
            assert await odd.report(model, 1, LOADED) is CODE.INTERNAL
            assert await odd.report("nobodys", 77, UNLOADED) is CODE.INTERNAL
            assert await odd.report("", 0, LOADED) is CODE.FAILED_PRECONDITION
            assert await odd.report(model, 1, 6) is CODE.INVALID_ARGUMENT  # REMOVED
            await odd.has(lambda: odd.told()[-1] == f"unload {model} 1")
            await world.declare(model, server)
            await odd.has(lambda: odd.told()[-1] == f"load {model} 1")
            number = odd.orders[-1].order
            # The answer to another order, then twice the right one, then its contrary.
            assert await odd.report(model, 1, UNLOADED, order=number) is None
            if hello:
                assert await odd.report(model, 1, LOAD_FAILED) is None
                assert await odd.report(model, 1, LOAD_FAILED, order=number + 7) is None
            assert (await world.state(model))[0] == "ModelProgressing"
            for _ in range(2):
                assert await odd.report(model, 1, LOADED, order=number) is None
            assert await odd.report(model, 1, LOAD_FAILED, order=number) is None
            await world.becomes(model, "ModelAvailable")
            await world.delete(model)
            await odd.has(lambda: odd.told()[-1] == f"unload {model} 1")
            assert await odd.report(model, 1, LOADED, order=number) is None  # late
            assert (await world.state(model))[0] == "ModelTerminating"
            await odd.report(model, 1, UNLOADED, order=odd.orders[-1].order)
            await world.becomes(model, "ModelTerminated")

    in_world(test)


def test_what_a_replica_holds_that_is_not_wanted_is_unloaded_and_nobody_is_sent_there(in_world):
    async def test(world):
        good = world.agent("holding", 0)
        async with good.subscribed():
            await world.has_replicas("holding", 1)
            await world.declare("kept", "holding")
            await good.has(lambda: good.orders)
            await good.obey()
            await world.becomes("kept", "ModelAvailable")
            liar = world.agent("holding", 1, held=[("kept", 1), ("kept", 9), ("kept", 0)])
            async with liar.subscribed():
                await liar.has(lambda: len(liar.orders) == 3)
                assert sorted(liar.told()) == ["unload kept 0", "unload kept 1", "unload kept 9"]
                state, _, places = await world.state("kept")
                assert (state, places[0]) == ("ModelAvailable", "Available")
            assert (await world.state("kept"))[0] == "ModelAvailable"
            assert good.told() == ["load kept 1"]

    in_world(test)


def test_whoever_claims_a_replica_that_is_there_waits_for_its_end(in_world):
    async def test(world):
        first = world.agent("claimed", hello=(1, 1, "first"))
        second = world.agent("claimed", hello=(1, 1, "second"), http_port=9777)
        async with first.subscribed():
            await first.has(lambda: first.told() == ["welcome"])
            await world.declare("mine", "claimed")
            await first.has(lambda: first.told()[-1] == "load mine 1")
            async with second.subscribed():
                while not world.logged("another agent is this replica already"):
                    await asyncio.sleep(0.02)
                # It speaks in the first one's name, but does not know the orders' numbers.
                assert await second.report("mine", 1, LOAD_FAILED) is None
                assert (await world.state("mine"))[0] == "ModelProgressing"
                await first.obey(begin=1)
                await world.becomes("mine", "ModelAvailable")
                assert second.orders == []
                again = world.agent("claimed", hello=(1, 1, "first"))
                async with again.subscribed():  # the same agent has come back
                    await first.has(lambda: first.end)
                    await second.has(lambda: second.orders)
        assert len(world.logged("another agent is this replica already")) <= 2
        await world.delete("mine")

    in_world(test)


@pytest.mark.parametrize(
    ("hello", "is_taken"),
    [((0, 0, "x"), False), ((99, 99, "x"), False), ((1, 3, "x"), False), ((99, 1, "x"), True)],
    ids=["an older protocol", "a newer one", "none at all", "a newer one and ours"],
)
def test_another_protocol_is_refused_in_words(in_world, hello, is_taken):
    async def test(world):
        odd = world.agent("speaking", hello=hello)
        async with odd.subscribed():
            await odd.has(lambda: odd.end or odd.orders)
        if is_taken:
            assert odd.orders[0].welcome.protocol == 1
        else:
            assert odd.end[0] is CODE.FAILED_PRECONDITION
            assert f"the agent speaks versions {hello[1]} to {hello[0]}" in odd.end[1]

    in_world(test)


def test_an_agent_that_dies_between_leaves_its_models_to_others(in_world):
    async def test(world):
        dying, good = world.agent("dying", 0), world.agent("dying", 1)
        async with good.subscribed():
            await world.has_replicas("dying", 1)
            async with dying.subscribed():
                await world.has_replicas("dying", 2)
                for index in range(4):
                    await world.declare(f"left{index}", "dying")
                await dying.has(lambda: dying.orders)
            await good.has(lambda: len(good.orders) == 4)
            await good.obey()
            for index in range(4):
                await world.becomes(f"left{index}", "ModelAvailable")
                await world.delete(f"left{index}")

    in_world(test)


def test_a_flood_of_reports_makes_nobody_wait_and_leaves_nothing_behind(in_world):
    async def test(world):
        odd = world.agent("flooding")
        async with odd.subscribed():
            await world.has_replicas("flooding", 1)
            await world.declare("flooded", "flooding")
            await odd.has(lambda: odd.orders)
            await odd.obey()
            await world.becomes("flooded", "ModelAvailable")
            before = world.resident()

            async def flood(kind):
                for number in range(500):
                    if kind == "unknown":
                        await odd.report(f"unknown{number}", 1, LOADED, message="x" * 1000)
                    else:
                        await odd.report("flooded", 1, LOADED, message="x" * 1000)

            longest_s = 0.0
            async with asyncio.TaskGroup() as tasks:
                floods = [tasks.create_task(flood(kind)) for kind in ("unknown", "known") * 4]
                while not all(task.done() for task in floods):
                    began = time.monotonic()
                    assert (await world.state("flooded"))[0] == "ModelAvailable"
                    longest_s = max(longest_s, time.monotonic() - began)
            assert longest_s < 2
            assert world.resident() - before < 20 * MIB
            await odd.has(lambda: odd.told().count("unload unknown499 1") == 4)
            (line,) = [each for each in world.logged("not told to do") if "flooding" in each]
            assert "model=unknown0_1 event=Loaded" in line
        await world.delete("flooded")

    in_world(test)


def test_an_agent_that_takes_no_orders_holds_nobody_up_and_its_models_go_elsewhere(in_world):
    async def test(world):
        deaf = OddAgent(world.channel, request("deaf"), reads=False)
        async with deaf.subscribed():
            await world.has_replicas("deaf", 1)
            before = world.resident()
            for number in range(100):  # more than HTTP/2 lets out to one that does not read
                notes = {"notes": "x" * 8000}
                await world.declare(f"deaf{number}", "deaf", memory_bytes=1, parameters=notes)
            assert world.resident() - before < 30 * MIB
            assert (await world.state("deaf0"))[0] == "ModelProgressing"
            good = world.agent("deaf", 1)
            async with good.subscribed():
                await world.has_replicas("deaf", 2)
                await world.declare("heard", "deaf", replicas=2)
                await good.has(lambda: good.told() == ["load heard 1"])
                await good.obey()
                _, _, places = await world.state("heard")
                assert places == {0: "Loading", 1: "Available"}
        await world.has_replicas("deaf", 0)
        state, reason, _ = await world.state("deaf0")
        assert state == "ScheduleFailed"
        assert "deaf has no replica that is connected" in reason
        for number in range(100):
            await world.delete(f"deaf{number}")
        await world.delete("heard")

    in_world(test)


def test_a_router_that_takes_nothing_costs_no_more_than_names(in_world):
    async def test(world):
        odd = world.agent("routed")
        routers = [OddRouter(world.channel) for _ in range(20)]
        async with odd.subscribed():
            await world.has_replicas("routed", 1)
            entered = [router.subscribed() for router in routers]
            for each in entered:
                await each.__aenter__()
            before = world.resident()
            await world.declare("often", "routed")
            for number in range(200):
                await odd.has(lambda number=number: f"load often {number + 1}" in odd.told())
                await odd.report("often", number + 1, LOADED, order=odd.orders[-1].order)
                await world.declare("often", "routed", parameters={"round": str(number)})
                if number % 20 == 0:
                    await odd.obey()
            assert world.resident() - before < 30 * MIB
            for each in entered:
                await each.__aexit__(None, None, None)
        await world.delete("often")

    in_world(test)


def test_a_router_of_another_protocol_is_refused_in_words(in_world):
    async def test(world):
        router = OddRouter(world.channel, protocol=99)
        async with router.subscribed():
            assert router.end[0] is CODE.FAILED_PRECONDITION
            assert "the router speaks versions 99 to 99" in router.end[1]

    in_world(test)
