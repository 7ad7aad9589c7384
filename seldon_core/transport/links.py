"""The connections to one address: made when they are needed, anew when they were lost.

One connection carries as many calls as its peer allows; another is opened only beyond that. When a
connection could not be made, calls fail at once from then on, so that other replicas answer them,
and it is tried again and again beside them until it works.
"""

import asyncio
import logging
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, Generic, Protocol, TypeVar, cast

from seldon_core.aio.supervise import Tasks
from seldon_core.errors import ConfigError, OverloadedError, UnreachableError
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.endpoints import why_no_tls
from seldon_core.transport.receiver import Headers, Receiver
from seldon_core.transport.tls import DialTls

_logger = logging.getLogger(__name__)

CONNECT_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.1
_KEEP_ALIVE_S: Final = 20


class Client(Protocol):
    """One connection, of either version of HTTP; `http2_client.Http2Client` says what it does."""

    @property
    def has_room(self) -> bool:
        """Whether a request may begin now."""

    @property
    def is_open(self) -> bool:
        """Whether requests may begin once there is room."""

    @property
    def under_way(self) -> int:
        """How many requests wait for their answers."""

    async def greeted(self) -> None:
        """Wait until it is known that the peer is there, or the connection is lost."""

    def request(
        self, headers: Headers, body: Sequence[Buffer], receiver: Receiver, *, ends: bool = True
    ) -> int:
        """Begin a request and return its number."""

    def send(self, stream_id: int, body: Sequence[Buffer]) -> bool:
        """Send more of an open request; return whether there is room for more."""

    def end(self, stream_id: int) -> None:
        """End an open request."""

    def credit(self, stream_id: int, nbytes: int) -> None:
        """Let the peer send so much more."""

    def cancel(self, stream_id: int) -> None:
        """Give a request up."""

    def leave(self) -> None:
        """Begin nothing more, and close once the requests under way have their answers."""

    def abort(self) -> None:
        """Close now."""

    def visit(self, now: float) -> None:
        """Look whether the peer is there."""


C = TypeVar("C", bound=Client)


class Links(ABC, Generic[C]):
    """Connections to `host` and `port`; at most `most`.

    `name` is what errors call the peer. `tasks` is where connecting runs. With `tls` TLS is spoken
    to a host.
    """

    most: ClassVar[int]

    def __init__(
        self, host: str, port: int, name: str, tasks: Tasks, tls: DialTls | None = None
    ) -> None:
        self._tls = tls
        self._host = host
        self._port = port
        self._name = name
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._clients: list[C] = []
        self._leaving: list[C] = []
        self._dial: asyncio.Task[None] | None = None
        self._error: UnreachableError | None = None
        self._pause_s = 0.0
        self._next_try = 0.0
        self._is_over = False

    def ready(self) -> C | None:
        """Return a connection on which a request may begin at once, if there is one."""
        for client in self._clients:
            if client.has_room:
                return client
        return None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left after `leave`."""
        return self._is_over and not self._clients and not self._leaving

    async def open(self, *, waits: bool = False) -> C:
        """Return a connection on which a request may begin; connect first if that is needed.

        After a failure nobody waits for the next attempt, unless he `waits`: there is nobody else
        for him to ask. Raises UnreachableError if nobody is there, OverloadedError if all are full.
        """
        while (client := self.ready()) is None:
            if self._is_over:
                raise UnreachableError(f"{self._name} is not connected any more")
            if len(self._clients) >= self.most:
                raise OverloadedError(f"{self._name} has as many calls under way as it takes")
            if self._dial is None and self._loop.time() >= self._next_try:
                self._dial = self._tasks.start(self._connect(), name=f"connect to {self._name}")
            if self._dial is not None and (waits or self._error is None):
                await asyncio.shield(self._dial)
                if self._error is None and not self._clients:
                    raise UnreachableError(f"{self._name} closed the connection at once")
            if self._error is not None:  # by this attempt or the last one: another replica answers
                raise UnreachableError(str(self._error)) from self._error
        return client

    def leave(self) -> None:
        """Connect no more; close each connection when its calls are answered."""
        self._is_over = True
        for client in list(self._clients):
            client.leave()

    def abort(self) -> None:
        """Close everything now."""
        self._is_over = True
        for client in [*self._clients, *self._leaving]:
            client.abort()

    def visit(self, now: float) -> None:
        """Look whether the peer is there; `now` is the loop's clock."""
        for client in [*self._clients, *self._leaving]:
            client.visit(now)
        self._leaving = [client for client in self._leaving if client.under_way]

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._open_socket()
        except (
            OSError,
            ValueError,
            ConfigError,
        ) as error:  # ValueError: a host that can be no name
            why = _why(error)
            self._error = UnreachableError(f"{self._name} cannot be reached: {why}")
            self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._next_try = self._loop.time() + self._pause_s
            _logger.debug("%s", self._error)
        else:
            self._error, self._pause_s = None, 0.0
        finally:
            self._dial = None

    async def _open_socket(self) -> None:
        loop = self._loop
        context, named = None, None
        if self._tls is not None:
            context, named = self._tls.context(), self._tls.server_name or self._host
        transport, protocol = await loop.create_connection(
            self._protocol, self._host, self._port, ssl=context, server_hostname=named
        )
        _watch(transport.get_extra_info("socket"))
        client = cast(C, protocol)
        try:
            await client.greeted()
        except BaseException:
            client.abort()
            raise
        if self._is_over:
            client.abort()
        elif client.is_open:
            self._clients.append(client)
        else:
            raise ConnectionError(_CLOSED if self._tls is None else _NOT_LET_IN)

    @abstractmethod
    def _client(self) -> C:
        """Return a new connection, not connected yet."""

    def _protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self._client())

    def _on_leaving(self, client: C) -> None:
        if client in self._clients:
            self._clients.remove(client)
            if client.under_way:
                self._leaving.append(client)


_CLOSED: Final = "the connection was closed at once"
# By TLS 1.3 a server looks at a client's certificate only after it has let him in.
_NOT_LET_IN: Final = (
    f"{_CLOSED}: its certificate authority may not know ours, ours may have expired, or there is "
    "none (control.clientCrtPath); its log says which"
)


def _why(error: Exception) -> str:
    """Say why there is no connection, of TLS in words."""
    if isinstance(error, ssl.SSLError):
        return why_no_tls(error)
    said = error.strerror if isinstance(error, OSError) else None  # without its number
    return said or str(error) or f"no connection within {CONNECT_S:g} s"


def _watch(connected: socket.socket) -> None:
    """Have TCP notice a peer whose machine or network is gone, also while calls wait for it."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("KEEPIDLE", _KEEP_ALIVE_S),
        ("KEEPINTVL", 5),
        ("KEEPCNT", 3),
        ("USER_TIMEOUT", _KEEP_ALIVE_S * 1000),
    ):
        option = getattr(socket, f"TCP_{name}", None)
        if option is not None:  # not every system has all of them
            connected.setsockopt(socket.IPPROTO_TCP, option, value)
