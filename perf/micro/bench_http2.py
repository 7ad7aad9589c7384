"""What HTTP/2 and gRPC framing cost by themselves: a server whose front answers a canned reply.

    python perf/micro/bench_http2.py            measure in memory, no socket; µs per call
    python perf/micro/bench_http2.py serve PORT  serve, for h2load:

    h2load -n 60000 -c 2 -m 8 -d BODY -H 'content-type: application/grpc' -H 'te: trailers' \\
        http://127.0.0.1:PORT/inference.GRPCInferenceService/ModelInfer

BODY is one framed message. The first form drives a connection with a recorded client's bytes, so it
shows what a change to `http2_frames.py`, `sending.py`, `call_stream.py` or `grpc_frames.py` costs.
"""

import asyncio
import sys
import time
from typing import Any

import ngh2
import uvloop

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.http2 import Http2Connection
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared

MESSAGE = b"\x0a\x04iris\x1a\x011" + b"x" * 60
REPLY = b"\x0a\x06iris_1\x12\x011\x1a\x011" + b"y" * 40
HEADERS = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
    (b":authority", b"127.0.0.1:9000"),
    (b"content-type", b"application/grpc"),
    (b"te", b"trailers"),
    (b"user-agent", b"grpc-python/1.66.0 grpc-c/43.0.0 (linux; chttp2)"),
]
ROUNDS, STREAMS = 400, 8


class CannedFront:
    """Answers every call with the same reply, as a front would that cost nothing."""

    rules = TalkRules()

    def for_peer(self, peer: str) -> "CannedFront":
        """Return this."""
        return self

    def conversation(self, path: bytes) -> None:
        """Return None: every call is unary."""

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        """Return the reply."""
        trailers = [(b"x-request-id", b"cq1l4lvjn4ee3q3k2d10")]
        return RpcAnswer(0, "", [(b"x-seldon-route", b":iris_1:")], trailers, [REPLY])


class CannedHttp:
    """Answers every request with an empty 200."""

    def for_peer(self, peer: str) -> "CannedHttp":
        """Return this."""
        return self

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Return the answer."""
        return HttpAnswer(200, [])


class Sink(asyncio.Transport):
    """A transport that hands what is written to a client in memory."""

    def __init__(self, client: ngh2.Connection) -> None:
        super().__init__()
        self._client = client

    def write(self, data: Any) -> None:
        self._client.receive_data(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


def shared_by(loop: asyncio.AbstractEventLoop) -> Shared:
    settings = ListenerSettings()
    budget = InFlightBytes(settings.in_flight_bytes)
    return Shared(loop, settings, CannedHttp(), CannedFront(), budget)


async def measure() -> float:
    """Return the µs that a call takes, the client's own part in the library included."""
    client = ngh2.Connection(ngh2.Role.CLIENT)
    client.initiate_connection({})
    connection = Http2Connection(shared_by(asyncio.get_running_loop()))
    connection.connection_made(Sink(client))
    framed = b"\0" + len(MESSAGE).to_bytes(4, "big") + MESSAGE
    best = float("inf")
    for _ in range(ROUNDS):
        for _ in range(STREAMS):
            client.send_data(client.send_request(HEADERS), framed, end_stream=True)
        data = client.data_to_send()
        before = time.perf_counter()
        connection.take_first(data)
        best = min(best, time.perf_counter() - before)
        client.events()
    return best / STREAMS * 1e6


async def serve(port: int) -> None:
    """Serve until ended."""
    loop = asyncio.get_running_loop()
    shared = shared_by(loop)
    server = await loop.create_server(lambda: Http2Connection(shared), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(int(sys.argv[2])))
    else:
        print(f"{uvloop.run(measure()):.2f} us per gRPC call")
