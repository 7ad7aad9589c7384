"""The control plane's gRPC ports: scheduler (9004) and agent (9005), on loopback.

Each serves what it is given and beside it the standard health service, Seldon's own, and
reflection. A method that is not served is UNIMPLEMENTED.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from operator import methodcaller
from typing import Any, Final
from urllib.parse import unquote

# Read when gRPC is imported: else it writes to standard error whenever a worker is started.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from seldon_core.errors import (
    ConfigError,
    DeadlineError,
    InvalidRequestError,
    InvalidResourceError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    SeldonError,
    StoreError,
    UnsupportedError,
)
from seldon_core.proto import health_pb2 as seldon_health_pb2
from seldon_core.protocol.status import GRPC_MESSAGE_LIMIT
from seldon_core.transport.control_services import ControlService, StreamMethod, UnaryMethod
from seldon_core.transport.listener import why_not_listening

log = logging.getLogger(__name__)

HOST = "127.0.0.1"

WRITE_TIMEOUT_S: Final = 30.0
"""A subscriber that takes longer to take a message in is dropped."""

_GRACE_S = 1.0  # for calls under way; a client that watches health is told to go elsewhere

_OPTIONS: Final = (
    # By default gRPC shares a port with any other process that does; a taken one must be an error.
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 1_000_000),
    # By default gRPC cancels calls at random once 1,000 wait to be begun.
    ("grpc.server.max_pending_requests", 100_000),
    ("grpc.server.max_pending_requests_hard_limit", 100_000),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # Clients may ask once a minute whether we are there; who asks more often is sent away. One that
    # asked late for once seems to ask early the next time, hence the margin.
    ("grpc.http2.min_ping_interval_without_data_ms", 50_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # And we ask them: a subscriber whose machine has gone would be kept for ever.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)

_CODES: Final[dict[type[SeldonError], grpc.StatusCode]] = {
    SeldonError: grpc.StatusCode.INTERNAL,
    InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
    # Seldon's scheduler answers so whatever the resource's fault; its clients do not retry it.
    InvalidResourceError: grpc.StatusCode.FAILED_PRECONDITION,
    NotFoundError: grpc.StatusCode.FAILED_PRECONDITION,
    NotReadyError: grpc.StatusCode.FAILED_PRECONDITION,
    OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    DeadlineError: grpc.StatusCode.DEADLINE_EXCEEDED,
    StoreError: grpc.StatusCode.UNAVAILABLE,
}

_SELDON_HEALTH: Final = "seldon.mlops.health.HealthCheckService"
_REFLECTION: Final = "grpc.reflection.v1alpha.ServerReflection"

_serialize = methodcaller("SerializeToString")


def _is_news(record: logging.LogRecord) -> bool:
    """Whether gRPC's line says more than that a caller left while its call was being ended.

    Nor is a request to the health or reflection service that cannot be read, which its caller is
    told: with each anybody could write a traceback.
    """
    text = record.getMessage()
    return not text.startswith(("ExecuteBatchError raised in core", "Unexpected [DecodeError]"))


logging.getLogger("grpc._cython.cygrpc").addFilter(_is_news)


@asynccontextmanager
async def open_control_port(
    setting: str,
    port: int,
    services: Sequence[ControlService] = (),
    *,
    write_timeout_s: float = WRITE_TIMEOUT_S,
) -> AsyncIterator[int]:
    """Serve `services` on `port` of loopback for the length of a block; yields the port's number.

    At the end streams end as if they had no more to say, and other calls have a second. `setting`
    is what an error calls the port. Raises ConfigError if it is taken.
    """
    server = grpc.aio.server(options=_OPTIONS)
    front = _Front(write_timeout_s)
    standard_health = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(standard_health, server)
    every = [*services, ControlService(_SELDON_HEALTH, [front.health_method()])]
    names = [service.name for service in every]
    server.add_generic_rpc_handlers(
        (
            *(front.generic_handler(service) for service in every),
            _Reflection([*names, health.SERVICE_NAME, _REFLECTION]),
            _NotServed(),
        )
    )
    bound = _bind(server, setting, port)
    await server.start()
    for name in ["", *names]:
        await standard_health.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield bound
    finally:
        await standard_health.enter_graceful_shutdown()
        front.end_streams()
        await server.stop(_GRACE_S)


def _bind(server: grpc.aio.Server, setting: str, port: int) -> int:
    try:
        # Asked first, because gRPC would itself write about a taken port to standard error.
        socket.create_server((HOST, port)).close()
        bound: int = server.add_insecure_port(f"{HOST}:{port}")
    except OSError as error:
        raise ConfigError(f"{setting}: {why_not_listening(HOST, port, error)}") from error
    except RuntimeError as error:  # taken since, which gRPC says in its own words
        raise ConfigError(f"{setting}: cannot listen on {HOST} port {port}: {error}") from error
    return bound


class _Front:
    """Calls handlers for gRPC: errors, slow readers, and the end."""

    def __init__(self, write_timeout_s: float) -> None:
        self._write_timeout_s = write_timeout_s
        self._streams: set[asyncio.Timeout] = set()
        self._is_ending = False

    def generic_handler(self, service: ControlService) -> grpc.GenericRpcHandler:
        """Return what gRPC asks for the service's methods."""
        handlers = {
            method.name: self._method_handler(f"{service.name}/{method.name}", method)
            for method in service.methods
        }
        return grpc.method_handlers_generic_handler(service.name, handlers)

    def health_method(self) -> UnaryMethod:
        """Return the method of Seldon's health service."""

        async def check(_: seldon_health_pb2.HealthCheckRequest, __: str) -> Any:
            return seldon_health_pb2.HealthCheckResponse(ok=not self._is_ending)

        return UnaryMethod("HealthCheck", seldon_health_pb2.HealthCheckRequest, check)

    def end_streams(self) -> None:
        """End every stream, also one that begins hereafter."""
        self._is_ending = True
        for limit in self._streams:
            if not limit.expired():  # else it ends already
                limit.reschedule(0)  # long past

    def _method_handler(self, name: str, method: UnaryMethod | StreamMethod) -> Any:
        if isinstance(method, UnaryMethod):
            return grpc.unary_unary_rpc_method_handler(self._unary(name, method), None, _serialize)
        return grpc.unary_stream_rpc_method_handler(self._stream(name, method), None, _serialize)

    def _unary(self, name: str, method: UnaryMethod) -> Callable[[Any, Any], Awaitable[Any]]:
        async def answer(request: bytes, context: Any) -> Any:
            peer = _peer(context)
            try:
                return await method.handler(_parse(method.request, request), peer)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise  # the caller has left
                await context.abort(grpc.StatusCode.UNAVAILABLE, "the process is stopping")
            except Exception as error:  # noqa: BLE001 - it is answered, and logged if it is a bug
                await _refuse(context, name, peer, error)

        return answer

    def _stream(self, name: str, method: StreamMethod) -> Callable[[Any, Any], Awaitable[None]]:
        async def answer(request: bytes, context: Any) -> None:
            peer = _peer(context)  # now, because gRPC forgets it when the caller leaves
            limit = asyncio.timeout(None)
            try:
                parsed = _parse(method.request, request)
                async with limit, aclosing(method.handler(parsed, peer)) as messages:
                    await self._send_all(messages, context, limit)
            except grpc.aio.InternalError:
                log.debug("subscriber left while it was told method=%s peer=%s", name, peer)
            except Exception as error:  # noqa: BLE001 - as above
                if not limit.expired():
                    await _refuse(context, name, peer, error)
                elif not self._is_ending:
                    log.warning(
                        "dropped a subscriber that does not read method=%s peer=%s timeout_s=%g",
                        name,
                        peer,
                        self._write_timeout_s,
                    )

        return answer

    async def _send_all(
        self, messages: AsyncIterator[Any], context: Any, limit: asyncio.Timeout
    ) -> None:
        """Send what comes; `limit` runs while a message is being sent, and out at the end."""
        now = asyncio.get_running_loop().time

        def allow(until: float | None) -> None:
            if not self._is_ending:  # else it has run out, and is about to be noticed
                limit.reschedule(until)

        if self._is_ending:
            return
        self._streams.add(limit)
        try:
            async for message in messages:
                allow(now() + self._write_timeout_s)
                await context.write(message)
                allow(None)
        finally:
            self._streams.discard(limit)


