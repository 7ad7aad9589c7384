"""The agents' API, on a real socket, with an agent made with gRPC's own library."""

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import ngh2
import pytest

from seldon_core.proto import agent_pb2 as pb
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.scheduler.agent_api import AgentApi
from seldon_core.transport.agent_messages import Hello
from seldon_core.transport.control import (
    HeldModel,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
)
from seldon_core.transport.control_port import open_control_port
from seldon_core.transport.link_protocol import PROTOCOL
from tests.support.agent_api_fakes import FakeReplicas
from tests.support.scheduler_fakes import FakeLink
from tests.support.seldon_agent import (
    AGENT,
    LOAD_FAILED,
    LOADED,
    UNLOADED,
    SeldonAgent,
    a_channel,
)

R0 = ReplicaId("mlserver", 0)
IRIS = ModelVersion(ModelSpec("iris", "/iris", knobs=Knobs(keep_in_memory=True)), 1)


class World:
    """A port that serves the API, the fake behind it, and a channel of the agents'."""

    def __init__(self, api, scheduler, links, port, channel):
        self.api = api
        self.scheduler = scheduler
        self.links = links
        self.port = port
        self.channel = channel

    def agent(self, *args, **kwargs):
        return SeldonAgent(self.channel, *args, **kwargs)

    def subscribe(self, *, serverName="mlserver", **fields):  # noqa: N803 - a field's name
        """Subscribe with messages of our own."""
        call = self.channel.unary_stream(
            f"{AGENT}/Subscribe",
            request_serializer=pb.AgentSubscribeRequest.SerializeToString,
            response_deserializer=pb.ModelOperationMessage.FromString,
        )
        return call(pb.AgentSubscribeRequest(serverName=serverName, **fields), timeout=10)

    async def report(self, order, event=pb.ModelEventMessage.LOADED, version=1):
        call = self.channel.unary_unary(
            f"{AGENT}/AgentEvent",
            request_serializer=pb.ModelEventMessage.SerializeToString,
            response_deserializer=pb.ModelEventResponse.FromString,
        )
        told = pb.ModelEventMessage(
            serverName="mlserver",
            modelName="iris",
            modelVersion=version,
            event=event,
            order=order,
            measuredMemoryBytes=77,
        )
        await call(told, timeout=5)


@asynccontextmanager
async def a_world(*, is_encrypted=False, **options):
    scheduler, links = FakeReplicas(), {}
    api = AgentApi(scheduler, links, is_encrypted=is_encrypted)
    async with (
        open_control_port("agent.port", 0, api.services(), **options) as port,
        a_channel(port) as channel,
    ):
        yield World(api, scheduler, links, port, channel)


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            return await test()

    return asyncio.run(limited())


