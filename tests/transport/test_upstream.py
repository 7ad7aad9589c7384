"""The hop to a replica in another process: a real agent's port, and peers that misbehave."""

import asyncio
import contextlib

import numpy as np
import orjson
import pytest

from seldon_core.agent.front import AgentFront
from seldon_core.errors import (
    NotFoundError,
    NotReadyError,
    OverloadedError,
    RelayedError,
    UnreachableError,
    UnsupportedError,
    UpstreamError,
)
from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import Encoded
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaAddress
from seldon_core.transport.upstreams import open_upstreams
from tests.support.agent import World, agent_of
from tests.support.hop import (
    REPLICA,
    body_of,
    free_port,
    listening,
    remote,
    rest_call,
    rpc_call,
    steered,
)
from tests.support.http_peer import http_peer
from tests.support.stream_fakes import Given, Spoken

ROWS = b'{"id":"7","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}'


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=20))


def message(identifier="7", values=(1.0, 2.0), model="iris"):
    request = oip.ModelInferRequest(model_name=model, id=identifier)
    request.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    request.raw_input_contents.append(np.array(values, np.float32).tobytes())
    return request.SerializeToString()


def with_agent(test, *names, world=None):
    """Run `test(handler, world)` with the hop to an agent that has loaded `names`."""

    async def whole():
        seen = world or World()
        async with (
            agent_of(seen, *(names or ("iris",))) as agent,
            listening(agent.front, agent.repository) as listener,
            remote(listener.port) as handler,
        ):
            await test(handler, seen)

    run(whole)


def test_a_rest_call_is_answered_as_the_replica_wrote_it():
    async def test(handler, world):
        reply = await handler.infer(rest_call(ROWS))
        assert isinstance(reply.response, Encoded)
        assert reply.response.content_type == b"application/json"
        answer = orjson.loads(body_of(reply))
        assert (answer["model_name"], answer["id"]) == ("iris_1", "7")
        assert answer["outputs"][0]["data"] == [2.0, 4.0]

    with_agent(test)


def test_binary_outputs_come_with_the_length_of_their_head():
    async def test(handler, world):
        wish = b'"parameters":{"binary_data_output":true},"inputs"'
        reply = await handler.infer(rest_call(ROWS.replace(b'"inputs"', wish)))
        whole, length = body_of(reply), reply.response.json_length
        assert orjson.loads(whole[:length])["outputs"][0]["parameters"]["binary_data_size"] == 8
        assert np.frombuffer(whole[length:], np.float32).tolist() == [2.0, 4.0]

    with_agent(test)


def test_a_grpc_call_is_answered_as_the_replica_wrote_it():
    async def test(handler, world):
        reply = await handler.infer(rpc_call(message()))
        answer = oip.ModelInferResponse.FromString(body_of(reply))
        assert (answer.model_name, answer.id) == ("iris_1", "7")
        assert np.frombuffer(answer.raw_output_contents[0], np.float32).tolist() == [2.0, 4.0]

    with_agent(test)


def test_what_a_replica_says_of_a_model_comes_whole():
    async def test(handler, world):
        await handler.infer(rest_call(ROWS))
        metadata = await handler.metadata(rest_call())
        assert [spec.name for spec in metadata.inputs] == ["x"]
        assert metadata.outputs[1].parameters == {"content_type": "np"}
        config = await handler.config(rest_call())
        assert (config.max_batch_size, config.inputs[0].shape) == (64, (2,))
        (counts,) = await handler.statistics(rest_call())
        assert (counts.name, counts.version, counts.inference_count) == ("iris", "1", 1)
        assert counts.inference_stats.success.count == 1
        every = await handler.statistics(rest_call(model=""))
        assert [one.name for one in every] == ["iris"]
        assert await handler.ready(rest_call())

    with_agent(test)


@pytest.mark.parametrize("make", [rest_call, rpc_call], ids=["rest", "grpc"])
def test_a_model_that_is_not_there_is_not_found(make):
    async def test(handler, world):
        with pytest.raises(NotFoundError, match="model 'rose_1' not found"):
            await handler.infer(make(model="rose_1"))
        with pytest.raises(NotFoundError):
            await handler.metadata(make(model="rose_1"))
        with pytest.raises(NotFoundError):
            await handler.ready(make(model="rose_1"))

    with_agent(test)


