"""What answers for a model that no replica holds: nothing, until it is loaded."""

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from seldon_core.errors import NotFoundError
from seldon_core.protocol.inference import ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.router.table import Sleeper
from seldon_core.router.waking import Waking
from seldon_core.transport.control import RouteCandidate
from seldon_core.transport.handler import InferCall, Reply, StreamReply


class SleepingModel:
    """An InferHandler that waits until `waking` has another route for the version.

    Then it raises NotFoundError, as a replica does that a route has just left: so the router looks
    for the route again. `is_ready` says whether nothing is known to be in the way of the load.
    """

    def __init__(self, waking: Waking, candidate: RouteCandidate, is_ready: bool) -> None:
        self._waking = waking
        self._candidate = candidate
        self._is_ready = is_ready

    async def _wait(self, call: InferCall) -> NotFoundError:
        await self._waking.wait(self._candidate.model, call.deadline)
        return NotFoundError("model", call.internal_model)

    async def infer(self, call: InferCall) -> Reply:
        """Wait, and raise. Raises as `Waking.wait` does, too."""
        raise await self._wait(call)

    async def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Wait once there is a message to answer, and raise."""
        nothing: tuple[StreamReply, ...] = ()
        async for _ in messages:
            raise await self._wait(call)
        for reply in nothing:
            yield reply

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Wait, and raise: only who loads a model knows it."""
        raise await self._wait(call)

    async def ready(self, call: InferCall) -> bool:
        """Return whether the model would answer, after its load; who asks does not wake it."""
        return self._is_ready

    async def config(self, call: InferCall) -> ModelConfig:
        """Wait, and raise."""
        raise await self._wait(call)

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Return that it was not called since it was loaded last, which it is not."""
        return (ModelStatistics(self._candidate.model, str(self._candidate.version)),)


def sleepers(waking: Waking) -> Sleeper:
    """Return what makes the handlers of versions on no replica, whose calls wait at `waking`."""
    return functools.partial(SleepingModel, waking)
