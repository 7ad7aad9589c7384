"""Streams over a real listener, from a handler that answers piece by piece as the test says."""

import asyncio
import json
from contextlib import asynccontextmanager

import grpc
import pytest

from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.transport.handler import DataServices
from seldon_core.transport.listener import open_listener
from seldon_core.transport.rpc_streams import STREAM_PATH
from seldon_core.transport.settings import ListenerSettings
from tests.support.stream_fakes import StreamHandler
from tests.support.transport import connected, post, until

BODY = json.dumps(
    {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}
).encode()
TARGET = b"/v2/models/m/infer_stream"


class Slow(StreamHandler):
    """Answers each message by as many replies as are let go."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Semaphore(0)
        self.parts = 3

    async def stream(self, call, messages):
        async for reply in super().stream(call, messages):
            await self.gate.acquire()
            yield reply


@asynccontextmanager
async def listening(handler):
    services = DataServices(handler, None, None, None, None)
    async with open_listener(ListenerSettings(port=0), services) as listener:
        yield listener


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=20))


def test_each_event_is_sent_when_it_is_there():
    async def test():
        handler = Slow()
        async with listening(handler) as listener, connected(listener.port) as client:
            await client.send(post(TARGET, BODY))
            handler.gate.release()
            head = await client.receive(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert b"text/event-stream" in head
            first = await client.receive(b"\n\n")
            assert b'"model_name":"m_1"' in first
            handler.gate.release()
            assert b'"model_name":"m_1"' in await client.receive(b"\n\n")
            handler.gate.release()
            await client.receive(b"0\r\n\r\n")
            assert handler.closed == ["m"]

    run(test)


@pytest.mark.parametrize("after", [0, 1], ids=["before the first event", "after an event"])
def test_a_client_that_leaves_ends_the_work(after):
    async def test():
        handler = Slow()
        async with listening(handler) as listener:
            async with connected(listener.port) as client:
                await client.send(post(TARGET, BODY))
                for _ in range(after):
                    handler.gate.release()
                    await client.receive(b"\n\n")
                await until(lambda: handler.streams)
            await until(lambda: handler.closed)
            assert listener.in_flight_bytes == 0

    run(test)


def message():
    made = oip.ModelInferRequest(model_name="m")
    made.inputs.add(name="x", datatype="FP32", shape=[1]).contents.fp32_contents.append(1)
    return made


@asynccontextmanager
async def streaming(port, messages):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(
            STREAM_PATH.decode(),
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelInferResponse.FromString,
        )
        yield call(messages, metadata=[("x-seldon-stream-format", "mlserver")])


async def spoken():
    while True:
        yield message()
        await asyncio.sleep(0.001)


def test_many_replies_come_one_by_one_and_who_cancels_ends_the_work():
    async def test():
        handler = Slow()
        async with listening(handler) as listener:
            async with streaming(listener.port, spoken()) as call:
                for _ in range(5):
                    handler.gate.release()
                    assert (await call.read()).model_name == "m_1"
                assert dict(await call.initial_metadata())["x-seldon-route"] == ":m_1:"
                call.cancel()
                await until(lambda: handler.closed)
            await until(lambda: listener.in_flight_bytes == 0)

    run(test)