def test_an_error_is_passed_on_with_its_text_and_status():
    async def test(handler, world):
        with pytest.raises(RelayedError, match="inputs") as caught:
            await handler.infer(rest_call(b"{}"))
        assert (caught.value.http, caught.value.grpc) == (400, 3)
        with pytest.raises(RelayedError, match="bad luck") as caught:
            await handler.infer(rpc_call(message(values=(13.0, 13.0))))
        assert (caught.value.http, caught.value.grpc) == (500, 13)

    with_agent(test)


def test_a_stream_is_answered_message_by_message():
    async def test(handler, world):
        spoken = Spoken()
        call = rpc_call(message("1"), verb=Verb.STREAM_INFER)
        replies = handler.stream(call, spoken)
        for identifier in ("1", "2", "3"):
            payload = rpc_call(message(identifier, model=identifier)).payload
            spoken.say(payload)
            reply = await anext(replies)
            assert reply.payload is payload
            assert reply.is_final
            answer = oip.ModelInferResponse.FromString(b"".join(reply.outcome.parts))
            assert (answer.id, answer.model_name) == (identifier, "iris_1")
        spoken.end()
        with pytest.raises(StopAsyncIteration):
            await anext(replies)

    with_agent(test)


def test_an_error_of_one_message_leaves_the_stream_alone():
    async def test(handler, world):
        messages = [rpc_call(message("1", (13.0, 13.0))).payload, rpc_call(message("2")).payload]
        call = rpc_call(b"", verb=Verb.STREAM_INFER)
        first, second = [reply async for reply in handler.stream(call, Given(*messages))]
        assert isinstance(first.outcome, RelayedError)
        assert first.outcome.http == 500
        assert isinstance(second.outcome, Encoded)

    with_agent(test)


def test_what_the_messages_raise_ends_the_stream():
    async def test(handler, world):
        fault = OverloadedError("too many bytes")
        replies = handler.stream(rpc_call(verb=Verb.STREAM_INFER), Given(fault))
        with pytest.raises(OverloadedError, match="too many bytes"):
            await anext(replies)

    with_agent(test)


def test_a_stream_to_a_model_that_is_not_there_raises():
    async def test(handler, world):
        call = rpc_call(message(), model="rose_1", verb=Verb.STREAM_INFER)
        found = [reply async for reply in handler.stream(call, Given(call.payload))]
        assert "rose_1" in str(found[0].outcome)

    with_agent(test)


def test_events_of_rest_are_passed_on_as_data():
    async def test(handler, world):
        call = rest_call(ROWS, verb=Verb.INFER_STREAM)
        (reply,) = [reply async for reply in handler.stream(call, Given(call.payload))]
        answer = orjson.loads(b"".join(reply.outcome.parts))
        assert answer["outputs"][0]["data"] == [2.0, 4.0]
        call = rest_call(b"{}", verb=Verb.INFER_STREAM)
        with pytest.raises(RelayedError, match="inputs"):
            await anext(handler.stream(call, Given(call.payload)))

    with_agent(test)


def test_bodies_of_100_mib_pass_both_ways_and_are_counted():
    size = 100 << 20

    def answer(peer, stream_id):
        assert len(peer.bodies[stream_id]) == size
        peer.head(stream_id, (b"content-length", b"%d" % size))
        peer.data(stream_id, bytes(size), end=True)

    async def test():
        budget = InFlightBytes(1 << 30)
        async with steered(answer) as server, remote(server.port, budget) as handler:
            call = asyncio.ensure_future(handler.infer(rest_call(bytes(size))))
            await server.until(lambda: budget.used == size)
            reply = await call
            (whole,) = reply.response.parts
            assert len(whole) == size
            assert budget.used == 0

    run(test)


def test_an_answer_for_which_there_is_no_room_is_refused_at_once():
    async def test():
        budget = InFlightBytes(1 << 20)
        budget.take(1)
        async with steered() as server, remote(server.port, budget) as handler:
            call = asyncio.ensure_future(handler.infer(rest_call()))
            peer = await server.asked()
            peer.head(1, (b"content-length", b"%d" % (2 << 20)))
            with pytest.raises(OverloadedError):
                await call
            await server.until(lambda: peer.resets == {1: 8})
            assert budget.used == 1

    run(test)


def test_a_port_where_nobody_listens_is_unreachable_and_asked_again_later():
    async def test():
        port = free_port()
        async with remote(port) as handler:
            for _ in range(3):
                with pytest.raises(UnreachableError, match="cannot be reached") as caught:
                    await handler.infer(rest_call())
                assert not caught.value.was_sent
            async with listening_echo(port) as server:
                while not server.peers:  # there is a pause between two attempts
                    with contextlib.suppress(UnreachableError):
                        assert body_of(await handler.infer(rest_call())) == b"{}"
                    await asyncio.sleep(0)
                assert len(server.peers) == 1

    run(test)


