"""An agent in another process, as the scheduler has it: its orders, and what answers them."""

import asyncio
import itertools

import pytest

from seldon_core.proto import agent_pb2 as pb
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote, parse_remote
from seldon_core.scheduler import agent_link
from seldon_core.scheduler.agent_link import RemoteAgent
from seldon_core.transport.agent_messages import Subscription, bare_version, remote_in
from seldon_core.transport.agent_reports import Report
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
)

R0 = ReplicaId("mlserver", 0)
IRIS, OTHER = (ModelVersion(ModelSpec(name, f"/{name}"), 1) for name in ("iris", "other"))

LOADED, LOAD_FAILED = ReplicaModelEvent.LOADED, ReplicaModelEvent.LOAD_FAILED
UNLOADED, UNLOAD_FAILED = ReplicaModelEvent.UNLOADED, ReplicaModelEvent.UNLOAD_FAILED


def an_agent(protocol=1, held=(), unknown=()):
    config = ReplicaConfig(("sklearn",), 100, 0, held=tuple(map(HeldModel, held)))
    return RemoteAgent(Subscription(R0, config, None, unknown), protocol, itertools.count(1))


def said(event, order=0, model="iris"):
    return Report(ModelReport(R0, model, 1, event), order, 0)


def sent(agent, number):
    """The next orders, as `load iris 1` with their numbers."""

    async def take():
        orders = agent.orders()
        async with asyncio.timeout(5):
            found = [await anext(orders) for _ in range(number)]
        await orders.aclose()
        return [
            "welcome"
            if order.HasField("welcome")
            else f"{pb.ModelOperationMessage.Operation.Name(order.operation)} "
            f"{order.modelVersion.model.meta.name} {order.order}"
            for order in found
        ]

    return asyncio.run(take())


def test_orders_wait_in_their_order_and_have_numbers():
    agent = an_agent()
    agent.load_model(IRIS)
    agent.unload_model("iris", 1)
    agent.unload_model("never-heard-of", 7)
    assert sent(agent, 4) == [
        "welcome",
        "LOAD_MODEL iris 1",
        "UNLOAD_MODEL iris 2",
        "UNLOAD_MODEL never-heard-of 3",
    ]


def test_an_agent_of_seldons_is_given_neither_a_welcome_nor_numbers():
    agent = an_agent(protocol=0)
    agent.load_model(IRIS)
    agent.unload_model("iris", 1)
    assert sent(agent, 2) == ["LOAD_MODEL iris 0", "UNLOAD_MODEL iris 0"]


@pytest.mark.parametrize("order", [0, 1], ids=["seldons", "ours"])
def test_the_answer_to_the_last_order_is_taken_once(order):
    agent = an_agent(protocol=order)
    agent.load_model(IRIS)
    assert agent.takes(said(LOADED, order))
    assert not agent.takes(said(LOADED, order))
    assert not agent.takes(said(LOAD_FAILED, order))


def test_an_answer_without_the_orders_number_is_none_of_an_agent_of_ours():
    agent = an_agent()
    agent.load_model(IRIS)
    assert not agent.takes(said(LOAD_FAILED))
    assert agent.takes(said(LOADED, 1))


def test_an_answer_to_an_older_order_is_not_taken():
    agent = an_agent()
    agent.load_model(IRIS)
    agent.unload_model("iris", 1)
    assert not agent.takes(said(LOADED))
    agent.load_model(IRIS)
    assert not agent.takes(said(LOADED, 1))
    assert not agent.takes(said(UNLOADED, 2))
    assert agent.takes(said(LOADED, 3))


@pytest.mark.parametrize("event", [LOAD_FAILED, UNLOADED], ids=["failed", "unloaded"])
def test_what_is_not_there_any_more_is_not_known_any_more(event):
    agent = an_agent(protocol=0)
    agent.load_model(IRIS)
    if event is UNLOADED:
        agent.unload_model("iris", 1)
    assert agent.takes(said(event))
    with pytest.raises(LookupError, match="iris_1"):
        agent.takes(said(event))


