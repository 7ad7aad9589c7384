"""What is counted of errors that are answered, and what is logged of them."""

import asyncio

import pytest

from seldon_core.errors import (
    ForbiddenError,
    MethodNotAllowedError,
    NotFoundError,
    OverloadedError,
    PayloadTooLargeError,
    UnsupportedEncodingError,
)
from seldon_core.protocol import status
from seldon_core.protocol.dialects import Verb
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.rest import RestFront
from seldon_core.transport.rpc import RpcFront
from seldon_core.transport.settings import ListenerSettings


def test_errors_are_counted_by_protocol_and_code():
    refusals = Refusals()
    for error in (
        ForbiddenError("no"),
        NotFoundError("model", "m"),
        NotFoundError("path", "/"),
        MethodNotAllowedError("PUT", "/", ("GET",)),
        PayloadTooLargeError("much"),
        UnsupportedEncodingError("br"),
    ):
        refusals.rest(error)
    refusals.grpc(NotFoundError("model", "m"))
    refusals.grpc_code(status.UNIMPLEMENTED)
    assert refusals.counts == {
        ("rest", "403"): 1,
        ("rest", "404"): 2,
        ("rest", "405"): 1,
        ("rest", "413"): 1,
        ("rest", "415"): 1,
        ("grpc", "NotFound"): 1,
        ("grpc", "Unimplemented"): 1,
    }


def test_of_refusals_for_lack_of_room_one_a_second_is_logged(caplog):
    instants = iter([10.0, 10.5, 10.9, 11.1])
    refusals = Refusals(lambda: next(instants))
    for _ in range(3):
        refusals.rest(OverloadedError("too many wait"))
    refusals.grpc(OverloadedError("too many wait"))
    assert caplog.messages == [
        "refused a request for lack of room method_type=rest reason='too many wait' others=0",
        "refused a request for lack of room method_type=grpc reason='too many wait' others=2",
    ]


def test_a_method_that_there_is_not_is_counted_for_each_call():
    refusals = Refusals()
    front = RpcFront(NobodyHandler(), None, {}, refusals=refusals)
    refuse = front.conversation(b"/inference.GRPCInferenceService/ModelGuess")

    async def test():
        for _ in range(2):
            with pytest.raises(CallStatusError, match="ModelGuess is not served here"):
                await anext(refuse({}, None, "", 1.0))

    asyncio.run(test())
    assert refusals.counts == {("grpc", "Unimplemented"): 2}


class NobodyHandler:
    async def ready(self, call):
        raise NotFoundError("model", call.model)


def test_the_fronts_count_what_they_answer_by_an_error():
    refusals = Refusals()
    settings, budget = ListenerSettings(), InFlightBytes(1)
    http = RestFront(NobodyHandler(), None, settings, budget, {}, refusals=refusals)
    rpc = RpcFront(NobodyHandler(), None, {}, refusals=refusals)
    ready = b"/inference.GRPCInferenceService/" + Verb.MODEL_READY.value.encode()

    async def test():
        for target in (b"/", b"/v2/models/m/ready"):
            await http.for_peer("").answer(HttpRequest(b"GET", target, {}))
        assert (await rpc.for_peer("").answer(ready, {}, b"", 1.0)).status == status.NOT_FOUND

    asyncio.run(test())
    assert refusals.counts == {("rest", "404"): 2, ("grpc", "NotFound"): 1}