def listening_echo(port=0, **rest):
    return steered(lambda peer, stream_id: peer.answer(stream_id), port, **rest)


def test_a_connection_lost_before_the_answer_says_that_the_call_may_have_been_seen():
    async def test():
        async with steered() as server, remote(server.port) as handler:
            call = asyncio.ensure_future(handler.infer(rest_call()))
            (await server.asked()).transport.abort()
            with pytest.raises(UnreachableError) as caught:
                await call
            assert caught.value.was_sent

    run(test)


def test_a_connection_lost_amid_the_answer_is_no_reason_to_ask_another():
    async def test():
        async with steered() as server, remote(server.port) as handler:
            call = asyncio.ensure_future(handler.infer(rest_call()))
            peer = await server.asked()
            peer.head(1, (b"content-length", b"100"))
            peer.data(1, b"half")
            await server.until(lambda: handler._links.ready()._answering)
            peer.transport.abort()
            with pytest.raises(UpstreamError, match="before its answer was complete") as caught:
                await call
            assert not isinstance(caught.value, UnreachableError)

    run(test)


def test_after_goaway_what_was_not_processed_may_be_asked_elsewhere():
    async def test():
        async with steered() as server, remote(server.port) as handler:
            first, second = (asyncio.ensure_future(handler.infer(rest_call())) for _ in range(2))
            peer = await server.asked(2)
            peer.h2.send_goaway(0, last_stream_id=1)
            peer.flush()
            with pytest.raises(UnreachableError) as caught:
                await second
            assert not caught.value.was_sent
            server.answer = lambda other, stream_id: other.answer(stream_id, b"anew")
            assert body_of(await handler.infer(rest_call())) == b"anew"
            peer.answer(1, b"old")
            assert body_of(await first) == b"old"
            await server.until(lambda: peer.is_lost)

    run(test)


def test_a_replica_that_was_started_anew_is_connected_to_anew():
    async def test():
        async with listening_echo() as server, remote(server.port) as handler:
            await handler.infer(rest_call())
            server.peers[0].transport.close()
            await server.until(lambda: handler._links.ready() is None)
            await handler.infer(rest_call())
            assert len(server.peers) == 2

    run(test)


@pytest.mark.parametrize("verb", [Verb.INFER, Verb.STREAM_INFER], ids=["call", "stream"])
def test_who_leaves_resets_its_stream_and_harms_no_other(verb):
    async def test():
        async with steered() as server, remote(server.port) as handler:
            other = asyncio.ensure_future(handler.infer(rest_call()))
            await server.asked()
            if verb is Verb.INFER:
                leaving = asyncio.ensure_future(handler.infer(rpc_call(message())))
                await server.asked(2)
            else:
                spoken = Spoken()
                spoken.say(rpc_call(message()).payload)
                stream = handler.stream(rpc_call(verb=verb), spoken)
                leaving = asyncio.ensure_future(anext(stream))
                await server.until(lambda: server.peers[0].bodies.get(3))
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
            await server.until(lambda: server.peers[0].resets == {3: 8})
            server.peers[0].answer(1)
            assert body_of(await other) == b"{}"

    run(test)


def test_the_time_that_is_left_goes_along():
    async def test():
        async with listening_echo() as server, remote(server.port) as handler:
            await handler.infer(rest_call(seconds=600.5))
            await handler.infer(rest_call(seconds=1.5))
            found = [head[b"grpc-timeout"] for head in server.peers[0].requests.values()]
            assert found[0] == b"600S"
            assert found[1].endswith(b"m")
            assert 1000 < int(found[1][:-1]) <= 1500

    run(test)


def test_headers_of_the_hop():
    async def test():
        given = {b"traceparent": b"00-1-2-01", b"authorization": b"secret"}
        async with listening_echo() as server, remote(server.port) as handler:
            await handler.infer(rest_call(headers=given))
            (head,) = server.peers[0].requests.values()
            assert head[b":path"] == b"/v2/models/iris_1/infer"
            assert head[b"seldon-internal-model"] == b"iris_1"
            assert head[b"x-request-id"] == b"r1"
            assert head[b"traceparent"] == b"00-1-2-01"
            assert b"authorization" not in head

    run(test)


