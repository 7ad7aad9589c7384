"""ModelStreamInfer as a conversation, with clients that speak and listen as told."""

import asyncio
import gc
import sys
import weakref
from contextlib import aclosing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as triton

from seldon_core.errors import InvalidRequestError, ModelRuntimeError, NotFoundError
from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.protocol.dialects import GRPC_VERBS, Verb
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import CallStatusError, InitialMetadata
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.rpc_streams import STREAM_PATH, UNANSWERED, stream_conversations
from tests.support.stream_fakes import Given, Spoken, StreamHandler, turns

ROUTE = (b"x-seldon-route", b":m_1:")


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


def message(model="m", identifier="", raw=False, values=(1, 2), final=False):
    made = oip.ModelInferRequest(model_name=model, id=identifier)
    spec = made.inputs.add(name="x", datatype="FP32", shape=[len(values)])
    if raw:
        made.raw_input_contents.append(np.array(values, np.float32).tobytes())
    else:
        spec.contents.fp32_contents.extend(values)
    if final:
        made.parameters["triton_enable_empty_final_response"].bool_param = True
    return made.SerializeToString()


class Call:
    """A call of ModelStreamInfer on `handler`; Triton's messages read what it answers."""

    def __init__(self, handler, messages, setting="triton", deadline=float("inf"), **headers):
        self.budget = InFlightBytes(1 << 20)
        self.refusals = Refusals()
        talks = stream_conversations(handler, setting, self.budget, refusals=self.refusals)
        converse = talks[STREAM_PATH]
        sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        self.answers = converse(sent, messages, "127.0.0.1:1", deadline)
        self.metadata = []

    async def next(self):
        answer = await anext(self.answers)
        if isinstance(answer, InitialMetadata):
            self.metadata += answer
            answer = await anext(self.answers)
        return b"".join(answer)

    async def next_of_triton(self):
        return triton.ModelStreamInferResponse.FromString(await self.next())

    async def all(self):
        """Every answer as Triton's clients see it: an id and an error."""
        found = []
        while True:
            try:
                answer = await self.next_of_triton()
            except StopAsyncIteration:
                return found
            found.append((answer.infer_response.id, answer.error_message))


def test_messages_are_answered_in_tritons_shape():
    async def test():
        handler = StreamHandler()
        call = Call(handler, Given(message(identifier="1"), message(identifier="2", raw=True)))
        first, second = await call.next_of_triton(), await call.next_of_triton()
        assert await call.all() == []
        assert (first.infer_response.id, first.error_message) == ("1", "")
        assert first.infer_response.model_name == "m_1"
        assert list(first.infer_response.outputs[0].contents.fp32_contents) == [1, 2]
        raw = np.array([1, 2], np.float32).tobytes()
        assert list(second.infer_response.raw_output_contents) == [raw]
        assert call.metadata == [ROUTE]
        assert handler.streams == handler.closed == ["m"]
        assert call.budget.used == 0

    run(test)


def test_the_path_is_the_one_of_the_dialects():
    assert GRPC_VERBS[STREAM_PATH] is Verb.STREAM_INFER


def test_the_call_is_what_the_handler_needs():
    async def test():
        handler = StreamHandler()
        made = oip.ModelInferRequest.FromString(message())
        made.model_version = "3"
        given = Given(made.SerializeToString())
        await Call(handler, given, deadline=7.0, x_request_id="mine", other="a").all()
        [call] = handler.calls
        assert (call.verb, call.model, call.version) == (Verb.STREAM_INFER, "m", "3")
        assert (call.protocol, call.deadline, call.request_id) == ("grpc", 7.0, "mine")
        assert call.headers[b"other"] == b"a"

    run(test)


def test_a_call_without_messages_is_answered_by_nothing():
    async def test():
        handler = StreamHandler()
        assert await Call(handler, Given()).all() == []
        assert handler.streams == []

    run(test)


def test_an_answer_without_headers_says_none():
    async def test():
        handler = StreamHandler()
        handler.headers = []
        call = Call(handler, Given(message()))
        await call.all()
        assert call.metadata == []

    run(test)


def test_an_error_of_a_message_is_a_message_and_the_stream_goes_on():
    async def test():
        handler = StreamHandler()
        handler.errors["2"] = ModelRuntimeError("it broke")
        given = Given(*[message(identifier=name) for name in "123"])
        call = Call(handler, given)
        assert await call.all() == [("1", ""), ("2", "it broke"), ("3", "")]
        assert handler.streams == ["m"]
        assert call.refusals.counts == {("grpc", "Internal"): 1}

    run(test)


