"""A gRPC client of the control plane: calls with one answer, and streams of answers.

Over one HTTP/2 connection, which is made when it is needed and anew when it was lost. An error that
the other side answered with is a RelayedError, which has the gRPC code; an UpstreamError or a
DeadlineError means that nobody knows what became of the call.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from google.protobuf.message import DecodeError, Message

from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import DeadlineError, RelayedError, SeldonError, UpstreamError
from seldon_core.transport import grpc_frames
from seldon_core.transport.http2_links import Http2Links
from seldon_core.transport.receiver import Headers
from seldon_core.transport.settings import KIB, MIB
from seldon_core.transport.tls import DialTls

T = TypeVar("T", bound=Message)

MAX_MESSAGE: Final = 64 * MIB
"""A longer message ends the call."""

_WAITING: Final = 256 * KIB  # of messages nobody has taken yet, from which on no more are let come
_VISIT_S: Final = 1.0
_PATIENCE_S: Final = 30.0
"""A scheduler whose disk is slow is not given up: it would do without its replicas for a while."""
_RECEIVE_BYTES: Final = 64 * KIB
_HTTP_OF_ERRORS: Final = 503
_UNKNOWN: Final = 2  # gRPC's code for what has none


class RpcClient(Protocol):
    """What links ask of a client."""

    async def unary(self, path: str, request: Message, response: type[T], timeout_s: float) -> T:
        """Return the answer of the method at `path` (`/package.Service/Method`).

        Raises RelayedError, DeadlineError after `timeout_s`, UpstreamError.
        """

    async def gather(
        self, path: str, requests: Sequence[Message], response: type[T], timeout_s: float
    ) -> T:
        """Return the one answer to all `requests`, of which there is at least one; as `unary`."""

    def stream(self, path: str, request: Message, response: type[T]) -> AsyncGenerator[T, None]:
        """Yield the answers; closing it ends the call. Raises RelayedError, UpstreamError."""

    def ask_for_life(self) -> None:
        """Ask the other side by pings whether it is there; it must be one that allows that."""


class _Crediting(Protocol):
    """What is used of a connection."""

    def credit(self, stream_id: int, nbytes: int) -> None:
        """Let the peer send `nbytes` more on a stream."""


class Answers:
    """The receiver of a call's messages, as bytes; iterate to take them.

    The iteration ends with the call, and raises what the call ended with if that is an error.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self._loop = loop
        self._name = name
        self._buffer = bytearray()
        self._messages: deque[bytes] = deque()
        self._waiting = 0  # bytes of them
        self._withheld = 0
        self._client: _Crediting | None = None
        self._stream_id = 0
        self._end: SeldonError | StopAsyncIteration | None = None
        self._taker: asyncio.Future[None] | None = None

    def begin(self, client: _Crediting, stream_id: int) -> None:
        """Note which stream it is."""
        self._client, self._stream_id = client, stream_id

    def on_head(self, headers: Headers, has_ended: bool) -> None:
        """Take the answer's header block."""
        fields = dict(headers)
        if fields.get(b":status") != b"200":
            code = fields.get(b":status", b"").decode("latin-1")
            self._finish(UpstreamError(f"{self._name} answered HTTP {code} to a gRPC call"))
        elif has_ended:
            self.on_trailers(headers)

    def on_data(self, data: bytes, has_ended: bool) -> bool:
        """Take the next piece; return whether more may come."""
        self._buffer += data
        self._split()
        if has_ended:
            self._finish(UpstreamError(f"{self._name} ended a call without a gRPC status"))
        if self._waiting < _WAITING:
            return True
        self._withheld += len(data)
        return False

    def on_trailers(self, headers: Headers) -> None:
        """Take how the call ended."""
        fields = dict(headers)
        code = fields.get(b"grpc-status", b"")
        if code == b"0":
            self._finish(StopAsyncIteration())
            return
        number = int(code) if code.isdigit() and len(code) < 3 else _UNKNOWN
        text = unquote_to_bytes(fields.get(b"grpc-message", b"")).decode("utf-8", "replace")
        text = text or f"{self._name} ended the call with gRPC code {number}"
        self._finish(RelayedError(text, _HTTP_OF_ERRORS, number))

    def on_lost(self, error: UpstreamError) -> None:
        """Take that there is no more."""
        self._finish(error)

    def on_room(self) -> None:
        """Nothing waits to be sent."""

    def __aiter__(self) -> "Answers":
        return self

    async def __anext__(self) -> bytes:
        while not self._messages:
            if self._end is not None:
                raise self._end
            self._taker = self._loop.create_future()
            await self._taker
        message = self._messages.popleft()
        self._waiting -= len(message)
        if self._withheld and self._waiting < _WAITING and self._client is not None:
            self._client.credit(self._stream_id, self._withheld)
            self._withheld = 0
        return message

    def _split(self) -> None:
        """Take the messages off the buffer that are complete."""
        buffer, start = self._buffer, 0
        while len(buffer) - start >= grpc_frames.PREFIX_LENGTH and self._end is None:
            begin = start + grpc_frames.PREFIX_LENGTH
            flag, length = buffer[start], int.from_bytes(buffer[start + 1 : begin])
            if flag or length > MAX_MESSAGE:
                text = f"{self._name} sent a message that is compressed or has over {MAX_MESSAGE}"
                self._finish(UpstreamError(f"{text} bytes"))
                return
            if len(buffer) < begin + length:
                break
            start = begin + length
            self._messages.append(bytes(buffer[begin:start]))
            self._waiting += length
        del buffer[:start]
        self._wake()

    def _finish(self, end: SeldonError | StopAsyncIteration) -> None:
        if self._end is None:
            self._end = end
            self._wake()

    def _wake(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)


