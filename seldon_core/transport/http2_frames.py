"""What an HTTP/2 client sends, over `ngh2` (libnghttp2): frames to streams, and too many of them.

The library turns bytes into events. They are handled here: tied to requests and calls, credited,
and counted if they are of a kind that is legal and costs the client nothing. The library is set up
here too, and asked how it has ended: this is the one module that imports it.
"""

import logging
from collections.abc import Iterator
from itertools import islice
from operator import length_hint

import ngh2

from seldon_core.transport.call_stream import RpcStream
from seldon_core.transport.calm import ENHANCE_YOUR_CALM
from seldon_core.transport.conversing import Conversations
from seldon_core.transport.crediting import Withheld
from seldon_core.transport.exchange import HttpFront
from seldon_core.transport.floods import Flood, Floods
from seldon_core.transport.goodbye import Goodbye
from seldon_core.transport.handler import NO_DEADLINE
from seldon_core.transport.heads import Head, read_head
from seldon_core.transport.http2_requests import Requests
from seldon_core.transport.pinging import Pings
from seldon_core.transport.request_id import REQUEST_ID
from seldon_core.transport.request_stream import HttpStream
from seldon_core.transport.sending import Sender
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Counters, RpcFront, Shared
from seldon_core.transport.streams import LARGE_HEAD, Stream
from seldon_core.transport.unread import Unread

_logger = logging.getLogger(__name__)

Engine = ngh2.Connection
"""The library's side of a connection."""

Event = ngh2.Event
"""What the library makes of the frames that it reads."""

Http2Error = ngh2.NGH2Error
"""What the library raises: reading ends with it, and an answer has found its stream gone."""

# What the library makes of the end of every client in Go, which names a stream of its own there.
_GO_LEAVES = b"GOAWAY: invalid last_stream_id"

# How much a client may send before it is credited. With the default of 64 KiB it waits for a round
# trip after each 64 KiB.
STREAM_WINDOW = 4 * MIB
CONNECTION_WINDOW = 16 * MIB
# How many events are handled in a turn of the loop: 64 KiB can be 7,000, which took 4 ms, and the
# loop reads 32 times in a turn if there is always more.
EVENTS_PER_TURN = 512

_COUNTED = {
    ngh2.WindowUpdated: Flood.WINDOW_UPDATES,
    ngh2.PingReceived: Flood.PINGS,
    ngh2.SettingsReceived: Flood.SETTINGS,
}
_ACKNOWLEDGED = {Flood.PINGS: 17, Flood.SETTINGS: 9}  # bytes sent in return, which owe no answer


class FloodError(Exception):
    """A client sends too much of what is legal; the text says of what."""


def new_engine(settings: ListenerSettings) -> Engine:
    """Return the library's side of a connection that has not begun."""
    config = ngh2.Configuration(
        auto_window_update=False,
        # Beyond all these the library closes the connection. Up to the first two a stream is
        # answered.
        max_inbound_header_list_size=2 * settings.header_bytes,
        max_inbound_header_count=4 * settings.header_count,
        # Acknowledgements that wait to be sent, entries of one SETTINGS frame, frames of one
        # header block, and frames without sense at once and a second.
        max_outbound_ack=1000,
        max_settings=32,
        max_continuations=8,
        glitch_rate_limit=(10_000, 330),
        # Left to `floods.py`: the library would say INTERNAL_ERROR, and not what is wrong.
        stream_reset_rate_limit=(1 << 32, 1 << 32),
    )
    return ngh2.Connection(ngh2.Role.SERVER, config)


def announce(engine: Engine, settings: ListenerSettings) -> None:
    """Begin: queue the settings, and the window of the connection."""
    engine.initiate_connection(
        {
            ngh2.Setting.MAX_CONCURRENT_STREAMS: settings.streams,
            ngh2.Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            ngh2.Setting.MAX_HEADER_LIST_SIZE: settings.header_bytes,
        }
    )
    engine.set_local_window_size(CONNECTION_WINDOW)