@pytest.mark.parametrize(
    "broken",
    [b"\xff\xff", b"\x0a\x02\xff\xff", b"\x2a\x02\x12\x01"],
    ids=["no message", "a name that is no text", "no tensor"],
)
def test_what_is_no_request_is_answered_by_an_error(broken):
    async def test():
        given = Given(message(identifier="1"), broken, message(identifier="2"))
        answers = await Call(StreamHandler(), given).all()
        assert [error for name, error in answers if not name] != [""]
        assert ("1", "") in answers
        assert ("2", "") in answers
        assert len(answers) == 3

    run(test)


def test_mlservers_clients_get_plain_responses_and_the_first_error_as_status():
    async def test():
        handler = StreamHandler()
        handler.errors["2"] = ModelRuntimeError("it broke")
        given = Given(*[message(identifier=name) for name in "123"])
        call = Call(handler, given, x_seldon_stream_format="mlserver")
        first = oip.ModelInferResponse.FromString(await call.next())
        assert (first.model_name, first.id) == ("m_1", "1")
        assert list(first.outputs[0].contents.fp32_contents) == [1, 2]
        with pytest.raises(ModelRuntimeError, match="it broke"):
            await call.next()
        assert call.refusals.counts == {}  # it is the call's end, which is counted as that
        assert call.budget.used == 0
        assert handler.closed == ["m"]

    run(test)


def test_mlservers_clients_get_every_answer_before_the_error():
    async def test():
        handler = StreamHandler()
        handler.faults["nope"] = NotFoundError("model", "nope")
        handler.hold["m"] = asyncio.Event()
        spoken = Spoken()
        spoken.say(message(identifier="1"), message(identifier="2"), message("nope", "3"))
        call = Call(handler, spoken, "mlserver")
        first = asyncio.ensure_future(call.next())
        await turns()
        spoken.say(message(identifier="4"))  # nobody will hear its answer
        handler.hold["m"].set()
        found = [await first, await call.next()]
        assert [oip.ModelInferResponse.FromString(each).id for each in found] == ["1", "2"]
        with pytest.raises(NotFoundError, match="nope"):
            await call.next()
        assert call.budget.used == 0

    run(test)


def test_mlservers_clients_get_the_error_of_the_first_message_that_has_one():
    async def test():
        handler = StreamHandler()
        handler.faults["nope"] = NotFoundError("model", "nope")
        handler.errors["1"] = ModelRuntimeError("it broke")
        handler.hold["m"] = asyncio.Event()
        spoken = Spoken()
        spoken.say(message(identifier="1"), message("nope", "2"), message(identifier="3"))
        call = Call(handler, spoken, "mlserver")
        found = asyncio.ensure_future(call.next())
        await turns()
        handler.hold["m"].set()
        with pytest.raises(ModelRuntimeError, match="it broke"):
            await found
        assert call.budget.used == 0

    run(test)


def test_an_answer_that_comes_after_the_error_is_not_sent():
    async def test():
        handler = StreamHandler()
        handler.faults["nope"] = NotFoundError("model", "nope")
        handler.hold["m"] = asyncio.Event()
        spoken = Spoken()
        spoken.say(message(identifier="1"), message("nope", "2"), message("other", "3"))
        call = Call(handler, spoken, "mlserver")
        first = asyncio.ensure_future(call.next())
        await turns()
        handler.hold["m"].set()
        assert oip.ModelInferResponse.FromString(await first).id == "1"
        with pytest.raises(NotFoundError, match="nope"):
            await call.next()

    run(test)


@pytest.mark.parametrize("header", [None, "triton", "mlserver"])
@pytest.mark.parametrize("setting", ["triton", "mlserver"])
def test_the_callers_metadata_overrules_the_setting(setting, header):
    async def test():
        headers = {} if header is None else {"x_seldon_stream_format": header}
        call = Call(StreamHandler(), Given(message(identifier="1")), setting, **headers)
        answer = await call.next()
        await call.all()
        if (header or setting) == "triton":
            found = triton.ModelStreamInferResponse.FromString(answer).infer_response
        else:
            found = triton.ModelInferResponse.FromString(answer)
        assert found.id == "1"

    run(test)


def test_an_unknown_shape_is_refused():
    async def test():
        call = Call(StreamHandler(), Given(message()), x_seldon_stream_format="kserve")
        with pytest.raises(InvalidRequestError, match="triton or mlserver, found 'kserve'"):
            await call.next()
        assert call.refusals.counts == {}  # it is the call's end, which is counted as that

    run(test)


