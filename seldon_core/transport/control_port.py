"""The control plane's gRPC ports: scheduler (9004) and agent (9005), on loopback unless told else.

Each serves what it is given and beside it the standard health service, Seldon's own, and
reflection. A method that is not served is UNIMPLEMENTED.

They are served by the data port's own HTTP/2: with gRPC's library, which would do as well, 16
callers declare 0.6 times as many models, and every process is 12 MiB larger (`perf.bench P8 P11`).
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from seldon_core.errors import ConfigError
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control_front import ControlFront
from seldon_core.transport.control_health import Health
from seldon_core.transport.control_services import ControlService
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.listener import Listener, listen
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.standard_talks import reflection_talks
from seldon_core.transport.tls import ServerKeys

HOST = "127.0.0.1"

WRITE_TIMEOUT_S: Final = 30.0
"""A subscriber that takes longer to take a message in is dropped."""

PING_S: Final = 5.0
"""Whoever has a stream is asked so often whether he is there, and given up 10 s later."""

_GRACE_S = 1.0  # for calls under way at the end


@asynccontextmanager
async def open_control_port(
    setting: str,
    port: int,
    services: Sequence[ControlService] = (),
    *,
    host: str = HOST,
    write_timeout_s: float = WRITE_TIMEOUT_S,
    ping_s: float = PING_S,
    keys: ServerKeys | None = None,
) -> AsyncIterator[int]:
    """Serve `services` on `port` of `host` for the length of a block; yields the port's number.

    At the end streams end as if they had no more to say, and other calls have a second. `setting`
    is what an error calls the port. A client with a stream is asked every `ping_s` whether it is
    there, and has twice as long to answer. With `keys` it speaks TLS. A message may be as long as
    any of the services allows. Raises ConfigError if the port is taken.
    """
    health = Health([service.name for service in services])
    every = [*services, *health.services()]
    talks = reflection_talks([service.name for service in every])
    front = ControlFront(every, talks, write_timeout_s)
    limits = _limits(host, port, ping_s, max(service.message_bytes for service in every))
    async with AsyncExitStack() as stack:
        try:
            listener = await stack.enter_async_context(
                listen(
                    limits,
                    _NoHttpFront(),
                    front,
                    InFlightBytes(limits.in_flight_bytes),
                    keys=keys,
                )
            )
        except ConfigError as error:
            raise ConfigError(f"{setting}: {error}") from error
        stack.push_async_callback(_close, health, listener)
        for service in services:
            stack.callback(service.end)
        yield listener.port


def _limits(host: str, port: int, ping_s: float, body_bytes: int) -> ListenerSettings:
    return ListenerSettings(
        host,
        port,
        # A deployment declares all its models at once, over one connection.
        streams=100_000,
        body_bytes=body_bytes,
        in_flight_bytes=256 * MIB,
        # A subscriber that does not read is dropped long before, and is told once it reads again.
        write_idle_timeout_s=600,
        # With a stream a connection is never idle. A client connects again unnoticed.
        idle_timeout_s=4 * 3600,
        keep_alive_s=60,
        ping_s=ping_s,
        ping_timeout_s=2 * ping_s,
    )


async def _close(health: Health, listener: Listener) -> None:
    await health.end()
    # Whoever does not read what he is told to the end has been told enough.
    await listener.drain(_GRACE_S, cut_off_level=logging.DEBUG)


class _NoHttpFront:
    """Refuses every plain HTTP request, for a port that has only gRPC."""

    def for_peer(self, peer: str) -> "_NoHttpFront":
        """Return this: everybody is refused."""
        return self

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer 415."""
        text = (
            "this port answers gRPC calls only (HTTP/2, content-type application/grpc);"
            " over plain HTTP ask the admin port\n"
        )
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        return HttpAnswer(415, headers, (text.encode(),))
