"""The router's side of the link, against scripted schedulers and against our own on a socket."""

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from seldon_core.agent import lingering
from seldon_core.agent import link as agent_link
from seldon_core.errors import RelayedError
from seldon_core.proto import control_pb2 as pb
from seldon_core.router.link import LONGEST_PAUSE_S, RouteLink, wake_by
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.control_services import ControlService, StreamMethod
from seldon_core.transport.route_messages import RouteChanges, parts_of
from seldon_core.transport.rpc_client import open_rpc_client

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)
HERE, THERE = ReplicaAddress("h", 1, 1, True), ReplicaAddress("h", 2, 2, True)


def to(name, *replicas, version=1):
    return RouteUpdate(name, (RouteCandidate(name, version, 100, replicas or (R0,)),))


class Routes:
    """Remembers in their order what was published, as words."""

    def __init__(self):
        self.told = []
        self.changed = asyncio.Event()

    def publish(self, update):
        self.told.append(f"{update.name} {'to' if update.candidates else update.notice or 'gone'}")
        self.changed.set()

    def publish_replica(self, replica, address):
        self.told.append(f"{replica} {address or 'gone'}")
        self.changed.set()


class ScriptedClient:
    """An RpcClient: each stream yields the next of `scripts`, or raises what is there instead."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.requests = []
        self.lives = 0

    async def stream(self, path, request, response):
        self.requests.append((path, request))
        if not self.scripts:
            await asyncio.sleep(60)
        for step in self.scripts.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step

    def ask_for_life(self):
        self.lives += 1


def numbered(*changes, begin=1):
    """The messages of these changes, one after the other."""
    messages = [part for each in changes for part in parts_of(each)]
    for number, message in enumerate(messages, begin):
        message.sequence = number
    return messages


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            return await test()

    return asyncio.run(limited())


@asynccontextmanager
async def following(client):
    routes = Routes()
    link = RouteLink(client, routes, first_pause_s=0.01)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(link.follow())
        yield link, routes
        task.cancel()


async def told(*scripts):
    """What is published of a scheduler that says this, stream by stream."""
    client = ScriptedClient(*scripts)
    async with following(client) as (_, routes):
        while client.scripts or len(client.requests) <= len(scripts):
            await asyncio.sleep(0.005)
        return routes.told


SNAPSHOT = RouteChanges(True, (to("iris"), RouteUpdate("wine", notice="is loading")), {R0: HERE})


def test_a_snapshot_and_what_changes_are_published_replicas_before_the_routes_to_them():
    async def test():
        changes = RouteChanges(routes=(to("wine", R1),), replicas={R1: THERE, R0: None})
        assert await told(numbered(SNAPSHOT, changes)) == [
            "mlserver/0 h:1",
            "iris to",
            "wine is loading",
            "mlserver/1 h:2",
            "wine to",
            "mlserver/0 gone",
        ]

    run(test)


def test_another_snapshot_says_only_what_is_new_and_ends_what_is_not_in_it():
    async def test():
        later = RouteChanges(True, (to("iris"), to("rose", R1)), {R1: THERE})
        assert (await told(numbered(SNAPSHOT), numbered(later)))[3:] == [
            "mlserver/1 h:2",
            "rose to",
            "wine gone",
            "mlserver/0 gone",
        ]

    run(test)


def test_a_snapshot_is_taken_whole_or_not_at_all():
    async def test():
        notice = "x" * 100_000
        large = tuple(RouteUpdate(f"m{index}", notice=notice) for index in range(30))
        messages = numbered(RouteChanges(True, large))
        assert len(messages) > 1
        cut_off = [*messages[:-1], RelayedError("stopping", 503, 14)]
        assert await told(numbered(SNAPSHOT), cut_off) == [
            "mlserver/0 h:1",
            "iris to",
            "wine is loading",
        ]

    run(test)


@pytest.mark.parametrize(
    "odd",
    [
        numbered(RouteChanges(routes=(RouteUpdate("wine"),)), begin=3),
        numbered(RouteChanges(routes=(RouteUpdate("wine"),)), begin=1),
        [
            pb.RoutesMessage(
                sequence=2, replicas=[{"host": "h", "httpPort": 77777}], isComplete=True
            )
        ],
    ],
    ids=["gap", "step-back", "nonsense"],
)
def test_after_something_that_cannot_be_the_router_subscribes_again(odd, caplog):
    async def test():
        again = RouteChanges(True, (to("rose"),), {R0: HERE})
        published = await told([*numbered(SNAPSHOT), *odd], numbered(again))
        assert published[3:] == ["rose to", "iris gone", "wine gone"]

    with caplog.at_level(logging.WARNING):
        run(test)
    assert "the scheduler's" in caplog.text


def test_what_is_known_before_all_is_known_takes_nothing_away():
    async def test():
        known = RouteChanges(routes=(to("rose", R1),), replicas={R1: THERE})
        later = RouteChanges(True, (to("rose", R1), to("iris")), {R0: HERE, R1: THERE})
        assert (await told(numbered(SNAPSHOT), numbered(known, later)))[3:] == [
            "mlserver/1 h:2",
            "rose to",
            "wine gone",
        ]

    run(test)


def test_what_is_gone_and_was_never_there_is_not_told():
    async def test():
        ended = RouteChanges(routes=(RouteUpdate("never"),), replicas={R1: None})
        assert len(await told(numbered(SNAPSHOT, ended))) == 3

    run(test)


def test_the_link_says_whether_it_has_routes_and_hears_more():
    async def test():
        hold = ScriptedClient(numbered(SNAPSHOT))
        async with following(hold) as (link, _):
            assert not link.has_routes.is_set()
            await link.has_routes.wait()
            assert hold.lives == 1
            path, said = hold.requests[0]
            assert path == "/seldon_core.control.Control/SubscribeRoutes"
            assert (said.protocol, said.oldestProtocol) == (1, 1)
            while len(hold.requests) < 2:
                await asyncio.sleep(0.005)
            assert not link.is_subscribed
            assert link.has_routes.is_set()

    run(test)


def test_a_router_serves_by_what_it_has_while_there_is_no_scheduler_and_comes_back():
    async def serve(stack, port, *changes):
        async def subscribe(request, peer):
            for message in numbered(*changes):
                yield message
            await asyncio.sleep(60)

        method = StreamMethod("SubscribeRoutes", pb.SubscribeRoutesRequest, subscribe)
        service = ControlService("seldon_core.control.Control", [method])
        opened = open_control_port("agent.port", port, [service])
        return await stack.enter_async_context(opened)

    async def test():
        first, second = AsyncExitStack(), AsyncExitStack()
        port = await serve(first, 0, SNAPSHOT)
        async with (
            open_rpc_client("127.0.0.1", port, "the scheduler") as client,
            following(client) as (link, routes),
        ):
            await link.has_routes.wait()
            assert link.is_subscribed
            await first.aclose()
            while link.is_subscribed:
                await asyncio.sleep(0.01)
            assert len(routes.told) == 3
            await serve(second, port, RouteChanges(True, (to("iris", version=2),), {R0: HERE}))
            while not link.is_subscribed:
                await asyncio.sleep(0.01)
            assert routes.told[3:] == ["iris to", "wine gone"]
        await second.aclose()

    run(test)


def test_a_router_is_back_before_replicas_unload_what_their_scheduler_has_left():
    least_s = lingering.UNLOAD_GRACE_S * agent_link.GRACES_AT_FIRST
    assert least_s > 1.2 * LONGEST_PAUSE_S + 1


def test_a_scheduler_is_asked_to_wake_a_model_and_says_why_it_cannot():
    class Client(ScriptedClient):
        async def unary(self, path, request, response, timeout_s):
            self.requests.append((path, request.name))
            return response(failure="no room")

    client = Client()
    assert asyncio.run(wake_by(client)("iris")) == "no room"
    assert client.requests == [("/seldon_core.control.Control/WakeModel", "iris")]
