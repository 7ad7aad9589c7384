"""What an agent answers on a port of its own."""

import asyncio
from dataclasses import replace

import pytest

from seldon_core.errors import DeadlineError, NotFoundError, UnsupportedError
from tests.support.agent import World, agent_of, call_to, until, version_of
from tests.support.stream_fakes import Given


def with_agent(test):
    async def whole():
        async with agent_of(World(), "iris") as agent:
            await test(agent)

    asyncio.run(whole())


def called(model="", **headers):
    given = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return replace(call_to("", [[1, 2]]), model=model, headers=given)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(called("iris"), id="the name"),
        pytest.param(called("iris.model"), id="the name with its suffix"),
        pytest.param(called("iris_1"), id="the version's name"),
        pytest.param(called("", seldon_model=b"iris"), id="the header"),
        pytest.param(called("rose", seldon_model=b"iris"), id="the header, not the path"),
        pytest.param(called("rose", seldon_internal_model=b"iris_1"), id="the router's header"),
    ],
)
def test_a_model_is_called_by(call):
    async def test(agent):
        assert (await agent.front.infer(call)).response.model_name == "iris_1"
        assert await agent.front.ready(call)
        assert (await agent.front.config(call)).name == "iris"
        (counts,) = await agent.front.statistics(call)
        assert counts.name == "iris"
        replies = agent.front.stream(call, Given(call.payload))
        assert (await anext(replies)).outcome.model_name == "iris_1"
        await replies.aclose()

    with_agent(test)


def test_metadata_is_under_the_name_that_was_called():
    async def test(agent):
        assert (await agent.front.metadata(called("iris"))).name == "iris"
        assert (await agent.front.metadata(called("iris_1"))).name == "iris_1"

    with_agent(test)


@pytest.mark.parametrize("model", ["rose", "", "iris_2"])
def test_a_model_that_is_not_here_is_not_found(model):
    async def test(agent):
        with pytest.raises(NotFoundError):
            await agent.front.infer(called(model))
        with pytest.raises(NotFoundError):
            await agent.front.ready(called(model))

    with_agent(test)


def test_the_newest_version_is_the_one_that_a_name_means():
    async def test(agent):
        await agent.front.ready(called("iris"))
        agent.load_model(version_of("iris", 2))
        call = called("iris")
        await until(lambda: len(agent.front._host.served) == 2)
        assert (await agent.front.infer(call)).response.model_name == "iris_2"
        agent.unload_model("iris", 2)
        await until(lambda: len(agent.front._host.served) == 1)
        assert (await agent.front.infer(called("iris"))).response.model_name == "iris_1"

    with_agent(test)


def test_without_a_name_the_counts_are_of_every_model():
    async def test(agent):
        assert [one.name for one in await agent.front.statistics(called())] == ["iris"]

    with_agent(test)


def test_the_time_that_a_router_leaves_is_kept():
    async def test(agent):
        with pytest.raises(DeadlineError):
            await agent.front.infer(called(seldon_internal_model=b"iris_1", grpc_timeout=b"0m"))
        for value in (b"600S", b"soon"):
            call = called(seldon_internal_model=b"iris_1", grpc_timeout=value)
            await agent.front.infer(call)

    with_agent(test)


def test_models_are_listed_and_neither_loaded_nor_unloaded():
    async def test(agent):
        (row,) = await agent.repository.index(only_ready=True)
        assert (row.name, row.version, row.state.value) == ("iris", "1", "READY")
        with pytest.raises(UnsupportedError, match="ask a router"):
            await agent.repository.load("rose", {}, "")
        with pytest.raises(UnsupportedError):
            await agent.repository.unload("iris", "")

    with_agent(test)
