"""HTTP/1.1, client side, over llhttp: for replicas of another kind, which speak nothing else.

A connection carries one request at a time and is kept for the next one. It looks as one of HTTP/2
does from outside (`http2_client.py`), so that what uses either need not know which it has.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import httptools

from seldon_core.errors import UnreachableError, UpstreamError
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.links import Links
from seldon_core.transport.receiver import Headers, Receiver
from seldon_core.transport.settings import KIB

_logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 128
_JOIN_UP_TO = 16 * KIB
_LENGTHS = frozenset((b"content-length", b"transfer-encoding"))
_NOT_SENT = frozenset((b":method", b":scheme", b":path", b":authority"))


class Http1Client(asyncio.Protocol):
    """One connection to a peer, which `name` names in errors.

    `on_leaving` is called once, when no request can begin any more.
    """

    def __init__(self, name: str, on_leaving: "Callable[[Http1Client], None]") -> None:
        self._name = name
        self._on_leaving = on_leaving
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._receiver: Receiver | None = None
        self._is_leaving = False
        self._has_begun = False  # an answer
        self._ends_with_connection = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._number = 0

    @property
    def has_room(self) -> bool:
        """Whether a request may begin now."""
        return self._receiver is None and self.is_open

    @property
    def is_open(self) -> bool:
        """Whether requests may begin once there is room."""
        return self._transport is not None and not self._is_leaving

    @property
    def under_way(self) -> int:
        """How many requests wait for their answers."""
        return int(self._receiver is not None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods only

    async def greeted(self) -> None:
        """Return at once: such a peer says nothing before it is asked."""

    def request(
        self, headers: Headers, body: Sequence[Buffer], receiver: Receiver, *, ends: bool = True
    ) -> int:
        """Begin a request, whose `headers` are as HTTP/2 has them; `receiver` is told what comes.

        `body` is all of it. Returns the request's number. Raises UnreachableError if the connection
        takes none any more.
        """
        transport = self._transport
        if transport is None or not self.has_room or not ends:
            raise UnreachableError(f"{self._name} takes no request on this connection")
        fields = dict(headers)
        first = fields[b":method"], fields[b":path"], fields[b":authority"]
        lines = [b"%b %b HTTP/1.1\r\nhost: %b" % first]
        lines += [b"%b: %b" % field for field in headers if field[0] not in _NOT_SENT]
        length = sum(map(len, body))
        if length or fields[b":method"] == b"POST":
            lines.append(b"content-length: %d" % length)
        self._receiver, self._headers = receiver, []
        self._has_begun = self._ends_with_connection = False
        self._parser = httptools.HttpResponseParser(self)
        self._number += 1
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if length <= _JOIN_UP_TO:
            transport.write(b"".join((head, *body)))
        else:
            transport.write(head)
            for part in body:
                transport.write(part)
        return self._number

    def send(self, stream_id: int, body: Sequence[Buffer]) -> bool:
        """Send nothing: a request is whole when it begins."""
        return True

    def end(self, stream_id: int) -> None:
        """Nothing is open."""

    def credit(self, stream_id: int, nbytes: int) -> None:
        """Read on, after a receiver had enough for a while."""
        if self._transport is not None and stream_id == self._number:
            self._transport.resume_reading()

    def cancel(self, stream_id: int) -> None:
        """Give a request up, and with it the connection: nothing else ends it."""
        if stream_id == self._number and self._receiver is not None:
            self._receiver = None
            self.abort()

    def leave(self) -> None:
        """Begin nothing more, and close once the request under way has its answer."""
        self._leave()
        if self._receiver is None:
            self.abort()

    def abort(self) -> None:
        """Close now."""
        transport = self._transport
        if transport is not None:
            transport.abort()
            self.connection_lost(None)

    def visit(self, now: float) -> None:
        """Nothing is to be looked at: TCP says whether the peer is there."""

    def data_received(self, data: bytes) -> None:
        """Take in what was read."""
        if self._receiver is None:
            self.abort()  # nobody has asked for this
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            why = UpstreamError(f"{self._name} answered what is no HTTP: {error}")
            self._finish_by(why)
        except Exception:
            _logger.exception("connection to %s closed by a bug", self._name)
            self._finish_by(UpstreamError(f"{self._name}: its answer could not be taken in"))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the receiver if its answer is not complete."""
        if self._transport is None:
            return
        self._transport = None
        self._leave()
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            return
        if error is None and self._ends_with_connection:
            receiver.on_data(b"", has_ended=True)
            return
        why = f"{self._name} closed the connection" if error is None else f"{self._name}: {error}"
        if self._has_begun:
            receiver.on_lost(UpstreamError(f"{why} before its answer was complete"))
        else:
            receiver.on_lost(UnreachableError(f"{why} before it answered", was_sent=True))

    def on_message_begin(self) -> None:
        """Called by the parser when an answer begins."""
        self._has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser for each header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Called by the parser after the head."""
        code = self._parser.get_status_code()
        if code < 200:
            self._headers = []
            return
        names = {name for name, _ in self._headers}
        self._ends_with_connection = not names & _LENGTHS
        if self._receiver is not None:
            status = (b":status", b"%d" % code)
            self._receiver.on_head([status, *self._headers], has_ended=False)

    def on_body(self, data: bytes) -> None:
        """Called by the parser for each piece of the body."""
        receiver, transport = self._receiver, self._transport
        wants_more = receiver is None or receiver.on_data(data, has_ended=False)
        if not wants_more and transport is not None:
            transport.pause_reading()

    def on_message_complete(self) -> None:
        """Called by the parser at the end of an answer."""
        if self._parser.get_status_code() < 200:
            return
        receiver, self._receiver = self._receiver, None
        if not self._parser.should_keep_alive():
            self._leave()
        if receiver is not None:
            receiver.on_data(b"", has_ended=True)
        if self._is_leaving:
            self.abort()

    def _finish_by(self, error: UpstreamError) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.on_lost(error)
        self.abort()

    def _leave(self) -> None:
        if not self._is_leaving:
            self._is_leaving = True
            self._on_leaving(self)


class Http1Links(Links[Http1Client]):
    """Connections to `host` and `port`; `name` is what errors call the peer."""

    most = MOST_CONNECTIONS

    def _client(self) -> Http1Client:
        return Http1Client(self._name, self._on_leaving)
