"""Where calls go, told to routers in other processes, on a real socket."""

import asyncio
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

from seldon_core.proto import control_pb2 as pb
from seldon_core.scheduler.route_feed import RouteFeed, RouteSinks
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.link_protocol import PROTOCOL
from seldon_core.transport.route_messages import RouteChanges, changes_of
from tests.support.scheduler_fakes import FakeRoutes

R0 = ReplicaId("mlserver", 0)
PLACE = ReplicaAddress("10.0.0.7", 9000, 9000, is_ours=True)
METHOD = "/seldon_core.control.Control/SubscribeRoutes"


def to(name, version=1):
    return RouteUpdate(name, (RouteCandidate(name, version, 100, (R0,)),))


class Router:
    """Follows the routes, with gRPC's own library."""

    def __init__(self, channel, **fields):
        call = channel.unary_stream(
            METHOD,
            request_serializer=pb.SubscribeRoutesRequest.SerializeToString,
            response_deserializer=pb.RoutesMessage.FromString,
        )
        said = {"protocol": PROTOCOL, "oldestProtocol": PROTOCOL, **fields}
        self.call = call(pb.SubscribeRoutesRequest(**said))
        self.last = 0

    async def next(self):
        """What all parts up to the next complete one say."""
        parts = []
        while not (parts and parts[-1].isComplete):
            message = await self.call.read()
            assert message.sequence == self.last + 1
            self.last += 1
            parts.append(message)
        return changes_of(parts)


@asynccontextmanager
async def a_feed(wake=None, **options):
    complete = asyncio.Event()
    feed = RouteFeed(complete.wait, wake=wake)
    async with (
        open_control_port("agent.port", 0, feed.services(), **options) as port,
        grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.http2.bdp_probe", 0)]
        ) as channel,
    ):
        yield feed, channel, complete


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            return await test()

    return asyncio.run(limited())


def test_a_router_is_told_all_there_is_and_then_what_changes():
    async def test():
        async with a_feed() as (feed, channel, complete):
            complete.set()
            feed.publish_replica(R0, PLACE)
            feed.publish(to("iris"))
            feed.publish(RouteUpdate("wine", notice="is loading"))
            feed.publish(to("gone"))
            feed.publish(RouteUpdate("gone"))
            router = Router(channel)
            all_there_is = to("iris"), RouteUpdate("wine", notice="is loading")
            assert await router.next() == RouteChanges(True, all_there_is, {R0: PLACE})
            feed.publish(to("wine"))
            assert await router.next() == RouteChanges(routes=(to("wine"),))
            feed.publish(RouteUpdate("iris"))
            feed.publish_replica(R0, None)
            told = RouteChanges(routes=(RouteUpdate("iris"),), replicas={R0: None})
            assert await router.next() == told

    run(test)


def test_what_changes_while_all_there_is_is_taken_comes_after_it():
    async def test():
        feed = RouteFeed(lambda: asyncio.sleep(0))
        said = {"protocol": PROTOCOL, "oldestProtocol": PROTOCOL}
        messages = feed.subscribe(pb.SubscribeRoutesRequest(**said), "")
        assert (await anext(messages)).isSnapshot
        feed.publish(to("iris"))  # before it is asked for more
        assert changes_of([await anext(messages)]) == RouteChanges(routes=(to("iris"),))
        await messages.aclose()
        assert feed.followers == 0

    run(test)


def test_what_changes_nothing_is_not_told():
    async def test():
        async with a_feed() as (feed, channel, complete):
            complete.set()
            router = Router(channel)
            assert await router.next() == RouteChanges(is_snapshot=True)
            feed.publish(RouteUpdate("never-there"))
            feed.publish_replica(R0, None)
            feed.publish_replica(R0, PLACE)
            feed.publish_replica(R0, PLACE)
            assert await router.next() == RouteChanges(replicas={R0: PLACE})

    run(test)


