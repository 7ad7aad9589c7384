"""A real scheduler with an agent like Seldon's, and a real agent with a scheduler like Seldon's."""

import asyncio
import json
import urllib.request

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import ModelSpec
from seldon_core.transport.control_client import SchedulerClient
from tests.support.seldon_agent import LOAD, UNLOAD, SeldonAgent, a_channel
from tests.support.seldon_scheduler import a_seldon_scheduler
from tests.support.server import serving

ROW = {"name": "predict", "shape": [1, 4], "datatype": "FP32", "data": [5.1, 3.5, 1.4, 0.2]}


def run(test):
    async def limited():
        async with asyncio.timeout(90):
            return await test()

    return asyncio.run(limited())


async def blocking(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


def infer(port, model, internal=None):
    named = {"seldon-internal-model": internal} if internal else {}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v2/models/{model}/infer",
        json.dumps({"inputs": [ROW]}).encode(),
        {"content-type": "application/json", **named},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def state_of(client, name):
    (status,) = client.model_status(pb.ModelStatusRequest(model={"name": name}))
    (version,) = status.versions
    return version.serverName, pb.ModelStatus.ModelState.Name(version.state.state)


def test_a_scheduler_has_an_agent_of_seldons_load_and_unload(tmp_path):
    async def test(server):
        async with a_channel(server.ports["agent"]) as channel, asyncio.TaskGroup() as tasks:
            agent = SeldonAgent(channel, "mlserver", 0)
            task = tasks.create_task(agent.serve())
            with SchedulerClient(f"127.0.0.1:{server.ports['scheduler']}") as client:
                declared = message_of(ModelSpec("iris", "gs://bucket/iris", ("sklearn",), 10))
                await blocking(client.load_model, pb.LoadModelRequest(model=declared))
                await agent.has(lambda: agent.orders == ["load iris 1"])
                while (await blocking(state_of, client, "iris")) != ("mlserver", "ModelAvailable"):
                    await asyncio.sleep(0.05)
                uri = agent.messages[0].modelVersion.model.modelSpec.uri
                assert uri == "gs://bucket/iris"
                gone = pb.UnloadModelRequest(model={"name": "iris"})
                await blocking(client.unload_model, gone)
                await agent.has(lambda: agent.orders == ["load iris 1", "unload iris 1"])
                assert await agent.drain()
            server.process.terminate()
            await task  # ends by itself, as the scheduler ends the stream

    with serving(
        "serve",
        "--role=scheduler",
        "--scheduler-port=0",
        "--agent-port=0",
        "--admin-port=0",
        f"--data-dir={tmp_path}",
    ) as server:
        run(lambda: test(server))
        assert server.process.wait(20) == 0


def test_an_agent_serves_what_a_scheduler_of_seldons_has_it_load(samples):
    async def test():
        async with a_seldon_scheduler() as scheduler:
            command = [
                "serve",
                "--role=agent",
                "--server-name=mlserver",
                "--replica-idx=2",
                f"--scheduler-port={scheduler.port}",
                "--port=0",
                "--admin-port=0",
                f"--set=agent.trustedPrefixes={samples}",
            ]
            context = serving(*command, until="inference")
            server = await blocking(context.__enter__)
            try:
                await scheduler.has(lambda: scheduler.subscriptions)
                (said,) = scheduler.subscriptions
                assert (said.serverName, said.replicaIdx) == ("mlserver", 2)
                assert said.replicaConfig.inferenceHttpPort == server.port
                assert "sklearn" in said.replicaConfig.capabilities
                iris = next(samples.rglob("iris/model.joblib")).parent
                scheduler.order(LOAD, "iris", 7, uri=str(iris))
                await scheduler.has(lambda: scheduler.events)
                assert scheduler.reports() == ["iris 7 LOADED"]
                answer = await blocking(infer, server.port, "iris", "iris_7")
                assert answer["outputs"][0]["shape"] == [1, 1]
                scheduler.order(UNLOAD, "iris", 7)
                await scheduler.has(lambda: len(scheduler.events) == 2)
                assert scheduler.reports()[1] == "iris 7 UNLOADED"
                server.process.terminate()
                assert await blocking(server.process.wait, 20) == 0
                assert scheduler.drains == 1
            finally:
                await blocking(context.__exit__, None, None, None)

    run(test)
