"""The agent's side of the link, against a scheduler like Seldon's and against our own."""

import asyncio
import logging
from contextlib import asynccontextmanager

import grpc
import pytest

from seldon_core.agent.link import open_scheduler_link
from seldon_core.errors import UpstreamError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.transport.agent_messages import load_message, unload_message
from seldon_core.transport.agent_reports import signal_of
from seldon_core.transport.control import (
    ReplicaAddress,
    ReplicaConfig,
    ReplicaModelEvent,
    ScalingSignal,
    SignalKind,
)
from seldon_core.transport.rpc_client import open_rpc_client
from tests.support.agent_link_fakes import R0, FakeAgent
from tests.support.seldon_agent import LOAD, UNLOAD
from tests.support.seldon_scheduler import a_seldon_scheduler

IRIS = ModelVersion(ModelSpec("iris", "/models/iris"), 1)
ADDRESS = ReplicaAddress("10.0.0.7", 9000, 9000, is_ours=True)
CONFIG = ReplicaConfig(("sklearn",), 1000, 10, address=ADDRESS)


def run(test):
    async def limited():
        async with asyncio.timeout(20):
            return await test()

    return asyncio.run(limited())


@asynccontextmanager
async def a_link(port, agent, **options):
    given = {"unload_grace_s": 0.05, "first_pause_s": 0.02, **options}
    async with (
        open_rpc_client("127.0.0.1", port, "the scheduler") as client,
        open_scheduler_link(client, R0, CONFIG, **given) as link,
    ):
        agent.reports = link
        link.attach(agent)
        yield link


@asynccontextmanager
async def a_world(held=(), **options):
    agent = FakeAgent(held)
    async with a_seldon_scheduler() as scheduler, a_link(scheduler.port, agent, **options) as link:
        await scheduler.has(lambda: scheduler.subscriptions)
        yield scheduler, agent, link


def test_an_agent_says_what_it_is_and_what_it_holds():
    async def test():
        async with a_world(held=[IRIS]) as (scheduler, _, link):
            (said,) = scheduler.subscriptions
            assert (said.serverName, said.replicaIdx, said.shared) == ("mlserver", 0, True)
            config = said.replicaConfig
            assert (config.inferenceSvc, config.inferenceHttpPort) == ("10.0.0.7", 9000)
            assert (config.memoryBytes, config.overCommitPercentage) == (1000, 10)
            assert config.capabilities == ["sklearn"]
            assert said.availableMemoryBytes == 900
            (held,) = said.loadedModels
            assert (held.model.meta.name, held.version) == ("iris", 1)
            assert held.model.modelSpec.uri == "/models/iris"
            assert not link.is_subscribed  # Seldon's scheduler has said nothing yet

    run(test)


def test_an_agent_obeys_a_scheduler_of_seldons():
    async def test():
        async with a_world() as (scheduler, agent, link):
            agent.faults["bad"] = "no such file"
            scheduler.order(LOAD, "iris")
            scheduler.order(LOAD, "bad", 2)
            await scheduler.has(lambda: len(scheduler.events) == 2)
            scheduler.order(UNLOAD, "iris")
            await scheduler.has(lambda: len(scheduler.events) == 3)
            assert agent.orders == ["load iris_1", "load bad_2", "unload iris_1"]
            assert scheduler.reports() == ["iris 1 LOADED", "bad 2 LOAD_FAILED", "iris 1 UNLOADED"]
            assert scheduler.events[1].message == "no such file"
            assert scheduler.events[0].availableMemoryBytes == 900
            assert link.is_subscribed
            assert link.was_subscribed

    run(test)


def test_an_agent_serves_on_and_comes_back_with_what_it_holds():
    async def test():
        agent = FakeAgent()
        async with a_seldon_scheduler() as first:
            port = first.port
            link = a_link(port, agent)
            opened = await link.__aenter__()
            first.order(LOAD, "iris")
            await first.has(lambda: len(first.events) == 1)
        while opened.is_subscribed:
            await asyncio.sleep(0.01)
        assert agent.orders == ["load iris_1"]
        async with a_seldon_scheduler(port) as second:
            await second.has(lambda: second.subscriptions)
            (held,) = second.subscriptions[0].loadedModels
            assert (held.model.meta.name, held.version) == ("iris", 1)
            assert second.events == []
            await link.__aexit__(None, None, None)

    run(test)