class _Reflection(grpc.GenericRpcHandler):  # type: ignore[misc]  # gRPC has no types
    """Tells clients such as grpcurl what is served. Its library is imported when one asks."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def service(self, handler_call_details: Any) -> Any:
        """Return the method's handler, None for any other method."""
        if handler_call_details.method != f"/{_REFLECTION}/ServerReflectionInfo":
            return None
        # Here, because it is half a mebibyte that hardly any process needs.
        from grpc_reflection.v1alpha import reflection, reflection_pb2

        return grpc.stream_stream_rpc_method_handler(
            reflection.aio.ReflectionServicer(self._names).ServerReflectionInfo,
            reflection_pb2.ServerReflectionRequest.FromString,
            _serialize,
        )


class _NotServed(grpc.GenericRpcHandler):  # type: ignore[misc]  # gRPC has no types
    """Answers what nobody else does; gRPC's own words do not name the method."""

    def service(self, handler_call_details: Any) -> Any:
        """Return a handler that refuses the call, however many messages it has."""

        async def refuse(_: Any, context: Any) -> None:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"{handler_call_details.method} is not served here"
            )

        return grpc.stream_stream_rpc_method_handler(refuse)


def _parse(kind: type[Message], request: bytes) -> Message:
    """Return a request. Not left to gRPC, which takes what cannot be read for a bug of ours."""
    try:
        return kind.FromString(request)
    except DecodeError as error:
        raise InvalidRequestError(f"the request is no {kind.DESCRIPTOR.full_name}") from error


async def _refuse(context: Any, name: str, peer: str, error: Exception) -> None:
    """End a call with what `error` means to its caller."""
    if not isinstance(error, SeldonError):
        log.error("call failed method=%s peer=%s", name, peer, exc_info=error)
        await context.abort(grpc.StatusCode.INTERNAL, "internal error")
    code = next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
    text = str(error).encode(errors="replace")[:GRPC_MESSAGE_LIMIT]
    await context.abort(code, text.decode(errors="ignore"))


def _peer(context: Any) -> str:
    """Return who calls: gRPC says `ipv4:127.0.0.1:51234`, escaped as in a URL."""
    kind, _, address = unquote(context.peer()).partition(":")
    return address if kind in ("ipv4", "ipv6") else f"{kind}:{address}"
