"""The most that a router in front of another process answers: llhttp in, one HTTP/2 connection out.

    python -m perf.ceilings.two_processes hop PORT MODEL.onnx

The process at PORT passes bodies on as they come, over a Unix socket, to a second one that it
starts, which runs MODEL for each. No routes, no checks, no limits, no headers but the least.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import httptools
import ngh2
import uvloop

from perf.ceilings.rest import HEAD, Answer, answer_for

REQUEST = [
    (b":method", b"POST"),
    (b":path", b"/v2/models/iris/infer"),
    (b":scheme", b"http"),
    (b":authority", b"w"),
]
OK = [(b":status", b"200")]


class Worker(asyncio.Protocol):
    """The second process: a body in, an answer out, all of a read in one write."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._bodies: dict[int, list[bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write
        self._h2 = ngh2.Connection(ngh2.Role.SERVER)
        self._h2.initiate_connection({ngh2.Setting.MAX_CONCURRENT_STREAMS: 1000})
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._h2.receive_data(data)
        for event in self._h2.events():
            if type(event) is ngh2.DataReceived:
                self._bodies.setdefault(event.stream_id, []).append(event.data)
                if event.end_stream:
                    self._complete(event.stream_id)
        self._flush()

    def _complete(self, stream: int) -> None:
        out = self._answer(b"".join(self._bodies.pop(stream)))
        self._h2.send_response(stream, OK)
        self._h2.send_data(stream, out, end_stream=True)

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._write(data)


class Upstream(asyncio.Protocol):
    """The first process's end: requests of one turn of the loop leave in one write."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[int, tuple[Callable[[bytes], None], list[bytes]]] = {}
        self._is_armed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write
        self._h2 = ngh2.Connection(ngh2.Role.CLIENT)
        self._h2.initiate_connection()
        self._flush()

    def request(self, body: bytes, reply: Callable[[bytes], None]) -> None:
        """Send `body`; `reply` is called with the answer."""
        stream = self._h2.send_request(REQUEST)
        self._h2.send_data(stream, body, end_stream=True)
        self._waiting[stream] = (reply, [])
        if not self._is_armed:
            self._is_armed = True
            self._loop.call_soon(self._flush)

    def data_received(self, data: bytes) -> None:
        self._h2.receive_data(data)
        for event in self._h2.events():
            if type(event) is ngh2.DataReceived:
                reply, chunks = self._waiting[event.stream_id]
                chunks.append(event.data)
                if event.end_stream:
                    del self._waiting[event.stream_id]
                    reply(b"".join(chunks))
        self._flush()

    def _flush(self) -> None:
        self._is_armed = False
        if data := self._h2.data_to_send():
            self._write(data)


class Front(asyncio.Protocol):
    """One client."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._feed = httptools.HttpRequestParser(self).feed_data

    def data_received(self, data: bytes) -> None:
        self._feed(data)

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        self._upstream.request(b"".join(self._body), self._reply)
        self._body.clear()

    def _reply(self, out: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(HEAD % len(out) + out)


async def work(path: str, model: str) -> None:
    """Be the second process."""
    answer = answer_for("onnx", model)
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: Worker(answer), path)
    await server.serve_forever()


async def front(port: int, model: str) -> None:
    """Be the first process, and start the second."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        command = [sys.executable, "-m", "perf.ceilings.two_processes", "work", str(path), model]
        worker = await asyncio.create_subprocess_exec(*command)
        try:
            while not path.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
            _, upstream = await loop.create_unix_connection(lambda: Upstream(loop), str(path))
            server = await loop.create_server(lambda: Front(upstream), "127.0.0.1", port)
            await server.serve_forever()
        finally:
            worker.terminate()
            await worker.wait()


if __name__ == "__main__":
    if sys.argv[1] == "work":
        uvloop.run(work(sys.argv[2], sys.argv[3]))
    else:
        uvloop.run(front(int(sys.argv[2]), sys.argv[3]))
