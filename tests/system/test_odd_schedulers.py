"""A real agent serves on and stays as large as it was, whatever a scheduler tells it."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

import psutil
import pytest

from seldon_core.proto import agent_pb2 as pb
from tests.support.numbered_models import INPUT, ArtifactShop, Sort
from tests.support.seldon_agent import LOAD, UNLOAD
from tests.support.seldon_scheduler import a_seldon_scheduler
from tests.support.server import serving

pytestmark = pytest.mark.system

MIB = 1 << 20
BODY = {"inputs": [{"name": INPUT, "shape": [1], "datatype": "FP32", "data": [0.0]}]}


class World:
    """An agent's process, the scheduler that it follows, and healthy artifacts."""

    def __init__(self, scheduler, server, shop):
        self.scheduler, self.server, self._shop = scheduler, server, shop

    def tell(self, operation, name, version=1, *, uri="", order=0):
        """Give an order; one with a number is one of ours."""
        message = pb.ModelOperationMessage(operation=operation, order=order)
        message.modelVersion.version = version
        message.modelVersion.model.meta.name = name
        message.modelVersion.model.modelSpec.uri = uri
        self.scheduler.pass_on(message)

    def welcome(self):
        """Say that this is a scheduler of this project."""
        self.scheduler.pass_on(pb.ModelOperationMessage(welcome={"protocol": 1, "version": "9"}))

    def artifact(self):
        number, spec = self._shop.make("model", Sort.HEALTHY)
        return number, spec.storage_uri

    async def call(self, internal):
        """Call a version; return the artifact that answers, or the status."""

        def call():
            request = urllib.request.Request(
                f"{self.server.url}/v2/models/any/infer",
                json.dumps(BODY).encode(),
                {"content-type": "application/json", "seldon-internal-model": internal},
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return int(json.loads(answer.read())["outputs"][0]["data"][0])
            except urllib.error.HTTPError as error:
                error.close()
                return error.code

        return await asyncio.get_running_loop().run_in_executor(None, call)

    async def reported(self, *reports):
        await self.scheduler.has(lambda: set(reports) <= set(self.scheduler.reports()))

    def resident(self):
        return psutil.Process(self.server.process.pid).memory_info().rss


@pytest.fixture
def in_world(tmp_path):
    """Runs a coroutine function that is given the world."""

    @asynccontextmanager
    async def made():
        async with a_seldon_scheduler() as scheduler:
            link = [f"--scheduler-port={scheduler.port}", "--port=0", "--admin-port=0"]
            opened = serving(
                "serve",
                "--role=agent",
                "--server-name=triton",
                f"--data-dir={tmp_path / 'agent'}",
                *link,
                until="inference",
            )
            loop = asyncio.get_running_loop()
            server = await loop.run_in_executor(None, opened.__enter__)
            try:
                await scheduler.has(lambda: scheduler.subscriptions)
                yield World(scheduler, server, ArtifactShop(tmp_path / "artifacts"))
                assert await loop.run_in_executor(None, server.stop) == 0
                assert "Traceback" not in server.output
            finally:
                await loop.run_in_executor(None, opened.__exit__, None, None, None)

    def run(test):
        async def limited():
            async with asyncio.timeout(60), made() as world:
                await test(world)

        asyncio.run(limited())

    return run


def test_orders_without_sense_are_refused_or_left_out(in_world):
    async def test(world):
        number, uri = world.artifact()
        world.tell(77, "iris", 1, uri=uri)
        world.tell(LOAD, "nowhere", 1, uri="/no/such/folder")
        world.tell(LOAD, "bare", 1)
        world.tell(LOAD, "unnumbered", 0, uri=uri)
        world.tell(LOAD, "strange", 1, uri="what://is/this")
        world.tell(UNLOAD, "never", 9)
        world.tell(LOAD, "", 1, uri=uri)
        for _ in range(3):
            world.tell(LOAD, "iris", 1, uri=uri)
        await world.reported(
            "nowhere 1 LOAD_FAILED",
            "bare 1 LOAD_FAILED",
            "unnumbered 0 LOAD_FAILED",
            "strange 1 LOAD_FAILED",
            "never 9 UNLOADED",
            "iris 1 LOADED",
        )
        assert await world.call("iris_1") == number
        reasons = [event.message for event in world.scheduler.events if event.event == 3]
        assert all(reasons)

    in_world(test)


def test_an_order_that_is_older_than_the_last_is_not_carried_out(in_world):
    async def test(world):
        number, uri = world.artifact()
        world.welcome()
        world.tell(LOAD, "iris", 1, uri=uri, order=7)
        await world.reported("iris 1 LOADED")
        world.tell(UNLOAD, "iris", 1, order=6)
        world.tell(UNLOAD, "iris", 1, order=7)
        other, its_uri = world.artifact()
        world.tell(LOAD, "other", 1, uri=its_uri, order=8)
        await world.reported("other 1 LOADED")
        await asyncio.sleep(7)  # an unload that was taken would have been carried out by then
        assert await world.call("iris_1") == number
        assert await world.call("other_1") == other

    in_world(test)


def test_a_flood_of_orders_makes_no_caller_wait_long_and_ends(in_world):
    async def test(world):
        number, uri = world.artifact()
        world.tell(LOAD, "iris", 1, uri=uri)
        await world.reported("iris 1 LOADED")
        before, longest_s = world.resident(), 0.0
        for each in range(800):
            world.tell(LOAD, f"missing{each}", 1, uri=f"/no/such/folder/{each}")
        while len(world.scheduler.events) < 801:
            began = time.monotonic()
            assert await world.call("iris_1") == number
            longest_s = max(longest_s, time.monotonic() - began)
        assert longest_s < 2
        assert world.resident() - before < 50 * MIB

    in_world(test)


def test_a_scheduler_that_ends_every_stream_at_once_is_asked_ever_less_often(in_world):
    async def test(world):
        number, uri = world.artifact()
        world.tell(LOAD, "iris", 1, uri=uri)
        await world.reported("iris 1 LOADED")
        for _ in range(50):
            world.scheduler.end_stream()
        await asyncio.sleep(5)
        assert 2 <= len(world.scheduler.subscriptions) <= 5
        assert await world.call("iris_1") == number
        held = world.scheduler.subscriptions[-1].loadedModels
        assert [(each.model.meta.name, each.version) for each in held] == [("iris", 1)]

    in_world(test)