def test_what_could_not_be_unloaded_may_be_told_to_be_once_more():
    agent = an_agent(held=[IRIS])
    agent.unload_model("iris", 1)
    assert agent.takes(said(UNLOAD_FAILED, 1))
    agent.unload_model("iris", 1)
    assert agent.takes(said(UNLOADED, 2))


def test_what_is_held_needs_no_answer_and_is_unloaded_as_it_was_declared():
    agent = an_agent(held=[IRIS])
    assert not agent.takes(said(LOADED))
    agent.unload_model("iris", 1)

    async def take():
        orders = agent.orders()
        await anext(orders)
        order = await anext(orders)
        await orders.aclose()
        return order

    assert asyncio.run(take()).modelVersion.model.modelSpec.uri == "/iris"


def test_what_was_loaded_without_an_order_is_to_be_unloaded():
    agent = an_agent()
    for event in (LOADED, UNLOADED, LOAD_FAILED, UNLOAD_FAILED):
        with pytest.raises(LookupError):
            agent.takes(said(event, model="odd"))
    agent.load_model(IRIS)
    assert sent(agent, 3) == ["welcome", "UNLOAD_MODEL odd 1", "LOAD_MODEL iris 2"]


def test_what_is_held_and_not_understood_is_to_be_unloaded():
    agent = an_agent(unknown=((bare_version("odd", 3), "no uri"),))
    assert sent(agent, 2) == ["welcome", "UNLOAD_MODEL odd 1"]


def test_the_end_comes_at_once_and_no_order_after_it():
    async def test():
        agent = an_agent()
        orders = agent.orders()
        await anext(orders)
        agent.load_model(IRIS)
        agent.end()
        agent.load_model(OTHER)
        assert [order async for order in orders] == []

    asyncio.run(test())


def test_the_end_is_heard_by_who_waits_for_orders():
    async def test():
        agent = an_agent(protocol=0)
        waiting = asyncio.create_task(anext(agent.orders(), "ended"))
        await asyncio.sleep(0)
        agent.end()
        assert await waiting == "ended"

    asyncio.run(test())


def test_an_agent_that_takes_no_orders_is_given_up(monkeypatch):
    monkeypatch.setattr(agent_link, "MAX_ORDERS", 2)

    async def test():
        agent = an_agent()
        agent.load_model(IRIS)
        agent.load_model(OTHER)
        assert [order async for order in agent.orders()] == []

    asyncio.run(test())


S3 = Remote("s3", "s3", {"token": "hunter2"})


def orders(agent, number):
    async def take():
        waiting = agent.orders()
        found = [await anext(waiting) for _ in range(number)]
        await waiting.aclose()
        return found

    return asyncio.run(take())


def test_an_agent_of_ours_is_told_the_remote_beside_the_model():
    agent = an_agent()
    assert not agent.finds_secrets
    agent.load_model(IRIS, S3)
    agent.unload_model("iris", 1)
    _, load, unload = orders(agent, 3)
    assert remote_in(load) == S3
    assert not load.modelVersion.model.modelSpec.HasField("storageConfig")
    assert b"hunter2" not in unload.SerializeToString()


def test_an_agent_of_seldons_is_told_the_remote_in_its_own_words():
    agent = an_agent(protocol=0)
    assert agent.finds_secrets
    agent.load_model(IRIS, S3)
    agent.unload_model("iris", 1)
    load, unload = orders(agent, 2)
    assert not load.HasField("remote")
    config = load.modelVersion.model.modelSpec.storageConfig.storageRcloneConfig
    assert parse_remote(config) == S3
    assert b"hunter2" not in unload.SerializeToString()


def test_who_sends_what_secrets_hold_in_plain_text_to_another_machine_hears_so_once(caplog):
    config = ReplicaConfig(("sklearn",), 100, 0)
    there = Subscription(R0, config, None)
    agent = RemoteAgent(there, 1, itertools.count(1), "10.1.2.3:5")
    agent.load_model(IRIS)
    assert caplog.text == ""
    agent.load_model(IRIS, S3)
    agent.load_model(OTHER, S3)
    (record,) = caplog.records
    assert record.getMessage() == (
        "what Secrets hold goes to another machine in plain text; set control.tls "
        "replica=mlserver/0 peer=10.1.2.3:5"
    )
