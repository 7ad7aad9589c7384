"""infer_stream, generate and generate_stream, as their front answers them."""

import asyncio
import json

import pytest

from seldon_core.errors import (
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    UnsupportedError,
)
from seldon_core.protocol.dialects import rest_target
from seldon_core.protocol.inference import InferResponse, TensorSpec
from seldon_core.transport.exchange import HttpAnswer, HttpRequest, StreamedAnswer
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.rest_call import RestCall
from seldon_core.transport.rest_streams import stream_methods
from tests.support.stream_fakes import StreamHandler, turns

ROUTE = (b"x-seldon-route", b":m_1:")
TEXT = ((TensorSpec("text_input", "BYTES", (-1,)),), (TensorSpec("text_output", "BYTES", (-1,)),))
V2 = {
    "id": "r",
    "inputs": [{"name": "text_input", "shape": [1], "datatype": "BYTES", "data": ["a"]}],
}


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


async def ask(handler, verb, document, model="m", refusals=None, **headers):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    path = f"/v2/models/{model}/{verb}".encode()
    target = rest_target(b"POST", path)
    request = HttpRequest(b"POST", path, sent, body)
    call = RestCall(target, request, "id1", 7.0, "127.0.0.1:1")
    return await stream_methods(handler, refusals)[target.verb](call)


async def events_of(answer):
    """The events of an answer, read as browsers do."""
    assert isinstance(answer, StreamedAnswer)
    body = b"".join([piece async for piece in answer.pieces])
    events = body.split(b"\n\n")
    assert events.pop() == b""
    assert all(event.startswith(b"data: ") for event in events)
    return [json.loads(event[6:]) for event in events]


def test_answers_are_events():
    async def test():
        handler = StreamHandler()
        handler.parts = 3
        answer = await ask(handler, "infer_stream", V2)
        assert answer.status == 200
        assert answer.headers == [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", b"id1"),
            ROUTE,
        ]
        events = await events_of(answer)
        assert len(events) == 3
        assert events[0] == {
            "model_name": "m_1",
            "model_version": "1",
            "id": "r",
            "outputs": V2["inputs"],
        }
        [call] = handler.calls
        assert (call.model, call.protocol, call.deadline, call.request_id) == (
            "m",
            "rest",
            7.0,
            "id1",
        )
        assert handler.closed == ["m"]

    run(test)


def test_each_event_is_a_piece_of_its_own():
    async def test():
        handler = StreamHandler()
        handler.parts = 2
        answer = await ask(handler, "infer_stream", V2)
        pieces = [piece async for piece in answer.pieces if piece]
        assert len(pieces) == 2
        assert all(piece.endswith(b"\n\n") for piece in pieces)

    run(test)


@pytest.mark.parametrize("verb", ["infer_stream", "generate_stream"])
def test_the_last_event_says_so_to_who_asks(verb):
    async def test():
        handler = StreamHandler(TEXT)
        handler.parts = 2
        asking = {**V2, "parameters": {"triton_enable_empty_final_response": True}}
        events = await events_of(await ask(handler, verb, asking))
        flags = [event["parameters"]["triton_final_response"] for event in events]
        assert flags == [False, True]

    run(test)


def test_text_is_answered_by_text_and_tensors_by_tensors():
    async def test():
        handler = StreamHandler(TEXT)
        text = await ask(handler, "generate_stream", {"text_input": "a", "id": "r"})
        assert await events_of(text) == [
            {"id": "r", "model_name": "m_1", "model_version": "1", "text_input": "a"}
        ]
        [event] = await events_of(await ask(handler, "generate_stream", V2))
        assert event["outputs"] == V2["inputs"]

    run(test)


def test_generate_answers_in_one():
    async def test():
        handler = StreamHandler(TEXT)
        answer = await ask(handler, "generate", {"text_input": "a", "id": "r"})
        assert isinstance(answer, HttpAnswer)
        assert (answer.status, answer.headers) == (
            200,
            [(b"content-type", b"application/json"), (b"x-request-id", b"id1"), ROUTE],
        )
        assert json.loads(b"".join(answer.parts)) == {
            "id": "r",
            "model_name": "m_1",
            "model_version": "1",
            "text_input": "a",
        }
        wish = {**V2, "parameters": {"binary_data_output": True}}
        answer = await ask(handler, "generate", wish)
        assert json.loads(b"".join(answer.parts))["outputs"] == V2["inputs"]

    run(test)


class Described(StreamHandler):
    """Keeps the calls that asked for metadata."""

    def __init__(self):
        super().__init__(TEXT)
        self.described = []

    async def metadata(self, call):
        self.described.append(call)
        return await super().metadata(call)