@pytest.mark.parametrize("setting", ["triton", "mlserver"])
def test_the_last_answer_says_so_to_who_asks(setting):
    async def test():
        handler = StreamHandler()
        handler.parts = 2
        call = Call(handler, Given(message(final=True), message()), setting)
        flags = []
        for _ in range(4):
            answer = await call.next()
            if setting == "triton":
                found = triton.ModelStreamInferResponse.FromString(answer).infer_response
            else:
                found = triton.ModelInferResponse.FromString(answer)
            flag = found.parameters.get("triton_final_response")
            flags.append(None if flag is None else flag.bool_param)
        assert flags == [False, True, None, None]
        await call.answers.aclose()

    run(test)


def test_the_models_of_one_call_do_not_wait_for_each_other():
    async def test():
        handler = StreamHandler()
        handler.hold["slow"] = asyncio.Event()
        given = Given(
            message("slow", "s1"), message("m", "1"), message("slow", "s2"), message("m", "2")
        )
        call = Call(handler, given)
        found = [(await call.next_of_triton()).infer_response for _ in range(2)]
        assert [each.id for each in found] == ["1", "2"]
        handler.hold["slow"].set()
        found = [(await call.next_of_triton()).infer_response for _ in range(2)]
        assert [(each.model_name, each.id) for each in found] == [
            ("slow_1", "s1"),
            ("slow_1", "s2"),
        ]
        assert await call.all() == []
        assert sorted(handler.closed) == ["m", "slow"]

    run(test)


def test_the_header_sends_every_message_to_one_stream():
    async def test():
        handler = StreamHandler()
        given = Given(message("a", "1"), message("b", "2"))
        assert await Call(handler, given, seldon_model="c").all() == [("1", ""), ("2", "")]
        assert handler.streams == ["a"]  # the handler itself looks at the header

    run(test)


def test_a_model_that_is_not_there_is_an_error_of_its_messages_only():
    async def test():
        handler = StreamHandler()
        handler.faults["nope"] = NotFoundError("model", "nope")
        spoken = Spoken()
        spoken.say(message("nope", "1"), message("nope", "2"), message("m", "3"))
        call = Call(handler, spoken)
        found = sorted([(await call.next_of_triton()).infer_response.id for _ in range(3)])
        assert found == ["1", "2", "3"]
        del handler.faults["nope"]  # it was loaded meanwhile
        spoken.say(message("nope", "4"))
        spoken.end()
        assert await call.all() == [("4", "")]
        assert handler.streams.count("nope") == 2
        assert call.budget.used == 0

    run(test)


def test_a_message_that_the_handler_leaves_alone_is_answered_by_an_error():
    class Deserter(StreamHandler):
        async def stream(self, call, messages):
            async for _ in messages:
                return
            yield

    async def test():
        [(name, error)] = await Call(Deserter(), Given(message(identifier="1"))).all()
        assert (name, "ended before" in error) == ("1", True)

    run(test)


def test_a_client_that_does_not_read_is_not_read_further():
    async def test():
        handler, given = StreamHandler(), Given(*[message()] * 1000)
        call = Call(handler, given)
        await call.next()
        await turns(500)
        assert given.taken == handler.taken == UNANSWERED
        assert call.budget.used == UNANSWERED * len(message())
        await call.next()
        await turns(100)
        assert given.taken == UNANSWERED + 1
        await call.answers.aclose()
        assert call.budget.used == 0
        assert handler.closed == ["m"]

    run(test)


def test_many_replies_to_a_message_wait_for_a_client_that_does_not_read():
    async def test():
        handler = StreamHandler()
        handler.parts = 1000
        made = []
        answer = handler._answer
        handler._answer = lambda *args: made.append(1) or answer(*args)
        call = Call(handler, Given(message()))
        await call.next()
        await turns(500)
        assert len(made) <= UNANSWERED + 2
        await call.answers.aclose()

    run(test)


