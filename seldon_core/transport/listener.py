"""The one port of the data plane: HTTP/1.1, HTTP/2 and gRPC, told apart by their first bytes."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from seldon_core.errors import ConfigError
from seldon_core.transport.accepting import Backlog
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.exchange import HttpFront
from seldon_core.transport.handler import DataServices
from seldon_core.transport.http1_connection import Http1Connection
from seldon_core.transport.http2 import Http2Connection
from seldon_core.transport.peers import peer_name
from seldon_core.transport.refusals import Refusals
from seldon_core.transport.rest import RestFront
from seldon_core.transport.rest_docs import docs_methods
from seldon_core.transport.rest_extensions import extension_methods as extension_rest_methods
from seldon_core.transport.rest_streams import stream_methods
from seldon_core.transport.rpc import RpcFront
from seldon_core.transport.rpc_extensions import extension_methods as extension_rpc_methods
from seldon_core.transport.rpc_streams import stream_conversations
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Counters, Shared
from seldon_core.transport.shared import RpcFront as AnyRpcFront
from seldon_core.transport.standard_talks import data_port_talks
from seldon_core.transport.tls import ServerKeys
from seldon_core.transport.tls_accepting import (
    TLS_HANDSHAKE,
    PlainHttpRefusal,
    PlainRpcRefusal,
    Server,
    TlsServer,
)

_logger = logging.getLogger(__name__)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What an HTTP/2 client sends first (RFC 9113, 3.4)."""

_NO_TLS = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"connection: close\r\ncontent-length: 41\r\n\r\nthis port speaks plain text, without TLS\n"
)
"""To who speaks TLS: no alert of TLS has a text, and clients take this for what it is."""
_LEAVE_S = 1.0  # for the handlers of streaming calls to end, once the port is closed