@asynccontextmanager
async def serving(agent):
    """Have an agent obey for the length of a block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(agent.serve())
        yield task
        task.cancel()


def hello(instance="a", protocol=PROTOCOL, oldest=PROTOCOL):
    return {"protocol": protocol, "oldestProtocol": oldest, "version": "9", "instance": instance}


def test_an_agent_of_seldons_is_a_replica_while_its_stream_lives():
    async def test():
        async with a_world() as world:
            agent = world.agent(held=[("iris", 4)])
            async with serving(agent):
                await world.scheduler.has("connected mlserver/0")
                assert world.scheduler.told[0][2] == ReplicaConfig(
                    ("mlserver", "sklearn"),
                    1000,
                    0,
                    address=ReplicaAddress("127.0.0.1", 9001, 9501),
                    held=(HeldModel(ModelVersion(ModelSpec("iris", "/models/iris"), 4)),),
                    available_bytes=1000,
                )
            await world.scheduler.has("connected mlserver/0", "lost mlserver/0")
            assert world.links == {}
            assert agent.messages == []  # Seldon's scheduler says nothing of itself

    run(test)


def test_an_agent_of_seldons_is_told_what_to_do_and_says_what_it_did():
    async def test():
        async with a_world() as world:
            agent = world.agent()
            agent.faults["bad"] = "no such file"
            async with serving(agent):
                await world.scheduler.has("connected mlserver/0")
                link = world.links[R0]
                link.load_model(IRIS)
                link.load_model(ModelVersion(ModelSpec("bad", "/bad"), 2))
                loaded = ["connected mlserver/0", "report iris_1 Loaded", "report bad_2 LoadFailed"]
                await world.scheduler.has(*loaded)
                assert world.scheduler.told[2][2].reason == "no such file"
                link.unload_model("iris", 1)
                await world.scheduler.has(*loaded, "report iris_1 Unloaded")
                assert agent.orders == ["load iris 1", "load bad 2", "unload iris 1"]
                first, _, last = [each.modelVersion.model.modelSpec for each in agent.messages]
                assert (first.uri, last.uri) == ("/iris", "/iris")
                assert not first.parameters  # our own settings are not for it

    run(test)


def test_the_room_that_an_agent_of_seldons_has_left_is_passed_on():
    async def test():
        async with a_world() as world, serving(world.agent()):
            await world.scheduler.has("connected mlserver/0")
            world.links[R0].load_model(IRIS)
            await world.scheduler.has("connected mlserver/0", "report iris_1 Loaded")
            assert world.scheduler.told[1][2].available_bytes is not None

    run(test)


def test_an_agent_of_ours_is_welcomed_and_gives_back_the_numbers_of_orders():
    async def test():
        async with a_world() as world:
            stream = world.subscribe(hello=hello(protocol=PROTOCOL + 1))
            welcome = await stream.read()
            assert welcome.welcome.protocol == PROTOCOL
            assert welcome.operation == pb.ModelOperationMessage.UNKNOWN_EVENT
            link = world.links[R0]
            link.load_model(IRIS)
            link.unload_model("iris", 1)
            link.load_model(IRIS)
            orders = [await stream.read() for _ in range(3)]
            assert [each.order for each in orders] == [1, 2, 3]
            assert [p.name for p in orders[0].modelVersion.model.modelSpec.parameters] == [
                "seldon-core/keep-in-memory"
            ]
            await world.report(1)  # late: it was told to unload since
            await world.report(2, pb.ModelEventMessage.UNLOADED)
            await world.report(3)
            await world.report(3)  # twice
            assert world.scheduler.names() == ["connected mlserver/0", "report iris_1 Loaded"]
            assert world.scheduler.told[1][2].memory_bytes == 77
            assert world.scheduler.told[1][2].available_bytes is None
            stream.cancel()

    run(test)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (
            {"hello": hello(protocol=PROTOCOL + 2, oldest=PROTOCOL + 1)},
            f"protocol: the agent speaks versions {PROTOCOL + 1} to {PROTOCOL + 2}, the scheduler",
        ),
        ({"hello": {**hello(), "adminPort": 65536}}, r"hello.adminPort: 65536 is no port"),
        ({"serverName": "ML"}, "serverName: 'ML' must be lower-case letters"),
        ({"replicaIdx": 7}, "replicaIdx: replica mlserver/7 is inside the scheduler's own process"),
    ],
    ids=["protocol", "admin-port", "name", "local"],
)
def test_a_subscription_that_cannot_be_is_refused_with_its_reason(asked, why):
    async def test():
        async with a_world() as world:
            inside = ReplicaId("mlserver", 7)
            world.links[inside] = FakeLink(inside)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await world.subscribe(**asked).read()
            assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert refused.value.details().startswith(why)
            assert world.scheduler.told == []

    run(test)


def test_a_second_agent_waits_until_the_first_is_gone(caplog):
    async def test():
        async with a_world() as world:
            first, second = world.agent(), world.agent(memory=2000)
            async with serving(first) as serving_first:
                await world.scheduler.has("connected mlserver/0")
                async with serving(second):
                    while "this one waits replica=mlserver/0" not in caplog.text:
                        await asyncio.sleep(0.01)
                    world.links[R0].load_model(IRIS)
                    await first.has(lambda: first.orders == ["load iris 1"])
                    serving_first.cancel()
                    names = ["connected mlserver/0", "report iris_1 Loaded"]
                    names += ["lost mlserver/0", "connected mlserver/0"]
                    await world.scheduler.has(*names)
                    assert world.scheduler.told[-1][2].memory_bytes == 2000
                    assert second.orders == []

    with caplog.at_level(logging.WARNING):
        run(test)


def test_an_agent_that_comes_back_takes_the_place_of_what_it_has_lost():
    async def test():
        async with a_world() as world:
            first = world.subscribe(hello=hello())
            await first.read()
            old = world.links[R0]
            second = world.subscribe(hello=hello())
            await second.read()
            assert await first.read() is grpc.aio.EOF
            names = ["connected mlserver/0", "lost mlserver/0", "connected mlserver/0"]
            assert world.scheduler.names() == names
            old.load_model(IRIS)  # decided before, and for nobody
            world.links[R0].unload_model("iris", 1)
            assert (await second.read()).operation == pb.ModelOperationMessage.UNLOAD_MODEL
            second.cancel()

    run(test)


def test_who_waited_and_left_is_no_replica():
    async def test():
        async with a_world() as world:
            first = world.subscribe(hello=hello("a"))
            await first.read()
            second = world.subscribe(hello=hello("b"))
            await second.initial_metadata()
            second.cancel()
            third = world.subscribe(hello=hello("c"))
            await third.initial_metadata()
            first.cancel()
            await third.read()
            third.cancel()
            names = ["connected mlserver/0", "lost mlserver/0"]
            await world.scheduler.has(*names, *names)

    run(test)


def test_who_leaves_before_its_turn_has_come_was_no_replica():
    async def test():
        async with a_world() as world:
            world.scheduler.is_busy = True
            stream = world.subscribe(hello=hello("a"))
            await stream.initial_metadata()
            stream.cancel()
            other = world.subscribe(hello=hello("b"))
            await other.initial_metadata()
            world.scheduler.is_busy = False
            await other.read()
            other.cancel()
            await world.scheduler.has("connected mlserver/0", "lost mlserver/0")

    run(test)


def test_a_replica_that_is_silent_is_lost_within_seconds_and_another_takes_its_place():
    async def silent(port):
        """Subscribe by hand, and answer no ping."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        client = ngh2.Connection(ngh2.Role.CLIENT)
        client.initiate_connection()
        headers = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":authority", b"x"),
            (b":path", f"{AGENT}/Subscribe".encode()),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        ]
        stream = client.send_request(headers)
        message = pb.AgentSubscribeRequest(serverName="mlserver").SerializeToString()
        framed = b"\0" + len(message).to_bytes(4) + message
        client.send_data(stream, framed, end_stream=True)
        writer.write(client.data_to_send())
        await writer.drain()
        return reader, writer

    async def test():
        async with a_world(ping_s=0.5) as world:
            _, writer = await silent(world.port)
            await world.scheduler.has("connected mlserver/0")
            began = asyncio.get_running_loop().time()
            agent = world.agent()
            async with serving(agent):
                names = ["connected mlserver/0", "lost mlserver/0", "connected mlserver/0"]
                await world.scheduler.has(*names)
                assert asyncio.get_running_loop().time() - began < 10
                await asyncio.sleep(3)  # who answers pings stays
                assert world.scheduler.names() == names
            writer.close()

    run(test)


