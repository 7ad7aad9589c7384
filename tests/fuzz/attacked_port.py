"""A data port in this process that one bad client after the other talks to, and a good one beside.

After each bad client all must be as it was: nothing open, nothing held, nothing logged, no task
left, and the good client is answered as ever.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from seldon_core.errors import NotFoundError
from seldon_core.protocol.inference import TensorSpec
from seldon_core.transport import calm
from seldon_core.transport.handler import DataServices, Reply
from seldon_core.transport.listener import Listener, open_listener
from seldon_core.transport.settings import KIB, MIB, ListenerSettings
from tests.support.extensions import FakeHandler, fake_services
from tests.support.stream_fakes import StreamHandler

PATIENCE_S = 10.0
ENDINGS = ("half", "close", "reset", "late half")
"""How a client leaves: it ends its side and reads on, closes, resets, or waits before it ends."""

_BODY = b'{"id":"1","inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1.5]}]}'
_GOOD = (
    b"POST /v2/models/iris/infer HTTP/1.1\r\nhost: a\r\nx-request-id: good\r\n"
    b"content-length: %d\r\n\r\n" % len(_BODY)
) + _BODY

_SETTINGS = ListenerSettings(
    port=0,
    header_bytes=8 * KIB,
    header_count=30,
    body_bytes=64 * KIB,
    json_bytes=16 * KIB,
    in_flight_bytes=MIB,
    outstanding=8,
)


class Models(FakeHandler, StreamHandler):
    """`iris` answers at once, `later` after a while, `held` never; there is no other model."""

    def __init__(self) -> None:
        FakeHandler.__init__(self)
        StreamHandler.__init__(self, ((TensorSpec("text_input", "BYTES", (-1,)),), ()))

    async def infer(self, call: Any) -> Reply:
        await self._wait(call.model)
        self.calls.clear()
        return await StreamHandler.infer(self, call)

    async def stream(self, call: Any, messages: Any) -> Any:
        await self._wait(call.model)
        self.streams.clear()
        self.closed.clear()
        self.calls.clear()
        async for reply in StreamHandler.stream(self, call, messages):
            yield reply

    async def ready(self, call: Any) -> bool:
        await self._wait(call.model)
        return True

    async def _wait(self, model: str) -> None:
        if model == "later":
            await asyncio.sleep(0.001)
        elif model == "held":
            await asyncio.Event().wait()
        elif model != "iris":
            raise NotFoundError("model", model)


class _Kept(logging.Handler):
    """Keeps what is logged from WARNING on, but for the end of a client that floods."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != calm.__name__:
            self.lines.append(self.format(record))


class AttackedPort:
    """An open port and its good client."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._kept = _Kept()
        logging.getLogger().addHandler(self._kept)
        self._loop.set_exception_handler(
            lambda _, context: self._kept.lines.append(f"{context.get('message')}: {context!r}")
        )
        self._stack = AsyncExitStack()
        self._listener: Listener = self._run(self._open())
        self._good = socket.create_connection(("127.0.0.1", self._listener.port))
        self._good.setblocking(False)
        self._expected = self._run(self._ask())

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)

    async def _open(self) -> Listener:
        services = fake_services()
        own = DataServices(
            Models(), services.server, services.repository, services.traces, services.logs
        )
        return await self._stack.enter_async_context(open_listener(_SETTINGS, own))

    def attack(self, pieces: Sequence[bytes], ending: str) -> bytes:
        """Have a bad client send `pieces` and leave by `ending`; return what it was sent.

        Raises AssertionError if all is not as it was then.
        """
        return bytes(self._run(self._attack(pieces, ending)))

    async def _attack(self, pieces: Sequence[bytes], ending: str) -> bytearray:
        client = _BadClient(self._listener.port)
        try:
            for piece in pieces:
                if not await client.send(piece):
                    break
            await client.turns(3)
            if ending == "late half":
                await asyncio.sleep(0.003)
                await client.turns(3)
            if ending.endswith("half"):
                await client.read_to_end()
            elif ending == "reset":
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            client.sock.close()
        listener = self._listener
        await _until(lambda: listener.open_connections == 1, "a connection stays open")
        await _until(lambda: len(asyncio.all_tasks()) == 1, "a task is left")
        await _until(lambda: listener.in_flight_bytes == 0, "the budget does not return to 0")
        assert not self._kept.lines, self._kept.lines
        assert listener.counters.internal_errors == 0
        answer = await self._ask()
        assert answer == self._expected, answer
        return client.received

    async def _ask(self) -> bytes:
        """Ask as the good client; return the answer."""
        loop, answer = asyncio.get_running_loop(), b""
        async with asyncio.timeout(PATIENCE_S):
            await loop.sock_sendall(self._good, _GOOD)
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                piece = await loop.sock_recv(self._good, 1 << 16)
                assert piece, "the good client was cut off"
                answer += piece
        return answer


class _BadClient:
    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.received = bytearray()
        self.is_over = False

    async def send(self, data: bytes) -> bool:
        """Send, let the server act, take in what it says; return whether it still listens."""
        async with asyncio.timeout(PATIENCE_S):
            while data and not self.is_over:
                try:
                    data = data[self.sock.send(data) :]
                except BlockingIOError:
                    pass
                except ConnectionError:
                    return False
                await self.turns(2)
        return not self.is_over

    async def turns(self, count: int) -> None:
        """Give the server turns; take in what comes meanwhile."""
        for _ in range(count):
            await asyncio.sleep(0)
            self._receive()

    async def read_to_end(self) -> None:
        """Say that nothing follows, and read until the server has closed, too."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.is_over:
                    await self.turns(1)
        except TimeoutError:
            raise AssertionError("the server does not close behind a client that has") from None

    def _receive(self) -> None:
        while not self.is_over:
            try:
                piece = self.sock.recv(1 << 16)
            except BlockingIOError:
                return
            except ConnectionError:
                piece = b""
            self.is_over = not piece
            self.received += piece


async def _until(holds: Callable[[], bool], fault: str) -> None:
    """Let the loop turn until `holds`. Raises AssertionError with `fault` if it never does."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await asyncio.sleep(0)
    except TimeoutError:
        raise AssertionError(fault) from None
