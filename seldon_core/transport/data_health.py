"""What the data port answers to gRPC's standard health service.

The whole server ("") and the inference service are served when the server is ready; others are not
known here.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from seldon_core.protocol import status
from seldon_core.transport.conversations import CallStatusError
from seldon_core.transport.handler import ServerState

LOOK_S: Final = 1.0
"""How often the server is asked whether it is ready, for each who watches."""

_SERVICES: Final = ("", "inference.GRPCInferenceService")
_Answer: Final = health_pb2.HealthCheckResponse


def health_of(server: ServerState, message: bytes) -> bytes:
    """Return the answer to Check. Raises CallStatusError for a service that is not known."""
    service = _service(message)
    if service not in _SERVICES:
        raise CallStatusError(status.NOT_FOUND, f"there is no service {service!r} on this port")
    return _encoded(_code(server, service))


async def changes_of(
    server: ServerState,
    message: bytes,
    is_draining: Callable[[], bool],
    look_s: float = LOOK_S,
) -> AsyncGenerator[bytes, None]:
    """Answer Watch: yield what is so now, and each change, until the port drains."""
    service = _service(message)
    known = None
    while True:
        is_last = is_draining()
        code = _code(server, service)
        if code != known:
            known = code
            yield _encoded(code)
        if is_last:
            return
        await asyncio.sleep(look_s)


def _service(message: bytes) -> str:
    try:
        request = health_pb2.HealthCheckRequest.FromString(message)
    except DecodeError as error:
        text = "the request is no grpc.health.v1.HealthCheckRequest"
        raise CallStatusError(status.INVALID_ARGUMENT, text) from error
    name: str = request.service
    return name


def _code(server: ServerState, service: str) -> int:
    if service not in _SERVICES:
        return int(_Answer.SERVICE_UNKNOWN)
    return int(_Answer.SERVING if server.ready() else _Answer.NOT_SERVING)


def _encoded(code: int) -> bytes:
    answer: bytes = _Answer(status=code).SerializeToString()
    return answer
