"""A router in front of an agent's own port: clients see what they would see of the agent itself."""

import asyncio
import contextlib
from typing import Any

import ngh2
import numpy as np
import orjson
import pytest

from seldon_core.aio.channels import Channel
from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.protocol.inference import Encoded, Payload
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.upstreams import open_upstreams
from tests.support.agent import World, agent_of
from tests.support.hop import REPLICA, address_of, listening, rpc_call
from tests.support.http2_peer import call_headers, framed, request_headers

ROW = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
JSON: dict[str, Any] = {"id": "7", "inputs": [ROW]}
BINARY = {**JSON, "parameters": {"binary_data_output": True}}
BAD_LUCK = {**JSON, "inputs": [{**ROW, "data": [13, 13]}]}


def message(identifier="7", values=(1.0, 2.0), final=False):
    request = oip.ModelInferRequest(model_name="iris", id=identifier)
    request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    request.raw_input_contents.append(np.array(values, np.float32).tobytes())
    if final:
        request.parameters["triton_enable_empty_final_response"].bool_param = True
    return request.SerializeToString()


class Client(asyncio.Protocol):
    """One connection that asks one thing at a time; an answer is its headers and its bytes."""

    def connection_made(self, transport):
        self.transport = transport
        self.h2 = ngh2.Connection(ngh2.Role.CLIENT)
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.transport.write(data)

    def data_received(self, data):
        self.h2.receive_data(data)
        for event in self.h2.events():
            match event:
                case ngh2.ResponseReceived(_, headers, _) | ngh2.TrailersReceived(_, headers):
                    self.headers |= dict(headers)
                case ngh2.DataReceived(_, piece, _):
                    self.body += piece
                case ngh2.StreamClosed():
                    self.over.set_result(None)
                case _:
                    pass
        self.flush()

    async def ask(self, headers, body=b""):
        self.headers, self.body = {}, b""
        self.over = asyncio.get_running_loop().create_future()
        stream = self.h2.send_request(headers, end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        async with asyncio.timeout(10):
            await self.over
        return self.headers, self.body


@contextlib.asynccontextmanager
async def client_of(port):
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(Client, "127.0.0.1", port)
    try:
        yield client
    finally:
        transport.abort()


def through_both(test):
    """Run `test(direct, hopped)`, a client of an agent's own port and one of a router before it."""

    async def whole():
        async with (
            agent_of(World(), "iris") as agent,
            listening(agent.front, agent.repository) as own,
            open_upstreams(InFlightBytes(1 << 30)) as upstreams,
        ):
            router = RouterHandler(RouteTable({}), lambda: 0.0, upstreams.open)
            router.publish_replica(REPLICA, address_of(own.port))
            router.publish(RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (REPLICA,)),)))
            async with (
                listening(router) as public,
                client_of(own.port) as direct,
                client_of(public.port) as hopped,
            ):
                await test(direct, hopped)

    asyncio.run(whole())


def same(direct, hopped):
    """Assert that two answers differ in what each process makes itself, and in nothing else."""
    own, ours = dict(direct[0]), dict(hopped[0])
    for headers in (own, ours):
        headers.pop(b"x-request-id")
    ours.pop(b"x-seldon-route", None)
    assert ours == own
    assert hopped[1] == direct[1]


@pytest.mark.parametrize("document", [JSON, BINARY, BAD_LUCK, {}, {"inputs": []}])
@pytest.mark.parametrize("verb", ["infer", "infer_stream", "generate", "generate_stream"])
def test_rest(verb, document):
    async def test(direct, hopped):
        json = (b"content-type", b"application/json")
        headers = request_headers(b"POST", b"/v2/models/iris/" + verb.encode(), json)
        body = orjson.dumps(document)
        same(await direct.ask(headers, body), await hopped.ask(headers, body))

    through_both(test)


