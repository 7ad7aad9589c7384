"""The REST front: HTTP requests to calls, and replies and errors to HTTP answers.

Which path is which call is in `protocol/dialects.py`, the encodings in `protocol/oip_json.py`, what
an error is on the wire in `protocol/status.py`. Answers are never compressed: with tensors of
random bits it costs more time than a network takes to send them, on the loop that all share.
"""

import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from copy import copy

from seldon_core.errors import (
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    OverloadedError,
    PayloadTooLargeError,
    SeldonError,
    UnsupportedEncodingError,
)
from seldon_core.protocol.dialects import Target, Verb, rest_target
from seldon_core.protocol.inference import Buffer, Encoded, Payload
from seldon_core.protocol.oip_binary import LENGTH_HEADER
from seldon_core.protocol.oip_json import (
    JSON_CODEC,
    error_body,
    model_metadata_body,
    server_metadata_body,
)
from seldon_core.protocol.raw_tensor import RawTensorCodec
from seldon_core.protocol.status import status_of
from seldon_core.transport.bodies import decompress, largest_body, too_large
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpAnswer, HttpRequest, StreamedAnswer
from seldon_core.transport.handler import InferCall, InferHandler, ServerState
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.rest_call import JSON_TYPE, RestCall, RestMethod
from seldon_core.transport.settings import ListenerSettings

_CONTENT_TYPE = b"content-type"
_GRPC = b"application/grpc"
_LONGEST_LENGTH = 19  # digits; int() of more is slow, and no body is that long


