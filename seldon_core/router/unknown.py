"""What answers for a replica whose address is not known."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from seldon_core.errors import UnreachableError
from seldon_core.protocol.inference import ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.transport.control import ReplicaId
from seldon_core.transport.handler import InferCall, Reply, StreamReply


class UnknownReplica:
    """An InferHandler that raises UnreachableError, so that another replica is asked.

    A route may name a replica that has just gone, or that a router has not been told of yet.
    """

    def __init__(self, replica: ReplicaId) -> None:
        self._replica = replica

    def _error(self) -> UnreachableError:
        return UnreachableError(f"replica {self._replica} cannot be reached: it is not connected")

    async def infer(self, call: InferCall) -> Reply:
        """Raise."""
        raise self._error()

    async def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Raise."""
        nothing: tuple[StreamReply, ...] = ()
        for reply in nothing:
            yield reply
        raise self._error()

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Raise."""
        raise self._error()

    async def ready(self, call: InferCall) -> bool:
        """Raise."""
        raise self._error()

    async def config(self, call: InferCall) -> ModelConfig:
        """Raise."""
        raise self._error()

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Raise."""
        raise self._error()
