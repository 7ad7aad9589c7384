"""Streams on the hop: messages of a gRPC call to one model, and REST's events.

A stream's messages go to the replica as they come and as far as it takes them; its answers come
back as it wrote them. Leaving a stream resets it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import RelayedError, SeldonError, UnreachableError, UpstreamError
from seldon_core.protocol.inference import Encoded, Payload
from seldon_core.protocol.oip_json import CONTENT_TYPE
from seldon_core.protocol.relay import grpc_error, http_error
from seldon_core.protocol.relay_stream import read_relayed
from seldon_core.protocol.status import UNAVAILABLE
from seldon_core.transport import grpc_frames
from seldon_core.transport.handler import InferCall, StreamReply
from seldon_core.transport.http2_client import Http2Client
from seldon_core.transport.receiver import Headers
from seldon_core.transport.rpc_client import Answers
from seldon_core.transport.settings import KIB

_WAITING: Final = 256 * KIB  # of events that nobody has taken, from which on no more are let come


class _Duplex(Answers):
    """The receiver of a stream that messages are sent on meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        super().__init__(loop, name)
        self.room = asyncio.Event()
        self.fault: BaseException | None = None

    def on_room(self) -> None:
        """Let the next message be sent."""
        self.room.set()

    def on_lost(self, error: UpstreamError) -> None:
        """Take that there is no more, in either direction."""
        self.room.set()
        super().on_lost(error)

    def fail(self, fault: BaseException) -> None:
        """End the stream by what the messages raised."""
        self.fault = fault
        self._finish(UpstreamError("the stream's messages ended by an error"))


async def talk(
    client: Http2Client,
    headers: Headers,
    call: InferCall,
    messages: AsyncIterator[Payload],
) -> AsyncGenerator[StreamReply, None]:
    """Pass on a gRPC stream whose `headers` are those of the hop; raises what ends it.

    A replica that stops answers the messages it has, and ends the stream: UnreachableError, as no
    other has run.
    """
    loop = asyncio.get_running_loop()
    answers = _Duplex(loop, "the replica")
    stream_id = client.request(headers, (), answers, ends=False)
    answers.begin(client, stream_id)
    sent: deque[Payload] = deque()
    try:
        async with open_tasks("hop") as tasks:
            tasks.start(_send(client, stream_id, answers, messages, sent), name="send")
            async for message in answers:
                outcome, is_final = read_relayed(message)
                if not sent:
                    raise UpstreamError("a replica answered more messages than it was sent")
                payload = sent.popleft() if is_final else sent[0]
                yield StreamReply(payload, outcome, is_final)
    except RelayedError as error:
        if error.grpc == UNAVAILABLE:
            raise UnreachableError(str(error)) from error
        raise grpc_error(b"%d" % error.grpc, str(error), call.internal_model) from error
    except UpstreamError:
        if answers.fault is not None:
            raise answers.fault from None
        raise
    finally:
        client.cancel(stream_id)


async def _send(
    client: Http2Client,
    stream_id: int,
    answers: _Duplex,
    messages: AsyncIterator[Payload],
    sent: deque[Payload],
) -> None:
    try:
        async for payload in messages:
            sent.append(payload)
            answers.room.clear()
            body = payload.body
            if not client.send(stream_id, (grpc_frames.prefix(len(body)), body)):
                await answers.room.wait()
        client.end(stream_id)
    except asyncio.CancelledError:
        raise
    except Exception as fault:  # noqa: BLE001 - raised to who reads the answers
        answers.fail(fault)


class _Events:
    """The receiver of REST's events; iterate to take the data of each."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: Http2Client, model: str) -> None:
        self._loop = loop
        self._client = client
        self._model = model
        self.stream_id = 0
        self._headers: dict[bytes, bytes] = {}
        self._buffer = bytearray()  # of the next event
        self._searched = 0  # bytes of it, in which it does not end
        self._events: deque[bytes] = deque()
        self._waiting = 0  # bytes of them
        self._withheld = 0
        self._end: SeldonError | StopAsyncIteration | None = None
        self._taker: asyncio.Future[None] | None = None

    def on_head(self, headers: Headers, has_ended: bool) -> None:
        """Take the header block."""
        self._headers = dict(headers)
        if has_ended:
            self._finish()

    def on_data(self, data: bytes, has_ended: bool) -> bool:
        """Take a piece; return whether more may come."""
        self._buffer += data
        if self._headers.get(b":status") == b"200":
            self._part()
        if has_ended:
            self._finish()
        self._wake()
        if self._waiting < _WAITING:
            return True
        self._withheld += len(data)
        return False

    def _part(self) -> None:
        """Take the events out of the buffer; a large one comes in thousands of pieces."""
        if self._buffer.find(b"\n\n", max(self._searched - 1, 0)) >= 0:
            *events, rest = self._buffer.split(b"\n\n")
            for event in events:
                self._events.append(bytes(event.removeprefix(b"data: ")))
                self._waiting += len(event)
            self._buffer = rest
        self._searched = len(self._buffer)

    def on_trailers(self, headers: Headers) -> None:
        """Take the end."""
        self._finish()

    def on_lost(self, error: UpstreamError) -> None:
        """Take that there is no more."""
        self._end = self._end or error
        self._wake()

    def on_room(self) -> None:
        """Nothing more is sent."""

    def __aiter__(self) -> "_Events":
        return self

    async def __anext__(self) -> bytes:
        while not self._events:
            if self._end is not None:
                raise self._end
            self._taker = self._loop.create_future()
            await self._taker
        event = self._events.popleft()
        self._waiting -= len(event)
        if self._withheld and self._waiting < _WAITING:
            self._client.credit(self.stream_id, self._withheld)
            self._withheld = 0
        return event

    def _finish(self) -> None:
        code = int(self._headers.get(b":status", b"500"))
        if code == 200:
            self._end = StopAsyncIteration()
        else:
            retry_after = self._headers.get(b"retry-after")
            self._end = http_error(code, self._buffer, self._model, retry_after)
        self._wake()

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)


async def events(
    client: Http2Client,
    headers: Headers,
    call: InferCall,
    messages: AsyncIterator[Payload],
) -> AsyncGenerator[StreamReply, None]:
    """Pass on the one message of a REST call that is answered by events; raises what ends it.

    Which event is the last is not known before its end, so none is called final.
    """
    payload = await anext(messages, call.payload)
    found = _Events(asyncio.get_running_loop(), client, call.internal_model)
    found.stream_id = client.request(headers, (payload.body,), found)
    try:
        async for event in found:
            yield StreamReply(payload, Encoded(CONTENT_TYPE, (event,)), is_final=False)
    finally:
        client.cancel(found.stream_id)
