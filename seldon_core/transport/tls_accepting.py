"""Accepting connections on a port that speaks TLS, and telling who speaks plain text that it does.

The first byte of a connection is looked at in the socket, where it stays: a TLS hello is left to
the loop's own TLS, anything else goes to a protocol that answers in plain text what is wrong.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Final, Protocol

from seldon_core.aio.start import start
from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.accepting import MORE_A_TURN
from seldon_core.transport.conversations import CallStatusError, Conversation, TalkRules
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.rare_log import RareLog
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.tls import ServerKeys

_logger = logging.getLogger(__name__)

_PAUSE_S: Final = 1.0
"""So long nothing is accepted when there are no file descriptors left."""

TLS_HANDSHAKE: Final = b"\x16"
"""The first byte of a connection that speaks TLS."""

_WHY: Final = (
    "this port speaks TLS, and you speak plain text: use TLS (in the configuration of the command "
    "line: tls: true and caPath; of a process: control.tls)"
)

_Protocol = Callable[[], asyncio.BaseProtocol]


class Server(Protocol):
    """What accepts connections."""

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """Where it listens."""

    def close(self) -> None:
        """Accept nothing more."""


class TlsServer:
    """Accepts from `listening`, which do not block: `protocol` for TLS, `plain` for all else.

    Who says nothing, or does not get through the handshake, has `patience_s`. At most `most`
    connections are looked at at a time.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: Sequence[socket.socket],
        keys: ServerKeys,
        protocols: tuple[_Protocol, _Protocol],
        patience_s: float,
        most: int,
    ) -> None:
        self.sockets = tuple(listening)
        self._loop = loop
        self._keys = keys
        self._protocol, self._plain = protocols
        self._patience_s = patience_s
        self._most = most
        self._waiting: dict[socket.socket, asyncio.TimerHandle] = {}
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._shaking = 0
        self._refusals = RareLog()
        for each in self.sockets:
            loop.add_reader(each, self._accept, each)

    def close(self) -> None:
        """Accept nothing more, and hang up on those who have said nothing yet."""
        for pause in self._pauses.values():
            pause.cancel()
        for each in self.sockets:
            if each.fileno() >= 0:
                self._loop.remove_reader(each)
                each.close()
        for accepted in list(self._waiting):
            self._forget(accepted)
            accepted.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(MORE_A_TURN):
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):  # none, or lost at once
                return
            except OSError as error:
                # It still waits, so that the loop would ask again at once, and again.
                _logger.warning("a connection cannot be accepted error=%s", error.strerror)
                self._loop.remove_reader(listening)
                self._pauses[listening] = self._loop.call_later(_PAUSE_S, self._go_on, listening)
                return
            if len(self._waiting) + self._shaking >= self._most:
                accepted.close()
                continue
            accepted.setblocking(False)
            timer = self._loop.call_later(self._patience_s, self._give_up, accepted)
            self._waiting[accepted] = timer
            self._loop.add_reader(accepted, self._look, accepted)

    def _go_on(self, listening: socket.socket) -> None:
        del self._pauses[listening]
        self._loop.add_reader(listening, self._accept, listening)

    def _look(self, accepted: socket.socket) -> None:
        """See what is spoken; an end or an error is left to the protocol to find."""
        try:
            first = accepted.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        self._forget(accepted)
        if first:
            start(self._take(accepted, is_tls=first == TLS_HANDSHAKE), self._loop)
        else:
            accepted.close()

    def _give_up(self, accepted: socket.socket) -> None:
        self._forget(accepted)
        accepted.close()

    def _forget(self, accepted: socket.socket) -> None:
        self._waiting.pop(accepted).cancel()
        self._loop.remove_reader(accepted)

    async def _take(self, accepted: socket.socket, *, is_tls: bool) -> None:
        self._shaking += 1
        peer = _peer_of(accepted)
        try:
            if is_tls:
                await self._loop.connect_accepted_socket(
                    self._protocol,
                    accepted,
                    ssl=self._keys.context,
                    ssl_handshake_timeout=self._patience_s,
                )
            else:
                await self._loop.connect_accepted_socket(self._plain, accepted)
        except OSError as error:  # among them that of a certificate that is not accepted
            self._tell(peer, error)
            accepted.close()
        finally:
            self._shaking -= 1

    def _tell(self, peer: str, error: OSError) -> None:
        """Log why who connected does not get through; not each one, for anybody may try."""
        others = self._refusals.due(self._loop.time())
        if others is not None:
            reason = _reason(error) or "it hung up: it may not accept the certificate of this port"
            _logger.warning(
                "refused a TLS connection peer=%s reason=%r others=%d", peer, reason, others
            )


def _peer_of(accepted: socket.socket) -> str:
    """Return who has connected, while he is there."""
    try:
        host, port = accepted.getpeername()[:2]
    except OSError:
        return "unknown"
    return f"{host}:{port}"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return str(getattr(error, "reason", None) or error)


class PlainHttpRefusal:
    """Tells who speaks HTTP in plain text that the port speaks TLS."""

    def for_peer(self, peer: str) -> "PlainHttpRefusal":
        """Return this: everybody is refused."""
        return self

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer 400."""
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        return HttpAnswer(400, headers, (f"{_WHY}\n".encode(),))


class PlainRpcRefusal:
    """Tells who calls by gRPC in plain text that the port speaks TLS."""

    rules = TalkRules(opens_at_once=False, ends_at_once=True)

    def for_peer(self, peer: str) -> "PlainRpcRefusal":
        """Return this: everybody is refused."""
        return self

    def conversation(self, path: bytes) -> Conversation:
        """Return what refuses the call, for which it needs no message."""
        return _refuse

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        """Answer FAILED_PRECONDITION; not asked, as every call is a conversation."""
        return RpcAnswer(status.FAILED_PRECONDITION, _WHY)


async def _refuse(
    headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
) -> AsyncGenerator[Sequence[Buffer], None]:
    raise CallStatusError(status.FAILED_PRECONDITION, _WHY)
    yield []  # type: ignore[unreachable]  # it makes this a generator