class Sniffer(asyncio.BufferedProtocol):
    """Holds a new connection until its first bytes say what is spoken on it, then hands it over.

    Handing over is one `set_protocol` a connection and nothing a request.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._transport: asyncio.Transport | None = None
        self._first = b""
        self._since = shared.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        transport = cast(asyncio.Transport, transport)  # uvloop's has its methods only
        shared = self._shared
        if shared.draining or len(shared.connections) >= shared.settings.connections:
            self._refuse(transport)
            return
        shared.counters.connections += 1
        self._transport = transport
        shared.register(self)

    def _refuse(self, transport: asyncio.Transport) -> None:
        """Close at once: the client sees no more than that, the operator a line of the log."""
        shared = self._shared
        shared.counters.refused_connections += 1
        others = None if shared.draining else shared.crowds.due(shared.loop.time())
        if others is not None:
            _logger.warning(
                "refused a connection, listener.connections=%d are open peer=%s others=%d",
                shared.settings.connections,
                peer_name(transport),
                others,
            )
        transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return of the buffer that all connections share what is to be read to."""
        return self._shared.receive[: self._shared.rota.read_bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Look at the first bytes and hand over once they are enough."""
        self.take_first(bytes(self._shared.receive[:nbytes]))

    def take_first(self, data: bytes) -> None:
        """Look at the next of the first bytes."""
        transport = self._transport
        if transport is None:
            return
        self._first += data
        if self._first.startswith(TLS_HANDSHAKE):
            self._shared.counters.tls_on_plain_port += 1
            _logger.debug("closing a connection that begins with TLS: this port speaks plain text")
            transport.write(_NO_TLS)
            transport.close()
            self.connection_lost(None)
        elif self._first.startswith(PREFACE):
            self._hand_over(transport, Http2Connection(self._shared))
        elif not PREFACE.startswith(self._first):
            self._hand_over(transport, Http1Connection(self._shared))

    def _hand_over(
        self, transport: asyncio.Transport, connection: Http1Connection | Http2Connection
    ) -> None:
        transport.set_protocol(connection)
        connection.connection_made(transport)
        self.connection_lost(None)
        connection.take_first(self._first)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, which is closed or another's now."""
        self._transport = None
        self._shared.unregister(self)

    def drain(self) -> None:
        """Close: nothing is outstanding."""
        self.abort()

    def abort(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.abort()
            self.connection_lost(None)

    def visit(self, now: float) -> None:
        """Close a connection that says nothing, or not enough, for too long."""
        settings = self._shared.settings
        limit_s = settings.head_timeout_s if self._first else settings.idle_timeout_s
        if now - self._since > limit_s:
            self._shared.counters.timeouts += 1
            self.abort()

    def check_hang_up(self) -> None:
        """Never paused."""


class Listener:
    """An open port. `port` is the real one, also if 0 was asked for."""

    def __init__(self, server: Server, shared: Shared, plain: Shared | None = None) -> None:
        self._server = server
        self._shared = shared
        self._plain = plain
        self.port: int = server.sockets[0].getsockname()[1]

    @property
    def counters(self) -> Counters:
        """What has happened so far, for metrics."""
        return self._shared.counters

    @property
    def refusals(self) -> Mapping[tuple[str, str], int]:
        """How many requests were answered by an error, by `rest` or `grpc` and the code."""
        return self._shared.refusals.counts

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return len(self._shared.connections)

    @property
    def in_flight_bytes(self) -> int:
        """How many bytes the requests in flight hold."""
        return self._shared.budget.used

    @property
    def is_draining(self) -> bool:
        """Whether nothing new is begun any more."""
        return self._shared.draining

    def change(self, settings: ListenerSettings) -> None:
        """Hold connections to other limits, those that begin from now on to all of them.

        Where it listens stays. What fronts were opened with stays, too: see `config.changes`.
        """
        self._shared.settings = settings
        self._shared.budget.change_limit(settings.in_flight_bytes)

    async def drain(self, timeout_s: float, *, cut_off_level: int = logging.WARNING) -> None:
        """Accept nothing more, answer what is outstanding, close; cut off after `timeout_s`.

        That is logged at `cut_off_level`.
        """
        self._server.close()
        self._shared.draining = True
        for connection in list(self._shared.connections):
            connection.drain()
        try:
            async with asyncio.timeout(timeout_s):
                await self._shared.on_empty.wait()
        except TimeoutError:
            _logger.log(
                cut_off_level,
                "cut off connections that did not end in time connections=%d timeout_s=%g",
                self.open_connections,
                timeout_s,
            )
        self.abort()

    def abort(self) -> None:
        """Accept nothing more and close every connection now."""
        self._server.close()
        refused = self._plain.connections if self._plain is not None else {}
        for connection in [*self._shared.connections, *refused]:
            connection.abort()


@asynccontextmanager
async def open_listener(
    settings: ListenerSettings, services: DataServices, budget: InFlightBytes | None = None
) -> AsyncIterator[Listener]:
    """Serve `services` on `settings.host` and `settings.port` until the context ends.

    What is open then is cut off: see `Listener.drain`. Bytes in flight are counted in `budget`, if
    there are others to be counted there. Raises ConfigError if the address cannot be listened on.
    """
    refusals = Refusals()
    if budget is None:
        budget = InFlightBytes(settings.in_flight_bytes)
    handler, server = services.handler, services.server
    methods = {
        **extension_rest_methods(services),
        **docs_methods(handler, server),
        **stream_methods(handler, refusals),
    }
    http = RestFront(handler, server, settings, budget, methods, refusals=refusals)
    talks = {
        **stream_conversations(
            handler, settings.stream_format, budget, settings.typed_bytes, refusals
        ),
        **data_port_talks(server, lambda: listener.is_draining),
    }
    rules = TalkRules(settings.write_idle_timeout_s)
    rpc_methods = extension_rpc_methods(services)
    rpc = RpcFront(handler, server, rpc_methods, talks, rules, settings.typed_bytes, refusals)
    async with AsyncExitStack() as stack:
        try:
            opened = listen(settings, http, rpc, budget, refusals)
            listener = await stack.enter_async_context(opened)
        except ConfigError as error:
            # What can be wrong with a port is one of two; all else is the host.
            code = getattr(error.__cause__, "errno", None)
            setting = "port" if code in (errno.EADDRINUSE, errno.EACCES) else "host"
            raise ConfigError(f"listener.{setting}: {error}") from error
        yield listener


async def _create_server(
    loop: asyncio.AbstractEventLoop,
    protocol: Callable[[], asyncio.BaseProtocol],
    settings: ListenerSettings,
) -> Server:
    host, port, backlog = settings.host, settings.port, settings.backlog
    family = _family(host)
    if family is None:  # a name, which may have several addresses
        return await loop.create_server(protocol, host, port, backlog=backlog)
    # The loop would ask threads what the address means: four of them and 0.5 MiB for nothing.
    bound = _bind((host, port), family, settings)
    first = Backlog(loop, bound, protocol).first
    return await loop.create_server(first, sock=bound, backlog=backlog)


async def _create_tls_server(
    shared: Shared, plain: Shared, keys: ServerKeys, settings: ListenerSettings
) -> Server:
    loop, port = shared.loop, settings.port
    listening: list[socket.socket] = []
    try:
        for family, host in await _addresses(loop, settings.host):
            listening.append(_bind((host, port), family, settings))
            port = listening[0].getsockname()[1]  # the same at all addresses of a name
    except OSError:
        for bound in listening:
            bound.close()
        raise
    protocols = (lambda: Sniffer(shared)), (lambda: Sniffer(plain))
    patience_s = settings.head_timeout_s
    return TlsServer(loop, listening, keys, protocols, patience_s, settings.connections)


async def _addresses(
    loop: asyncio.AbstractEventLoop, host: str
) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses of a host with their families."""
    family = _family(host)
    if family is not None:
        return [(family, host)]
    found = await loop.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((info[0], str(info[4][0])) for info in found))


def _bind(
    where: tuple[str, int], family: socket.AddressFamily, settings: ListenerSettings
) -> socket.socket:
    """Return a socket that listens and does not block."""
    bound = socket.create_server(where, family=family, backlog=settings.backlog)
    # Accepted connections inherit it. asyncio itself does so only if the socket names its protocol.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if settings.keep_alive_s:
        _keep_alive(bound, settings.keep_alive_s)
    bound.setblocking(False)
    return bound


def _keep_alive(listening: socket.socket, after_s: int) -> None:
    """Have TCP ask silent clients whether they are there; accepted connections inherit this."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("KEEPIDLE", after_s), ("KEEPINTVL", 20), ("KEEPCNT", 3)):
        option = getattr(socket, f"TCP_{name}", None)
        if option is not None:  # not every system has all of them
            listening.setsockopt(socket.IPPROTO_TCP, option, value)


def _family(host: str) -> socket.AddressFamily | None:
    """Return the family of an address, None if `host` is a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return family
    return None


@asynccontextmanager
async def listen(
    settings: ListenerSettings,
    http: HttpFront,
    rpc: AnyRpcFront,
    budget: InFlightBytes,
    refusals: Refusals | None = None,
    *,
    keys: ServerKeys | None = None,
) -> AsyncIterator[Listener]:
    """Serve two fronts, which may count in `refusals` too; otherwise as `open_listener`.

    With `keys` the port speaks TLS, and tells so who does not.
    """
    loop = asyncio.get_running_loop()
    shared = Shared(loop, settings, http, rpc, budget, refusals)
    plain: Shared | None = None
    try:
        if keys is None:
            server = await _create_server(loop, lambda: Sniffer(shared), settings)
        else:
            plain = Shared(loop, settings, PlainHttpRefusal(), PlainRpcRefusal(), budget)
            server = await _create_tls_server(shared, plain, keys, settings)
    except OSError as error:
        raise ConfigError(why_not_listening(settings.host, settings.port, error)) from error
    every = [shared] if plain is None else [shared, plain]
    for each in every:
        each.sweeper.start()
    listener = Listener(server, shared, plain)
    try:
        yield listener
    finally:
        listener.abort()
        conversing = [task for each in every for task in each.conversing]
        if conversing:  # they were cancelled just now
            await asyncio.wait(conversing, timeout=_LEAVE_S)
        for each in every:
            each.sweeper.stop()


def why_not_listening(host: str, port: int, error: OSError) -> str:
    """Say what is wrong with an address, and what to do about it."""
    where = f"cannot listen on {host} port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: it is in use; stop what uses it or choose another port, 0 for any free"
    if error.errno == errno.EACCES:
        return f"{where}: it is not permitted; choose a port above 1023, 0 for any free"
    return f"{where}: {error.strerror or error}; choose a host that is an address of this machine"
