"""What the router adds to a call that it passes on: µs, above calling the replica directly.

    python perf/micro/bench_router_handler.py

Owed: 2 µs, with 1 route and with 10,000.
"""

import random
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import InferResponse, ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.handler import InferCall, Reply, StreamReply

REPLICA = ReplicaId("mlserver", 0)
CALLS, ROUNDS = 50_000, 5
RESPONSE = InferResponse("iris_1", [])


class Canned:
    """Answers at once."""

    async def infer(self, call: InferCall) -> Reply:
        """Return the same response as ever."""
        return Reply(RESPONSE)

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return a model without inputs or outputs."""
        return ModelMetadata(call.internal_model, "none", (), ())

    async def ready(self, call: InferCall) -> bool:
        """Return True."""
        return True

    def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Never called here."""
        raise NotImplementedError

    async def config(self, call: InferCall) -> ModelConfig:
        """Never called here."""
        raise NotImplementedError

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Never called here."""
        raise NotImplementedError


def measure(infer: Callable[[InferCall], Coroutine[Any, Any, Reply]], call: InferCall) -> float:
    """The best of some rounds, in µs per call; run without a loop, since nothing waits."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            try:  # noqa: SIM105 - suppress costs as much as what is measured
                infer(call).send(None)
            except StopIteration:
                pass
        best = min(best, time.perf_counter() - began)
    return best / CALLS * 1e6


def main() -> int:
    """Print a line for each size of the table."""
    replica = Canned()
    headers = {b"content-type": b"application/json", b"content-length": b"84"}
    payload = Payload(None, b"")  # type: ignore[arg-type]  # never decoded
    for routes in (1, 10_000):
        router = RouterHandler(RouteTable({REPLICA: replica}), random.random)
        for index in range(routes):
            name = f"m{index}"
            candidate = RouteCandidate(name, 1, 100, (REPLICA,))
            router.publish(RouteUpdate(name, (candidate,)))
        call = InferCall(Verb.INFER, f"m{routes - 1}", "", headers, payload, "rest", "")
        direct, routed = measure(replica.infer, call), measure(router.infer, call)
        print(
            f"{routes:>6} routes  direct {direct:5.2f} µs  routed {routed:5.2f} µs  "
            f"the router {routed - direct:5.2f} µs"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
