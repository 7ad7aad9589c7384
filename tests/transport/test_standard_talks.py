"""gRPC's own services on the data port, asked by gRPC's own library."""

import asyncio
import contextlib

import grpc
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from seldon_core.transport.handler import DataServices
from seldon_core.transport.listener import open_listener
from seldon_core.transport.settings import ListenerSettings
from tests.support.http2_peer import Client, call_headers, framed

STATUS = health_pb2.HealthCheckResponse
INFERENCE = "inference.GRPCInferenceService"


class Server:
    is_ready = True

    def ready(self):
        return self.is_ready


@contextlib.asynccontextmanager
async def asking():
    server = Server()
    services = DataServices(None, server, None, None, None)
    async with (
        open_listener(ListenerSettings(port=0), services) as listener,
        grpc.aio.insecure_channel(f"127.0.0.1:{listener.port}") as channel,
    ):
        yield server, listener, channel


def run(test):
    async def bounded():
        async with asyncio.timeout(30):
            await test()

    uvloop.run(bounded())


def test_health_is_checked():
    async def test():
        async with asking() as (server, _, channel):
            check = health_pb2_grpc.HealthStub(channel).Check
            asked = health_pb2.HealthCheckRequest(service=INFERENCE)
            assert (await check(asked)).status == STATUS.SERVING
            server.is_ready = False
            assert (await check(asked)).status == STATUS.NOT_SERVING
            with contextlib.suppress(grpc.RpcError):
                await check(health_pb2.HealthCheckRequest(service="other"))

    run(test)


def test_health_is_watched_until_the_port_drains():
    async def test():
        async with asking() as (server, listener, channel), asyncio.TaskGroup() as tasks:
            watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watching.read()).status == STATUS.SERVING
            server.is_ready = False
            draining = tasks.create_task(listener.drain(10))
            assert (await watching.read()).status == STATUS.NOT_SERVING
            assert await watching.read() is grpc.aio.EOF
            assert await watching.code() == grpc.StatusCode.OK
            await draining

    run(test)


def test_a_client_that_leaves_its_side_open_is_answered():
    async def test():
        async with asking() as (_, listener, _):
            client = Client(*await asyncio.open_connection("127.0.0.1", listener.port))
            headers = call_headers(path=b"/grpc.health.v1.Health/Check")
            answer = await client.call(headers, framed(b""), end=False)
            assert answer.status == 0
            assert STATUS.FromString(answer.message).status == STATUS.SERVING
            client.writer.close()
            await client.writer.wait_closed()

    run(test)


def test_the_services_of_the_data_port_are_listed_and_described():
    async def test():
        async with asking() as (_, _, channel):
            question = reflection_pb2.ServerReflectionRequest
            talk = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
            await talk.write(question(list_services=""))
            listed = [each.name for each in (await talk.read()).list_services_response.service]
            assert listed == [
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
                INFERENCE,
            ]
            for name in listed:
                await talk.write(question(file_containing_symbol=name))
                answer = await talk.read()
                assert answer.file_descriptor_response.file_descriptor_proto, answer
            await talk.done_writing()
            assert await talk.read() is grpc.aio.EOF

    run(test)
