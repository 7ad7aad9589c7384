"""Calls and upstreams for tests of the router."""

from seldon_core.errors import NotFoundError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import InferResponse, ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.transport.handler import InferCall, Reply, StreamReply


class NoCodec:
    """A router never decodes; this codec makes sure of it."""

    def decode_request(self, body, json_length):
        raise AssertionError("the router decoded a payload")

    def encode_response(self, response, request):
        raise AssertionError("the router encoded a reply")


class EchoUpstream:
    """Answers with the name it was called by; `fault` is raised instead, `held` awaited first.

    `counts` are its statistics, by the internal name that is asked for.
    """

    def __init__(self, fault=None, held=None, counts=None):
        self.fault = fault
        self.held = held
        self.counts = counts or {}
        self.calls = []
        self.closed = 0

    async def infer(self, call):
        self.calls.append(call.internal_model)
        if self.held is not None:
            await self.held
        if self.fault is not None:
            raise self.fault
        return Reply(InferResponse(call.internal_model, []), [(b"x-own", b"1")])

    async def stream(self, call, messages):
        name = call.internal_model
        self.calls.append(name)
        try:
            async for payload in messages:
                if self.fault is not None:
                    raise self.fault
                yield StreamReply(payload, InferResponse(name, []), headers=[(b"x-own", b"1")])
        finally:
            self.closed += 1

    async def config(self, call):
        return ModelConfig(call.internal_model, "fake", "fake", 0, (), ())

    async def statistics(self, call):
        if call.internal_model not in self.counts:
            raise NotFoundError("model", call.internal_model)
        return self.counts[call.internal_model]

    async def metadata(self, call):
        return ModelMetadata(call.internal_model, "fake", (), ())

    async def ready(self, call):
        return self.fault is None


def call_of(model="", headers=None, verb=Verb.INFER):
    return InferCall(verb, model, "", headers or {}, Payload(NoCodec(), b""), "rest", "id")