def test_nobody_is_told_that_something_is_gone_before_the_replicas_are_back():
    async def test():
        async with a_feed() as (feed, channel, complete):
            feed.publish(RouteUpdate("iris", notice="is loading"))
            feed.publish(RouteUpdate("wine", (RouteCandidate("wine", 1, 100, ()),)))
            feed.publish(to("rose"))
            router = Router(channel)
            assert await router.next() == RouteChanges(routes=(to("rose"),))
            feed.publish(RouteUpdate("wine"))
            feed.publish(RouteUpdate("rose"))
            feed.publish_replica(R0, PLACE)
            assert await router.next() == RouteChanges(replicas={R0: PLACE})
            feed.publish_replica(R0, None)
            await asyncio.sleep(0.3)
            complete.set()
            all_there_is = (RouteUpdate("iris", notice="is loading"),)
            assert await router.next() == RouteChanges(True, all_there_is)
            feed.publish(to("iris"))
            assert await router.next() == RouteChanges(routes=(to("iris"),))

    run(test)


def test_a_router_that_takes_slowly_misses_states_in_between_and_never_the_last():
    async def test():
        async with a_feed() as (feed, channel, complete):
            complete.set()
            router = Router(channel)
            await router.next()
            for version in range(1, 200):
                feed.publish(to("iris", version))
            seen = []
            while not seen or seen[-1] < 199:
                changes = await router.next()
                seen += [update.candidates[0].version for update in changes.routes]
            assert seen == sorted(set(seen))
            assert len(seen) < 10

    run(test)


def test_a_router_that_takes_nothing_is_dropped_and_begins_anew_with_all_there_is():
    async def test():
        async with a_feed(write_timeout_s=0.3) as (feed, channel, complete):
            complete.set()
            notice = "x" * 100_000
            router = Router(channel)
            await router.next()
            rounds = 0
            while feed.followers:
                for name in range(100):
                    feed.publish(RouteUpdate(f"m{name}", notice=f"{notice}{rounds}"))
                await asyncio.sleep(0.05)
                rounds += 1
            with suppress(grpc.aio.AioRpcError):
                while await router.call.read() is not grpc.aio.EOF:
                    pass
            again = Router(channel)
            all_there_is = await again.next()
            assert all_there_is.is_snapshot
            last = {update.notice.removeprefix(notice) for update in all_there_is.routes}
            assert last == {str(rounds - 1)}

    run(test)


def test_a_router_that_leaves_is_forgotten():
    async def test():
        async with a_feed() as (feed, channel, complete):
            complete.set()
            router = Router(channel)
            await router.next()
            assert feed.followers == 1
            router.call.cancel()
            while feed.followers:
                await asyncio.sleep(0.01)

    run(test)


def test_a_router_of_another_time_is_refused():
    async def test():
        async with a_feed() as (_, channel, _):
            router = Router(channel, protocol=PROTOCOL + 7, oldestProtocol=PROTOCOL + 6)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await router.call.read()
            assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert "the router speaks versions" in refused.value.details()

    run(test)


def test_several_may_be_told():
    one, other = FakeRoutes(), FakeRoutes()
    both = RouteSinks(one, other)
    both.publish(to("iris"))
    both.publish_replica(R0, PLACE)
    assert one.updates == other.updates == [to("iris")]
    assert one.replicas == other.replicas


def test_replicas_in_this_process_are_published_before_a_router_is_told_anything():
    async def test():
        reached = []

        async def reach():
            await asyncio.sleep(0)
            reached.append(R0)
            feed.publish_replica(R0, PLACE)

        feed = RouteFeed(lambda: asyncio.sleep(0), reach)
        feed.publish(to("iris"))
        assert not reached
        said = pb.SubscribeRoutesRequest(protocol=PROTOCOL, oldestProtocol=PROTOCOL)
        told = feed.subscribe(said, "router")
        first = changes_of([await anext(told)])
        assert first.replicas == {R0: PLACE}
        await told.aclose()

    run(test)


def test_a_router_has_a_model_loaded_that_is_scaled_to_zero():
    async def wake(model):
        return f"{model} has no room"

    async def test():
        async with a_feed(wake) as (_, channel, _):
            assert await wake_by(channel) == "iris has no room"
        async with a_feed() as (_, channel, _):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await wake_by(channel)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    run(test)


async def wake_by(channel):
    call = channel.unary_unary(
        "/seldon_core.control.Control/WakeModel",
        request_serializer=pb.WakeModelRequest.SerializeToString,
        response_deserializer=pb.WakeModelResponse.FromString,
    )
    return (await call(pb.WakeModelRequest(name="iris"), timeout=10)).failure
