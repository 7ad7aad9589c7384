"""What is counted of errors that are answered, and what is logged of them."""

import asyncio

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
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.grpc_frames import RefusedCallError, no_room
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
    refusals.rest_status(431, "a large head")
    refusals.call(RefusedCallError(status.UNIMPLEMENTED, "not here"))
    assert refusals.counts == {
        ("rest", "403"): 1,
        ("rest", "404"): 2,
        ("rest", "405"): 1,
        ("rest", "413"): 1,
        ("rest", "415"): 1,
        ("rest", "431"): 1,
        ("grpc", "NotFound"): 1,
        ("grpc", "Unimplemented"): 1,
    }


def test_of_refusals_for_lack_of_room_one_a_second_is_logged(caplog):
    instants = iter([10.0, 10.5, 10.6, 10.7, 10.9, 11.1, 12.2])
    refusals = Refusals(lambda: next(instants))
    for _ in range(3):
        refusals.rest(OverloadedError("too many wait"))
    refusals.rest_status(503, "too many bytes")
    refusals.call(no_room("too many bytes"))
    refusals.grpc(OverloadedError("too many wait"))
    refusals.call(no_room("too many bytes"))
    line = "refused a request for lack of room method_type={} reason={!r} others={}"
    assert caplog.messages == [
        line.format("rest", "too many wait", 0),
        line.format("grpc", "too many wait", 4),
        line.format("grpc", "too many bytes", 0),
    ]


def test_of_other_refusals_nothing_is_logged(caplog):
    refusals = Refusals()
    refusals.rest(PayloadTooLargeError("much"))
    refusals.rest_status(413, "much")
    refusals.grpc(PayloadTooLargeError("much"))
    refusals.call(RefusedCallError(status.RESOURCE_EXHAUSTED, "much"))
    assert caplog.messages == []


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
