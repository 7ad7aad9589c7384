"""The scheduler's API over a scheduler that does what it is told."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from seldon_core import __version__
from seldon_core.errors import (
    InvalidResourceError,
    NotFoundError,
    StoreError,
)
from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.api import SchedulerApi
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.events import Tick
from seldon_core.scheduler.state import ModelState
from seldon_core.scheduler.status import Verdict
from seldon_core.scheduler.status_messages import server_message
from seldon_core.scheduler.story import Chapter
from seldon_core.transport.control_services import StreamMethod
from tests.support.control_fakes import FakeScheduler, a_model, a_server, a_version

PEER = "127.0.0.1:5"
IRIS = pb.LoadModelRequest(model={"meta": {"name": "iris"}, "modelSpec": {"uri": "/iris"}})


def run(test):
    async def limited():
        async with asyncio.timeout(5):
            return await test

    return asyncio.run(limited(), debug=True)


async def all_of(messages):
    return [message async for message in messages]


def test_a_model_is_declared_in_its_callers_name():
    scheduler = FakeScheduler()
    assert run(SchedulerApi(scheduler).load_model(IRIS, PEER)) == pb.LoadModelResponse()
    assert scheduler.asked == [("load", ModelSpec("iris", "/iris"), PEER)]


def test_a_declaration_tells_what_it_changed():
    api = SchedulerApi(FakeScheduler(change=Change.UNCHANGED))
    answer = run(api.apply_model(IRIS, PEER))
    assert answer.change == control_pb2.ApplyModelResponse.UNCHANGED


def test_what_is_no_model_never_reaches_the_scheduler():
    scheduler = FakeScheduler()
    with pytest.raises(InvalidResourceError, match=r"^meta\.name: "):
        run(SchedulerApi(scheduler).load_model(pb.LoadModelRequest(), PEER))
    assert scheduler.asked == []


def test_the_schedulers_refusal_is_the_callers():
    api = SchedulerApi(FakeScheduler(error=StoreError("the disk is full")))
    with pytest.raises(StoreError, match=r"^the disk is full$"):
        run(api.load_model(IRIS, PEER))


@pytest.mark.parametrize(
    ("given", "meta"),
    [
        ({}, None),
        ({"kubernetesMeta": {}}, KubernetesMeta()),
        ({"kubernetesMeta": {"namespace": "mesh", "generation": 2}}, KubernetesMeta("mesh", 2)),
    ],
    ids=["without meta", "with an empty one", "with one"],
)
def test_a_model_is_deleted_in_its_callers_name(given, meta):
    scheduler = FakeScheduler()
    request = pb.UnloadModelRequest(model={"name": "iris", "version": 7}, **given)
    assert run(SchedulerApi(scheduler).unload_model(request, PEER)) == pb.UnloadModelResponse()
    assert scheduler.asked == [("unload", "iris", meta, PEER)]


def some_models():
    scheduler = FakeScheduler()
    scheduler.set_model(a_model(a_version(1), a_version(2)))
    scheduler.set_model(a_model(name="wine", is_deleted=True))
    return scheduler


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: anext(api.model_status(pb.ModelStatusRequest(), PEER)),
        lambda api: anext(api.server_status(pb.ServerStatusRequest(), PEER)),
        lambda api: anext(api.follow_models(pb.ModelSubscriptionRequest(), PEER)),
        lambda api: api.describe_model(control_pb2.DescribeModelRequest(name="iris"), PEER),
    ],
    ids=["models", "servers", "a subscriber", "a description"],
)
def test_nothing_is_told_before_it_is_kept_and_routed(ask):
    async def test():
        scheduler = some_models()
        scheduler.set_server(a_server())
        scheduler.is_carried_out.clear()
        told = asyncio.ensure_future(ask(SchedulerApi(scheduler)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not told.done()
        scheduler.is_carried_out.set()
        assert await told

    run(test())


def test_a_subscriber_is_told_nothing_before_a_start_is_complete():
    async def test():
        scheduler = some_models()
        scheduler.is_complete.clear()
        messages = SchedulerApi(scheduler).follow_models(pb.ModelSubscriptionRequest(), PEER)
        told = asyncio.ensure_future(anext(messages))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not told.done()
        scheduler.is_complete.set()
        assert (await told).modelName == "iris"
        await messages.aclose()

    run(test())


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        pytest.param(
            pb.ModelStatusRequest(), [("iris", [2]), ("wine", [1])], id="every model, deleted too"
        ),
        pytest.param(
            pb.ModelStatusRequest(allVersions=True),
            [("iris", [1, 2]), ("wine", [1])],
            id="every version",
        ),
        pytest.param(
            pb.ModelStatusRequest(model={"name": "iris", "version": 1}),
            [("iris", [2])],
            id="a model, whatever the version",
        ),
    ],
)
def test_model_status_tells_of_what_was_asked_for(request_, told):
    messages = run(all_of(SchedulerApi(some_models()).model_status(request_, PEER)))
    assert told == [
        (message.modelName, [version.version for version in message.versions])
        for message in messages
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [("wines", "model 'wines' not found"), ("", "the request names no model")],
    ids=["unknown", "none"],
)
def test_an_unknown_model_is_not_found(name, said):
    request = pb.ModelStatusRequest(model={"name": name})
    with pytest.raises(NotFoundError, match=f"^{said}$"):
        run(all_of(SchedulerApi(some_models()).model_status(request, PEER)))


def test_a_model_that_is_forgotten_while_others_are_told_of_is_not():
    async def test():
        scheduler = some_models()
        async with aclosing(
            SchedulerApi(scheduler).model_status(pb.ModelStatusRequest(), PEER)
        ) as messages:
            first = await anext(messages)
            scheduler.forget_model("wine")
            return [first, *await all_of(messages)]

    assert [message.modelName for message in run(test())] == ["iris"]


def test_an_empty_store_has_nothing_to_tell():
    api = SchedulerApi(FakeScheduler())
    assert run(all_of(api.model_status(pb.ModelStatusRequest(), PEER))) == []
    assert run(all_of(api.server_status(pb.ServerStatusRequest(), PEER))) == []


def test_server_status_tells_of_what_was_asked_for():
    scheduler = FakeScheduler()
    servers = [a_server("mlserver"), a_server("triton")]
    for server in servers:
        scheduler.set_server(server)
    api = SchedulerApi(scheduler)
    every = run(all_of(api.server_status(pb.ServerStatusRequest(), PEER)))
    assert every == [server_message(server) for server in servers]
    one = run(all_of(api.server_status(pb.ServerStatusRequest(name="triton"), PEER)))
    assert one == every[1:]
    with pytest.raises(NotFoundError, match=r"^the request names no server$"):
        run(all_of(api.server_status(pb.ServerStatusRequest(name=""), PEER)))


def test_the_scheduler_tells_its_version():
    answer = run(SchedulerApi(FakeScheduler()).scheduler_status(pb.SchedulerStatusRequest(), PEER))
    assert answer.applicationVersion == __version__


def test_a_model_is_described_with_verdicts_and_story():
    scheduler = some_models()
    scheduler.verdicts = [Verdict("triton", None, "capabilities", "has no sklearn")]
    scheduler.chapters = [Chapter(3, Tick(1.0), ())]
    answer = run(
        SchedulerApi(scheduler).describe_model(control_pb2.DescribeModelRequest(name="iris"), PEER)
    )
    assert answer.status == SchedulerApi(scheduler)._gateways.message(
        scheduler.model("iris"), all_versions=True
    )
    assert [verdict.serverName for verdict in answer.verdicts] == ["triton"]
    assert [chapter.eventId for chapter in answer.story] == [3]


@pytest.mark.parametrize(
    ("kind", "story"), [("model", "iris"), ("pipeline", "iris.pipeline")], ids=["model", "other"]
)
def test_the_story_of_a_resource_of_any_kind_is_told(kind, story):
    scheduler = FakeScheduler()
    scheduler.chapters = [Chapter(3, Tick(1.0), ())]
    request = control_pb2.StoryRequest(kind=kind, name="iris")
    answer = run(SchedulerApi(scheduler).tell_story(request, PEER))
    assert [chapter.eventId for chapter in answer.story] == [3]
    assert scheduler.stories == [story]


def test_an_unknown_model_is_not_described():
    with pytest.raises(NotFoundError, match=r"^model 'iris' not found$"):
        run(
            SchedulerApi(FakeScheduler()).describe_model(
                control_pb2.DescribeModelRequest(name="iris"), PEER
            )
        )


def follow_models(scheduler, **given):
    return SchedulerApi(scheduler).follow_models(pb.ModelSubscriptionRequest(**given), PEER)


def test_a_subscriber_is_told_of_every_model_and_then_of_changes():
    async def test():
        scheduler = some_models()
        async with aclosing(follow_models(scheduler)) as messages:
            first = [await anext(messages), await anext(messages)]
            scheduler.set_model(a_model(a_version(3, ModelState.FAILED, reason="corrupt")))
            changed = await anext(messages)
        return [message.modelName for message in first], changed, scheduler.watchers

    first, changed, watchers = run(test())
    assert first == ["iris", "wine"]
    assert [version.version for version in changed.versions] == [3]
    assert changed.versions[0].state.reason == "corrupt"
    assert watchers == 0


def test_a_subscriber_is_told_of_what_changed_while_it_was_told_of_the_rest():
    async def test():
        scheduler = some_models()
        async with aclosing(follow_models(scheduler)) as messages:
            await anext(messages)
            scheduler.set_model(a_model(a_version(3)))
            scheduler.forget_model("wine")
            return await anext(messages)

    assert [version.version for version in run(test()).versions] == [3]


def test_a_forgotten_model_is_not_told_of():
    async def test():
        scheduler = some_models()
        async with aclosing(follow_models(scheduler)) as messages:
            await anext(messages), await anext(messages)
            scheduler.forget_model("wine")
            scheduler.set_model(a_model(a_version(3)))
            return await anext(messages)

    assert run(test()).modelName == "iris"


def test_a_subscription_ends_with_the_scheduler():
    async def test():
        scheduler = FakeScheduler()
        asyncio.get_running_loop().call_soon(scheduler.end)
        return await all_of(follow_models(scheduler))

    assert run(test()) == []


def test_a_model_gateway_is_told_what_to_take_in():
    async def test():
        scheduler = some_models()
        orders = follow_models(scheduler, isModelGateway=True, subscriberName="gw")
        order = await anext(orders)
        await orders.aclose()
        return order

    order = run(test())
    assert (order.operation, order.timestamp) == (pb.ModelStatusResponse.ModelCreate, 1)


def follow_servers(scheduler, coalesce_s=0.0):
    api = SchedulerApi(scheduler, coalesce_s)
    return api.follow_servers(pb.ServerSubscriptionRequest(), PEER)


def test_a_subscriber_is_told_of_every_server_and_then_of_changes():
    async def test():
        scheduler = FakeScheduler()
        scheduler.set_server(a_server(loaded=1))
        async with aclosing(follow_servers(scheduler)) as messages:
            told = [await anext(messages)]
            scheduler.mark_server("unknown")
            scheduler.set_server(a_server(loaded=2))
            told.append(await anext(messages))
        return [message.numLoadedModelReplicas for message in told], scheduler.watchers

    assert run(test()) == ([1, 2], 0)


def test_a_subscriber_is_asked_for_replicas():
    async def test():
        scheduler = FakeScheduler()
        scheduler.set_server(replace(a_server(loaded=1), meta=KubernetesMeta("mesh", 3)))
        async with aclosing(follow_servers(scheduler)) as messages:
            first = await anext(messages)
            scheduler.ask_for("unknown", 9)
            scheduler.ask_for(first.serverName, 3)
            return first, await anext(messages), await anext(messages)

    first, asked, after = run(test())
    assert asked == pb.ServerStatusResponse(
        type=pb.ServerStatusResponse.ScalingRequest,
        serverName=first.serverName,
        expectedReplicas=3,
        kubernetesMeta=pb.KubernetesMeta(namespace="mesh", generation=3),
    )
    assert after == first


def test_a_server_that_changes_all_the_time_is_told_of_now_and_then():
    async def test():
        scheduler = FakeScheduler()
        scheduler.set_server(a_server(loaded=0))
        async with aclosing(follow_servers(scheduler, coalesce_s=0.05)) as messages:
            await anext(messages)
            begun = asyncio.get_running_loop().time()
            for loaded in range(5):
                following = asyncio.create_task(anext(messages))
                # Two changes between any two answers, of which the last is told.
                for count in (100, loaded):
                    scheduler.set_server(a_server(loaded=count))
                    await asyncio.sleep(0)
                assert (await following).numLoadedModelReplicas == loaded
            return asyncio.get_running_loop().time() - begun

    assert run(test()) >= 5 * 0.05


def test_a_subscription_to_servers_ends_with_the_scheduler():
    async def test():
        scheduler = FakeScheduler()
        asyncio.get_running_loop().call_soon(scheduler.end)
        return await all_of(follow_servers(scheduler))

    assert run(test()) == []


def test_every_call_is_served_by_the_name_that_its_definition_has():
    served = {service.name: service.methods for service in SchedulerApi(FakeScheduler()).services()}
    defined = [
        pb.DESCRIPTOR.services_by_name["Scheduler"],
        control_pb2.DESCRIPTOR.services_by_name["Control"],
    ]
    assert {
        (service.full_name, method.name, method.input_type.full_name, method.server_streaming)
        for service in defined
        for method in service.methods
        # Those are served on the agents' port.
        if method.name not in ("SubscribeRoutes", "WakeModel")
    } == {
        (name, method.name, method.request.DESCRIPTOR.full_name, isinstance(method, StreamMethod))
        for name, methods in served.items()
        for method in methods
    }
