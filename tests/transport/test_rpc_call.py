from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.transport.rpc_call import RpcCall


def test_a_handler_gets_the_call_with_its_message():
    made = RpcCall(Verb.MODEL_CONFIG, {b"a": b"b"}, b"m", "r-1", 7.0, "127.0.0.1:5")
    call = made.for_handler("iris", "2")
    assert (call.verb, call.model, call.version) == (Verb.MODEL_CONFIG, "iris", "2")
    assert (call.headers, call.protocol) == ({b"a": b"b"}, "grpc")
    assert (call.request_id, call.deadline) == ("r-1", 7.0)
    assert (call.payload.body, call.payload.codec) == (b"m", GRPC_CODEC)