def test_reports_that_answer_no_order_are_refused_and_change_nothing(caplog):
    async def test():
        async with a_world() as world:
            agent = world.agent(held=[("kept", 2)], answers=False)
            code, text = await agent.report("iris", 1, LOADED)
            assert code is grpc.StatusCode.INTERNAL
            assert text == "replica mlserver/0 has not subscribed, so it was given no orders"
            async with serving(agent):
                await world.scheduler.has("connected mlserver/0")
                code, text = await agent.report("iris", 1, LOADED)
                assert code is grpc.StatusCode.INTERNAL
                assert text == "replica mlserver/0 was not told to load or unload iris_1"
                await agent.has(lambda: agent.orders == ["unload iris 1"])  # what nobody asked for
                assert (await agent.report("other", 9, UNLOADED))[0] is grpc.StatusCode.INTERNAL
                assert (await agent.report("iris", 1, 9))[0] is grpc.StatusCode.INVALID_ARGUMENT
                assert await agent.report("kept", 2, LOADED) is None  # it is known already
                assert await agent.report("kept", 2, LOAD_FAILED) is None
                assert await agent.report("kept", 2, UNLOADED) is None  # nobody told it to
                assert world.scheduler.names() == ["connected mlserver/0"]
                assert caplog.text.count("not told to do") == 1

    run(test)


def test_what_an_agent_of_ours_says_of_itself_can_be_asked_while_it_is_there():
    async def test():
        async with a_world() as world:
            assert world.api.hello_of(R0) is None
            stream = world.subscribe(hello={**hello(), "adminPort": 9006})
            await stream.read()
            assert world.api.hello_of(R0) == Hello(PROTOCOL, PROTOCOL, "9", "a", 9006)
            stream.cancel()
            await world.scheduler.has("connected mlserver/0", "lost mlserver/0")
            assert world.api.hello_of(R0) is None

    run(test)


def test_a_held_model_that_is_not_understood_is_to_be_unloaded(caplog):
    async def test():
        async with a_world() as world:
            held = {"version": 1, "model": {"meta": {"name": "why"}}}
            stream = world.subscribe(loadedModels=[held], hello=hello())
            await stream.read()
            order = await stream.read()
            assert order.operation == pb.ModelOperationMessage.UNLOAD_MODEL
            assert order.modelVersion.model.meta.name == "why"
            stream.cancel()

    with caplog.at_level(logging.WARNING):
        run(test)
    assert "model=why version=1 reason='modelSpec.uri: is empty" in caplog.text


def test_an_agent_may_hold_more_than_a_message_of_the_usual_size_says():
    async def test():
        async with a_world() as world:
            agent = world.agent(held=[(f"m{index}-{'x' * 100}", 1) for index in range(30_000)])
            assert agent.request().ByteSize() > 5_000_000
            async with serving(agent):
                await world.scheduler.has("connected mlserver/0")
                assert len(world.scheduler.told[0][2].held) == 30_000

    run(test)