def is_flood(error: Http2Error) -> bool:
    """Return whether the library has found that a client sends too much at once."""
    return isinstance(error, ngh2.DenialOfServiceError)


def last_words(engine: Engine, counters: Counters) -> str:
    """Count and log how a connection has ended of which the library wants no more.

    Returns what its client sent too much of, "" if that was not the reason.
    """
    flood = ""
    for event in engine.events():
        if type(event) is ngh2.ConnectionClosed and event.error_code:
            if event.debug_data != _GO_LEAVES:
                counters.bad_requests += 1
            _logger.debug("HTTP/2 connection ended code=%d", event.error_code)
            if event.error_code == ENHANCE_YOUR_CALM:
                flood = event.debug_data.decode("utf-8", "replace") or "frames without sense"
    return flood


class Frames:
    """What the events of one connection's `engine` do to its streams.

    Requests and unary calls go to `requests`, streaming ones to `calls`; `http` and `rpc` answer
    them. `withheld` keeps what the client is not credited yet, and `sender` forgets streams that
    are over. `goodbye` and `pings` wait for a ping to come back, and `unread` is what the client is
    owed.
    """

    def __init__(
        self,
        shared: Shared,
        engine: Engine,
        http: HttpFront,
        rpc: RpcFront,
        requests: Requests,
        calls: Conversations,
        withheld: Withheld,
        sender: Sender,
        goodbye: Goodbye,
        pings: Pings,
        unread: Unread,
    ) -> None:
        self._shared = shared
        self._http = http
        self._rpc = rpc
        self._requests = requests
        self._streams = requests.streams
        self._calls = calls
        self._sender = sender
        self._credit = engine.acknowledge_received_data
        self._withheld = withheld
        self._goodbye = goodbye
        self._pings = pings
        self._unread = unread
        self._now = shared.loop.time()
        self._floods = Floods(shared.settings, self._now)
        # The last header block, around the value of its `x-request-id` if it has one.
        self._last_block: tuple[ngh2.Header, ...] = ()
        self._last_rest: tuple[ngh2.Header, ...] = ()
        self._last_id: ngh2.Header | None = None
        self._last_head = Head(b"", b"", {})
        self._timed: list[Stream] = []  # opened in this turn, by calls that have a deadline

    def handle(self, events: Iterator[ngh2.Event], now: float) -> bool:
        """Handle events until there are no more, or a turn's share of them or of requests.

        `now` is the loop's clock. Returns whether some may be left. Raises FloodError if the
        client sends too much of what is legal.
        """
        self._now = now
        rota = self._shared.rota
        begun, share = 0, rota.share if rota.has_room() else 1
        for event in islice(events, EVENTS_PER_TURN):
            kind = type(event)
            if kind is ngh2.DataReceived:
                begun += self._on_data(event)  # type: ignore[arg-type]  # `kind is` does not narrow
            elif kind is ngh2.RequestReceived:
                begun += self._on_request(event)  # type: ignore[arg-type]
            elif kind is ngh2.StreamClosed:
                self._on_closed(event.stream_id)  # type: ignore[attr-defined]
                if event.error_code:  # type: ignore[attr-defined]  # by the client or through it
                    self._count(Flood.RESETS)
            elif kind is ngh2.TrailersReceived:
                begun += self._on_end(event.stream_id)  # type: ignore[attr-defined]
            else:
                self._on_other(kind)
            if begun >= share:
                break
        if self._timed:
            self._requests.watch_unfinished(self._timed)
            self._timed.clear()
        return begun >= share or length_hint(events) > 0

    def _on_request(self, event: ngh2.RequestReceived) -> bool:
        """Open a stream; return whether its request has begun, or what begins it took as long."""
        block = event.headers
        # Most requests of a connection have the same header block, a router's but for the request's
        # id. Comparing it with the last one costs 0.2 µs, taking it apart 2.7 µs; to a router an
        # agent's port answers in 16 µs instead of 19 (bench_upstream).
        request_id = b""
        if block != self._last_block:
            request_id = self._another_id(block)
            if not request_id:
                self._read_head(block)
        head = self._last_head
        stream: Stream
        if head.converse is not None:
            self._calls.open(event.stream_id, head, self._now, event.end_stream)
            return True
        if head.is_grpc:
            stream = RpcStream(event.stream_id, head, self._shared, self._now, self._rpc)
        else:
            stream = HttpStream(event.stream_id, head, self._shared, self._now, self._http)
        stream.request_id = request_id
        self._streams[stream.id] = stream
        refusal = stream.open()
        if refusal is not None:
            stream.has_ended = event.end_stream
            self._requests.answer(stream, refusal)
            return True
        if event.end_stream:
            return self._on_end(stream.id)
        if head.timeout_s != NO_DEADLINE:
            self._timed.append(stream)
        if head.nbytes > LARGE_HEAD:
            stream.keep()
            return True  # to read it took as long as a request
        return False

    def _another_id(self, block: tuple[ngh2.Header, ...]) -> bytes:
        """Return the request's id if the block is the last one but for an id as long, else b""."""
        last = self._last_id
        if last is None:
            return b""
        name, value = block[-1]
        if name != last[0] or len(value) != len(last[1]) or block[:-1] != self._last_rest:
            return b""
        return value

    def _read_head(self, block: tuple[ngh2.Header, ...]) -> None:
        """Take a header block apart, and keep it for those that follow."""
        self._last_head = head = read_head(block, self._shared.settings)
        self._last_block = block
        if head.is_grpc:
            head.converse = self._rpc.conversation(head.target)
        has_id = block[-1][0] == REQUEST_ID and head.converse is None
        is_whole = has_id and head.headers[REQUEST_ID] == block[-1][1]  # it comes once
        self._last_id = block[-1] if is_whole else None
        self._last_rest = block[:-1]

    def _on_other(self, kind: type[ngh2.Event]) -> None:
        """Take a frame that belongs to no request."""
        flood = _COUNTED.get(kind)
        if flood is not None:
            self._unread.sent -= _ACKNOWLEDGED.get(flood, 0)
            self._count(flood)
        elif kind is ngh2.PingAcknowledged and not self._pings.answered(self._now):
            self._goodbye.say()

    def _count(self, kind: Flood) -> None:
        if self._floods.is_flood(kind, self._now):
            raise FloodError(self._floods.describe(kind))

    def _on_data(self, event: ngh2.DataReceived) -> bool:
        """Take a piece of a body in; return whether its request has begun."""
        stream = self._streams.get(event.stream_id)
        data = event.data
        if not data and not event.end_stream:
            self._count(Flood.EMPTY_DATA)
        if stream is None:  # a streaming call, or it was answered early, or reset
            if not self._calls.receive(event.stream_id, data, event.end_stream):
                self._credit(len(data), event.stream_id)
            return False
        refusal = stream.receive(data)
        if self._shared.budget.is_full and stream.must_wait():
            self._withheld.add(len(data), stream.id)
        else:
            self._credit(len(data), stream.id)
        if refusal is not None:
            stream.has_ended = event.end_stream
            self._requests.answer(stream, refusal)
            return True
        stream.touched = self._now
        if event.end_stream:
            self._requests.begin(stream, self._now)
            return True
        return False

    def _on_closed(self, stream_id: int) -> None:
        """Forget a stream that is over; stop its work if it was not answered."""
        if not self._requests.closed(stream_id):
            self._calls.closed(stream_id)
        self._sender.forget(stream_id)

    def _on_end(self, stream_id: int) -> bool:
        """Begin the request of a stream whose client has sent everything."""
        stream = self._streams.get(stream_id)
        if stream is None:
            self._calls.end(stream_id)
            return False
        self._requests.begin(stream, self._now)
        return True
