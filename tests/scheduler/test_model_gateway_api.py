"""A model gateway's calls, over a scheduler's real desk and machine."""

import asyncio

import pytest

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol import status
from seldon_core.scheduler.model_gateway_api import ModelGatewayApi
from seldon_core.transport.conversations import CallStatusError
from tests.support.control_fakes import FakeScheduler, a_model, a_version

PEER = "127.0.0.1:5"


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            scheduler = FakeScheduler()
            scheduler.set_model(a_model(a_version(1)))
            return await test(ModelGatewayApi(scheduler), scheduler)

    return asyncio.run(limited())


def answer(operation, timestamp, success=True, **update):
    given = {"model": "iris", "version": 1, "stream": "gw", **update}
    update = pb.ModelUpdateMessage(op=operation, timestamp=timestamp, **given)
    return pb.ModelUpdateStatusMessage(update=update, success=success)


def state_of(api, scheduler):
    state = api.message(scheduler.model("iris")).versions[0].state
    return pb.ModelStatus.ModelState.Name(state.modelGwState), state.modelGwReason


def test_a_gateway_takes_models_in_and_lets_them_go():
    async def test(api, scheduler):
        orders = api.follow("gw")
        create = await anext(orders)
        assert (create.operation, create.timestamp) == (pb.ModelStatusResponse.ModelCreate, 1)
        assert create.versions[0].modelDefn.meta.name == "iris"
        assert state_of(api, scheduler) == ("ModelProgressing", "")
        await api.take_event(answer(pb.ModelUpdateMessage.Create, 1), PEER)
        assert state_of(api, scheduler) == ("ModelAvailable", "1/1 ready ")

        scheduler.set_model(a_model(a_version(1), is_deleted=True))
        delete = await anext(orders)
        assert (delete.operation, delete.timestamp) == (pb.ModelStatusResponse.ModelDelete, 2)
        assert not delete.keepTopics
        assert delete.deleted
        await api.take_event(answer(pb.ModelUpdateMessage.Delete, 2), PEER)
        assert state_of(api, scheduler) == ("ModelTerminated", "1/1 terminated ")

        scheduler.forget_model("iris")
        scheduler.set_model(a_model(a_version(1)))
        assert (await anext(orders)).operation == pb.ModelStatusResponse.ModelCreate
        await orders.aclose()
        assert state_of(api, scheduler)[1].startswith("no model gateway runs")

    run(test)


def test_who_follows_models_is_told_what_became_of_them_at_the_gateways():
    async def test(api, scheduler):
        with scheduler.watch_models() as watch:
            orders = api.follow("gw")
            await anext(orders)
            assert await anext(watch) == "iris"
            await orders.aclose()

    run(test)


def test_a_gateway_ends_when_another_one_has_its_name():
    async def test(api, scheduler):
        first, second = api.follow("gw"), api.follow("gw")
        await anext(first)
        assert (await anext(second)).operation == pb.ModelStatusResponse.ModelCreate
        scheduler.set_model(a_model(a_version(2)))
        assert [order async for order in first] == []
        await second.aclose()

    run(test)


def test_a_model_that_is_forgotten_meanwhile_is_nobody_s():
    async def test(api, scheduler):
        orders = api.follow("gw")
        await anext(orders)
        scheduler.forget_model("iris")
        scheduler.mark_model("iris")
        asyncio.get_running_loop().call_soon(scheduler.end)
        assert [order async for order in orders] == []

    run(test)


def test_a_gateway_needs_a_name():
    async def test(api, scheduler):
        with pytest.raises(InvalidRequestError, match="subscriberName is empty"):
            await anext(api.follow(""))

    run(test)


@pytest.mark.parametrize(
    "update", [{"version": 2}, {"model": "rose"}], ids=["another-version", "another-model"]
)
def test_an_answer_about_what_there_is_not_is_refused_as_seldons_does(update):
    async def test(api, scheduler):
        with pytest.raises(CallStatusError, match="there is no version") as refused:
            await api.take_event(answer(pb.ModelUpdateMessage.Create, 1, **update), PEER)
        assert refused.value.code == status.UNKNOWN

    run(test)


def test_an_answer_that_is_none_is_refused():
    async def test(api, scheduler):
        with pytest.raises(InvalidRequestError, match="op 0 of an acknowledgement"):
            await api.take_event(answer(pb.ModelUpdateMessage.Unknown, 1), PEER)

    run(test)
