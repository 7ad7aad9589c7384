"""What HTTP/1 costs by itself: a connection whose front answers a canned reply, without a socket.

    python perf/micro/bench_http1.py             µs a request, in memory
    python perf/micro/bench_http1.py serve PORT  serve, for wrk beside perf/ceilings/rest.py echo

The rows: a head that repeats (what one client sends), heads that differ (every request through
llhttp), 16 pipelined requests, and a body of 600 kB received past the parser. "llhttp alone" is the
parser with two callbacks and a canned write.
"""

import asyncio
import sys
import time
from typing import Any, cast

import httptools
import uvloop

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.http1_connection import Http1Connection
from seldon_core.transport.listener import listen
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Shared

BODY = b'{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
HEAD = (
    b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
LARGE = bytes(600_000)
ROUNDS = 20_000
TURN = 128  # requests: what one connection may at most begin until the loop has turned


class CannedFront:
    """Answers at once and always the same."""

    def for_peer(self, peer: str) -> "CannedFront":
        return self

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, [(b"content-type", b"application/json")], (b"{}",))


class NoRpc:
    rules = TalkRules()

    def for_peer(self, peer: str) -> "NoRpc":
        return self

    def conversation(self, path: bytes) -> None:
        return None

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        raise NotImplementedError


class NullTransport:
    """Takes everything and sends nothing."""

    def get_extra_info(self, name: str) -> None: ...

    def set_write_buffer_limits(self, high: int) -> None: ...

    def write(self, data: bytes) -> None: ...


def new_shared() -> Shared:
    loop = asyncio.get_running_loop()
    return Shared(loop, ListenerSettings(), CannedFront(), NoRpc(), InFlightBytes(1024 * MIB))


async def measure(label: str, messages: list[bytes], requests_each: int = 1) -> None:
    """Give `messages` to a connection in turn, as reads; print the best of three."""
    connection = Http1Connection(new_shared())
    connection.connection_made(cast(asyncio.Transport, NullTransport()))
    rounds = max(1, ROUNDS // len(messages) // (1 + len(messages[0]) // 10_000))
    turn = TURN // requests_each
    best = min([await once(connection, messages * rounds, turn) for _ in range(3)]) / rounds
    print(f"{label:28} {best / len(messages) / requests_each * 1e6:8.2f} µs a request")


async def once(connection: Http1Connection, messages: list[bytes], turn: int) -> float:
    """Return the seconds that all take, `turn` of them in each turn of the loop."""
    began = time.perf_counter()
    for at, message in enumerate(messages, 1):
        receive(connection, message)
        if at % turn == 0:
            await asyncio.sleep(0)
    return time.perf_counter() - began


def receive(connection: Http1Connection, data: bytes) -> None:
    """What the loop does with what it reads."""
    at = 0
    while at < len(data):
        buffer = connection.get_buffer(-1)
        nbytes = min(len(buffer) - 1, len(data) - at) or 1
        buffer[:nbytes] = data[at : at + nbytes]
        connection.buffer_updated(nbytes)
        at += nbytes


class Bare:
    """llhttp with the two callbacks that nobody can do without."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def on_body(self, data: bytes) -> None:
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        b"".join(self.pieces)
        self.pieces.clear()


def measure_bare(message: bytes) -> None:
    parser: Any = httptools.HttpRequestParser(Bare())
    began = time.perf_counter()
    for _ in range(ROUNDS):
        parser.feed_data(message)
    spent = time.perf_counter() - began
    print(f"{'llhttp alone':28} {spent / ROUNDS * 1e6:8.2f} µs a request")


async def run() -> None:
    message = HEAD % (9000, len(BODY)) + BODY
    measure_bare(message)
    await measure("a head that repeats", [message])
    await measure("heads that differ", [HEAD % (n, len(BODY)) + BODY for n in range(9000, 9016)])
    await measure("16 pipelined", [message * 16], 16)
    await measure("600 kB body", [HEAD % (9000, len(LARGE)) + LARGE])


async def serve(port: int) -> None:
    settings = ListenerSettings(port=port)
    async with listen(settings, CannedFront(), NoRpc(), InFlightBytes(1024 * MIB)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[2])) if sys.argv[1:2] == ["serve"] else run())