def test_a_report_that_is_not_delivered_is_repeated():
    async def test():
        async with a_world() as (scheduler, agent, _):
            code = grpc.StatusCode
            scheduler.faults = [code.UNAVAILABLE]
            scheduler.order(LOAD, "iris")
            scheduler.order(LOAD, "other")
            await scheduler.has(lambda: len(scheduler.events) == 2)
            assert scheduler.reports() == ["iris 1 LOADED", "other 1 LOADED"]
            scheduler.faults = [code.INTERNAL]  # heard, and not wanted
            scheduler.order(LOAD, "iris")
            scheduler.order(LOAD, "last")
            await scheduler.has(lambda: len(scheduler.events) == 3)
            assert scheduler.reports()[2:] == ["last 1 LOADED"]
            assert agent.orders[2:] == ["load iris_1", "load last_1"]

    run(test)


def test_an_unload_waits_for_routers_and_a_load_meanwhile_takes_it_back():
    async def test():
        async with a_world(unload_grace_s=0.2) as (scheduler, agent, _):
            scheduler.order(LOAD, "iris")
            scheduler.order(UNLOAD, "iris")
            scheduler.order(UNLOAD, "iris")
            scheduler.order(LOAD, "iris")
            scheduler.order(UNLOAD, "other")
            await scheduler.has(lambda: "other 1 UNLOADED" in scheduler.reports())
            assert agent.orders == ["load iris_1", "load iris_1", "unload other_1"]

    run(test)


def test_a_scheduler_that_is_back_has_nothing_unloaded_before_routers_have_found_it():
    async def test():
        loop = asyncio.get_running_loop()
        async with a_world([IRIS], unload_grace_s=0.1) as (scheduler, agent, _):
            began = loop.time()
            scheduler.order(UNLOAD, "iris")
            await scheduler.has(lambda: scheduler.events)
            assert loop.time() - began > 0.2
            scheduler.order(LOAD, "iris")
            began = loop.time()
            scheduler.order(UNLOAD, "iris")
            await scheduler.has(lambda: len(scheduler.events) == 3)
            assert loop.time() - began > 0.1
            assert agent.orders == ["unload iris_1", "load iris_1", "unload iris_1"]

    run(test)


def test_what_was_ordered_on_a_stream_that_is_lost_is_not_done():
    async def test():
        async with a_world([IRIS], unload_grace_s=0.05) as (scheduler, agent, link):
            scheduler.order(UNLOAD, "iris")
            scheduler.end_stream()
            await scheduler.has(lambda: len(scheduler.subscriptions) == 2)
            await asyncio.sleep(0.3)
            assert agent.orders == []
            assert len(scheduler.subscriptions[1].loadedModels) == 1
            assert not link.is_subscribed

    run(test)


def test_a_model_that_is_not_understood_has_failed_to_load():
    async def test():
        async with a_world() as (scheduler, agent, _):
            scheduler.order(LOAD, "iris", uri=" ")
            scheduler.order(77, "iris")
            await scheduler.has(lambda: scheduler.events)
            assert scheduler.reports() == ["iris 1 LOAD_FAILED"]
            assert scheduler.events[0].message.startswith("modelSpec.uri: is empty")
            assert agent.orders == []

    run(test)


S3 = Remote("s3", "s3", {"token": "hunter2"})


@pytest.mark.parametrize("number", [0, 1], ids=["seldon's", "ours"])
def test_an_order_names_the_remote_that_a_model_is_on(number):
    async def test():
        async with a_world() as (scheduler, agent, link):
            link._obey(load_message(IRIS, number, S3))
            await scheduler.has(lambda: scheduler.subscriptions)
            assert agent.remotes == [S3]
            assert agent.held()[0].version == IRIS

    run(test)