@pytest.mark.parametrize("verb", ["generate", "generate_stream"])
def test_the_call_that_asks_for_metadata_is_the_one_that_is_answered(verb):
    async def test():
        handler = Described()
        answer = await ask(handler, verb, {"text_input": "a"})
        if verb == "generate_stream":
            await events_of(answer)
        assert len(handler.described) == len(handler.calls) == 1
        assert handler.described[0] is handler.calls[0]
        assert handler.calls[0].payload.body == b'{"text_input": "a"}'

    run(test)


@pytest.mark.parametrize("verb", ["infer_stream", "generate", "generate_stream"])
@pytest.mark.parametrize(
    ("document", "message"),
    [(b"{", "JSON"), ({}, "inputs"), ({"inputs": 3}, "inputs: must be a list")],
    ids=["no JSON", "neither form", "wrong type"],
)
def test_a_wrong_body_is_an_error_before_anything_is_sent(verb, document, message):
    async def test():
        with pytest.raises(InvalidRequestError, match=message):
            await ask(StreamHandler(TEXT), verb, document)

    run(test)


@pytest.mark.parametrize("verb", ["infer_stream", "generate", "generate_stream"])
def test_binary_tensors_are_refused(verb):
    async def test():
        with pytest.raises(InvalidRequestError, match=f"{verb} takes JSON"):
            await ask(StreamHandler(TEXT), verb, V2, inference_header_content_length="2")

    run(test)


@pytest.mark.parametrize("verb", ["infer_stream", "generate", "generate_stream"])
def test_a_model_that_is_not_there_is_an_error_before_anything_is_sent(verb):
    async def test():
        handler = StreamHandler()
        handler.faults["m"] = NotFoundError("model", "m")
        with pytest.raises(NotFoundError):
            await ask(handler, verb, V2)
        assert handler.closed == handler.streams

    run(test)


@pytest.mark.parametrize("verb", ["infer_stream", "generate", "generate_stream"])
def test_the_first_answers_error_is_the_calls(verb):
    async def test():
        handler = StreamHandler(TEXT)
        handler.errors["r"] = ModelRuntimeError("it broke")
        with pytest.raises(ModelRuntimeError, match="it broke"):
            await ask(handler, verb, V2)
        assert handler.closed == handler.streams

    run(test)


def test_a_first_answer_that_is_no_text_is_the_calls_error():
    class Binary(StreamHandler):
        def _answer(self, call, payload):
            response = super()._answer(call, payload)
            response.outputs[0].data[0] = b"\xff"
            return response

    async def test():
        with pytest.raises(UnsupportedError, match="UTF-8"):
            await ask(Binary(), "infer_stream", V2)

    run(test)


class Scripted(StreamHandler):
    """Answers one message by what it is given; an exception of `ending` ends the stream."""

    def __init__(self, *outcomes, ending=None):
        super().__init__()
        self.outcomes = outcomes
        self.ending = ending
        self.parts = len(outcomes)

    def _answer(self, call, payload):
        outcome, *self.outcomes = self.outcomes
        return outcome

    async def stream(self, call, messages):
        async for reply in super().stream(call, messages):
            yield reply
        if self.ending is not None:
            raise self.ending


def test_an_error_after_the_first_answer_is_an_event():
    async def test():
        good = InferResponse("m_1", [])
        handler, refusals = Scripted(good, ModelRuntimeError("it broke"), good), Refusals()
        events = await events_of(await ask(handler, "infer_stream", V2, refusals=refusals))
        assert refusals.counts == {("rest", "500"): 1}
        assert events == [
            {"model_name": "m_1", "outputs": []},
            {"error": "it broke"},
            {"model_name": "m_1", "outputs": []},
        ]

    run(test)


def test_a_stream_that_fails_later_ends_with_an_event():
    async def test():
        handler = Scripted(InferResponse("m_1", []), ending=NotFoundError("model", "m_1"))
        refusals = Refusals()
        events = await events_of(await ask(handler, "infer_stream", V2, refusals=refusals))
        assert events[1:] == [{"error": "model 'm_1' not found"}]
        assert refusals.counts == {("rest", "404"): 1}

    run(test)


def test_a_stream_without_answers_is_an_empty_one():
    async def test():
        answer = await ask(Scripted(), "infer_stream", V2)
        assert answer.status == 200
        assert await events_of(answer) == []

    run(test)


@pytest.mark.parametrize("when", ["before the first event", "between events", "while it waits"])
def test_who_leaves_takes_everything_back(when):
    async def test():
        handler = StreamHandler()
        handler.parts = 5
        if when == "while it waits":
            handler.hold["m"] = asyncio.Event()
            asking = asyncio.create_task(ask(handler, "infer_stream", V2))
            await turns()
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled()
        else:
            answer = await ask(handler, "infer_stream", V2)
            if when == "between events":
                await anext(answer.pieces)
            await answer.pieces.aclose()
        assert handler.closed == ["m"]

    run(test)
