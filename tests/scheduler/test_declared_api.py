"""The calls about pipelines and experiments, over a real scheduler."""

import asyncio
from contextlib import aclosing, asynccontextmanager

import pytest

from seldon_core.errors import (
    InvalidRequestError,
    InvalidResourceError,
    NotFoundError,
    SeldonError,
)
from seldon_core.proto import chainer_pb2, control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.scheduler.declared_api import DeclaredApi
from seldon_core.scheduler.service import open_scheduler
from tests.support.scheduler_fakes import FakeRoutes, FakeStore, HandClock

PEER = "127.0.0.1:5"
CHAIN = pb.LoadPipelineRequest(
    pipeline={"name": "p", "steps": [{"name": "b", "inputs": ["a"]}, {"name": "a"}]}
)
HALF = pb.StartExperimentRequest(
    experiment={"name": "e", "candidates": [{"name": "a", "weight": 1}]}
)
_Operation = chainer_pb2.PipelineUpdateMessage.PipelineOperation


@asynccontextmanager
async def an_api():
    async with (
        asyncio.timeout(5),
        open_scheduler({}, FakeRoutes(), FakeStore(), HandClock()) as scheduler,
    ):
        scheduler.sync()
        yield DeclaredApi(scheduler)


def run(test):
    async def whole():
        async with an_api() as api:
            await test(api)

    asyncio.run(whole(), debug=True)


async def all_of(messages):
    return [message async for message in messages]


def test_a_pipeline_is_loaded_shown_and_unloaded():
    async def test(api):
        assert await api.load_pipeline(CHAIN, PEER) == pb.LoadPipelineResponse()
        request = pb.PipelineStatusRequest(name="p")
        (status,) = await all_of(api.pipeline_status(request, PEER))
        (version,) = status.versions
        assert [step.name for step in version.pipeline.steps] == ["a", "b"]
        assert version.pipeline.steps[1].inputs == ["a.outputs"]
        assert (version.pipeline.version, len(version.pipeline.uid)) == (1, 20)
        assert version.state.status == pb.PipelineVersionState.PipelineCreate
        assert version.state.pipelineGwStatus == pb.PipelineVersionState.PipelineCreate
        assert version.state.reason.startswith("no dataflow engine is connected")
        assert version.state.lastChangeTimestamp.seconds == 1
        assert not version.state.modelsReady
        assert (status.timestamp, status.operation) == (0, 0)
        assert (
            await api.unload_pipeline(pb.UnloadPipelineRequest(name="p"), PEER)
            == pb.UnloadPipelineResponse()
        )
        (status,) = await all_of(api.pipeline_status(request, PEER))
        assert status.versions[0].state.status == pb.PipelineVersionState.PipelineTerminated

    run(test)


def test_all_versions_are_shown_if_asked_for():
    async def test(api):
        await api.load_pipeline(CHAIN, PEER)
        await api.load_pipeline(CHAIN, PEER)
        (latest,) = await all_of(api.pipeline_status(pb.PipelineStatusRequest(), PEER))
        assert [each.pipeline.version for each in latest.versions] == [2]
        request = pb.PipelineStatusRequest(name="p", allVersions=True)
        (whole,) = await all_of(api.pipeline_status(request, PEER))
        assert [each.pipeline.version for each in whole.versions] == [1, 2]

    run(test)


def test_a_uid_that_is_given_is_taken():
    async def test(api):
        request = pb.LoadPipelineRequest(pipeline=CHAIN.pipeline)
        request.pipeline.uid = "mine"
        await api.load_pipeline(request, PEER)
        (status,) = await all_of(api.pipeline_status(pb.PipelineStatusRequest(), PEER))
        assert status.versions[0].pipeline.uid == "mine"

    run(test)


def test_applying_tells_what_it_changed():
    async def test(api):
        change = control_pb2.ApplyModelResponse
        assert (await api.apply_pipeline(CHAIN, PEER)).change == change.CREATED
        assert (await api.apply_pipeline(CHAIN, PEER)).change == change.UNCHANGED
        assert (await api.apply_experiment(HALF, PEER)).change == change.CREATED
        assert (await api.apply_experiment(HALF, PEER)).change == change.UNCHANGED

    run(test)


def test_an_experiment_is_started_shown_and_stopped():
    async def test(api):
        assert await api.start_experiment(HALF, PEER) == pb.StartExperimentResponse()
        request = pb.ExperimentStatusRequest(name="e")
        (status,) = await all_of(api.experiment_status(request, PEER))
        assert (status.experimentName, status.active, status.mirrorReady) == ("e", False, True)
        assert "model 'a'" in status.statusDescription
        assert status.experiment == HALF.experiment
        assert not status.HasField("kubernetesMeta")
        await api.stop_experiment(pb.StopExperimentRequest(name="e"), PEER)
        (status,) = await all_of(api.experiment_status(pb.ExperimentStatusRequest(), PEER))
        assert status.deleted

    run(test)


