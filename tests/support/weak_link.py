"""A TCP proxy that delays, slows down, stalls, half-closes, cuts and resets what goes through it.

It runs on a thread of its own, so that real processes on both sides may be driven from a test.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

CHUNK = 16 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


@dataclass
class WeakLink:
    """What is between its port and `target`; change `delay_s` and `bytes_per_s` at any time.

    Without a rate (0) it passes as much as there is.
    """

    target: int
    port: int = 0
    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    connections: int = 0
    _is_cut: bool = False
    _pass: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def stall(self) -> None:
        """Pass nothing, and say nothing: packets are lost, nobody is told."""
        self._do(self._pass.clear)

    def cut(self) -> None:
        """Reset all connections, and those that are made from now on."""
        self._is_cut = True
        self.reset()

    def heal(self) -> None:
        """Pass everything again."""
        self._is_cut = False
        self._do(self._pass.set)

    def reset(self) -> None:
        """Reset all connections there are."""
        self._do(self._reset)

    def half_close(self) -> None:
        """End each connection in one direction: the client is told that no more comes."""
        self._do(self._half_close)

    def _do(self, action) -> None:
        done: Future[None] = Future()

        def act() -> None:
            action()
            done.set_result(None)

        self._loop.call_soon_threadsafe(act)
        done.result(10)

    def _reset(self) -> None:
        for writer in list(self._writers):
            one = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    def _half_close(self) -> None:
        for writer in list(self._clients):
            if not writer.is_closing():
                writer.write_eof()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        self._clients.add(writer)
        try:
            if self._is_cut:
                self._reset()
                return
            await self._pass.wait()
            try:
                there = await asyncio.open_connection("127.0.0.1", self.target)
            except OSError:
                return
            self._writers.add(there[1])
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._pump(reader, there[1]))
                    tasks.create_task(self._pump(there[0], writer))
            finally:
                self._writers.discard(there[1])
                there[1].close()
        finally:
            self._writers.discard(writer)
            self._clients.discard(writer)
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes, each piece `delay_s` after it came, none before the one before."""
        loop = asyncio.get_running_loop()
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        free_at = 0.0

        async def take() -> None:
            nonlocal free_at
            data = b"?"
            while data:
                try:
                    data = await reader.read(CHUNK)
                except OSError:
                    data = b""
                free_at = max(free_at, loop.time())
                if self.bytes_per_s:
                    free_at += len(data) / self.bytes_per_s
                await due.put((free_at + self.delay_s, data))

        async def give() -> None:
            while True:
                at, data = await due.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                await self._pass.wait()
                try:
                    if not data:
                        if not writer.is_closing():
                            writer.write_eof()
                        return
                    writer.write(data)
                    await writer.drain()
                except (OSError, RuntimeError):
                    data = b""  # the other side is gone; what comes is taken and thrown away

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(take())
            tasks.create_task(give())


@contextlib.contextmanager
def weak_link(target: int, port: int = 0) -> Iterator[WeakLink]:
    """A link to the port `target` of this machine, for the length of a block."""
    link = WeakLink(target, port)
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        link._pass.set()
        server = await asyncio.start_server(link._serve, "127.0.0.1", port)
        link.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        link._pass.set()
        link._reset()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: link._loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield link
    finally:
        link._loop.call_soon_threadsafe(stop.set)
        thread.join()
