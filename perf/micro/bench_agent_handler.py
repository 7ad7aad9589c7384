"""What a call costs in the agent, decoding apart: lone, in company, with 1 and 1,000 models.

    python -m perf.micro.bench_agent_handler

`model` is the model's own run; what is left of a row without it is the handler's. Models are fakes
that do nothing, so a run's own time is close to none; `onnx` runs a real session of iris' size.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

import numpy as np
import uvloop

from seldon_core.aio.start import start
from tests.support.agent import DOUBLE, World, agent_of, call_to, until, version_of, warm

CALLS = 20_000


class NullModel:
    """Answers with an array that is there already."""

    def __init__(self) -> None:
        self.signature = DOUBLE
        self.answer = np.zeros((64, 2), np.float32)

    def infer(self, inputs, outputs):
        return [self.answer[: len(inputs[0])]]


async def answer(handler, call) -> None:
    await handler.infer(call)


async def lone(handler, model: str) -> float:
    """Seconds a call, each in a turn of its own, without the turn's own time."""
    loop = asyncio.get_running_loop()
    call = call_to(model, [[1, 2]])
    seconds = 0.0
    for _ in range(CALLS):
        began = perf_counter()
        start(answer(handler, call), loop)
        seconds += perf_counter() - began
        await asyncio.sleep(0)
    return seconds / CALLS


async def company(handler, model: str, size: int) -> float:
    """Seconds a call, `size` of them in each turn, started from a callback as a connection does."""
    loop = asyncio.get_running_loop()
    call = call_to(model, [[1, 2]])
    left = 0
    answered = loop.create_future()

    async def ask() -> None:
        nonlocal left
        await handler.infer(call)
        left -= 1
        if not left:
            answered.set_result(None)

    def turn() -> None:
        for _ in range(size):
            start(ask(), loop)

    began = perf_counter()
    for _ in range(CALLS // size):
        left, answered = size, loop.create_future()
        loop.call_soon(turn)
        await answered
    return (perf_counter() - began) / (CALLS // size * size)


async def measure(report: Callable[[str, float], None]) -> None:
    world = World()
    for name in ["m", *[f"n{i}" for i in range(999)]]:
        world.models[f"{name}_1"] = NullModel()  # type: ignore[assignment]  # stands in for it
    async with agent_of(world, "m", capacity=10_000) as agent:
        await warm(agent, "m")
        await company(agent.handler, "m_1", 64)
        report("lone, 1 model", await lone(agent.handler, "m_1"))
        report("16 in company", await company(agent.handler, "m_1", 16))
        for i in range(999):
            agent.load_model(version_of(f"n{i}"))
        await until(lambda: len(world.reports) == 1000)
        report("lone, 1,000 models", await lone(agent.handler, "m_1"))
        report("16 in company, 1,000 models", await company(agent.handler, "m_1", 16))


def main() -> None:
    uvloop.run(measure(lambda what, seconds: print(f"{what:32} {seconds * 1e6:7.2f} us")))


if __name__ == "__main__":
    main()
