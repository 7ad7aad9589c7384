"""Declares many models through the scheduler's API and tells how fast that went, as JSON.

    python -m perf.declarer SCHEDULER_PORT MODELS CALLERS [acknowledged]

Each of CALLERS has one LoadModel under way at a time; with 0 callers the models are there already.
`acknowledged` and `available` are models a second, up to the last answer and up to the moment when
the server has loaded every one; `last` is the rate of the last tenth of the answers over that of
the first; `busy` the part of a core that this client took, which must be well below 1. With 0
callers `available` is how many are. Fails if in the end not every model is ModelAvailable, but
for a ceiling, which acknowledges and does nothing else.
"""

import asyncio
import json
import sys
import time
from typing import Any

import grpc

from seldon_core.proto import scheduler_pb2 as pb

SERVICE = "/seldon.mlops.scheduler.Scheduler/"
POLL_S = 0.01


def request_of(index: int) -> bytes:
    """A LoadModelRequest, encoded before the clock runs."""
    return pb.LoadModelRequest(
        model=pb.Model(
            meta=pb.MetaData(name=f"model-{index}"),
            modelSpec=pb.ModelSpec(uri=f"/models/{index}", requirements=["sklearn"], memoryBytes=1),
            deploymentSpec=pb.DeploymentSpec(replicas=1, minReplicas=0, maxReplicas=2**32 - 1),
        )
    ).SerializeToString()


class Scheduler:
    """The calls that are needed here, on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.load_model = channel.unary_unary(f"{SERVICE}LoadModel")
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

    async def loaded(self) -> int:
        """How many models are loaded on all servers together."""
        statuses = self._server_status(pb.ServerStatusRequest())
        return sum([status.numLoadedModelReplicas async for status in statuses])

    async def available(self) -> int:
        """How many models are ModelAvailable."""
        statuses = self._model_status(pb.ModelStatusRequest())
        wanted = pb.ModelStatus.ModelAvailable
        return sum([status.versions[-1].state.state == wanted async for status in statuses])


async def declare(
    scheduler: Scheduler, models: int, callers: int, *, is_ceiling: bool
) -> dict[str, float]:
    """Declare `models` models; return the figures."""
    requests = iter([request_of(index) for index in range(models)])
    answered: list[float] = []

    async def call() -> None:
        for request in requests:
            await scheduler.load_model(request)
            answered.append(time.perf_counter())

    await scheduler.load_model(request_of(0))  # connects
    began, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(call())
    busy = (time.process_time() - cpu) / (time.perf_counter() - began)
    while not is_ceiling and await scheduler.loaded() < models:  # noqa: ASYNC110 - it is in another process
        await asyncio.sleep(POLL_S)
    all_loaded = time.perf_counter()
    tenth = models // 10
    first, last = answered[tenth - 1] - began, answered[-1] - answered[-tenth - 1]
    return {
        "acknowledged": models / (answered[-1] - began),
        "available": models / (all_loaded - began),
        "last": first / last,
        "busy": busy,
    }


async def main(port: int, models: int, callers: int, *, is_ceiling: bool) -> dict[str, float]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        scheduler = Scheduler(channel)
        figures: dict[str, float] = {}
        if callers:
            figures = await declare(scheduler, models, callers, is_ceiling=is_ceiling)
        if is_ceiling:
            return figures
        available = await scheduler.available()
        if available != models:
            raise SystemExit(f"{available} of {models} models are available")
        return figures or {"available": available}


if __name__ == "__main__":
    port, models, callers, *rest = sys.argv[1:]
    ceiling = rest == ["acknowledged"]
    figures = asyncio.run(main(int(port), int(models), int(callers), is_ceiling=ceiling))
    print(json.dumps(figures))
