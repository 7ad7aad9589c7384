"""The front of a control port, asked directly; `test_control_port` asks it through gRPC."""

import asyncio
import math

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from seldon_core.errors import NotFoundError
from seldon_core.protocol import status
from seldon_core.transport.control_front import ControlFront
from seldon_core.transport.control_services import ControlService, StreamMethod, UnaryMethod
from seldon_core.transport.conversations import CallStatusError

REQUEST = StringValue(value="hello").SerializeToString()
PEER = "127.0.0.1:5"


async def call(request, peer):
    return StringValue(value=f"{request.value} from {peer}")


def a_front(unary=call, follow=None, talks=()):
    methods = [UnaryMethod("Call", StringValue, unary)]
    if follow is not None:
        methods.append(StreamMethod("Follow", StringValue, follow))
    return ControlFront([ControlService("test.Test", methods)], dict(talks), 30)


async def said(*messages):
    for message in messages:
        yield message


def ask(front, message=REQUEST):
    answer = front.for_peer(PEER).answer(b"/test.Test/Call", {}, message, math.inf)
    return asyncio.run(answer)


def converse(front, *messages, path=b"/test.Test/Follow"):
    async def talk():
        answers = front.conversation(path)({}, said(*messages), PEER, math.inf)
        return [b"".join(parts) async for parts in answers]

    return asyncio.run(talk())


def test_a_unary_call_is_answered_and_no_conversation():
    front = a_front()
    assert front.conversation(b"/test.Test/Call") is None
    answer = ask(front)
    assert answer.status == status.OK
    assert StringValue.FromString(b"".join(answer.parts)).value == f"hello from {PEER}"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_message_may_come_in_any_kind_of_buffer(kind):
    assert ask(a_front(), kind(REQUEST)).status == status.OK


def test_a_handler_that_says_its_status_is_taken_at_its_word():
    async def refuse(request, peer):
        raise CallStatusError(status.NOT_FOUND, "not here")

    answer = ask(a_front(refuse))
    assert (answer.status, answer.message, answer.parts) == (status.NOT_FOUND, "not here", None)


def test_a_caller_that_leaves_cancels_the_handler():
    async def wait(request, peer):
        await asyncio.Event().wait()

    async def leave():
        answer = a_front(wait).for_peer(PEER).answer(b"/test.Test/Call", {}, b"", math.inf)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(answer)
            await asyncio.sleep(0)
            task.cancel()
        return task.cancelled()

    assert asyncio.run(leave())


async def follow(request, peer):
    yield StringValue(value=request.value)
    yield StringValue(value=peer)


def test_a_stream_has_one_request_and_many_answers():
    answers = converse(a_front(follow=follow), REQUEST)
    assert [StringValue.FromString(each).value for each in answers] == ["hello", PEER]


@pytest.mark.parametrize(
    ("messages", "found"), [([], "none"), ([b"", b""], "several")], ids=["none", "several"]
)
def test_a_stream_without_its_one_request_is_refused(messages, found):
    with pytest.raises(CallStatusError) as refused:
        converse(a_front(follow=follow), *messages)
    text = f"this call needs one message; the client sent {found}"
    assert (refused.value.code, refused.value.message) == (status.UNIMPLEMENTED, text)


def test_a_stream_that_is_closed_closes_its_handler():
    closed = []

    async def endless(request, peer):
        try:
            while True:
                yield StringValue()
        finally:
            closed.append(True)

    async def leave():
        front = a_front(follow=endless)
        answers = front.conversation(b"/test.Test/Follow")({}, said(b""), PEER, math.inf)
        await anext(answers)
        await answers.aclose()
        return list(closed)

    assert asyncio.run(leave()) == [True]


def test_an_error_in_a_stream_means_what_it_means_in_a_call():
    async def missing(request, peer):
        yield StringValue()
        raise NotFoundError("model", "iris")

    with pytest.raises(CallStatusError) as refused:
        converse(a_front(follow=missing), b"")
    assert refused.value.code == status.FAILED_PRECONDITION


@pytest.mark.parametrize(
    "path", [b"/test.Test/Other", b"/", b"/" + b"x" * 5_000], ids=["method", "none", "long"]
)
def test_what_is_not_served_is_refused_before_anything_is_said(path):
    with pytest.raises(CallStatusError) as refused:
        converse(a_front(), path=path)
    text = f"{path[:256].decode()} is not served here"
    assert (refused.value.code, refused.value.message) == (status.UNIMPLEMENTED, text)


def test_other_talks_go_to_who_leads_them():
    async def echo(headers, messages, peer, deadline):
        async for message in messages:
            yield [message]

    front = a_front(talks={b"/echo": echo})
    assert converse(front, b"a", b"b", path=b"/echo") == [b"a", b"b"]