def test_a_model_on_a_remote_that_is_none_has_failed_to_load():
    async def test():
        async with a_world() as (scheduler, agent, _):
            config = {"storageRcloneConfig": "hunter2"}
            scheduler.order(LOAD, "iris", storage=config)
            await scheduler.has(lambda: scheduler.events)
            assert scheduler.reports() == ["iris 1 LOAD_FAILED"]
            path = "modelSpec.storageConfig.storageRcloneConfig"
            assert scheduler.events[0].message.startswith(f"{path}: defines no remote")
            assert agent.orders == []

    run(test)


def test_a_drain_asks_the_scheduler_and_what_is_loaded_meanwhile_has_failed():
    async def test():
        async with a_world() as (scheduler, agent, link):
            await link.drain(5)  # nobody is there yet who could do it
            assert scheduler.drains == 0
            link.is_draining = False
            scheduler.order(LOAD, "iris")
            await scheduler.has(lambda: scheduler.events)
            await link.drain(5)
            assert scheduler.drains == 1
            scheduler.order(LOAD, "late")
            await scheduler.has(lambda: len(scheduler.events) == 2)
            assert scheduler.reports()[1] == "late 1 LOAD_FAILED"
            assert scheduler.events[1].message == "replica mlserver/0 is draining"
            assert agent.orders == ["load iris_1", "load late_1"]

    run(test)


def test_an_agent_that_is_not_taken_says_so(caplog, monkeypatch):
    monkeypatch.setattr("seldon_core.agent.link._SILENT_S", 0.02)

    async def test():
        async with a_world() as (scheduler, _, __):
            while "has not taken this replica" not in caplog.text:
                await asyncio.sleep(0.01)
            scheduler.order(LOAD, "iris")
            await scheduler.has(lambda: scheduler.events)

    run(test)
    assert caplog.text.count("has not taken this replica, which waits replica=mlserver/0") == 1


def test_a_refusal_is_said_once(caplog):
    async def test():
        agent = FakeAgent()
        async with a_seldon_scheduler() as scheduler:
            scheduler.refusal = grpc.StatusCode.FAILED_PRECONDITION, "speak up"
            async with a_link(scheduler.port, agent):
                while caplog.text.count("speak up") < 1:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                scheduler.refusal = None
                await scheduler.has(lambda: scheduler.subscriptions)

    with caplog.at_level(logging.INFO):
        run(test)
    assert caplog.text.count("it was refused: speak up") == 1


class ScriptedClient:
    """An RpcClient whose one stream says `messages`; calls are kept, or fail as told."""

    def __init__(self, *messages, failures=()):
        self.messages = messages
        self.failures = list(failures)
        self.calls = []
        self.gathered = []
        self.lives = 0

    async def unary(self, path, request, response, timeout_s):
        if self.failures:
            raise self.failures.pop(0)
        self.calls.append(request)
        return response()

    async def gather(self, path, requests, response, timeout_s):
        if self.failures:
            raise self.failures.pop(0)
        self.gathered.append(requests)
        return response()

    async def stream(self, path, request, response):
        for message in self.messages:
            yield message
            await asyncio.sleep(0)
        await asyncio.sleep(60)

    def ask_for_life(self):
        self.lives += 1


async def obeyed(client, agent, wanted):
    """Have an agent obey a scripted scheduler until `wanted()`."""
    async with open_scheduler_link(client, R0, CONFIG, unload_grace_s=0.01) as link:
        agent.reports = link
        link.attach(agent)
        while not wanted():
            await asyncio.sleep(0.01)
        return link


def test_orders_of_ours_have_numbers_that_reports_give_back_and_old_ones_are_dropped():
    welcome = pb.ModelOperationMessage(welcome={"protocol": 1, "version": "9"})
    load = load_message(IRIS, 5)
    stale = unload_message(load.modelVersion, 4)
    client = ScriptedClient(welcome, load, stale, load_message(IRIS, 5))
    agent = FakeAgent()

    async def test():
        await obeyed(client, agent, lambda: client.calls)
        assert agent.orders == ["load iris_1"]
        (told,) = client.calls
        assert (told.order, told.measuredMemoryBytes) == (5, 77)
        assert client.lives == 1

    run(test)


