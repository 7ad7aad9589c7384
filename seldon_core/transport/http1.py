"""Bytes of an HTTP/1 connection to requests, over llhttp.

`Http1Reader` knows neither socket nor loop. It is fed slices of what arrives and appends each
complete request to `completed`. A body that is not complete with the slice that ends its head is
received straight into its own buffer, past the parser, which is then exchanged for a new one
(0.3 µs; at 600 kB a body, 10,500 requests a second against 1,400 through the parser).

llhttp is strict by default and refuses what request smuggling is made of: both Content-Length and
Transfer-Encoding, repeated ones, folded lines, bare line feeds. Several spaces in a request line it
takes for one; they are found here (`http1_gaps.py`).
"""

from collections import deque
from collections.abc import Sequence

import httptools
import numpy as np

from seldon_core.transport.answers import Exchange
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.http1_gaps import find_gaps
from seldon_core.transport.http1_rules import (
    RefusedError,
    awaits_continue,
    check_body_size,
    check_head_size,
    has_body_past_upgrade,
    is_chunked,
    no_room,
    settle_version,
    too_large_a_head,
    too_many_headers,
    too_many_spaces,
)
from seldon_core.transport.settings import KIB, ListenerSettings

SLICE_BYTES = 4 * KIB
"""How much to feed at once: llhttp cannot be stopped inside a slice.

Small enough that a slice of the smallest requests (230) takes under a millisecond.
"""

_END_OF_HEAD = b"\r\n\r\n"
_ZEROED_UP_TO = 64 * KIB
_FRAMING = frozenset((b"connection", b"transfer-encoding", b"expect"))


