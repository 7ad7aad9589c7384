"""The HTTP/2 connections to one address."""

from seldon_core.aio.supervise import Tasks
from seldon_core.transport.http2_client import PATIENCE_S, Http2Client
from seldon_core.transport.links import Links
from seldon_core.transport.tls import DialTls

MOST_CONNECTIONS = 16
"""With 256 calls on each, four thousand calls."""


class Http2Links(Links[Http2Client]):
    """Connections to `host` and `port`.

    `name` is what errors call the peer. `tasks` is where connecting runs, `receive` what the loop
    reads into. `pings` and `patience_s` as for `Http2Client`, `tls` as for `Links`.
    """

    most = MOST_CONNECTIONS

    def __init__(
        self,
        host: str,
        port: int,
        name: str,
        tasks: Tasks,
        receive: memoryview,
        *,
        pings: bool,
        tls: DialTls | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(host, port, name, tasks, tls)
        self._receive = receive
        self._pings = pings
        self._patience_s = patience_s

    def ask_for_life(self) -> None:
        """Ping the peer when it is silent, which is known by now to be one that allows it."""
        self._pings = True
        for client in self._clients:
            client.pings = True

    def _client(self) -> Http2Client:
        return Http2Client(
            self._loop,
            self._name,
            self._receive,
            self._on_leaving,
            pings=self._pings,
            patience_s=self._patience_s,
        )
