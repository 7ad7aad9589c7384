"""What a message costs in ModelStreamInfer, above HTTP/2: by itself as a unary call, and streamed.

    python -m perf.micro.bench_streams

The model is a fake that does nothing, or for 100 µs on a thread. `unary` is the gRPC front on the
router on the agent, one call after the other; a stream's messages are all there from the start.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter

import numpy as np
import uvloop

from perf.micro.bench_agent_handler import NullModel
from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.rpc import RpcFront
from seldon_core.transport.rpc_streams import STREAM_PATH, stream_conversations
from tests.support.agent import FakeRuntime, World, agent_of, warm

CALLS, ROUNDS = 5_000, 5
INFER = b"/inference.GRPCInferenceService/ModelInfer"
REPLICA = ReplicaId("fake", 0)


class Busy(NullModel):
    """Takes 100 µs, whatever the rows."""

    def infer(self, inputs, outputs):
        until = perf_counter() + 100e-6
        while perf_counter() < until:
            pass
        return super().infer(inputs, outputs)


def message(model: str) -> bytes:
    made = oip.ModelInferRequest(model_name=model)
    made.inputs.add(name="x", datatype="FP32", shape=[1, 2])
    made.raw_input_contents.append(np.zeros((1, 2), np.float32).tobytes())
    return made.SerializeToString()


async def spoken(*messages: bytes) -> AsyncIterator[bytes]:
    for index in range(CALLS):
        yield messages[index % len(messages)]


async def unary(router: RouterHandler) -> None:
    front = RpcFront(router, None, {})  # type: ignore[arg-type]  # nobody asks for the server
    asked = message("m")
    for _ in range(CALLS):
        await front.answer(INFER, {}, asked, float("inf"))


async def streamed(router: RouterHandler, *models: str, shape: str = "triton") -> None:
    converse = stream_conversations(router, shape, InFlightBytes(1 << 30))[STREAM_PATH]
    messages = spoken(*map(message, models))
    count = 0
    async for _ in converse({}, messages, "", float("inf")):
        count += 1
    assert count == CALLS + 1  # the metadata is the first


@asynccontextmanager
async def router_on(model: NullModel, inline_limit_s: float) -> AsyncIterator[RouterHandler]:
    """A router to an agent that serves `model` as m and as n."""
    models = {"m_1": model, "n_1": model}
    world = World(runtime=FakeRuntime(inline_limit_s=inline_limit_s), models=models)  # type: ignore[arg-type]  # they stand in
    async with agent_of(world, "m", "n") as agent:
        await warm(agent, "m", "n")
        router = RouterHandler(RouteTable({REPLICA: agent.handler}), random.random)
        for name in ("m", "n"):
            router.publish(RouteUpdate(name, (RouteCandidate(name, 1, 100, (REPLICA,)),)))
        yield router


async def report(what: str, row: Callable[[], Awaitable[None]]) -> None:
    best = float("inf")
    for _ in range(ROUNDS):
        began = perf_counter()
        await row()
        best = min(best, (perf_counter() - began) / CALLS)
    print(f"{what:30} {best * 1e6:6.1f} µs")


async def main() -> None:
    async with router_on(NullModel(), inline_limit_s=1.0) as router:
        await report("unary", lambda: unary(router))
        await report("streamed", lambda: streamed(router, "m"))
        await report("in MLServer's shape", lambda: streamed(router, "m", shape="mlserver"))
        await report("streamed to two models", lambda: streamed(router, "m", "n"))
    async with router_on(Busy(), inline_limit_s=-1.0) as router:
        await report("unary, busy on a thread", lambda: unary(router))
        await report("streamed, busy on a thread", lambda: streamed(router, "m"))


if __name__ == "__main__":
    uvloop.run(main())
