"""The gRPC front: a method path and one message in, one message and a status out.

It knows the Open Inference Protocol's service by `dialects.GRPC_VERBS` and nothing of HTTP/2. The
message of an infer call stays as it is until somebody asks for its tensors; of its fields only the
model's name and version are read here.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from seldon_core.errors import SeldonError
from seldon_core.protocol import grpc_calls, status
from seldon_core.protocol.dialects import GRPC_VERBS, Verb
from seldon_core.protocol.grpc_limits import check_typed_size
from seldon_core.protocol.inference import Buffer, Encoded, Payload
from seldon_core.protocol.oip_grpc import GRPC_CODEC, peek_model
from seldon_core.transport.conversations import Conversation, TalkRules, not_served
from seldon_core.transport.handler import InferCall, InferHandler, ServerState
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.rpc_call import RpcCall, RpcMethod
from seldon_core.transport.settings import TYPED_BYTES

_INFER = Verb.INFER
_RULES = TalkRules()


@dataclass(slots=True)
class RpcAnswer:
    """The answer to a unary call.

    `status` is gRPC's code, `message` its text (plain, not escaped). `headers` are initial
    metadata, `trailers` trailing metadata. `parts` joined are the one message; None if the call
    failed.
    """

    status: int
    message: str = ""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    parts: Sequence[Buffer] | None = None


class RpcFront:
    """Answers the calls of `inference.GRPCInferenceService`; implements `shared.RpcFront`.

    `methods` answer the verbs that are not known here, `talks` the streaming calls, by path: those
    of this service and of any other. `rules` is of these. `typed_bytes` is the most that an infer
    call may have besides its raw contents, `refusals` where errors are counted.
    """

    def __init__(
        self,
        handler: InferHandler,
        server: ServerState,
        methods: Mapping[Verb, RpcMethod],
        talks: Mapping[bytes, Conversation] | None = None,
        rules: TalkRules = _RULES,
        typed_bytes: int = TYPED_BYTES,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals or Refusals()
        self._typed_bytes = typed_bytes
        self._handler = handler
        self._server = server
        self._talks = talks or {}
        self.rules = rules
        self._peer = ""
        self._methods: dict[Verb, RpcMethod] = {
            Verb.SERVER_LIVE: self._server_live,
            Verb.SERVER_READY: self._server_ready,
            Verb.SERVER_METADATA: self._server_metadata,
            Verb.MODEL_READY: self._model_ready,
            Verb.MODEL_METADATA: self._model_metadata,
            **methods,
        }

    def for_peer(self, peer: str) -> "RpcFront":
        """Return what answers the calls of one connection, whose other end is `peer`."""
        front = copy(self)
        front._peer = peer  # noqa: SLF001 - of this very class
        return front

    def conversation(self, path: bytes) -> Conversation | None:
        """Return the streaming call at `path`, None if it is unary.

        What is not served is refused by a conversation, which needs no message for that.
        """
        verb = GRPC_VERBS.get(path)
        if verb is _INFER or verb in self._methods:
            return None
        return self._talks.get(path) or not_served(path)

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        """Answer a call of the unary method at `path`; any error that this raises is a bug.

        `headers` is the call's metadata, this call's own to change; `deadline` an instant on the
        loop's clock. The request's id is returned in the trailer, whatever comes of the call.
        """
        request_id = request_id_of(headers)
        trailers = [(REQUEST_ID, request_id.encode())]
        try:
            verb = GRPC_VERBS[path]
            if verb is not _INFER:
                other = RpcCall(verb, headers, message, request_id, deadline, self._peer)
                return RpcAnswer(status.OK, "", [], trailers, [await self._methods[verb](other)])
            if len(message) > self._typed_bytes:
                check_typed_size(message, self._typed_bytes)
            name, version = peek_model(message)
            payload = Payload(GRPC_CODEC, message)
            call = InferCall(verb, name, version, headers, payload, "grpc", request_id, deadline)
            reply = await self._handler.infer(call)
            encoded = reply.response
            if not isinstance(encoded, Encoded):
                encoded = GRPC_CODEC.encode_response(encoded, payload.decode())
            return RpcAnswer(status.OK, "", reply.headers, trailers, encoded.parts)
        except SeldonError as error:
            self._refusals.grpc(error)
            return RpcAnswer(status.status_of(error).grpc, str(error), trailers=trailers)

    async def _server_live(self, call: RpcCall) -> bytes:
        return grpc_calls.server_live_message(self._server.live())

    async def _server_ready(self, call: RpcCall) -> bytes:
        return grpc_calls.server_ready_message(self._server.ready())

    async def _server_metadata(self, call: RpcCall) -> bytes:
        return grpc_calls.server_metadata_message(self._server.metadata())

    async def _model_ready(self, call: RpcCall) -> bytes:
        asked = call.for_handler(*peek_model(call.message))
        return grpc_calls.model_ready_message(await self._handler.ready(asked))

    async def _model_metadata(self, call: RpcCall) -> bytes:
        asked = call.for_handler(*peek_model(call.message))
        return grpc_calls.model_metadata_message(await self._handler.metadata(asked))