class Http2RpcClient:
    """An RpcClient over `links`; `name` is what errors call the other side.

    Every `visit_s` it is looked whether the other side is there.
    """

    def __init__(
        self,
        links: Http2Links,
        name: str,
        authority: str,
        visit_s: float = _VISIT_S,
        scheme: bytes = b"http",
    ) -> None:
        self._links = links
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._whom = [
            (b":method", b"POST"),
            (b":scheme", scheme),
            (b":authority", authority.encode()),
        ]
        self._visit_s = visit_s
        self._timer = self._loop.call_later(visit_s, self._visit)

    async def unary(self, path: str, request: Message, response: type[T], timeout_s: float) -> T:
        """Return the one answer; see `RpcClient`."""
        return await self.gather(path, (request,), response, timeout_s)

    async def gather(
        self, path: str, requests: Sequence[Message], response: type[T], timeout_s: float
    ) -> T:
        """Return the one answer to all; see `RpcClient`."""
        timeout = (b"grpc-timeout", b"%dm" % min(int(timeout_s * 1000), 10**8 - 1))
        try:
            async with asyncio.timeout(timeout_s):
                found = [message async for message in self._call(path, requests, timeout)]
        except TimeoutError as error:
            text = f"{self._name} did not answer {path} within {timeout_s:g} s"
            raise DeadlineError(text) from error
        if len(found) != 1:
            raise UpstreamError(f"{self._name} sent {len(found)} answers to {path}, not one")
        return self._parse(response, found[0])

    async def stream(
        self, path: str, request: Message, response: type[T]
    ) -> AsyncGenerator[T, None]:
        """Yield the answers; see `RpcClient`."""
        answers = self._call(path, (request,))
        try:
            async for message in answers:
                yield self._parse(response, message)
        finally:
            await answers.aclose()

    def ask_for_life(self) -> None:
        """Ask the other side by pings whether it is there."""
        self._links.ask_for_life()

    def close(self) -> None:
        """Close the connection; calls under way end with an UpstreamError."""
        self._timer.cancel()
        self._links.abort()

    async def _call(
        self, path: str, requests: Sequence[Message], *more: tuple[bytes, bytes]
    ) -> AsyncGenerator[bytes, None]:
        client = self._links.ready() or await self._links.open(waits=True)
        answers = Answers(self._loop, self._name)
        messages = [request.SerializeToString() for request in requests]
        body = [part for each in messages for part in (grpc_frames.prefix(len(each)), each)]
        kind = [(b"content-type", b"application/grpc"), (b"te", b"trailers")]
        headers = [*self._whom, (b":path", path.encode()), *kind, *more]
        stream_id = client.request(headers, body, answers)
        answers.begin(client, stream_id)
        try:
            async for answer in answers:
                yield answer
        finally:
            client.cancel(stream_id)  # which is nothing if it has ended

    def _parse(self, response: type[T], message: bytes) -> T:
        try:
            return response.FromString(message)
        except DecodeError as error:
            kind = response.DESCRIPTOR.full_name
            raise UpstreamError(f"what {self._name} answered is no {kind}") from error

    def _visit(self) -> None:
        self._timer = self._loop.call_later(self._visit_s, self._visit)
        self._links.visit(self._loop.time())


@asynccontextmanager
async def open_rpc_client(
    host: str, port: int, name: str, tls: DialTls | None = None
) -> AsyncIterator[Http2RpcClient]:
    """Be ready to call `host` and `port` for the length of a block; it connects when called.

    `name` is what errors call the other side, besides its address; `tls` how TLS is spoken to it.
    """
    shown = f"[{host}]" if ":" in host else host
    name = f"{name} at {shown}:{port}"
    async with open_tasks(name) as tasks:
        receive = memoryview(bytearray(_RECEIVE_BYTES))
        links = Http2Links(
            host, port, name, tasks, receive, pings=False, tls=tls, patience_s=_PATIENCE_S
        )
        scheme = b"http" if tls is None else b"https"
        client = Http2RpcClient(links, name, f"{shown}:{port}", scheme=scheme)
        try:
            yield client
        finally:
            client.close()
