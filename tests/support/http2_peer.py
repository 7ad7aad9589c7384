"""A server on a real socket with fronts that tests steer, and a client that is only frames."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace

import ngh2

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.http2 import Http2Connection
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared

METHOD = b"/inference.GRPCInferenceService/ModelInfer"
Headers = list[tuple[bytes, bytes]]


def framed(message: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def call_headers(*extra: tuple[bytes, bytes], path: bytes = METHOD) -> Headers:
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"server"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        *extra,
    ]


def request_headers(method: bytes, path: bytes, *extra: tuple[bytes, bytes]) -> Headers:
    return [
        (b":method", method),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"server"),
        *extra,
    ]


class EchoRpc:
    """Answers a call with its message, unless the path asks for something else.

    `/wait` waits for `go`; `/broken` raises; `/headers` answers with strange metadata;
    `/large/N` answers N bytes; `/cancelled` waits for something that is cancelled.
    """

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.seen: list[dict[bytes, bytes]] = []
        self.begun = 0
        self.cancelled = 0

    rules = TalkRules()

    def for_peer(self, peer: str) -> "EchoRpc":
        return self

    def conversation(self, path: bytes) -> None:
        return None

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        self.begun += 1
        self.seen.append(headers)
        if path == b"/wait":
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        elif path == b"/broken":
            raise RuntimeError("a bug")
        elif path == b"/cancelled":
            raise asyncio.CancelledError
        elif path == b"/refused":
            return RpcAnswer(5, "no such thing: ä\n", trailers=[(b"x-request-id", b"1")])
        elif path == b"/headers":
            bad = [(b"x-route", b"one"), (b"x-route", b"t\r\nwo "), (b"x-nul", b"a\0b")]
            return RpcAnswer(0, "", bad, bad, [message])
        elif path.startswith(b"/large/"):
            return RpcAnswer(0, "", [], [], [b"x", bytes(int(path[7:]) - 1)])
        return RpcAnswer(
            0, "", [(b"x-seldon-route", b":m_1:")], [(b"x-request-id", b"1")], [message]
        )


class EchoHttp:
    """Answers a request with its method, target and the length of its body."""

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []

    def for_peer(self, peer: str) -> "EchoHttp":
        return self

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        self.seen.append(request)
        if request.target == b"/broken":
            raise RuntimeError("a bug")
        if request.target == b"/empty":
            return HttpAnswer(204, [(b"Connection", b"close"), (b"X-Kept", b"yes")])
        if request.target.startswith(b"/large/"):
            return HttpAnswer(200, [], [bytes(int(request.target[7:]))])
        text = b"%s %s %d" % (request.method, request.target, len(request.body))
        return HttpAnswer(200, [(b"content-type", b"text/plain")], [text])


@dataclass
class Server:
    """A listening server and what its connections share."""

    shared: Shared
    rpc: EchoRpc
    http: EchoHttp
    port: int

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop turn until `holds` does; an end is put to it by the caller's time-out."""
        async with asyncio.timeout(10):
            while not holds():
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def serving(
    settings: ListenerSettings | None = None,
    rpc: object = None,
    http: object = None,
) -> AsyncIterator[Server]:
    """Serve HTTP/2 on a free port of the loopback; nothing of it is left afterwards."""
    loop = asyncio.get_running_loop()
    settings = replace(settings or ListenerSettings(), port=0)
    echo, echo_http = EchoRpc(), EchoHttp()
    budget = InFlightBytes(settings.in_flight_bytes)
    shared = Shared(loop, settings, http or echo_http, rpc or echo, budget)  # type: ignore[arg-type]
    shared.sweeper.start()
    server = await loop.create_server(lambda: Http2Connection(shared), settings.host, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Server(shared, echo, echo_http, port)
    finally:
        for connection in list(shared.connections):
            connection.abort()
        server.close()
        async with asyncio.timeout(10):
            await shared.on_empty.wait() if shared.connections else None
        shared.sweeper.stop()
        await server.wait_closed()


@dataclass
class Answered:
    """What a client has got on one stream."""

    headers: Headers = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    trailers: Headers = field(default_factory=list)
    reset: int | None = None
    is_closed: bool = False

    @property
    def status(self) -> int:
        """gRPC's code, from the trailers or the one header block."""
        return int(dict(self.trailers or self.headers)[b"grpc-status"])

    @property
    def message(self) -> bytes:
        return bytes(self.body[5:])


class Client:
    """A client that says exactly what a test tells it to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.h2 = ngh2.Connection(ngh2.Role.CLIENT)
        self.h2.initiate_connection({})
        self.reader, self.writer = reader, writer
        self.answers: dict[int, Answered] = {}
        self.others: list[ngh2.Event] = []
        self.is_over = False

    def request(self, headers: Headers, *pieces: bytes, end: bool = True) -> int:
        """Queue a request; `end` ends the client's side."""
        stream = self.h2.send_request(headers, end_stream=end and not pieces)
        for index, piece in enumerate(pieces):
            self.h2.send_data(stream, piece, end_stream=end and index == len(pieces) - 1)
        self.answers[stream] = Answered()
        return stream

    def flush(self) -> None:
        """Send what is queued, in one write."""
        self.writer.write(self.h2.data_to_send())

    async def read(self) -> None:
        """Take in what comes next."""
        data = await self.reader.read(1 << 16)
        if not data:
            self.is_over = True
            return
        # The library takes nothing more in once a GOAWAY has left it without streams.
        with contextlib.suppress(ngh2.ConnectionStateError):
            self.h2.receive_data(data)
        for event in self.h2.events():
            self._note(event)
        self.flush()

    def _note(self, event: ngh2.Event) -> None:
        match event:
            case ngh2.ResponseReceived(stream_id, headers, _):
                self.answers[stream_id].headers = list(headers)
            case ngh2.DataReceived(stream_id, data, _):
                self.answers[stream_id].body += data
            case ngh2.TrailersReceived(stream_id, headers):
                self.answers[stream_id].trailers = list(headers)
            case ngh2.StreamReset(stream_id, code):
                self.answers[stream_id].reset = code
            case ngh2.StreamClosed(stream_id, _, _):
                self.answers[stream_id].is_closed = True
            case _:
                self.others.append(event)

    async def finish(self, streams: Iterable[int]) -> list[Answered]:
        """Send what is queued and read until these streams are over."""
        self.flush()
        streams = list(streams)
        async with asyncio.timeout(20):
            while (
                not all(self.answers[stream].is_closed for stream in streams) and not self.is_over
            ):
                await self.read()
        return [self.answers[stream] for stream in streams]

    async def call(self, headers: Headers, *pieces: bytes, end: bool = True) -> Answered:
        """Send one request and return its answer."""
        return (await self.finish([self.request(headers, *pieces, end=end)]))[0]


@contextlib.asynccontextmanager
async def connected(server: Server, receive_buffer: int | None = None) -> AsyncIterator[Client]:
    """Connect a client of frames."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=sock)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
