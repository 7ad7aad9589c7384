"""The seam of the data path: one call, one reply, one interface.

Router, agent, remote replica and pipeline implement `InferHandler`; the listener calls it without
knowing which one it has. A request runs eagerly (`aio/start.py`), so before its first suspension
there is no current task: handlers use neither `asyncio.timeout` nor a TaskGroup there.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from seldon_core.errors import SeldonError
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import (
    Encoded,
    InferResponse,
    ModelMetadata,
    Payload,
    ServerMetadata,
)
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.repository import ModelIndex
from seldon_core.protocol.statistics import ModelStatistics

NO_DEADLINE = float("inf")


@dataclass(slots=True)
class InferCall:
    """One call on its way to a model. Made per request, so mutable, but changed by its owner only.

    `model` and `version` are what the caller named (path or message; "" if it named none).
    `headers` holds the request's headers or gRPC metadata: lower-case names, repeated values joined
    with b",". `protocol` is the `method_type` of metrics. `deadline` is an instant on the monotonic
    clock (seconds). `internal_model` is `<model>_<version>`, set by the router, which keeps to it
    when it is given the same call again: so metadata that was asked for is that of who infers.
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
    """The answer to an inference call. `headers` are added to the answer's, in order.

    `response` is encoded if another process has written it: then it is in the format that the call
    came in, and is sent on as it is.
    """

    response: InferResponse | Encoded
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class StreamReply:
    """One answer of a stream, to the message `payload`.

    `outcome` is the response, or the error that the message met; the stream goes on after it. An
    encoded one is as in `Reply`: a bare message of gRPC, or the data of one of REST's events.
    `is_final` says that no other answer to this message follows. `headers` are of the stream's
    answer; those of a later reply than the first come too late to be sent.
    """

    payload: Payload
    outcome: InferResponse | Encoded | SeldonError
    is_final: bool = True
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class InferHandler(Protocol):
    """Answers calls. Every method raises only errors of `seldon_core.errors`.

    Cancelling a method cancels the work and harms no other call.
    """

    async def infer(self, call: InferCall) -> Reply:
        """Run the model on the call's payload."""

    def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Answer a stream of messages to one model, in their order.

        `messages` has every message, also the first, which `call.payload` is. Closing the generator
        ends the work. What it raises ends the stream: there is no such model, it is not ready, or
        `messages` raised; what is wrong with one message is a reply. It may run in any task, but
        always in the same.
        """

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the model says of itself."""

    async def ready(self, call: InferCall) -> bool:
        """Return whether the model would answer now. Raises NotFoundError if it is unknown."""

    async def config(self, call: InferCall) -> ModelConfig:
        """Return how the model is served."""

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Return the counts of the model's versions; with no model named those of every one."""


class RemoteHandler(InferHandler, Protocol):
    """Answers calls by another process.

    Raises UnreachableError for what has not been answered and may be asked of another one,
    RelayedError for what the process answered with an error.
    """

    def leave(self) -> None:
        """No more calls come: let go of the process once it has answered those under way."""


class Repository(Protocol):
    """Which models there are to load, and loads and unloads them for clients."""

    async def index(self, *, only_ready: bool) -> Sequence[ModelIndex]:
        """Return every model that is known, by name."""

    async def load(self, model: str, parameters: Mapping[str, str], actor: str) -> None:
        """Load a model, or load it anew while the old one serves; return once it can be called.

        `parameters` are the request's; `config` is a Triton model configuration as JSON. `actor`
        is who asks (`127.0.0.1:51234`). Raises NotFoundError if there is nothing to load under the
        name, InvalidRequestError for a parameter that is not understood, ModelRuntimeError with
        the reason if the model cannot be loaded.
        """

    async def unload(self, model: str, actor: str) -> None:
        """Unload a model; return once it cannot be called any more. Raises NotFoundError."""


Setting = bool | int | str | list[str]


class Adjustable(Protocol):
    """Settings of the running server that clients may read and change (tracing, logging)."""

    def current(self, model: str = "") -> Mapping[str, Setting]:
        """Return every setting, as it is for `model` if one is named. Raises NotFoundError."""

    def change(
        self, changes: Mapping[str, Setting | None], actor: str, model: str = ""
    ) -> Mapping[str, Setting]:
        """Change some, all or none, and return every one; None takes back what a model has.

        `actor` is who asks. Raises InvalidRequestError, which names the setting and what it takes.
        """


class ServerState(Protocol):
    """Answers the calls that are about the server rather than a model."""

    def live(self) -> bool:
        """Return whether the process works."""

    def ready(self) -> bool:
        """Return whether every declared model can be called, or has failed for good."""

    def metadata(self) -> ServerMetadata:
        """Return name, version and extensions."""


@dataclass(frozen=True, slots=True)
class DataServices:
    """All that the data port answers from."""

    handler: InferHandler
    server: ServerState
    repository: Repository
    traces: Adjustable
    logs: Adjustable
