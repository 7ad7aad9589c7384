"""gRPC's ModelStreamInfer: one conversation, whose messages may go to several models.

    messages -> read -> a stream for each model -> answers -> the caller

The answers of one model come in the order of its messages, those of different models as they are
there. A caller that does not read is not read further: only so many messages are taken whose
answers have not left.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Final

from seldon_core.aio.channels import Channel
from seldon_core.aio.supervise import Tasks, open_tasks
from seldon_core.errors import InvalidRequestError, SeldonError, UpstreamError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.grpc_limits import check_typed_size
from seldon_core.protocol.inference import Buffer, Encoded, Payload
from seldon_core.protocol.oip_grpc import GRPC_CODEC, peek_model
from seldon_core.protocol.oip_stream import (
    bare_message,
    note_final,
    triton_encoded,
    triton_error_message,
    triton_message,
)
from seldon_core.protocol.relay_stream import RELAYED, relayed_message
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import Conversation, InitialMetadata
from seldon_core.transport.handler import InferCall, InferHandler, StreamReply
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.request_id import request_id_of
from seldon_core.transport.settings import TYPED_BYTES

STREAM_PATH: Final = b"/inference.GRPCInferenceService/ModelStreamInfer"

FORMAT_HEADER: Final = b"x-seldon-stream-format"
"""The metadata by which a caller says what it reads, instead of the port's own setting."""

UNANSWERED: Final = 32
"""Most messages of a call that are taken and not answered: twice what an agent has under way of
one stream, so that there is always a next one. The models that a call may stream to at once are as
many, since one of them is then idle when the next comes."""

_MODEL_HEADER: Final = b"seldon-model"


