"""The control plane's gRPC ports: scheduler (9004) and agent (9005), on loopback.

So far both serve the standard health service, `grpc.health.v1.Health`, and nothing else: the APIs
themselves are not there yet, and a call to them is answered UNIMPLEMENTED.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Read when gRPC is imported: else it writes to standard error whenever a worker is started.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from seldon_core.errors import ConfigError
from seldon_core.transport.listener import why_not_listening

HOST = "127.0.0.1"
_GRACE_S = 1.0  # for calls under way; a client that watches health is told to go elsewhere


@asynccontextmanager
async def open_control_port(setting: str, port: int) -> AsyncIterator[int]:
    """Serve health on `port` of loopback for the length of a block; yields the port's number.

    `setting` is what an error calls the port. Raises ConfigError if it is taken.
    """
    # By default gRPC shares a port with any other process that does; a taken port must be an error.
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    service = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
    try:
        # Asked first, because gRPC would itself write about a taken port to standard error.
        socket.create_server((HOST, port)).close()
        bound = server.add_insecure_port(f"{HOST}:{port}")
    except OSError as error:
        raise ConfigError(f"{setting}: {why_not_listening(HOST, port, error)}") from error
    except RuntimeError as error:  # taken since, which gRPC says in its own words
        raise ConfigError(f"{setting}: cannot listen on {HOST} port {port}: {error}") from error
    await server.start()
    await service.set("", health_pb2.HealthCheckResponse.SERVING)
    try:
        yield bound
    finally:
        await service.enter_graceful_shutdown()
        await server.stop(_GRACE_S)
