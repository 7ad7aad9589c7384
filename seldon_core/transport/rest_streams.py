"""REST's calls that answer piece by piece, and `generate`, which answers the same in one.

The status of a stream of events is that of its first answer: an error before it is a plain one, a
later one is an event.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from seldon_core.errors import InvalidRequestError, SeldonError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.events import (
    CONTENT_TYPE,
    answer_event,
    encoded_event,
    error_event,
    without_binary,
)
from seldon_core.protocol.generate import GenerateCodec
from seldon_core.protocol.inference import Buffer, Encoded, Payload
from seldon_core.protocol.oip_binary import LENGTH_HEADER
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.protocol.oip_stream import note_final
from seldon_core.transport.exchange import HttpAnswer, StreamedAnswer
from seldon_core.transport.handler import InferCall, InferHandler, StreamReply
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.rest_call import JSON_TYPE, RestCall, RestMethod

_EVENT_HEADERS = [
    (b"content-type", CONTENT_TYPE),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would gather the events
]


def stream_methods(
    handler: InferHandler, refusals: Refusals | None = None
) -> dict[Verb, RestMethod]:
    """Return what answers `infer_stream`, `generate` and `generate_stream`.

    `refusals` is where events that are errors are counted; an error that is the answer is not one.
    """
    counted = refusals or Refusals()

    async def infer_stream(call: RestCall) -> StreamedAnswer:
        _check_json(call)
        asked = call.for_handler(Payload(JSON_CODEC, call.request.body))
        return await _streamed(handler, asked, call.id_header, counted)

    async def generate(call: RestCall) -> HttpAnswer:
        asked = await _generating(handler, call)
        reply = await handler.infer(asked)
        encoded = reply.response
        if not isinstance(encoded, Encoded):
            payload = asked.payload
            request = without_binary(payload.decode())
            encoded = payload.codec.encode_response(encoded, request)
        return HttpAnswer(200, [JSON_TYPE, call.id_header, *reply.headers], encoded.parts)

    async def generate_stream(call: RestCall) -> StreamedAnswer:
        asked = await _generating(handler, call)
        return await _streamed(handler, asked, call.id_header, counted)

    return {
        Verb.INFER_STREAM: infer_stream,
        Verb.GENERATE: generate,
        Verb.GENERATE_STREAM: generate_stream,
    }


def _check_json(call: RestCall) -> None:
    if LENGTH_HEADER in call.request.headers:
        raise InvalidRequestError(
            f"{call.target.verb.value} takes JSON without binary tensors "
            f"(header {LENGTH_HEADER.decode()}): send them to infer, or as data"
        )


async def _generating(handler: InferHandler, call: RestCall) -> InferCall:
    """Return the call whose payload is read by its model's metadata; that model answers it."""
    _check_json(call)
    asked = call.for_handler()
    asked.payload = Payload(GenerateCodec(await handler.metadata(asked)), call.request.body)
    return asked


class _Only(AsyncIterator[Payload]):
    """The one message of a stream. No generator, which could not be cancelled and then closed."""

    def __init__(self, payload: Payload) -> None:
        self._payload: Payload | None = payload

    async def __anext__(self) -> Payload:
        payload, self._payload = self._payload, None
        if payload is None:
            raise StopAsyncIteration
        return payload


async def _streamed(
    handler: InferHandler, call: InferCall, id_header: tuple[bytes, bytes], refusals: Refusals
) -> StreamedAnswer:
    """Return the answers as events, once the first is there. Raises the error if that is one."""
    headers = [*_EVENT_HEADERS, id_header]
    pieces = _pieces(handler, call, headers, refusals)
    # So that it has begun: a generator that has not would close nothing when it is closed.
    await anext(pieces)
    return StreamedAnswer(200, headers, pieces)


async def _pieces(
    handler: InferHandler,
    call: InferCall,
    headers: list[tuple[bytes, bytes]],
    refusals: Refusals,
) -> AsyncGenerator[Buffer, None]:
    """Yield nothing when the first answer is there, its headers among `headers`; then the events.

    Raises the first answer if it is an error, and what comes instead of it.
    """
    async with aclosing(handler.stream(call, _Only(call.payload))) as replies:
        first = await anext(replies, None)
        if first is None:
            yield b""
            return
        headers += first.headers
        event = _event(first)
        yield b""
        yield event
        try:
            async for reply in replies:
                yield _event_of_any(reply, refusals)
        except SeldonError as error:
            yield _error_event(error, refusals)


def _event(reply: StreamReply) -> bytes:
    """Return a reply as an event. Raises it if it is an error, UnsupportedError if JSON cannot."""
    outcome = reply.outcome
    if isinstance(outcome, SeldonError):
        raise outcome
    if isinstance(outcome, Encoded):
        return encoded_event(outcome)
    request = reply.payload.decode()
    note_final(outcome, request, is_final=reply.is_final)
    return answer_event(reply.payload.codec, outcome, request)


def _event_of_any(reply: StreamReply, refusals: Refusals) -> bytes:
    try:
        return _event(reply)
    except SeldonError as error:
        return _error_event(error, refusals)


def _error_event(error: SeldonError, refusals: Refusals) -> bytes:
    refusals.rest(error)
    return error_event(str(error))
