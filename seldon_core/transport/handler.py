"""The seam of the data path: one call, one reply, one interface.

Router, agent, remote replica and pipeline implement `InferHandler`; the listener calls it without
knowing which one it has. A request runs eagerly (`aio/start.py`), so before its first suspension
there is no current task: handlers use neither `asyncio.timeout` nor a TaskGroup there.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import InferResponse, ModelMetadata, Payload, ServerMetadata

NO_DEADLINE = float("inf")


@dataclass(slots=True)
class InferCall:
    """One call on its way to a model. Made per request, so mutable, but changed by its owner only.

    `model` and `version` are what the caller named (path or message; "" if it named none).
    `headers` holds the request's headers or gRPC metadata: lower-case names, repeated values joined
    with b",". `protocol` is the `method_type` of metrics. `deadline` is an instant on the monotonic
    clock (seconds). `internal_model` is `<model>_<version>`, set by the router.
    """

    verb: Verb
    model: str
    version: str
    headers: dict[bytes, bytes]
    payload: Payload
    protocol: Literal["rest", "grpc"]
    request_id: str
    deadline: float = NO_DEADLINE
    internal_model: str = ""


@dataclass(slots=True)
class Reply:
    """The answer to an inference call. `headers` are added to the answer's, in order."""

    response: InferResponse
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class InferHandler(Protocol):
    """Answers calls. Every method raises only errors of `seldon_core.errors`.

    Cancelling a method cancels the work and harms no other call.
    """

    async def infer(self, call: InferCall) -> Reply:
        """Run the model on the call's payload."""

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the model says of itself."""

    async def ready(self, call: InferCall) -> bool:
        """Return whether the model would answer now. Raises NotFoundError if it is unknown."""


class ServerState(Protocol):
    """Answers the calls that are about the server rather than a model."""

    def live(self) -> bool:
        """Return whether the process works."""

    def ready(self) -> bool:
        """Return whether every declared model can be called, or has failed for good."""

    def metadata(self) -> ServerMetadata:
        """Return name, version and extensions."""