class Http1Reader:
    """Reads one connection's requests.

    `completed` are the requests read, oldest first; the owner takes them out. `body` is, while a
    body is received past the parser, the rest of it that is to be filled. `is_ended` says that no
    more requests follow: what still comes is to be dropped. `owes_continue` says that the client
    waits for a 100 before it sends its body. `incomplete` is the request whose head is read and
    whose body is not; what it holds of the budget is the owner's to give back if it never ends.
    `is_between` says that nothing of a next request has come.
    """

    def __init__(self, settings: ListenerSettings, budget: InFlightBytes) -> None:
        self._settings = settings
        self._budget = budget
        # Of a head so much, and the slices in which it begins and ends, are within its limit.
        self._surely_small = settings.header_bytes - 2 * SLICE_BYTES
        self.completed: deque[Exchange] = deque()
        self.body: memoryview | None = None
        self.incomplete: Exchange | None = None
        self.is_ended = False
        self.is_between = True
        self.owes_continue = False
        self._urls: list[bytes] = []  # pieces of the target
        self._headers: dict[bytes, bytes] = {}
        self._repeated = 0  # header lines beyond the first of their name
        self._head_bytes = 0  # of slices in which a head, chunk head or trailer did not end
        self._is_in_gap = False  # the last byte was a space of a request line
        self._is_chunked = False
        self._is_upgrade = False  # a body follows that llhttp leaves to the protocol offered
        self._chunks = bytearray()
        self._pieces: list[bytes] = []
        # llhttp's wrapper looks its callbacks up once; a built-in spares a Python call.
        self.on_body = self._pieces.append
        self.on_url = self._urls.append
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._known_head = b""  # the last head that was alone in a slice with its body
        self._known_body = 0  # where in that slice the body began
        self._known_length = -1  # of that slice
        self._known: HttpRequest | None = None

    @property
    def received(self) -> int:
        """How many bytes of the incomplete request's body have come, as far as it is known."""
        body = self.incomplete.request.body if self.incomplete is not None else b""
        return len(body) - len(self.body) if self.body is not None else len(self._chunks)

    @property
    def must_wait(self) -> bool:
        """Whether the body that is being received has to wait until others have gone."""
        budget = self._budget
        if not budget.is_over or self.body is None or self.incomplete is None:
            return False
        return budget.used > self.incomplete.held  # alone, it goes on

    def close(self) -> None:
        """Let go of the parser, which holds methods of this object."""
        self._parser = None
        self.is_ended = True

    def give_up(self) -> None:
        """Drop what has come of the incomplete request, and read no more; its head stays."""
        if self.incomplete is not None:
            self.incomplete.request.body = b""
        self.incomplete = None
        self.body = None
        self._chunks = bytearray()
        self._pieces.clear()
        self.owes_continue = False
        self.is_ended = True

    def feed_again(self, received: bytearray, nbytes: int) -> Exchange | None:
        """Return the request in the first `nbytes` of `received` if its head is the last one's.

        Returns None, and takes nothing, if they are not exactly that head and as long a body as
        it had. Clients mostly repeat themselves to the byte, so comparing spares llhttp and its
        eight calls: 2.9 µs a request, answer included, instead of 5.1. Keeping each head costs
        clients that never repeat themselves 1.0 µs (perf/micro/bench_http1.py).
        """
        known = self._known
        if (
            nbytes != self._known_length
            or known is None
            or not self.is_between
            or self.is_ended
            or not received.startswith(self._known_head)
        ):
            return None
        body = received[self._known_body : nbytes]
        return Exchange(HttpRequest(known.method, known.target, known.headers.copy(), body), False)

    def feed(self, data: memoryview) -> None:
        """Parse one slice; `body` must be None.

        Raises RefusedError if the request in it is refused; requests before it are in `completed`.
        """
        began_between = self.is_between
        try:
            gaps = find_gaps(data, self._is_chunked)
            if gaps or self._is_in_gap:
                self._parse_gaps(bytes(data), gaps)
            else:
                self._parse(data)
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            if not self.is_ended:  # data after `connection: close` is no request
                raise RefusedError(400, f"this is not HTTP/1.1: {error}") from None
        if not self.is_between:
            if self.body is None:
                self._keep_partial(len(data))
        elif began_between and len(self.completed) == 1:
            self._remember(data, self.completed[0])

    def fill(self, nbytes: int) -> None:
        """Take note that the first `nbytes` of `body` have been filled."""
        assert self.body is not None
        assert self.incomplete is not None
        self._hold(self.incomplete, nbytes)
        self.body = self.body[nbytes:]
        if not self.body:
            self.body = None
            self._complete(self.incomplete)

    def fill_from(self, data: memoryview) -> int:
        """Copy the beginning of `data` into `body`; return how many bytes that took."""
        assert self.body is not None
        nbytes = min(len(data), len(self.body))
        self.body[:nbytes] = data[:nbytes]
        self.fill(nbytes)
        return nbytes

    def _parse(self, data: memoryview) -> None:
        while self._parser is not None:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                data = data[self._decline_upgrade(data) :]
                if data and not self.is_ended:
                    continue
            return

    def _parse_gaps(self, data: bytes, gaps: Sequence[int]) -> None:
        """Parse a slice that may have several spaces for one in a request line; refuse those.

        llhttp tells neither of them nor where a request begins. But given a space by itself, it
        shows whether that has ended a target, or stands behind a method.
        """
        if self._is_in_gap and data.startswith(b" "):
            raise too_many_spaces()
        self._is_in_gap = False
        at = 0
        for gap in gaps:
            self._parse_past_body(data[at:gap])
            at, pieces = gap + 1, len(self._urls)
            self._parse_past_body(data[gap:at])
            if self.is_between or self.incomplete is not None:
                continue
            if not self._urls or len(self._urls) > pieces:
                if data[at : at + 1] == b" ":
                    raise too_many_spaces()
                self._is_in_gap = at == len(data)
        self._parse_past_body(data[at:])

    def _parse_past_body(self, data: bytes) -> None:
        """Parse a part of a slice, but for the body that an offer to upgrade may have left."""
        if self.body is not None:
            data = data[self.fill_from(memoryview(data)) :]
        if data and not self.is_ended:
            self._parse(memoryview(data))

    def _decline_upgrade(self, rest: memoryview) -> int:
        """Go on with HTTP/1.1 after an offer of h2c or WebSocket; return what it took of `rest`.

        llhttp takes such a request to end with its head. But its body, which curl --http2 and Java
        send, is a body: to read it as the next request would be to let one be smuggled in.
        """
        if self.incomplete is not None:
            self._is_upgrade = False
            self._receive_past_parser(self.incomplete)
            return self.fill_from(rest)
        if self.completed[-1].request.method == b"CONNECT":  # a tunnel's bytes follow
            self.completed[-1].is_last = self.is_ended = True
        return 0

    def _remember(self, data: memoryview, exchange: Exchange) -> None:
        """Keep the head of the one request that `data` is, for `feed_again`."""
        request = exchange.request
        if exchange.is_last or exchange.echo_keep_alive or b"content-length" not in request.headers:
            return
        head = bytes(data[: len(data) - len(request.body)])
        if head.find(_END_OF_HEAD) != len(head) - len(_END_OF_HEAD):
            return  # line ends stand around the request; what they are part of is not plain
        self._known_head = head
        self._known_body = len(head)
        self._known_length = len(data)
        self._known = HttpRequest(request.method, request.target, request.headers.copy())

    # Called by the parser.

    def on_message_begin(self) -> None:
        """Take note that a request has begun."""
        self.is_between = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header line; llhttp leaves the white space behind its value."""
        name, value = name.lower(), value.rstrip()
        headers = self._headers
        if name in headers:
            if name == b"host":  # servers in a row would each choose another (RFC 9112, 3.2)
                raise RefusedError(400, "a request has one host header, this has more")
            value = headers[name] + b"," + value
            self._repeated += 1
            self._check_count()
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Make the request; a Content-Length is looked at only if its body is not all there."""
        parser, headers = self._parser, self._headers
        assert parser is not None
        is_last = not parser.should_keep_alive()
        target = b"".join(self._urls)
        self._urls.clear()
        exchange = Exchange(HttpRequest(parser.get_method(), target, headers), is_last)
        self.incomplete = exchange
        if self._head_bytes > self._surely_small:
            # Where in the slice it ended llhttp does not tell.
            check_head_size(exchange.request, self._settings)
        self._headers = {}
        self._head_bytes = 0
        if is_last or b"host" not in headers or not _FRAMING.isdisjoint(headers):
            self._look_closer(exchange, parser.get_http_version())
        if len(headers) + self._repeated > self._settings.header_count:
            raise too_many_headers(self._settings)
        self._repeated = 0

    def on_message_complete(self) -> None:
        """Complete a request whose body went through the parser."""
        if self._is_upgrade:
            return
        exchange = self.incomplete
        assert exchange is not None
        if self._pieces:
            exchange.request.body = b"".join(self._pieces)  # of one piece: that piece, no copy
            self._pieces.clear()
        if self._is_chunked:
            self._end_chunked(exchange)
        self._complete(exchange)

    # Rarer things.

    def _complete(self, exchange: Exchange) -> None:
        self.incomplete = None
        self.is_between = True
        self.owes_continue = False
        self.completed.append(exchange)
        if exchange.is_last:
            self.is_ended = True

    def _look_closer(self, exchange: Exchange, version: str) -> None:
        request, headers = exchange.request, exchange.request.headers
        settle_version(exchange, version)
        self._is_chunked = is_chunked(headers, version)
        assert self._parser is not None
        if self._parser.should_upgrade():
            self._is_upgrade = has_body_past_upgrade(request, self._is_chunked)
        self.owes_continue = awaits_continue(headers, version)

    def _check_count(self) -> None:
        if len(self._headers) + self._repeated > self._settings.header_count:
            raise too_many_headers(self._settings)

    def _keep_partial(self, nbytes: int) -> None:
        """Look after a request that the slice of `nbytes` did not complete."""
        if self.incomplete is None:
            self._count_head(0 if self.completed else nbytes)  # the slice may be of those before it
            self._check_count()
            if len(self._urls) > 1:  # small pieces would take many times their bytes
                self._urls[:] = (b"".join(self._urls),)
        elif self._is_chunked:
            self._grow_chunked(self.incomplete, nbytes)
        else:
            self._receive_past_parser(self.incomplete)

    def _count_head(self, nbytes: int) -> None:
        self._head_bytes += nbytes
        if self._head_bytes > self._settings.header_bytes:
            raise too_large_a_head(self._settings)

    def _grow_chunked(self, exchange: Exchange, nbytes: int) -> None:
        if not self._pieces:  # nothing but a chunk's extensions, or trailers
            self._count_head(nbytes)
            self._check_count()
            return
        self._head_bytes = 0
        budget = self._budget
        if not budget.fits(nbytes) and (not exchange.held or budget.is_over):
            raise no_room()
        self._hold(exchange, nbytes)
        for piece in self._pieces:
            self._chunks += piece
        self._pieces.clear()
        check_body_size(exchange.request, len(self._chunks), self._settings)

    def _end_chunked(self, exchange: Exchange) -> None:
        if self._chunks:
            self._chunks += exchange.request.body
            exchange.request.body = self._chunks
            self._chunks = bytearray()
        self._headers = {}  # trailers, which nobody reads
        self._repeated = self._head_bytes = 0
        self._is_chunked = False

    def _receive_past_parser(self, exchange: Exchange) -> None:
        length = int(exchange.request.headers[b"content-length"])
        check_body_size(exchange.request, length, self._settings)
        if not self._budget.fits(length):
            raise no_room()
        # Memory that is not zeroed costs nothing until bytes arrive, whatever the length claims.
        body = memoryview(
            bytearray(length) if length <= _ZEROED_UP_TO else np.empty(length, np.uint8).data
        )
        exchange.request.body = body
        filled = 0
        for piece in self._pieces:
            body[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._pieces.clear()
        self._hold(exchange, filled)
        self.body = body[filled:]
        self._parser = httptools.HttpRequestParser(self)

    def _hold(self, exchange: Exchange, nbytes: int) -> None:
        """Count `nbytes` that were received."""
        self._budget.take(nbytes)
        exchange.held += nbytes
