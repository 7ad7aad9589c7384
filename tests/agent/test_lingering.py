"""Unloads that wait for routers in other processes."""

import asyncio

from seldon_core.agent.lingering import Lingering
from seldon_core.resources.model import ModelSpec, ModelVersion

IRIS = ModelVersion(ModelSpec("iris", "/iris"), 1)
GRACE_S = 0.02


class Agent:
    def __init__(self):
        self.said = []
        self.unloaded = asyncio.Event()

    def load_model(self, version, remote=None):
        self.said.append(f"load {version.internal_name}")

    def unload_model(self, model, version):
        self.said.append(f"unload {model}_{version}")
        self.unloaded.set()


def test_without_routers_elsewhere_nothing_waits():
    async def test():
        agent = Agent()
        Lingering(agent, lambda: 0.0).unload_model("iris", 1)
        assert agent.said == ["unload iris_1"]

    asyncio.run(test())


def test_a_version_stays_until_routers_know_and_is_unloaded_once():
    async def test():
        agent = Agent()
        link = Lingering(agent, lambda: GRACE_S)
        link.load_model(IRIS)
        link.unload_model("iris", 1)
        link.unload_model("iris", 1)
        assert agent.said == ["load iris_1"]
        await asyncio.wait_for(agent.unloaded.wait(), 5)
        await asyncio.sleep(2 * GRACE_S)
        assert agent.said == ["load iris_1", "unload iris_1"]

    asyncio.run(test())


def test_a_load_takes_the_place_of_an_unload_that_waits_and_so_does_the_end():
    async def test():
        agent = Agent()
        link = Lingering(agent, lambda: GRACE_S)
        link.unload_model("iris", 1)
        link.load_model(IRIS)
        link.unload_model("iris", 1)
        link.close()
        await asyncio.sleep(2 * GRACE_S)
        assert agent.said == ["load iris_1"]

    asyncio.run(test())