def test_what_there_is_not_is_not_found_and_all_of_nothing_is_nothing():
    async def test(api):
        with pytest.raises(NotFoundError, match="pipeline 'p' not found"):
            await all_of(api.pipeline_status(pb.PipelineStatusRequest(name="p"), PEER))
        with pytest.raises(NotFoundError, match="experiment 'e' not found"):
            await all_of(api.experiment_status(pb.ExperimentStatusRequest(name="e"), PEER))
        assert await all_of(api.pipeline_status(pb.PipelineStatusRequest(), PEER)) == []
        assert await all_of(api.experiment_status(pb.ExperimentStatusRequest(), PEER)) == []

    run(test)


def test_what_is_not_valid_is_refused():
    async def test(api):
        with pytest.raises(InvalidResourceError, match=r"^name: "):
            await api.load_pipeline(pb.LoadPipelineRequest(), PEER)
        with pytest.raises(InvalidResourceError, match=r"^name: "):
            await api.start_experiment(pb.StartExperimentRequest(), PEER)

    run(test)


def test_a_subscriber_hears_of_what_there_is_and_then_of_each_that_changes():
    async def test(api):
        await api.load_pipeline(CHAIN, PEER)
        await api.start_experiment(HALF, PEER)
        async with (
            aclosing(api.follow_pipelines(pb.PipelineSubscriptionRequest(), PEER)) as pipelines,
            aclosing(
                api.follow_experiments(pb.ExperimentSubscriptionRequest(), PEER)
            ) as experiments,
        ):
            assert (await anext(pipelines)).versions[0].pipeline.version == 1
            assert (await anext(experiments)).experimentName == "e"
            await api.load_pipeline(CHAIN, PEER)
            await api.stop_experiment(pb.StopExperimentRequest(name="e"), PEER)
            assert (await anext(pipelines)).versions[0].pipeline.version == 2
            assert (await anext(experiments)).deleted

    run(test)


def test_a_gateway_is_told_and_answers():
    async def test(api):
        request = pb.PipelineSubscriptionRequest(
            subscriberName="g", subscriberIp="10.0.0.1", isPipelineGateway=True
        )
        async with aclosing(api.follow_pipelines(request, PEER)) as orders:
            waiting = asyncio.ensure_future(anext(orders))
            await asyncio.sleep(0)
            await api.load_pipeline(CHAIN, PEER)
            order = await waiting
            assert order.operation == pb.PipelineStatusResponse.PipelineCreate
            assert order.timestamp == 1
            update = told(order, _Operation.Create)
            await api.take_pipeline_event(update, PEER)
            assert await gateway(api) == ("PipelineReady", "1/1 ready ")
            update.success = False
            await api.take_pipeline_event(update, PEER)
            assert await gateway(api) == ("PipelineFailed", "1/1 failed ")
            await api.unload_pipeline(pb.UnloadPipelineRequest(name="p"), PEER)
            order = await anext(orders)
            assert order.operation == pb.PipelineStatusResponse.PipelineDelete
            await api.take_pipeline_event(told(order, _Operation.Delete), PEER)
            assert await gateway(api) == ("PipelineTerminated", "1/1 terminated ")

    run(test)


def told(order, operation):
    (version,) = order.versions
    return chainer_pb2.PipelineUpdateStatusMessage(
        update={
            "op": operation,
            "pipeline": version.pipeline.name,
            "version": version.pipeline.version,
            "uid": version.pipeline.uid,
            "timestamp": order.timestamp,
            "stream": "g",
        },
        success=True,
    )


async def gateway(api):
    (status,) = await all_of(api.pipeline_status(pb.PipelineStatusRequest(), PEER))
    state = status.versions[0].state
    name = pb.PipelineVersionState.PipelineStatus.Name(state.pipelineGwStatus)
    return name, state.pipelineGwReason


def test_a_gateway_has_a_name():
    async def test(api):
        request = pb.PipelineSubscriptionRequest(isPipelineGateway=True)
        with pytest.raises(InvalidRequestError, match="subscriberName is empty"):
            await all_of(api.follow_pipelines(request, PEER))

    run(test)


def test_an_acknowledgement_of_what_there_is_not_is_refused():
    async def test(api):
        message = chainer_pb2.PipelineUpdateStatusMessage
        with pytest.raises(SeldonError, match="there is no version 3 of pipeline 'x'"):
            await api.take_pipeline_event(
                message(update={"op": _Operation.Create, "pipeline": "x", "version": 3}), PEER
            )
        with pytest.raises(InvalidRequestError, match="op 0 of an acknowledgement"):
            await api.take_pipeline_event(message(), PEER)

    run(test)


@pytest.mark.parametrize(
    "subscribe",
    [
        lambda api: api.follow_pipelines(pb.PipelineSubscriptionRequest(), PEER),
        lambda api: api.follow_experiments(pb.ExperimentSubscriptionRequest(), PEER),
    ],
    ids=["pipelines", "experiments"],
)
def test_a_subscriber_is_told_nothing_before_a_start_is_complete(subscribe):
    async def test():
        async with (
            asyncio.timeout(5),
            open_scheduler({}, FakeRoutes(), FakeStore(), HandClock()) as scheduler,
        ):
            api = DeclaredApi(scheduler)
            await api.load_pipeline(CHAIN, PEER)
            await api.start_experiment(HALF, PEER)
            told = asyncio.ensure_future(anext(subscribe(api)))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not told.done()
            scheduler.sync()
            assert await told

    asyncio.run(test(), debug=True)
