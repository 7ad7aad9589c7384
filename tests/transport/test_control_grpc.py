import asyncio
import os
import socket

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from seldon_core.errors import ConfigError
from seldon_core.transport.control_grpc import open_control_port

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_an_open_port_says_that_it_serves():
    async def scenario():
        async with (
            open_control_port("scheduler.port", 0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            return await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=5
            )

    assert asyncio.run(scenario()).status == SERVING


def test_grpc_writes_nothing_when_a_worker_is_started():
    assert os.environ["GRPC_ENABLE_FORK_SUPPORT"] == "0"


def test_whoever_watches_hears_of_the_end():
    async def scenario():
        opened = open_control_port("scheduler.port", 0)
        port = await opened.__aenter__()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(), timeout=5
            )
            states = [(await watch.read()).status]
            closing = asyncio.create_task(opened.__aexit__(None, None, None))
            states.append((await watch.read()).status)
            await closing
        return states

    assert asyncio.run(scenario()) == [SERVING, NOT_SERVING]


def test_the_apis_to_come_are_unimplemented():
    async def scenario():
        async with (
            open_control_port("scheduler.port", 0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            call = channel.unary_unary("/seldon.mlops.scheduler.Scheduler/ServerStatus")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(b"", timeout=5)
            return refused.value.code()

    assert asyncio.run(scenario()) is grpc.StatusCode.UNIMPLEMENTED


def test_a_taken_port_is_named_and_nothing_else_said(capfd):
    async def scenario(port):
        async with open_control_port("scheduler.port", port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^scheduler.port: .* port {port}: it is in use"):
            asyncio.run(scenario(port))
    assert capfd.readouterr().err == ""


def test_two_of_our_own_do_not_share_a_port():
    async def scenario():
        async with open_control_port("scheduler.port", 0) as port:
            with pytest.raises(ConfigError, match=r"agent\.port"):
                async with open_control_port("agent.port", port):
                    pass

    asyncio.run(scenario())
