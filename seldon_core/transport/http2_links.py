"""The HTTP/2 connections to one address: made when they are needed, anew when they were lost.

One connection carries as many calls as its peer allows; another is opened only beyond that. After a
connection could not be made, calls fail at once for a moment, longer each time, instead of each
waiting for the same refusal.
"""

import asyncio
import logging
import socket
from typing import Final

from seldon_core.aio.supervise import Tasks
from seldon_core.errors import OverloadedError, UnreachableError
from seldon_core.transport.http2_client import Http2Client

_logger = logging.getLogger(__name__)

CONNECT_S: Final = 5.0
MOST_CONNECTIONS: Final = 16
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
_KEEP_ALIVE_S: Final = 20


class Http2Links:
    """Connections to `host` and `port`, or to the Unix socket `unix:/path`.

    `name` is what errors call the peer. `tasks` is where connecting runs, `receive` what the loop
    reads into. `pings` as for `Http2Client`.
    """

    def __init__(
        self, host: str, port: int, name: str, tasks: Tasks, receive: memoryview, *, pings: bool
    ) -> None:
        self._host = host
        self._port = port
        self._name = name
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._pings = pings
        self._clients: list[Http2Client] = []
        self._leaving: list[Http2Client] = []
        self._dial: asyncio.Task[None] | None = None
        self._error: UnreachableError | None = None
        self._pause_s = 0.0
        self._next_try = 0.0
        self._is_over = False

    def ready(self) -> Http2Client | None:
        """Return a connection on which a request may begin at once, if there is one."""
        for client in self._clients:
            if client.has_room:
                return client
        return None

    async def open(self) -> Http2Client:
        """Return a connection on which a request may begin; connect first if that is needed.

        Raises UnreachableError if there is nobody there, OverloadedError if all are full.
        """
        while (client := self.ready()) is None:
            if self._is_over:
                raise UnreachableError(f"{self._name} is not connected any more")
            if self._error is not None and self._loop.time() < self._next_try:
                raise UnreachableError(str(self._error)) from self._error
            if len(self._clients) >= MOST_CONNECTIONS:
                raise OverloadedError(f"{self._name} has as many calls under way as it takes")
            if self._dial is None:
                self._dial = self._tasks.start(self._connect(), name=f"connect to {self._name}")
            await asyncio.shield(self._dial)
            if self._error is not None:
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

    def ask_for_life(self) -> None:
        """Ping the peer when it is silent, which is known by now to be one that allows it."""
        self._pings = True
        for client in self._clients:
            client.pings = True

    def visit(self, now: float) -> None:
        """Look whether the peer is there; `now` is the loop's clock."""
        for client in list(self._clients):
            client.visit(now)
        self._leaving = [client for client in self._leaving if client.under_way]

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._open_socket()
        except (OSError, TimeoutError) as error:
            why = f"no connection within {CONNECT_S:g} s" if not str(error) else str(error)
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
        if self._host.startswith("unix:"):
            path = self._host.removeprefix("unix:")
            transport, client = await loop.create_unix_connection(self._client, path)
        else:
            transport, client = await loop.create_connection(self._client, self._host, self._port)
            _watch(transport.get_extra_info("socket"))
        if self._is_over:
            client.abort()
        elif client.is_open:
            self._clients.append(client)

    def _client(self) -> Http2Client:
        return Http2Client(
            self._loop, self._name, self._receive, self._on_leaving, pings=self._pings
        )

    def _on_leaving(self, client: Http2Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            if client.under_way:
                self._leaving.append(client)


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
