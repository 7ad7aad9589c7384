"""What the hop to another process costs on each side: in memory, no socket; µs per call.

    python perf/micro/bench_upstream.py

`hop` is the router's side, from the call to the reply, with the library; `answer` is what it takes
an agent's port to answer by a handler that costs nothing.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from seldon_core.aio.start import start
from seldon_core.aio.supervise import open_tasks
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import Encoded, Payload
from seldon_core.protocol.oip_json import CONTENT_TYPE, JSON_CODEC
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.handler import InferCall, Reply
from seldon_core.transport.http2 import Http2Connection
from seldon_core.transport.http2_client import Http2Client
from seldon_core.transport.http2_links import Http2Links
from seldon_core.transport.rest import RestFront
from seldon_core.transport.rpc import RpcFront
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from seldon_core.transport.upstream import RemoteReplica

BODY = b'{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[5.1,3.5,1.4,0.2]]}]}'
ANSWER = (
    b'{"model_name":"iris_1","model_version":"1","id":"1","outputs":[{"name":"label",'
    b'"shape":[1,1],"datatype":"INT64","data":[0]}]}'
)
ROUNDS, CALLS = 400, 16


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def write(self, data: Any) -> None:
        self.written += data

    def take(self) -> bytes:
        """Return what was written since the last time."""
        written = bytes(self.written)
        self.written.clear()
        return written

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False


class Canned:
    """A handler whose answers cost nothing."""

    async def infer(self, call: InferCall) -> Reply:
        return Reply(Encoded(CONTENT_TYPE, (ANSWER,)))


class OneLink(Http2Links):
    """A connection that is there."""

    def __init__(self, client: Http2Client, *rest: Any) -> None:
        super().__init__(*rest, pings=False)
        self._clients.append(client)


async def measure() -> tuple[float, float]:
    """Return the µs of a call on either side."""
    loop = asyncio.get_running_loop()
    budget = InFlightBytes(1024 * MIB)
    settings = ListenerSettings()
    canned: Any = Canned()
    server: Any = None
    http = RestFront(canned, server, settings, budget, {})
    shared = Shared(loop, settings, http, RpcFront(canned, server, {}), budget)
    ours, theirs = Wire(), Wire()
    connection = Http2Connection(shared)
    receive = memoryview(bytearray(1 << 20))
    client = Http2Client(loop, "replica", receive, lambda _client: None, pings=False)
    async with open_tasks("bench") as tasks:
        link = OneLink(client, "localhost", 1, "replica", tasks, receive)
        replica = RemoteReplica(link, b"127.0.0.1:9000", budget)
        client.connection_made(ours)
        connection.connection_made(theirs)
        best = [float("inf"), float("inf")]

        def once(turn: int) -> None:
            done: list[Reply] = []
            began = time.perf_counter()
            for number in range(CALLS):
                start(_call(replica, done, f"cq1l4lvjn4ee3q3{turn:03}{number:02}"), loop)
            client._flush()  # noqa: SLF001 - which a later turn of the loop would do
            hop = time.perf_counter() - began
            asked = ours.take()
            began = time.perf_counter()
            connection.take_first(asked)
            best[1] = min(best[1], time.perf_counter() - began)
            answers = theirs.take()
            receive[: len(answers)] = answers
            began = time.perf_counter()
            client.buffer_updated(len(answers))
            best[0] = min(best[0], hop + time.perf_counter() - began)
            if turn and len(done) != CALLS:
                raise RuntimeError(f"{len(done)} answers")

        for turn in range(ROUNDS):
            # In a callback, as requests begin: within a task they would wait for futures.
            over = loop.create_future()
            loop.call_soon(_then, once, turn, over)
            await over
    return best[0] / CALLS * 1e6, best[1] / CALLS * 1e6


def _then(once: Callable[[int], None], turn: int, over: asyncio.Future[None]) -> None:
    once(turn)
    over.set_result(None)


def _call(replica: RemoteReplica, done: list[Reply], name: str) -> Coroutine[Any, Any, None]:
    headers = {b"content-type": b"application/json", b"host": b"localhost"}
    call = InferCall(
        Verb.INFER,
        "iris",
        "",
        headers,
        Payload(JSON_CODEC, BODY),
        "rest",
        name,
        time.monotonic() + 600,
        "iris_1",
    )

    async def answered() -> None:
        done.append(await replica.infer(call))

    return answered()


if __name__ == "__main__":
    hop, answer = uvloop.run(measure())
    print(f"hop    {hop:6.2f} µs\nanswer {answer:6.2f} µs")
