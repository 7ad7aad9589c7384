"""What an agent answers on a data port of its own: to routers, and to whoever asks it directly.

A router says by a header which version it means. Other clients name a model as they do everywhere,
and get its newest version that is here.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from seldon_core.agent.handler import AgentHandler
from seldon_core.agent.hosting import ModelHost
from seldon_core.errors import NotFoundError, UnsupportedError
from seldon_core.protocol.inference import ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.repository import IndexState, ModelIndex
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.transport.grpc_frames import RefusedCallError, timeout_s
from seldon_core.transport.handler import InferCall, Reply, StreamReply
from seldon_core.transport.hop import INTERNAL_MODEL, TIMEOUT

_MODEL_HEADER = b"seldon-model"
_SUFFIX = ".model"


class AgentFront:
    """Implements `transport.handler.InferHandler` by the names that callers use."""

    def __init__(self, handler: AgentHandler, host: ModelHost) -> None:
        self._handler = handler
        self._host = host
        self._newest: dict[str, str] = {}
        self._seen = -1  # as of which change of the host

    def infer(self, call: InferCall) -> Coroutine[Any, Any, Reply]:
        """Run the model on the call's payload. Raises as `AgentHandler.infer` does."""
        self._name(call)
        return self._handler.infer(call)

    def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Answer each message as `infer` would, in their order."""
        self._name(call)
        return self._handler.stream(call, messages)

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the model says of itself, under the name that was called."""
        named = self._name(call)
        return replace(await self._handler.metadata(call), name=named)

    async def ready(self, call: InferCall) -> bool:
        """Return True. Raises NotFoundError if the model is not here."""
        self._name(call)
        return await self._handler.ready(call)

    async def config(self, call: InferCall) -> ModelConfig:
        """Return how the model is served. Raises NotFoundError."""
        self._name(call)
        return await self._handler.config(call)

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Return the counts of the model, or of every one if none is named."""
        if call.model or call.headers.get(_MODEL_HEADER) or call.headers.get(INTERNAL_MODEL):
            self._name(call)
        return await self._handler.statistics(call)

    def _name(self, call: InferCall) -> str:
        """Note the version that a call means, and return the name that its caller used."""
        headers = call.headers
        internal = headers.get(INTERNAL_MODEL)
        if internal:
            call.internal_model = name = internal.decode("utf-8", "replace")
            if call.protocol == "rest" and TIMEOUT in headers:
                _note_time(call, headers[TIMEOUT])
            return name
        header = headers.get(_MODEL_HEADER)
        name = header.decode("utf-8", "replace") if header else call.model
        call.internal_model = self._version_of(name)
        return name

    def _version_of(self, name: str) -> str:
        if name in self._host.served:
            return name  # a version by its own name
        if self._seen != self._host.changes:
            self._seen = self._host.changes
            self._newest = _newest(self._host)
        found = self._newest.get(name.removesuffix(_SUFFIX))
        if found is None:
            raise NotFoundError("model", name)
        return found


def _note_time(call: InferCall, value: bytes) -> None:
    """Take the time that a router leaves; one that is no time leaves what there is."""
    try:
        call.deadline = min(call.deadline, monotonic() + timeout_s(value))
    except RefusedCallError:
        return


def _newest(host: ModelHost) -> dict[str, str]:
    versions = sorted(
        (served.version for served in host.served.values()), key=lambda version: version.version
    )
    return {version.spec.name: version.internal_name for version in versions}


class AgentRepository:
    """What an agent says of its models; the scheduler alone loads and unloads them."""

    def __init__(self, host: ModelHost) -> None:
        self._host = host

    async def index(self, *, only_ready: bool) -> Sequence[ModelIndex]:
        """Return each version that is here: all of them are ready."""
        return [
            ModelIndex(served.version.spec.name, str(served.version.version), IndexState.READY)
            for served in self._host.served.values()
        ]

    async def load(self, model: str, parameters: Mapping[str, str], actor: str) -> None:
        """Raise UnsupportedError."""
        raise _not_here()

    async def unload(self, model: str, actor: str) -> None:
        """Raise UnsupportedError."""
        raise _not_here()


def _not_here() -> UnsupportedError:
    return UnsupportedError(
        "this is the port of one server replica, whose models the scheduler loads: ask a router"
    )
