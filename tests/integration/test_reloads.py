"""Scheduler, router and agent at once: models loaded anew while they are called, in little memory.

Three models share room for three versions, so each new one evicts another's, which comes back when
it is called. Clients leave as they like. Whatever the order of all this, nobody who stays is told
of it.
"""

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack, aclosing

import numpy as np
import pytest

from seldon_core.agent.service import open_agent
from seldon_core.aio.channels import Channel
from seldon_core.aio.threads import open_threads
from seldon_core.errors import OverloadedError
from seldon_core.protocol.inference import InferRequest, Payload, Tensor
from seldon_core.resources.model import FoundModels, ModelSpec
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.scheduler.repository import ModelRepository
from seldon_core.scheduler.service import open_scheduler
from seldon_core.transport.control import ReplicaConfig, ReplicaId
from tests.support.agent import FakeCodec, FakeRuntime, World, call_of, call_to, until
from tests.support.scheduler_fakes import FakeStore

REPLICA = ReplicaId("fake", 0)
NAMES = ("a", "b", "c")
SPECS = [ModelSpec(name, f"/{name}", memory_bytes=1) for name in NAMES]
RELOADS = 60


def message(number):
    tensor = Tensor("x", "FP32", np.array([[number, 0]], np.float32))
    return InferRequest([tensor], id=str(number))


def call_by_name(model, number=20):
    call = call_of("", message(number))
    call.model = model
    return call


class Crowd:
    """Who calls and who reloads. `seen` counts what came of it."""

    def __init__(self, seed, router, repository):
        self.random = random.Random(seed)
        self.router = router
        self.repository = repository
        self.seen = Counter()

    @property
    def goes_on(self):
        return self.seen["reloads"] < RELOADS

    async def reload(self):
        while self.goes_on:
            model = self.random.choice(NAMES)
            await self.finish(self.repository.load(model, {}, "127.0.0.1:5"), "reloads")
            await self.repository.index(only_ready=False)

    async def infer(self):
        while self.goes_on:
            number = self.random.randrange(20, 99)
            call = call_by_name(self.random.choice(NAMES), number)
            reply = await self.finish(self.router.infer(call), "calls")
            assert reply is None or reply.response.outputs[0].data.tolist() == [[2 * number, 0]]
            await asyncio.sleep(0)

    async def stream(self):
        while self.goes_on:
            numbers = list(range(20, 20 + self.random.randrange(1, 12)))
            inbox = Channel(len(numbers))
            for number in numbers:
                await inbox.put(Payload(FakeCodec(), message(number)))
            inbox.close()
            stays = self.random.random() < 0.7
            answers = []
            stream = self.router.stream(call_by_name(self.random.choice(NAMES)), inbox)
            async with aclosing(stream) as replies:
                async for reply in replies:
                    answers.append(reply.outcome.outputs[0].data.tolist())
                    if not stays:
                        break
            expected = [[[2 * number, 0]] for number in numbers]
            assert answers == (expected if stays else expected[:1])
            self.seen["streams"] += 1
            await asyncio.sleep(0)

    async def finish(self, work, what):
        """Wait for `work`, or leave; return what came of it, None if nothing did."""
        task = asyncio.ensure_future(work)
        if self.random.random() < 0.2:
            for _ in range(self.random.randrange(4)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            return None
        if isinstance(task.exception(), OverloadedError):
            self.seen["overloaded"] += 1
            return None
        self.seen[what] += 1
        return task.result()


@pytest.mark.parametrize("limit_s", [1.0, -1.0], ids=["on the loop", "on threads"])
@pytest.mark.parametrize("seed", range(2))
def test_who_calls_models_that_are_loaded_anew_is_answered(seed, limit_s):
    async def test():
        links, handlers = {}, {}
        world = World(runtime=FakeRuntime(inline_limit_s=limit_s))
        router = RouterHandler(RouteTable(handlers), random.Random(seed).random)
        async with AsyncExitStack() as stack:
            opened = stack.enter_async_context
            scheduler = await opened(open_scheduler(links, router, FakeStore(), world.clock))
            searches = await opened(open_threads("search", 1))
            agent = await opened(
                open_agent(
                    REPLICA,
                    3,
                    300,
                    reports=scheduler,
                    metrics=world.metrics,
                    trusted=(),
                    workers=world.workers,
                    load_threads=await opened(open_threads("load", 1)),
                    clock=world.clock,
                    traces=world.traces,
                    load=world.load,
                )
            )
            links[REPLICA], handlers[REPLICA] = agent, agent.handler
            scheduler.connect_replica(REPLICA, ReplicaConfig(("sklearn",), 3, 300))
            scheduler.sync()
            repository = ModelRepository(scheduler, lambda: FoundModels(SPECS), searches)
            for name in NAMES:
                await repository.load(name, {}, "")
            crowd = Crowd(seed, router, repository)
            async with asyncio.TaskGroup() as tasks:
                for work in (crowd.infer, crowd.infer, crowd.stream, crowd.stream, crowd.reload):
                    tasks.create_task(work())
            await scheduler.settled(NAMES)
            assert crowd.seen["calls"]
            assert crowd.seen["streams"]
            assert world.counts.evictions
            await check_books(agent, router)
            check_statistics(await router.statistics(call_to("", [[0, 0]])))

    asyncio.run(asyncio.wait_for(test(), timeout=60))


async def check_books(agent, router):
    """Nothing is pinned or in flight any more, and only one version of each model is left."""
    slots = agent.handler._pool.slots
    await until(lambda: len(slots) == 3)  # the last ones are unloaded
    await until(lambda: not any(slot.running for slot in slots.values()))
    assert sorted(slot.model.partition("_")[0] for slot in slots.values()) == list(NAMES)
    for name in NAMES:
        [candidate] = router._table.resolve({}, name).candidates
        assert [upstream.in_flight for upstream in candidate.upstreams] == [0]


def check_statistics(models):
    """The parts of the requests' time are all of it."""
    assert sorted(model.name for model in models) == list(NAMES)
    for model in models:
        stats = model.inference_stats
        parts = stats.queue, stats.compute_input, stats.compute_infer, stats.compute_output
        assert min(part.ns for part in parts) >= 0
        assert sum(part.ns for part in parts) == pytest.approx(stats.success.ns, abs=10)
        assert model.inference_count >= stats.success.count
