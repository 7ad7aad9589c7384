"""The scheduler's API with a real scheduler and real gRPC, over agents that obey at once."""

import asyncio
import logging
import resource
from contextlib import asynccontextmanager

import grpc
import pytest

from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.api import SchedulerApi
from seldon_core.scheduler.service import open_scheduler
from seldon_core.transport.control import ReplicaConfig, ReplicaId
from seldon_core.transport.control_client import RpcError, SchedulerClient
from seldon_core.transport.control_port import open_control_port
from tests.support.scheduler_fakes import FakeLink, FakeRoutes, StoppedClock

MLSERVER = ReplicaId("mlserver", 0)
STATES = pb.ModelStatus.ModelState


class ForgetfulStore:
    """Keeps nothing, and says that it does."""

    stored = ()

    async def write(self, saved, dropped, now):
        pass


@asynccontextmanager
async def a_scheduler(faults=(), **options):
    link = FakeLink(MLSERVER, faults)
    async with open_scheduler(
        {MLSERVER: link}, FakeRoutes(), ForgetfulStore(), StoppedClock()
    ) as scheduler:
        link.sink = scheduler
        scheduler.connect_replica(MLSERVER, ReplicaConfig(("sklearn",), 10**9, 10))
        scheduler.sync()
        services = SchedulerApi(scheduler).services()
        async with open_control_port("scheduler.port", 0, services, **options) as port:
            yield scheduler, f"127.0.0.1:{port}"


def run(test):
    async def limited():
        async with asyncio.timeout(60):
            return await test

    return asyncio.run(limited())


def request_for(name, **spec):
    model = {"meta": {"name": name}, "modelSpec": {"uri": f"/{name}", **spec}}
    return pb.LoadModelRequest(model=model)


async def calling(address, work):
    """Do `work` with the command line's client, which waits on a thread of its own."""

    def call():
        with SchedulerClient(address) as client:
            return work(client)

    return await asyncio.to_thread(call)


def state_of(message):
    version = message.versions[-1]
    return version.version, STATES.Name(version.state.state), message.deleted


def test_a_models_life_as_its_caller_sees_it():
    def live(client):
        told = []
        follow = client.watch_models(pb.ModelSubscriptionRequest(), timeout_s=20)

        def hear(*wanted):
            while True:
                told.append(state_of(next(follow)))
                if told[-1][1:] == wanted:
                    return

        changes = [client.apply_model(request_for("iris")).change]
        hear("ModelAvailable", False)
        changes.append(client.apply_model(request_for("iris")).change)
        changes.append(client.apply_model(request_for("iris", requirements=["sklearn"])).change)
        hear("ModelAvailable", False)
        every = list(client.model_status(pb.ModelStatusRequest(allVersions=True)))
        described = client.describe_model(control_pb2.DescribeModelRequest(name="iris"))
        client.unload_model(pb.UnloadModelRequest(model={"name": "iris"}))
        hear("ModelTerminated", True)
        follow.close()
        return changes, told, every, described

    async def test():
        async with a_scheduler() as (_, address):
            return await calling(address, live)

    changes, told, (status,), described = run(test())
    answers = control_pb2.ApplyModelResponse
    assert changes == [answers.CREATED, answers.UNCHANGED, answers.CONFIGURED]
    assert told[-1] == (2, "ModelTerminated", True)
    assert (1, "ModelAvailable", False) in told
    assert (2, "ModelAvailable", False) in told
    assert [version.version for version in status.versions] == [1, 2]
    assert [version.version for version in described.status.versions] == [1, 2]
    assert "declared by 127.0.0.1:" in described.story[0].event
    assert described.verdicts


def test_refusals_read_as_seldons():
    def be_refused(client):
        said = []
        for call in (
            lambda: client.load_model(request_for("no.dots")),
            lambda: client.unload_model(pb.UnloadModelRequest(model={"name": "wine"})),
            lambda: list(client.model_status(pb.ModelStatusRequest(model={"name": "wine"}))),
            lambda: list(client.server_status(pb.ServerStatusRequest(name="triton"))),
        ):
            with pytest.raises(RpcError) as refused:
                call()
            said.append(refused.value.code)
        return said

    async def test():
        async with a_scheduler() as (_, address):
            return await calling(address, be_refused)

    assert run(test()) == ["FailedPrecondition"] * 4


def test_a_server_is_told_of_when_its_models_change():
    def follow(client):
        servers = client.watch_servers(pb.ServerSubscriptionRequest(), timeout_s=20)
        first = next(servers)
        client.load_model(request_for("iris"))
        while not (status := next(servers)).numLoadedModelReplicas:
            pass
        servers.close()
        return first, status

    async def test():
        async with a_scheduler() as (_, address):
            return await calling(address, follow)

    first, status = run(test())
    assert (first.serverName, first.expectedReplicas, first.availableReplicas) == (
        "mlserver",
        -1,
        1,
    )
    assert status.resources[0].numLoadedModels == 1


MODELS = 5_000
LONG = "x" * 500  # so that what is told of all models does not fit into a connection


async def load_many(scheduler):
    answers = [
        scheduler.load_model(ModelSpec(f"m{number}", f"/{LONG}")) for number in range(MODELS)
    ]
    for answer in answers:
        await answer
    await scheduler.settled([f"m{number}" for number in range(MODELS)])


def test_a_subscriber_that_does_not_read_costs_nobody_anything(caplog):
    """Ten thousand changes: each of the models progresses and becomes available."""
    caplog.set_level(logging.WARNING)

    async def test():
        async with (
            a_scheduler(write_timeout_s=2.0) as (scheduler, address),
            a_channel(address) as stalled,
            a_channel(address) as flowing,
        ):
            slow = [subscribe(stalled) for _ in range(5)]
            quick = subscribe(flowing)
            all_available = asyncio.Event()
            reading = asyncio.create_task(hear_of_all(quick, all_available))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            await load_many(scheduler)
            loaded_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            await all_available.wait()
            while len(scheduler._model_watches._watches) > 1:  # until the quick one's alone is left
                await asyncio.sleep(0.01)
            assert "dropped a caller" in caplog.text
            reading.cancel()
            quick.cancel()
            for each in slow:
                async for _ in each:
                    pass
            ends = [await each.code() for each in slow]
            while scheduler._model_watches._watches:
                await asyncio.sleep(0.01)
            return ends, loaded_kib

    ends, loaded_kib = run(test())
    assert ends == [grpc.StatusCode.OK] * 5
    assert loaded_kib < 100_000


def a_channel(address):
    """A connection of its own, that takes in no more than is read from it."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0)]
    return grpc.aio.insecure_channel(address, options=options)


def subscribe(channel):
    name = "/seldon.mlops.scheduler.Scheduler/SubscribeModelStatus"
    return channel.unary_stream(name)(b"", timeout=60)


async def hear_of_all(call, all_available):
    waiting = {f"m{number}" for number in range(MODELS)}
    async for message in call:
        status = pb.ModelStatusResponse.FromString(message)
        if status.versions[0].state.state == STATES.ModelAvailable:
            waiting.discard(status.modelName)
        if not waiting:
            all_available.set()