def stream_conversations(
    handler: InferHandler,
    stream_format: str,
    budget: InFlightBytes,
    typed_bytes: int = TYPED_BYTES,
    refusals: Refusals | None = None,
) -> dict[bytes, Conversation]:
    """Return the streaming calls of the data port, by path.

    `stream_format` is how who does not say it is answered, `triton` or `mlserver`. Messages that
    are under way are counted in `budget`; each may have `typed_bytes` besides its raw contents.
    `refusals` is where messages that are answered by an error are counted; what a call ends with is
    counted where its caller is told.
    """
    counted = refusals or Refusals()

    async def stream_infer(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> AsyncGenerator[Sequence[Buffer] | InitialMetadata, None]:
        shape = _shape(headers.get(FORMAT_HEADER, stream_format.encode()))
        talk = _Talk(handler, headers, deadline, budget, typed_bytes)
        is_first = True
        reply = None
        try:
            async with open_tasks("stream") as tasks:
                talk.begin(tasks, messages)
                async for reply in talk.answers:
                    if is_first and reply.headers:
                        yield InitialMetadata(reply.headers)
                    is_first = False
                    said = shape(talk, reply)
                    if said is not None:
                        if isinstance(reply.outcome, SeldonError):
                            counted.grpc(reply.outcome)
                        yield said
                    talk.answered(reply)
            if talk.fault is not None:
                raise talk.fault
        finally:
            talk.leave()
            # A cancelled task holds the error, that this frame, and this the task by its group: all
            # stay until garbage is collected, which is late, and messages and answers are large.
            del talk, reply, messages, tasks

    return {STREAM_PATH: stream_infer}


def _shape(name: bytes) -> "_Shape":
    shape = _SHAPES.get(name)
    if shape is None:
        shown = name[:64].decode("latin-1")
        raise InvalidRequestError(
            f"{FORMAT_HEADER.decode()} is triton or mlserver, found {shown!r}"
        )
    return shape


def _triton(talk: "_Talk", reply: StreamReply) -> Sequence[Buffer]:
    outcome, payload = reply.outcome, reply.payload
    if isinstance(outcome, SeldonError):
        return triton_error_message(str(outcome), payload, is_final=reply.is_final)
    if isinstance(outcome, Encoded):
        return triton_encoded(outcome)
    request = payload.decode()
    note_final(outcome, request, is_final=reply.is_final)
    return triton_message(outcome, request)


def _bare(talk: "_Talk", reply: StreamReply) -> Sequence[Buffer] | None:
    """Return MLServer's answer, which has no place for an error: that ends the call, as soon as
    the messages before have their answers. None is for a message after it."""
    if not talk.is_wanted(reply.payload):
        return None
    try:
        outcome = reply.outcome
        if isinstance(outcome, SeldonError):
            raise outcome
        if isinstance(outcome, Encoded):
            return outcome.parts
        request = reply.payload.decode()
        note_final(outcome, request, is_final=reply.is_final)
        return bare_message(outcome, request)
    except SeldonError as error:
        talk.end_with(error, reply.payload)
        return None


def _relayed(talk: "_Talk", reply: StreamReply) -> Sequence[Buffer]:
    """Return what another process of ours reads, which passes it on."""
    return relayed_message(reply.outcome, reply.payload, is_final=reply.is_final)


_Shape = Callable[["_Talk", StreamReply], Sequence[Buffer] | None]
_SHAPES: Final[dict[bytes, _Shape]] = {
    b"triton": _triton,
    b"mlserver": _bare,
    RELAYED: _relayed,
}


class _ModelStream:
    """The messages of a call to one model; `unanswered` are those without a final answer."""

    def __init__(self, call: InferCall) -> None:
        self.call = call
        self.inbox: Channel[Payload] = Channel(UNANSWERED)
        self.unanswered: deque[Payload] = deque()


class _Talk:
    """One call. `fault` is what ends it if its caller does not: its framing, or a bug.

    `answers` is closed when every message was answered and the caller has no more.
    """

    def __init__(
        self,
        handler: InferHandler,
        headers: dict[bytes, bytes],
        deadline: float,
        budget: InFlightBytes,
        typed_bytes: int,
    ) -> None:
        self._typed_bytes = typed_bytes
        self._handler = handler
        self._headers = headers
        self._deadline = deadline
        self._request_id = request_id_of(headers)
        self._is_led = bool(headers.get(_MODEL_HEADER))
        self._budget = budget
        self._held = 0  # bytes of the budget
        self._room = asyncio.Semaphore(UNANSWERED)
        self._streams: dict[tuple[str, str], _ModelStream] = {}  # the one used last is the last
        self._running = 0  # tasks
        self._unanswered: dict[int, Payload] = {}  # by their identity, in the order they came
        self._end: SeldonError | None = None
        self.answers: Channel[StreamReply] = Channel(UNANSWERED)
        self.fault: BaseException | None = None

    def begin(self, tasks: Tasks, messages: AsyncIterator[bytes]) -> None:
        """Take messages as tasks, from now on."""
        self._tasks = tasks
        self._running += 1
        tasks.start(self._read(messages), name="read")

    def answered(self, reply: StreamReply) -> None:
        """Note that a reply has left, or will not. Raises what the call was to end with, if it was
        the last before that."""
        if reply.is_final:
            self._hold(-len(reply.payload.body))
            self._room.release()
            self._unanswered.pop(id(reply.payload), None)
        if self._end is not None and not self._unanswered:
            raise self._end

    def is_wanted(self, payload: Payload) -> bool:
        """Whether a message's answers are still to be sent."""
        return id(payload) in self._unanswered

    def end_with(self, error: SeldonError, payload: Payload) -> None:
        """End the call with a message's error, once those before it have their answers."""
        self._end = error
        while self._unanswered.popitem()[1] is not payload:
            pass

    def leave(self) -> None:
        """Give back what is held for messages that nobody will answer.

        A fault holds the frames that it came through, and so this call.
        """
        self._hold(-self._held)
        self.fault = self._end = None
        self._unanswered.clear()

    def _hold(self, nbytes: int) -> None:
        self._held += nbytes
        if nbytes >= 0:
            self._budget.take(nbytes)
        else:
            self._budget.give(-nbytes)

    async def _read(self, messages: AsyncIterator[bytes]) -> None:
        try:
            await self._room.acquire()
            async for message in messages:
                self._hold(len(message))
                if self._end is not None:
                    break
                payload = Payload(GRPC_CODEC, message)
                self._unanswered[id(payload)] = payload
                await self._pass_on(payload)
                await self._room.acquire()
        except (Exception, asyncio.CancelledError) as fault:  # noqa: BLE001 - raised to the caller
            self.fault = self.fault or fault
        for stream in self._streams.values():
            stream.inbox.close()
        self._end_one()

    async def _pass_on(self, payload: Payload) -> None:
        """Give a message to its model's stream, or answer it if it names none that can be read."""
        try:
            check_typed_size(payload.body, self._typed_bytes)
            name, version = peek_model(payload.body)
        except InvalidRequestError as error:
            await self.answers.put(StreamReply(payload, error))
            return
        # With the header every message goes to the one model that it names.
        key = ("", "") if self._is_led else (name, version)
        stream = self._streams.pop(key, None) or self._open(key, name, version, payload)
        self._streams[key] = stream
        stream.unanswered.append(payload)
        await stream.inbox.put(payload)

    def _open(
        self, key: tuple[str, str], name: str, version: str, payload: Payload
    ) -> _ModelStream:
        if len(self._streams) >= UNANSWERED:
            self._end_idle()
        call = InferCall(
            Verb.STREAM_INFER,
            name,
            version,
            self._headers,
            payload,
            "grpc",
            self._request_id,
            self._deadline,
        )
        stream = _ModelStream(call)
        self._running += 1
        self._tasks.start(self._answer(key, stream), name=f"to {name[:64]}")
        return stream

    def _end_idle(self) -> None:
        """End the stream that has had nothing to do for longest, so that there may be another.

        There is one: the message that is about to be passed on is one of `UNANSWERED`.
        """
        idle = next(key for key, stream in self._streams.items() if not stream.unanswered)
        self._streams.pop(idle).inbox.close()

    async def _answer(self, key: tuple[str, str], stream: _ModelStream) -> None:
        try:
            fault = await self._pump(stream)
            if self._streams.get(key) is stream:  # the next message of this model begins another
                del self._streams[key]
            while stream.unanswered:
                await self.answers.put(StreamReply(stream.unanswered.popleft(), fault))
        except (Exception, asyncio.CancelledError) as fault:  # noqa: BLE001 - a bug, raised there
            self.fault = self.fault or fault
            self.answers.close()
        self._end_one()

    async def _pump(self, stream: _ModelStream) -> SeldonError:
        """Hand on the answers of one model; return the error of messages that it leaves alone."""
        replies = self._handler.stream(stream.call, stream.inbox)
        try:
            async with aclosing(replies):
                async for reply in replies:
                    if reply.is_final:
                        stream.unanswered.popleft()
                    await self.answers.put(reply)
        except SeldonError as error:
            return error
        return UpstreamError("the model's stream ended before it answered this message")

    def _end_one(self) -> None:
        self._running -= 1
        if not self._running:
            self.answers.close()
