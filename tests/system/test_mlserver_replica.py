"""A real MLServer as a replica of another kind, reached by HTTP/1.1 and gRPC."""

import asyncio

import orjson
import pytest
from tritonclient.grpc import service_pb2 as triton

from perf.harness import bodies
from perf.harness.artifacts import Artifacts
from perf.harness.peers import AbsentError
from perf.harness.servers import MlserverChoice, start_mlserver
from seldon_core.errors import NotReadyError, RelayedError, UnsupportedError
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaAddress
from seldon_core.transport.upstreams import open_upstreams
from tests.support.hop import REPLICA, body_of, rest_call, rpc_call

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlserver")
    artifacts = Artifacts(folder / "artifacts").make()
    try:
        server = start_mlserver(folder, MlserverChoice(0, batching=False), artifacts.sklearn)
    except AbsentError as error:
        pytest.skip(str(error))
    yield ReplicaAddress("127.0.0.1", server.port, server.grpc_port)
    server.process.stop()


def with_replica(test, address):
    async def whole():
        async with open_upstreams(InFlightBytes(1 << 30)) as upstreams:
            await test(upstreams.open(REPLICA, address))

    asyncio.run(asyncio.wait_for(whole(), timeout=60))


BODY = bodies.IRIS_JSON.encode()


def infer(model="iris", body=BODY):
    return rest_call(body, model=model)


def test_calls_of_both_kinds_are_answered(address):
    async def test(replica):
        for _ in range(3):
            answer = orjson.loads(body_of(await replica.infer(infer())))
            assert answer["outputs"][0]["data"] == [2]
        call = rpc_call(bodies.iris_message("another"), model="iris")
        answer = triton.ModelInferResponse.FromString(body_of(await replica.infer(call)))
        assert answer.model_name == "iris"
        assert (await replica.metadata(infer())).name == "iris"
        assert await replica.ready(infer())

    with_replica(test, address)


def test_many_calls_at_once_are_answered(address):
    async def test(replica):
        replies = await asyncio.gather(*(replica.infer(infer()) for _ in range(60)))
        assert all(orjson.loads(body_of(reply))["outputs"] for reply in replies)

    with_replica(test, address)


def test_what_it_does_not_tell_or_do_is_said(address):
    async def test(replica):
        for asked in (replica.config(infer()), replica.statistics(infer())):
            with pytest.raises(UnsupportedError, match="a server of another kind that tells no"):
                await asked

    with_replica(test, address)


def test_its_errors_are_passed_on(address):
    async def test(replica):
        with pytest.raises(RelayedError, match="Field required") as caught:
            await replica.infer(infer(body=b"{}"))
        assert caught.value.http == 422
        with pytest.raises(NotReadyError, match="rose"):
            await replica.infer(infer(model="rose"))

    with_replica(test, address)
