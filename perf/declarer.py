"""Declares many models through the scheduler's API and tells how fast that went, as JSON.

    python -m perf.declarer SCHEDULER_PORT MODELS CALLERS [acknowledged]

CALLERS calls of LoadModel are under way at a time, on one connection; with 0 the models are there
already. `acknowledged` and `available` are models a second, up to the last answer and up to the
moment when the server has loaded every one; `last` is the rate of the last tenth of the answers
over that of the first; `busy` the part of a core that this client took, which must be well below 1.
With 0 callers `available` is how many are. Fails if in the end not every model is ModelAvailable,
but for a ceiling, which acknowledges and does nothing else.

The calls are made on a blocking socket with libnghttp2's frames, about 0.05 ms each: what a client
in Go takes. grpcio's takes 0.25 to 0.5 ms, which with one caller is all waiting time of the server.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import grpc
import ngh2

from seldon_core.proto import scheduler_pb2 as pb

SERVICE = "/seldon.mlops.scheduler.Scheduler/"
POLL_S = 0.01
READ_BYTES = 1 << 16


def request_of(index: int) -> bytes:
    """A LoadModelRequest, encoded before the clock runs."""
    return pb.LoadModelRequest(
        model=pb.Model(
            meta=pb.MetaData(name=f"model-{index}"),
            modelSpec=pb.ModelSpec(uri=f"/models/{index}", requirements=["sklearn"], memoryBytes=1),
            deploymentSpec=pb.DeploymentSpec(replicas=1, minReplicas=0, maxReplicas=2**32 - 1),
        )
    ).SerializeToString()


class Loads:
    """Calls of LoadModel on one connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._http2 = ngh2.Connection(ngh2.Role.CLIENT)
        self._http2.initiate_connection({})
        self._headers = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", f"{SERVICE}LoadModel".encode()),
            (b":authority", f"127.0.0.1:{port}".encode()),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        ]

    def begin(self, request: bytes) -> None:
        """Queue one call."""
        stream = self._http2.send_request(self._headers)
        message = b"\0" + len(request).to_bytes(4) + request
        self._http2.send_data(stream, message, end_stream=True)

    def answered(self) -> int:
        """Send what is queued and wait for answers; how many came, which may be none.

        Raises SystemExit if one is not OK.
        """
        if data := self._http2.data_to_send():
            self._socket.sendall(data)
        received = self._socket.recv(READ_BYTES)
        if not received:
            raise SystemExit("the server closed the connection")
        self._http2.receive_data(received)
        count = 0
        for event in self._http2.events():
            if isinstance(event, ngh2.TrailersReceived | ngh2.ResponseReceived):
                trailers = dict(event.headers)
                status = trailers.get(b"grpc-status")
                if status is None:
                    continue  # the head of an answer
                if status != b"0":
                    raise SystemExit(f"LoadModel: {trailers}")
                count += 1
            elif isinstance(event, ngh2.StreamReset | ngh2.GoAwayReceived):
                raise SystemExit(f"LoadModel: {event}")
        return count


class Scheduler:
    """What the scheduler says of its models."""

    def __init__(self, port: int) -> None:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._server_status: Any = channel.unary_stream(
            f"{SERVICE}ServerStatus",
            request_serializer=pb.ServerStatusRequest.SerializeToString,
            response_deserializer=pb.ServerStatusResponse.FromString,
        )
        self._model_status: Any = channel.unary_stream(
            f"{SERVICE}ModelStatus",
            request_serializer=pb.ModelStatusRequest.SerializeToString,
            response_deserializer=pb.ModelStatusResponse.FromString,
        )

    def loaded(self) -> int:
        """How many models are loaded on all servers together."""
        statuses = self._server_status(pb.ServerStatusRequest())
        return sum(status.numLoadedModelReplicas for status in statuses)

    def available(self) -> int:
        """How many models are ModelAvailable."""
        statuses = self._model_status(pb.ModelStatusRequest())
        wanted = pb.ModelStatus.ModelAvailable
        return sum(status.versions[-1].state.state == wanted for status in statuses)


def load_all(loads: Loads, requests: Iterator[bytes], callers: int) -> list[float]:
    """Make all calls, `callers` at a time; return when each was answered."""
    answered: list[float] = []
    under_way = 0
    while True:
        while under_way < callers and (request := next(requests, None)):
            loads.begin(request)
            under_way += 1
        if not under_way:
            return answered
        count = loads.answered()
        answered += [time.perf_counter()] * count
        under_way -= count


def declare(port: int, models: int, callers: int, *, is_ceiling: bool) -> dict[str, float]:
    """Declare `models` models; return the figures."""
    requests = [request_of(index) for index in range(models)]
    loads, scheduler = Loads(port), Scheduler(port)
    load_all(loads, iter(requests[:1]), 1)  # connects
    began, cpu = time.perf_counter(), time.process_time()
    answered = load_all(loads, iter(requests), callers)
    busy = (time.process_time() - cpu) / (time.perf_counter() - began)
    while not is_ceiling and scheduler.loaded() < models:
        time.sleep(POLL_S)
    all_loaded = time.perf_counter()
    tenth = models // 10
    first, last = answered[tenth - 1] - began, answered[-1] - answered[-tenth - 1]
    return {
        "acknowledged": models / (answered[-1] - began),
        "available": models / (all_loaded - began),
        "last": first / last,
        "busy": busy,
    }


def main(port: int, models: int, callers: int, *, is_ceiling: bool) -> dict[str, float]:
    figures: dict[str, float] = {}
    if callers:
        figures = declare(port, models, callers, is_ceiling=is_ceiling)
    if is_ceiling:
        return figures
    available = Scheduler(port).available()
    if available != models:
        raise SystemExit(f"{available} of {models} models are available")
    return figures or {"available": available}


if __name__ == "__main__":
    port, models, callers, *rest = sys.argv[1:]
    ceiling = rest == ["acknowledged"]
    print(json.dumps(main(int(port), int(models), int(callers), is_ceiling=ceiling)))