def test_rest_with_binary_inputs():
    async def test(direct, hopped):
        item = {**ROW, "parameters": {"binary_data_size": 8}}
        del item["data"]
        head = orjson.dumps({"inputs": [item]})
        length = (b"inference-header-content-length", b"%d" % len(head))
        headers = request_headers(b"POST", b"/v2/models/iris/infer", length)
        body = head + np.array([1, 2], np.float32).tobytes()
        answers = await direct.ask(headers, body), await hopped.ask(headers, body)
        assert answers[1][0][b":status"] == b"200"
        same(*answers)
        raw = request_headers(
            b"POST", b"/v2/models/iris/infer", (b"inference-header-content-length", b"0")
        )
        same(await direct.ask(raw, body[-8:]), await hopped.ask(raw, body[-8:]))

    through_both(test)


@pytest.mark.parametrize("path", [b"", b"/ready", b"/config"])
def test_what_a_model_says(path):
    async def test(direct, hopped):
        headers = request_headers(b"GET", b"/v2/models/iris" + path)
        same(await direct.ask(headers), await hopped.ask(headers))

    through_both(test)


def test_statistics_are_those_of_the_agent():
    async def test(direct, hopped):
        infer = request_headers(b"POST", b"/v2/models/iris/infer")
        await hopped.ask(infer, orjson.dumps(JSON))
        for path in (b"/v2/models/iris/stats", b"/v2/models/stats"):
            headers = request_headers(b"GET", path)
            same(await direct.ask(headers), await hopped.ask(headers))

    through_both(test)


@pytest.mark.parametrize(
    "sent", [message(), message(values=(13, 13)), b"\xff"], ids=["answer", "error", "garbage"]
)
def test_grpc(sent):
    async def test(direct, hopped):
        headers = call_headers()
        same(await direct.ask(headers, framed(sent)), await hopped.ask(headers, framed(sent)))

    through_both(test)


@pytest.mark.parametrize("shape", [b"triton", b"mlserver"])
@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([message(str(number)) for number in range(50)], id="many"),
        pytest.param([message("1", final=True)], id="who wants to know the last"),
        pytest.param([message("1"), message("2", (13, 13)), message("3")], id="an error"),
        pytest.param([], id="none"),
    ],
)
def test_grpc_streams(messages, shape):
    async def test(direct, hopped):
        path = b"/inference.GRPCInferenceService/ModelStreamInfer"
        headers = call_headers((b"x-seldon-stream-format", shape), path=path)
        body = b"".join(framed(each) for each in messages)
        same(await direct.ask(headers, body), await hopped.ask(headers, body))

    through_both(test)


def test_a_request_keeps_its_id_on_both_sides():
    async def test(direct, hopped):
        own = (b"x-request-id", b"mine")
        headers = request_headers(b"POST", b"/v2/models/iris/infer", own)
        answer = await hopped.ask(headers, orjson.dumps(JSON))
        assert answer[0][b"x-request-id"] == b"mine"
        assert answer[0][b"x-seldon-route"] == b":iris_1:"

    through_both(test)


def test_streams_lose_nothing_when_a_replica_stops():
    other = ReplicaId("mlserver", 2)

    async def whole():
        async with (
            agent_of(World(), "iris") as agent,
            open_upstreams(InFlightBytes(1 << 30)) as upstreams,
            listening(agent.front, agent.repository) as stays,
            listening(agent.front, agent.repository) as stops,
        ):
            router = RouterHandler(RouteTable({}), lambda: 0.0, upstreams.open)
            router.publish_replica(REPLICA, address_of(stops.port))
            router.publish_replica(other, address_of(stays.port))
            route = RouteCandidate("iris", 1, 100, (REPLICA, other))
            router.publish(RouteUpdate("iris", (route,)))
            inbox: Channel[Payload] = Channel(32)
            answers = router.stream(rpc_call(model=""), inbox)
            stopping = None
            for number in range(40):
                payload = Payload(GRPC_CODEC, message(str(number)))
                await inbox.put(payload)
                if number == 20:  # it is on its way to who stops, or not even that
                    stopping = asyncio.ensure_future(stops.drain(5))
                reply = await anext(answers)
                assert reply.payload is payload
                assert isinstance(reply.outcome, Encoded)
            inbox.close()
            assert [reply async for reply in answers] == []
            assert stopping is not None
            await stopping

    asyncio.run(asyncio.wait_for(whole(), timeout=20))