def test_a_drain_is_answered_when_the_models_are_elsewhere():
    async def test():
        async with a_world() as world:
            agent = world.agent()
            assert await agent.drain()  # nobody knows it
            async with serving(agent), asyncio.TaskGroup() as tasks:
                await world.scheduler.has("connected mlserver/0")
                drain = tasks.create_task(agent.drain())
                await world.scheduler.has("connected mlserver/0", "drain mlserver/0")
                assert not drain.done()
                world.scheduler.drained.set()
                assert await drain

    run(test)


def test_the_end_of_the_port_ends_the_streams_as_if_there_were_no_more_to_say():
    async def test():
        async with AsyncExitStack() as channels:
            async with a_world() as world:
                channel = await channels.enter_async_context(a_channel(world.port))
                agent = SeldonAgent(channel)
                serving = asyncio.get_running_loop().create_task(agent.serve())
                await world.scheduler.has("connected mlserver/0")
            await serving  # and raises nothing
        assert world.scheduler.names() == ["connected mlserver/0"]  # the replica does not go

    run(test)


def scaling(channel):
    call = channel.stream_unary(
        f"{AGENT}/ModelScalingTrigger",
        request_serializer=pb.ModelScalingTriggerMessage.SerializeToString,
        response_deserializer=pb.ModelScalingTriggerResponse.FromString,
    )
    return call(timeout=10)


def test_signals_are_passed_on_as_they_come_from_those_who_are_replicas():
    async def test():
        async with a_world() as world, serving(world.agent()):
            await world.scheduler.has("connected mlserver/0")
            call = scaling(world.channel)
            given = {"serverName": "mlserver", "modelName": "iris", "modelVersion": 1}
            await call.write(pb.ModelScalingTriggerMessage(**given, amount=31))
            await world.scheduler.has("connected mlserver/0", "signal iris_1 lag")
            odd = {**given, "replicaIdx": 7}, {**given, "trigger": 9}
            for each in odd:  # nobody's, and of no known kind
                await call.write(pb.ModelScalingTriggerMessage(**each))
            await call.write(pb.ModelScalingTriggerMessage(**given, signal=1, value=2.5))
            await call.done_writing()
            assert await call == pb.ModelScalingTriggerResponse()
            *_, lag, rate = [entry[-1] for entry in world.scheduler.told]
            assert (lag.replica, lag.amount, rate.amount) == (R0, 31, 2.5)

    run(test)


def test_anybody_may_say_how_many_replicas_he_wants_of_a_model():
    async def test():
        async with a_world() as world:
            call = scaling(world.channel)
            await call.write(pb.ModelScalingTriggerMessage(modelName="iris", signal=2, value=3))
            await world.scheduler.has("signal iris_0 custom")
            told = world.scheduler.told[-1][-1]
            assert (told.replica, told.amount) == (None, 3)
            assert [actor.rpartition(":")[0] for actor in world.scheduler.actors] == ["127.0.0.1"]
            await call.write(pb.ModelScalingTriggerMessage(modelName="unknown", signal=2, value=3))
            with pytest.raises(grpc.aio.AioRpcError, match="'unknown' not found"):
                await call

    run(test)


def test_a_signal_about_what_cannot_be_a_model_is_refused():
    async def test():
        async with a_world() as world:
            call = scaling(world.channel)
            await call.write(pb.ModelScalingTriggerMessage(serverName="mlserver", modelName="a b"))
            await call.done_writing()
            with pytest.raises(grpc.aio.AioRpcError, match="modelName"):
                await call

    run(test)


@pytest.mark.parametrize(
    ("peer", "is_encrypted", "is_warned"),
    [
        ("10.1.2.3:5", False, True),
        ("10.1.2.3:5", True, False),
        ("CN=agent", True, False),
        ("127.0.0.1:5", False, False),
        ("[::1]:5", False, False),
    ],
)
def test_what_goes_to_another_machine_in_plain_text_is_warned_of(
    caplog, peer, is_encrypted, is_warned
):
    async def test():
        api = AgentApi(FakeReplicas(), links := {}, is_encrypted=is_encrypted)
        config = pb.ReplicaConfig(inferenceSvc="there")
        request = pb.AgentSubscribeRequest(
            serverName="mlserver", replicaConfig=config, hello=hello()
        )
        orders = api.subscribe(request, peer)
        await anext(orders)
        links[R0].load_model(IRIS, Remote("s3", "s3"))
        await orders.aclose()

    run(test)
    assert ("goes to another machine in plain text" in caplog.text) is is_warned