@pytest.mark.parametrize(
    ("status", "body", "headers", "error", "text"),
    [
        (b"500", b'{"error":"it broke"}', [], RelayedError, "it broke"),
        (b"422", b'{"detail":[{"msg":"bad"}]}', [], RelayedError, "bad"),
        (b"502", b"", [], RelayedError, "answered with status 502"),
        (b"404", b'{"error":"still loading"}', [], NotReadyError, "still loading"),
        (b"503", b'{"error":"full"}', [(b"retry-after", b"7")], OverloadedError, "full"),
        (b"503", b"plain text", [], RelayedError, "plain text"),
    ],
    ids=["error", "detail", "nothing", "not ready", "overloaded", "plain"],
)
def test_answers_other_than_200_are_errors(status, body, headers, error, text):
    async def test():
        def answer(peer, stream_id):
            peer.answer(stream_id, body, status, *headers)

        async with steered(answer) as server, remote(server.port) as handler:
            with pytest.raises(error, match=text):
                await handler.infer(rest_call())

    run(test)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda peer, s: peer.answer(s, b"\0\0\0\0\x05abc"), id="a short message"),
        pytest.param(lambda peer, s: peer.answer(s, b"\1\0\0\0\x03abc"), id="a compressed one"),
        pytest.param(lambda peer, s: peer.head(s, end=True), id="no status"),
    ],
)
def test_what_is_no_grpc_answer_is_an_upstream_error(answer):
    async def test():
        async with steered(answer) as server, remote(server.port) as handler:
            with pytest.raises(UpstreamError):
                await handler.infer(rpc_call(message()))

    run(test)


def test_a_front_is_what_an_agent_answers_by():
    async def test():
        async with agent_of(World(), "iris") as agent:
            assert isinstance(agent.front, AgentFront)

    run(test)


def with_foreign(test, answer):
    """Run `test(handler, peer)` with a replica of another kind that gives `answer`."""

    async def whole():
        with http_peer() as peer:
            peer.answers = [answer]
            address = ReplicaAddress("127.0.0.1", int(peer.address.rpartition(":")[2]), free_port())
            async with open_upstreams(InFlightBytes(1 << 20)) as upstreams:
                await test(upstreams.open(REPLICA, address), peer)

    run(whole)


def test_a_server_of_another_kind_that_does_not_tell_is_said_to_be_one():
    async def test(handler, peer):
        with pytest.raises(UnsupportedError, match="another kind that tells no configuration"):
            await handler.config(rest_call())
        with pytest.raises(UnsupportedError, match="another kind that tells no statistics"):
            await handler.statistics(rest_call())
        stream = handler.stream(rest_call(), Given(rest_call().payload))
        with pytest.raises(UnsupportedError, match="'iris_1' is on a server of another kind"):
            await anext(stream)
        assert [path for _, path, *_ in peer.requests] == [
            "/v2/models/iris_1/config",
            "/v2/models/iris_1/stats",
        ]

    with_foreign(test, (404, [], b'{"detail":"Not Found"}'))


def test_the_failure_of_a_server_of_another_kind_is_its_own():
    async def test(handler, peer):
        with pytest.raises(RelayedError, match="broken"):
            await handler.statistics(rest_call())

    with_foreign(test, (500, [], b'{"error":"broken"}'))


CACHE = ("cache_hit", "cache_miss")


def test_statistics_of_another_kind_are_of_the_versions_that_are_meant():
    parts = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output")
    counts = {
        "version": "1",
        "last_inference": 7,
        "inference_count": 3,
        "execution_count": 3,
        "inference_stats": {part: {"count": 3, "ns": 9} for part in (*parts, *CACHE)},
        "response_stats": {},
        "batch_stats": [],
        "memory_usage": [],
    }
    models = [{"name": "iris_2", **counts}, {"name": "its-own", **counts}]

    async def test(handler, peer):
        (found,) = await handler.statistics(rest_call())
        assert (found.name, found.version, found.inference_count) == ("iris", "2", 3)

    with_foreign(test, (200, [], orjson.dumps({"model_stats": models})))


def test_a_configuration_of_another_kind_is_read():
    config = {
        "name": "iris_1",
        "platform": "onnxruntime_onnx",
        "max_batch_size": 8,
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
        "output": [],
    }

    async def test(handler, peer):
        read = await handler.config(rest_call())
        assert (read.platform, read.max_batch_size, read.parameters) == ("onnxruntime_onnx", 8, {})

    with_foreign(test, (200, [], orjson.dumps(config)))