async def signalled(client, *kinds):
    """Signal until something was heard of it; return the link."""
    agent = FakeAgent()
    async with open_scheduler_link(client, R0, CONFIG) as link:
        agent.reports = link
        link.signal(ScalingSignal(R0, "early", 1, SignalKind.LAG, 31))  # not subscribed yet
        link.attach(agent)
        while not link.is_subscribed:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        while not client.gathered:
            for kind in kinds:
                link.signal(ScalingSignal(R0, "iris", 1, kind, 31))
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_ours", [True, False], ids=["ours", "Seldon's"])
def test_signals_are_told_together_and_rates_to_a_scheduler_of_ours_only(is_ours):
    welcome = pb.ModelOperationMessage(welcome={"protocol": 1})
    client = ScriptedClient(welcome if is_ours else load_message(IRIS, 0))
    run(lambda: signalled(client, SignalKind.LAG, SignalKind.RATE))
    kinds = [signal_of(message).kind for message in client.gathered[0]]
    assert kinds == ([SignalKind.LAG, SignalKind.RATE] if is_ours else [SignalKind.LAG])


def test_a_signal_that_was_not_heard_is_not_said_again(caplog):
    welcome = pb.ModelOperationMessage(welcome={"protocol": 1})
    client = ScriptedClient(welcome, failures=[UpstreamError("the wire was cut")])
    caplog.set_level(logging.DEBUG, "seldon_core.agent.link")
    run(lambda: signalled(client, SignalKind.IDLE))
    assert [len(messages) for messages in client.gathered] == [1]
    assert "signals not heard count=1 reason='the wire was cut'" in caplog.text


def test_only_what_happened_last_of_a_version_is_told():
    agent = FakeAgent()
    agent.is_slow = True
    client = ScriptedClient(load_message(IRIS, 1))

    async def test():
        async with open_scheduler_link(client, R0, CONFIG) as link:
            agent.reports = link
            link.attach(agent)
            while not agent.orders:
                await asyncio.sleep(0.01)
            agent.is_slow = False
            agent.tell("iris", 1, ReplicaModelEvent.LOAD_FAILED, "first")
            agent.tell("other", 1, ReplicaModelEvent.LOADED)
            agent.tell("iris", 1, ReplicaModelEvent.LOADED)
            while len(client.calls) < 2:
                await asyncio.sleep(0.01)
            assert [(told.modelName, told.event) for told in client.calls] == [
                ("other", pb.ModelEventMessage.LOADED),
                ("iris", pb.ModelEventMessage.LOADED),
            ]

    run(test)


@pytest.mark.parametrize("is_lost", [False, True], ids=["answered", "lost"])
def test_a_drain_that_fails_is_told(caplog, is_lost):
    failures = [UpstreamError("the wire was cut")] if is_lost else []

    async def test():
        client = ScriptedClient(pb.ModelOperationMessage(welcome={"protocol": 1}))
        async with open_scheduler_link(client, R0, CONFIG) as link:
            link.attach(FakeAgent())
            while not link.is_subscribed:
                await asyncio.sleep(0.01)
            client.failures = failures
            await link.drain(5)

    run(test)
    assert ("the wire was cut" in caplog.text) == is_lost


def test_a_report_is_repeated_when_nobody_knows_whether_it_was_heard(monkeypatch):
    monkeypatch.setattr("seldon_core.agent.link.FIRST_PAUSE_S", 0.01)
    client = ScriptedClient(load_message(IRIS, 1), failures=[UpstreamError("cut")])
    agent = FakeAgent()
    run(lambda: obeyed(client, agent, lambda: client.calls))
    assert [told.modelName for told in client.calls] == ["iris"]


def test_reports_of_a_subscription_that_was_lost_meanwhile_are_not_told():
    """The task that sends reports is woken and finds none."""
    agent = FakeAgent()

    async def test():
        client = ScriptedClient(pb.ModelOperationMessage(welcome={"protocol": 1}))
        async with open_scheduler_link(client, R0, CONFIG) as link:
            agent.reports = link
            link.attach(agent)
            while not link.is_subscribed:
                await asyncio.sleep(0.01)
            agent.tell("iris", 1, ReplicaModelEvent.LOADED)
            link._request()  # as when it subscribes again in the same turn of the loop
            link.is_subscribed = False
            link._look_at_outbox()
            await asyncio.sleep(0.05)
            assert client.calls == []

    run(test)