class RestFront:
    """Answers REST requests of every dialect; implements `HttpFront`.

    `methods` answer the verbs that are not known here. `clock` is the one of `InferCall.deadline`,
    `refusals` where errors are counted.
    """

    def __init__(
        self,
        handler: InferHandler,
        server: ServerState,
        settings: ListenerSettings,
        budget: InFlightBytes,
        methods: Mapping[Verb, RestMethod],
        clock: Callable[[], float] = time.monotonic,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals or Refusals()
        self._handler = handler
        self._server = server
        self._settings = settings
        self._budget = budget
        self._clock = clock
        self._peer = ""
        self._methods: dict[Verb, RestMethod] = {
            Verb.SERVER_LIVE: self._server_live,
            Verb.SERVER_READY: self._server_ready,
            Verb.SERVER_METADATA: self._server_metadata,
            Verb.MODEL_READY: self._model_ready,
            Verb.MODEL_METADATA: self._model_metadata,
            **methods,
        }

    def for_peer(self, peer: str) -> "RestFront":
        """Return what answers the requests of one connection."""
        front = copy(self)
        front._peer = peer  # noqa: SLF001 - of this very class
        return front

    async def answer(self, request: HttpRequest) -> HttpAnswer | StreamedAnswer:
        """Answer; errors of `seldon_core.errors` become answers, any other that it raises is a bug.

        The request's id is returned, whatever comes of the request: the client's own if it is of
        at most 128 visible ASCII characters, else a new one.
        """
        headers = request.headers
        request_id = request_id_of(headers)
        try:
            target = rest_target(request.method, request.target)
            if b"content-encoding" in headers:
                return await self._answer_compressed(target, request, request_id)
            if target.verb is not Verb.INFER:
                return await self._answer_other(target, request, request_id)
            return await self._infer(target, headers, request.body, request_id)
        except SeldonError as error:
            error = _better(error, headers)
            self._refusals.rest(error)
            return _error_answer(error, request_id)

    async def _infer(
        self, target: Target, headers: dict[bytes, bytes], body: Buffer, request_id: str
    ) -> HttpAnswer:
        json_length = _json_length(headers[LENGTH_HEADER]) if LENGTH_HEADER in headers else None
        if (len(body) if json_length is None else json_length) > self._settings.json_bytes:
            raise PayloadTooLargeError(too_large(self._settings.json_bytes, self._settings))
        call = InferCall(
            Verb.INFER,
            target.model,
            target.version,
            headers,
            Payload(JSON_CODEC, body, json_length),
            "rest",
            request_id,
            self._clock() + self._settings.request_timeout_s,
        )
        if json_length == 0:
            call.payload = await self._raw_payload(call)
        reply = await self._handler.infer(call)
        encoded = reply.response
        if not isinstance(encoded, Encoded):
            encoded = JSON_CODEC.encode_response(encoded, call.payload.decode())
        answer_headers = [
            (_CONTENT_TYPE, encoded.content_type),
            (REQUEST_ID, request_id.encode()),
            *reply.headers,
        ]
        if encoded.json_length is not None:
            answer_headers.append((LENGTH_HEADER, b"%d" % encoded.json_length))
        return HttpAnswer(200, answer_headers, encoded.parts)

    async def _raw_payload(self, call: InferCall) -> Payload:
        """Return the body of a raw binary request, which the model's metadata describes."""
        return Payload(RawTensorCodec(await self._handler.metadata(call)), call.payload.body)

    async def _answer_compressed(
        self, target: Target, request: HttpRequest, request_id: str
    ) -> HttpAnswer | StreamedAnswer:
        headers = request.headers
        request.body, held = await decompress(
            request.body,
            headers[b"content-encoding"],
            largest_body(headers, self._settings),
            self._settings,
            self._budget,
        )
        is_streamed = False
        try:
            if target.verb is Verb.INFER:
                return await self._infer(target, headers, request.body, request_id)
            answer = await self._answer_other(target, request, request_id)
            if is_streamed := isinstance(answer, StreamedAnswer):
                answer.pieces = self._giving_back(held, answer.pieces)
                await anext(answer.pieces)  # so that it has begun, and its end comes
            return answer
        finally:
            if not is_streamed:
                self._budget.give(held)

    async def _giving_back(
        self, held: int, pieces: AsyncGenerator[Buffer, None]
    ) -> AsyncGenerator[Buffer, None]:
        """Yield nothing, then the pieces of an answer that is made from a body of `held` bytes."""
        try:
            async with aclosing(pieces):
                yield b""
                async for piece in pieces:
                    yield piece
        finally:
            self._budget.give(held)

    async def _answer_other(
        self, target: Target, request: HttpRequest, request_id: str
    ) -> HttpAnswer | StreamedAnswer:
        deadline = self._clock() + self._settings.request_timeout_s
        call = RestCall(target, request, request_id, deadline, self._peer)
        return await self._methods[target.verb](call)

    async def _server_live(self, call: RestCall) -> HttpAnswer:
        return _health(self._server.live(), call)

    async def _server_ready(self, call: RestCall) -> HttpAnswer:
        return _health(self._server.ready(), call)

    async def _server_metadata(self, call: RestCall) -> HttpAnswer:
        return call.answer(server_metadata_body(self._server.metadata()))

    async def _model_ready(self, call: RestCall) -> HttpAnswer:
        return _health(await self._handler.ready(call.for_handler()), call)

    async def _model_metadata(self, call: RestCall) -> HttpAnswer:
        metadata = await self._handler.metadata(call.for_handler())
        return call.answer(model_metadata_body(metadata))


def _json_length(value: bytes) -> int:
    if not value.isdigit() or len(value) > _LONGEST_LENGTH:
        found = value[:64].decode("latin-1")
        raise InvalidRequestError(f"{LENGTH_HEADER.decode()} is a number of bytes, found {found!r}")
    return int(value)


def _health(is_good: bool, call: RestCall) -> HttpAnswer:
    """Health has no body, and 400 for bad: what the protocol's clients and probes look at."""
    return HttpAnswer(200 if is_good else 400, [call.id_header])


def _better(error: SeldonError, headers: dict[bytes, bytes]) -> SeldonError:
    """Return an error that says what is wrong, if that is the protocol and not the path."""
    if isinstance(error, NotFoundError) and headers.get(_CONTENT_TYPE, b"").startswith(_GRPC):
        return UnsupportedEncodingError(
            "this port speaks gRPC over HTTP/2 only, and no gRPC-Web: connect without TLS and with "
            "prior knowledge of HTTP/2"
        )
    return error


def _error_answer(error: SeldonError, request_id: str) -> HttpAnswer:
    headers = [JSON_TYPE, (REQUEST_ID, request_id.encode())]
    if isinstance(error, OverloadedError):
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_s))))
    elif isinstance(error, MethodNotAllowedError):
        allowed = (*error.allowed, "HEAD") if "GET" in error.allowed else error.allowed
        headers.append((b"allow", ", ".join(allowed).encode("latin-1")))
    return HttpAnswer(status_of(error).http, headers, (error_body(str(error)),))