def test_a_message_is_held_until_its_last_reply_has_left():
    async def test():
        handler = StreamHandler()
        handler.parts = 3
        call = Call(handler, Given(message(), message()))
        held = []
        for _ in range(6):
            await call.next()
            held.append(call.budget.used // len(message()))
        assert held == [2, 2, 2, 1, 1, 1]
        assert await call.all() == []
        assert call.budget.used == 0

    run(test)


@pytest.mark.parametrize("when", ["while it waits", "between answers", "before the first"])
def test_who_leaves_takes_everything_back(when):
    async def test():
        before = asyncio.all_tasks()
        handler, spoken = StreamHandler(), Spoken()
        call = Call(handler, spoken)
        spoken.say(message("m", "1"))
        if when == "before the first":
            handler.hold["m"] = asyncio.Event()
        else:
            await call.next()
        if when == "between answers":
            await call.answers.aclose()
        else:
            waiting = asyncio.create_task(call.next())
            await turns()
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
        assert handler.closed == ["m"]
        assert call.budget.used == 0
        assert asyncio.all_tasks() == before

    run(test)


def test_more_models_than_may_be_at_once_take_turns():
    async def test():
        handler = StreamHandler()
        names = [f"m{index}" for index in range(UNANSWERED * 2)]
        spoken = Spoken()
        call = Call(handler, spoken)
        for name in names:
            spoken.say(message(name, name))
            assert (await call.next_of_triton()).infer_response.id == name
        await turns()
        assert handler.closed == names[:UNANSWERED]  # those that have been idle for longest
        spoken.say(message(names[-1], "again"), message(names[0], "anew"))
        spoken.end()
        assert sorted(await call.all()) == [("again", ""), ("anew", "")]
        assert handler.streams == [*names, names[0]]

    run(test)


def test_a_model_that_is_busy_is_not_ended_for_another():
    async def test():
        handler, spoken = StreamHandler(), Spoken()
        handler.hold["slow"] = asyncio.Event()
        call = Call(handler, spoken)
        spoken.say(message("slow", "slow"))
        for index in range(UNANSWERED):
            spoken.say(message(f"m{index}"))
            await call.next()
        await turns()
        assert handler.closed == ["m0"]
        handler.hold["slow"].set()
        spoken.end()
        assert await call.all() == [("slow", "")]

    run(test)


def test_what_is_no_message_ends_the_call_after_the_answers_before():
    async def test():
        given = Given(message(identifier="1"), CallStatusError(13, "the message is cut off"))
        call = Call(StreamHandler(), given)
        assert (await call.next_of_triton()).infer_response.id == "1"
        with pytest.raises(CallStatusError, match="cut off"):
            await call.next()

    run(test)


@pytest.mark.parametrize("bug", [ZeroDivisionError(), asyncio.CancelledError()], ids=repr)
def test_a_bug_ends_the_call(bug):
    async def test():
        handler = StreamHandler()
        handler.faults["bad"] = bug
        spoken = Spoken()
        spoken.say(message("bad"))
        call = Call(handler, spoken)
        with pytest.raises(type(bug)):
            await call.next()
        assert call.budget.used == 0
        gc.collect()

    run(test)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "gone"]), st.booleans()), max_size=100),
    st.integers(1, 3),
)
def test_every_message_is_answered_once_and_in_its_models_order(given, parts):
    async def test():
        handler = StreamHandler()
        handler.parts = parts
        handler.faults["gone"] = NotFoundError("model", "gone")
        sent = []
        for number, (model, is_bad) in enumerate(given):
            identifier = f"{model} {number}"
            sent.append(message(model, identifier))
            if is_bad:
                handler.errors[identifier] = ModelRuntimeError(identifier)
        call = Call(handler, Given(*sent))
        answers = await call.all()
        for model in ("a", "b", "c", "gone"):
            found = [each for each in answers if each[0].startswith(model)]
            wanted = []
            for number, (named, is_bad) in enumerate(given):
                identifier = f"{named} {number}"
                error = identifier if is_bad else ""
                if named == model == "gone":
                    wanted.append((identifier, "model 'gone' not found"))
                elif named == model:
                    wanted += [(identifier, error)] * parts
            assert found == wanted
        assert call.budget.used == 0

    run(test)


def test_large_typed_contents_are_answered_by_an_error():
    async def test():
        small, large = message(identifier="1"), message(identifier="2", values=[1.0] * 100)
        budget = InFlightBytes(1 << 20)
        converse = stream_conversations(StreamHandler(), "triton", budget, 300)[STREAM_PATH]
        answers = converse({}, Given(large, small), "", float("inf"))
        said = [
            triton.ModelStreamInferResponse.FromString(b"".join(answer)) async for answer in answers
        ]
        assert "300 bytes besides its raw contents" in said[0].error_message
        assert said[1].error_message == ""

    run(test)


@pytest.mark.parametrize("when", ["before an answer", "after an answer"])
def test_the_messages_of_a_call_that_was_left_are_no_garbage_to_be_collected(when):
    async def test():
        handler, spoken = StreamHandler(), Spoken()
        if when == "before an answer":
            handler.hold["m"] = asyncio.Event()
        spoken.say(*sent)
        call = Call(handler, spoken)

        async def listen():
            async with aclosing(call.answers):
                async for _ in call.answers:
                    pass

        listening = asyncio.ensure_future(listen())
        await turns()
        listening.cancel()
        await asyncio.wait([listening])
        left = weakref.ref(listening)
        del listening
        await turns()
        assert left() is None  # it has the last answer
        handler.calls.clear()  # the first message is in there

    sent = [message(identifier=str(number)) for number in range(4)]
    before = [sys.getrefcount(one) for one in sent]
    gc.collect()
    gc.disable()
    try:
        asyncio.run(test())
        assert [sys.getrefcount(one) for one in sent] == before
    finally:
        gc.enable()
