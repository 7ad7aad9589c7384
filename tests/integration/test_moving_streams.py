"""Streams through the router to an agent whose models come, go and leave memory meanwhile."""

import asyncio
import threading

import numpy as np
import pytest

from seldon_core.aio.channels import Channel
from seldon_core.errors import NotFoundError
from seldon_core.protocol.inference import InferRequest, Payload, Tensor
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from tests.support.agent import FakeCodec, FakeModel, World, agent_of, call_to, until, version_of

REPLICA = ReplicaId("fake", 0)


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=20))


def message(number):
    tensor = Tensor("x", "FP32", np.array([[number, 0]], np.float32))
    return Payload(FakeCodec(), InferRequest([tensor], id=str(number)))


def route(router, version):
    router.publish(RouteUpdate("m", (RouteCandidate("m", version, 100, (REPLICA,)),)))


async def ask(router, inbox):
    call = call_to("m_1", [[0, 0]])
    call.model = "m"
    return [
        (reply.outcome.model_name, reply.outcome.id, reply.headers)
        async for reply in router.stream(call, inbox)
    ]


async def ask_for_an_evicted_version(agent, world, router, inbox):
    """Begin a stream to version 1, which waits for memory that version 2 has."""
    agent.load_model(version_of("m", 2))
    await until(lambda: len(world.reports) == 2)
    world.load_gate.clear()
    route(router, 1)
    asking = asyncio.create_task(ask(router, inbox))
    count, slot = len(inbox), agent.handler._pool.slots["m_1"]
    await until(lambda: len(slot.waiting) == count)
    return asking


@pytest.mark.parametrize("end", ["ended", "open"])
def test_a_stream_that_waits_for_a_version_that_goes_is_answered_by_the_next(end):
    async def test():
        gate = threading.Event()
        gate.set()
        world = World(load_gate=gate, models={"m_2": FakeModel()})
        async with agent_of(world, "m", capacity=1) as agent:
            router = RouterHandler(RouteTable({REPLICA: agent.handler}), lambda: 0.0)
            inbox = Channel(32)
            for number in (1, 2, 3):
                await inbox.put(message(number))
            if end == "ended":
                inbox.close()
            asking = await ask_for_an_evicted_version(agent, world, router, inbox)
            route(router, 2)
            agent.unload_model("m", 1)
            gate.set()
            if end == "open":
                await until(lambda: world.models["m_2"].calls)
                await inbox.put(message(4))
                inbox.close()
            replies = await asking
            names = [str(number) for number in range(1, 5 if end == "open" else 4)]
            assert [(model, id_) for model, id_, _ in replies] == [("m_2", name) for name in names]
            assert replies[0][2] == [(b"x-seldon-route", b":m_2:")]

    run(test)


def test_a_stream_that_waits_for_a_model_that_is_deleted_ends():
    async def test():
        gate = threading.Event()
        gate.set()
        world = World(load_gate=gate)
        async with agent_of(world, "m", capacity=1) as agent:
            router = RouterHandler(RouteTable({REPLICA: agent.handler}), lambda: 0.0)
            inbox = Channel(32)
            await inbox.put(message(1))
            asking = await ask_for_an_evicted_version(agent, world, router, inbox)
            router.publish(RouteUpdate("m"))
            agent.unload_model("m", 1)
            gate.set()
            with pytest.raises(NotFoundError):
                await asking

    run(test)
