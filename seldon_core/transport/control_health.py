"""Whether a control port serves: the standard health service of gRPC, and Seldon's own."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2 as standard

from seldon_core.proto import health_pb2 as seldons
from seldon_core.protocol import status
from seldon_core.transport.control_services import ControlService, StreamMethod, UnaryMethod
from seldon_core.transport.conversations import CallStatusError

_STANDARD: Final = "grpc.health.v1.Health"
_SELDONS: Final = "seldon.mlops.health.HealthCheckService"

_Answer: Final = standard.HealthCheckResponse
_SERVING, _NOT_SERVING, _SERVICE_UNKNOWN = (
    _Answer.SERVING,
    _Answer.NOT_SERVING,
    _Answer.SERVICE_UNKNOWN,
)

_TELL_S = 0.25  # for those who watch, to hear of the end


class Health:
    """Says that the services called `names` are served, and at the end that they are no more."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = {"", _SELDONS, *names}
        self._ended = asyncio.Event()
        self._watchers = 0
        self._nobody_watches = asyncio.Event()
        self._nobody_watches.set()

    def services(self) -> list[ControlService]:
        """Return what is to be served."""
        request = standard.HealthCheckRequest
        return [
            ControlService(
                _STANDARD,
                [
                    UnaryMethod("Check", request, self._check),
                    StreamMethod("Watch", request, self._watch),
                ],
            ),
            ControlService(
                _SELDONS,
                [UnaryMethod("HealthCheck", seldons.HealthCheckRequest, self._check_seldons)],
            ),
        ]

    async def end(self) -> None:
        """Say from now on that nothing is served; returns when those who watch have heard it.

        One that does not listen is waited for no longer than a quarter of a second.
        """
        self._ended.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_TELL_S):
                await self._nobody_watches.wait()

    async def _check(self, request: standard.HealthCheckRequest, peer: str) -> Message:
        if request.service not in self._names:
            text = f"there is no service {request.service!r} on this port"
            raise CallStatusError(status.NOT_FOUND, text)
        return self._now(request.service)

    async def _watch(
        self, request: standard.HealthCheckRequest, peer: str
    ) -> AsyncGenerator[Message, None]:
        """Yield what is so now and, if it is known here, what is so at the end."""
        self._watchers += 1
        self._nobody_watches.clear()
        try:
            yield self._now(request.service)
            was_serving = not self._ended.is_set()
            await self._ended.wait()
            if was_serving and request.service in self._names:
                yield self._now(request.service)
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._nobody_watches.set()

    def _now(self, service: str) -> Message:
        code = _NOT_SERVING if self._ended.is_set() else _SERVING
        answer: Message = _Answer(status=code if service in self._names else _SERVICE_UNKNOWN)
        return answer

    async def _check_seldons(
        self, request: seldons.HealthCheckRequest, peer: str
    ) -> seldons.HealthCheckResponse:
        return seldons.HealthCheckResponse(ok=not self._ended.is_set())
