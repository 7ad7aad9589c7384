"""One honest client beside whatever else goes on: what it gets, and how long that takes."""

import socket
import time
from dataclasses import dataclass, field

from tests.support.attacks_http1 import JSON, post

_PAUSE_S = 0.001
_REQUEST = post(JSON)


@dataclass
class Lone:
    """What happened to it: seconds to each answer, and what was no good answer.

    `first_seconds` are those to the first answers on new connections, from before they were made.
    """

    seconds: list[float] = field(default_factory=list)
    first_seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the time within which so large a share was answered, in seconds."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)]


class LoneClient:
    """Calls iris over one connection that stays open, one call after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def run(self, seconds: float, lone: Lone) -> None:
        """Call for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            before = time.perf_counter()
            if not self._call(lone):
                return
            lone.seconds.append(time.perf_counter() - before)
            time.sleep(_PAUSE_S)

    def renew(self, lone: Lone) -> None:
        """Go on over another connection, called on once."""
        self._socket.close()
        before = time.perf_counter()
        self._connect()
        if self._call(lone):
            lone.first_seconds.append(time.perf_counter() - before)

    def _call(self, lone: Lone) -> bool:
        self._socket.sendall(_REQUEST)
        answer = b""
        while not answer.endswith(b"]}"):
            data = self._socket.recv(4096)
            if not data:
                lone.wrong.append("closed")
                return False
            answer += data
            if not answer.startswith(b"HTTP/1.1 200 "):
                lone.wrong.append(answer[:400].decode("latin-1"))
                return False
        return True
