"""Fronts that answer as told, a listener around them, and a client that sends bytes as they are."""

import asyncio
from contextlib import asynccontextmanager, suppress

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.exchange import HttpAnswer
from seldon_core.transport.listener import listen
from seldon_core.transport.settings import ListenerSettings

PATIENCE_S = 20.0


class EchoFront:
    """Answers with the target and the body; keeps what it was asked. `hold` targets wait.

    `/hold…` waits until `release` is set, `/large` answers 1 MiB, `/fail` raises, `/cancel` is
    cancelled from within.
    """

    def __init__(self):
        self.requests = []
        self.release = asyncio.Event()
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    def for_peer(self, peer):
        return self

    async def answer(self, request):
        self.requests.append(request)
        if request.target.startswith(b"/hold"):
            self.began.set()
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if request.target == b"/fail":
            raise ValueError("a bug")
        if request.target == b"/cancel":
            raise asyncio.CancelledError
        if request.target == b"/large":
            return HttpAnswer(200, [], (b"x" * 1024 * 1024,))
        return HttpAnswer(
            200, [(b"content-type", b"text/plain")], (request.target, b" ", bytes(request.body))
        )


class NoRpc:
    rules = TalkRules()

    def for_peer(self, peer):
        return self

    def conversation(self, path):
        return None

    async def answer(self, path, headers, message, deadline):
        raise AssertionError("no gRPC here")


class Client:
    """A connection on which bytes are sent as they are."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self, end):
        """Read until `end` came; return everything."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(end)

    async def response(self):
        """Read one response: status, headers, body."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
            headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return int(status_line.split()[1]), headers, body

    async def ends(self):
        """Read to the end of the stream; return what came before it."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""

    async def close(self):
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(port):
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def listening(front, budget=None, **changes):
    """A listener with `front` on a free port, and the settings' `changes`."""
    settings = ListenerSettings(port=0, **changes)
    budget = budget or InFlightBytes(settings.in_flight_bytes)
    async with listen(settings, front, NoRpc(), budget) as listener:
        yield listener


async def until(condition):
    """Let others run until `condition()` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


def post(target, body, *lines):
    head = [
        b"POST " + target + b" HTTP/1.1",
        b"host: a",
        *lines,
        b"content-length: %d" % len(body),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + body
