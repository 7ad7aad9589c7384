from seldon_core.protocol.dialects import Target, Verb
from seldon_core.protocol.inference import Payload
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.rest_call import RestCall


def made_call():
    request = HttpRequest(b"GET", b"/v2/models/iris/versions/2", {b"a": b"b"}, b"{}")
    return RestCall(Target(Verb.MODEL_CONFIG, "iris", "2"), request, "r-1", 7.0, "127.0.0.1:5")


def test_a_handler_gets_what_the_request_says():
    call = made_call().for_handler()
    assert (call.verb, call.model, call.version) == (Verb.MODEL_CONFIG, "iris", "2")
    assert (call.headers, call.protocol) == ({b"a": b"b"}, "rest")
    assert (call.request_id, call.deadline, call.payload.body) == ("r-1", 7.0, b"")


def test_a_handler_gets_the_payload_if_there_is_one():
    payload = Payload(JSON_CODEC, b"{}")
    assert made_call().for_handler(payload).payload is payload


def test_an_answer_is_json_and_names_its_request():
    answer = made_call().answer(b"[]")
    assert (answer.status, b"".join(map(bytes, answer.parts))) == (200, b"[]")
    assert dict(answer.headers) == {b"content-type": b"application/json", b"x-request-id": b"r-1"}
