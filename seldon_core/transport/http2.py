"""HTTP/2 in cleartext, server side, over `ngh2` (libnghttp2).

The library turns bytes into events and calls into bytes; this connection moves the bytes, decides
how much at a time, and ties events to streams (`streams.py`). Its rules:

- Nothing escapes from reading: a bug ends this connection and nothing else.
- At most `requests_per_turn` requests begin in one turn of the loop; the rest waits for the next
  turn, and reading with it. After `pause_writing` nothing is read, begun or pulled until resume.
- What the client may send is credited when it is taken in, and withheld while the budget is full:
  at once for a body of unannounced length, a quarter later for one that had room when it began.
- Frames that are legal and too many end the connection: over time (`floods.py`, `calm.py`), or at
  once, which the library sees. At most 512 events are handled in a turn.
- What comes of the streams is kept apart: requests and unary calls (`http2_requests.py`), streaming
  calls (`conversing.py`), and what of their answers has not left yet (`sending.py`,
  `deliveries.py`).
- A stream that is reset, and every stream of a connection that is lost, has its work cancelled.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import islice
from operator import length_hint
from typing import Concatenate, ParamSpec, cast

import ngh2

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.calm import ENHANCE_YOUR_CALM, Leaving, goaway, note_flood
from seldon_core.transport.conversing import Conversations
from seldon_core.transport.crediting import Withheld
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.floods import Flood, Floods
from seldon_core.transport.goodbye import Goodbye
from seldon_core.transport.http2_requests import Requests
from seldon_core.transport.peers import peer_name
from seldon_core.transport.pinging import Pings
from seldon_core.transport.sending import Sender
from seldon_core.transport.settings import KIB, MIB
from seldon_core.transport.shared import RECEIVE_BYTES, Shared
from seldon_core.transport.streams import (
    LARGE_HEAD,
    Head,
    HttpStream,
    RpcStream,
    Stream,
    read_head,
)
from seldon_core.transport.unread import Unread

_logger = logging.getLogger(__name__)

# What the library makes of the end of every client in Go, which names a stream of its own there.
_GO_LEAVES = b"GOAWAY: invalid last_stream_id"

# How much a client may send before it is credited. With the default of 64 KiB it waits for a round
# trip after each 64 KiB.
STREAM_WINDOW = 4 * MIB
CONNECTION_WINDOW = 16 * MIB
# How much is pulled from the library at a time: past it the transport may ask to pause.
PULL = 64 * KIB
# How many events are handled in a turn of the loop: 64 KiB can be 7,000, which took 4 ms, and the
# loop reads 32 times in a turn if there is always more.
EVENTS_PER_TURN = 512

_COUNTED = {
    ngh2.WindowUpdated: Flood.WINDOW_UPDATES,
    ngh2.PingReceived: Flood.PINGS,
    ngh2.SettingsReceived: Flood.SETTINGS,
}
_ACKNOWLEDGED = {Flood.PINGS: 17, Flood.SETTINGS: 9}  # bytes sent in return, which owe no answer
_ENOUGH = 1 << 20  # more than requests may begin in a turn

_P = ParamSpec("_P")


def _guarded(
    step: "Callable[Concatenate[Http2Connection, _P], None]",
) -> "Callable[Concatenate[Http2Connection, _P], None]":
    """Let an error out of a step that others call end this connection and nothing else."""

    @wraps(step)
    def guarded(self: "Http2Connection", /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            step(self, *args, **kwargs)
        except ngh2.NGH2Error as error:
            self._give_up(error)
        except Exception:
            _logger.exception("HTTP/2 connection closed by a bug")
            self._fail()

    return guarded


class Http2Connection(asyncio.BufferedProtocol):
    """One client's connection. Made by the listener, which hands it the transport."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._loop = shared.loop
        self._transport: asyncio.Transport | None = None
        settings = shared.settings
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
        self._h2 = ngh2.Connection(ngh2.Role.SERVER, config)
        self._sender = Sender(self._h2, ngh2.NGH2Error)
        self._deliveries = Deliveries(
            shared, self._h2, ngh2.NGH2Error, self._arm_flush, self._begin_sending
        )
        self._credit = self._h2.acknowledge_received_data
        self._withheld = Withheld(shared.budget, self._credit, self._credit_withheld)
        self._requests = Requests(
            shared, self._h2, self._sender, self._deliveries, self._withheld.holds, self._arm_flush
        )
        self._streams = self._requests.streams
        self._goodbye = Goodbye(self._h2)
        now = self._loop.time()
        self._pings = Pings(self._h2, settings.ping_s, settings.ping_timeout_s, now)
        self._backlog: Iterator[ngh2.Event] | None = None
        self._last_block: tuple[ngh2.Header, ...] = ()
        self._last_head = Head(b"", b"", {})
        self._flush_armed = False
        self._write_paused = False
        self._touched = self._loop.time()
        self._unread = Unread(shared)
        self._floods = Floods(settings, self._touched)
        self._peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: announce the settings."""
        transport = cast(asyncio.Transport, transport)  # uvloop's has the methods, not the class
        self._transport = transport
        settings = self._shared.settings
        self._peer = peer = peer_name(transport)
        self._http = self._shared.http.for_peer(peer)
        self._rpc = self._shared.rpc.for_peer(peer)
        self._calls = Conversations(
            self._shared,
            self._rpc,
            peer,
            self._h2,
            self._sender,
            self._deliveries,
            self._arm_flush,
        )
        transport.set_write_buffer_limits(high=settings.write_buffer_bytes)
        self._h2.initiate_connection(
            {
                ngh2.Setting.MAX_CONCURRENT_STREAMS: settings.streams,
                ngh2.Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                ngh2.Setting.MAX_HEADER_LIST_SIZE: settings.header_bytes,
            }
        )
        self._h2.set_local_window_size(CONNECTION_WINDOW)
        self._shared.register(self)
        self._flush()

    def take_first(self, data: bytes) -> None:
        """Take in what was read before this connection had the transport."""
        self._receive(data)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the loop shall read to: the buffer that all connections share."""
        return self._shared.receive

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was read."""
        self._receive(self._shared.receive[:nbytes])
        if nbytes == RECEIVE_BYTES and self._transport is not None:
            # The loop would read again at once, up to 32 times. What comes may be work without
            # being an event: 2 MiB of frames for a stream that is gone take 20 ms.
            self._shared.paused[self] = self._transport
            self._transport.pause_reading()
            self._loop.call_soon(self._pace_reading)

    def eof_received(self) -> bool:
        """Take the end of the client's side as a hang-up: half a connection is of no use."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Cancel the work of every stream."""
        shared = self._shared
        self._transport = None
        self._backlog = None
        self._requests.lose()
        self._calls.lose()
        self._sender.forget_all()
        self._withheld.forget()
        self._unread.count(0)
        shared.unregister(self)
        # They call this connection back. Without that circle its memory is free at once.
        del self._requests, self._streams, self._calls, self._deliveries, self._withheld

    def pause_writing(self) -> None:
        """Stop pulling answers, and stop reading: the client does not take what it asked for."""
        self._write_paused = True
        self._pace_reading()

    def resume_writing(self) -> None:
        """Go on with what `pause_writing` stopped."""
        self._write_paused = False
        self._pace_reading()
        if self._backlog is not None:
            self._continue()
        else:
            self._flush()

    def _receive(self, data: Buffer) -> None:
        """Take in bytes: turn them into events, handle those, send what came of it."""
        if self._transport is None:
            return
        self._touched = self._loop.time()
        self._flush_armed = True  # one flush at the end, however many answers
        try:
            self._h2.receive_data(data)
            self._handle(iter(self._h2.events()))
            self._flush()
            if not self._h2.want_read:
                self._end()
        except ngh2.NGH2Error as error:
            self._give_up(error)
        except Exception:
            _logger.exception("HTTP/2 connection closed by a bug")
            self._fail()

    def _give_up(self, error: ngh2.NGH2Error) -> None:
        """Close, as the library does: it sends nothing on such a connection any more."""
        _logger.debug("HTTP/2 connection closed error=%s", error)
        self._shared.counters.bad_requests += 1
        if isinstance(error, ngh2.DenialOfServiceError):
            self._calm(str(error), goaway(str(error)))
        else:
            self.abort()

    def _calm(self, text: str, last_frame: bytes = b"") -> None:
        """End the connection of a client that sends too much of what is legal."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(last_frame)
            note_flood(self._shared, self._peer, text)
            self._leave(transport)

    def _leave(self, transport: asyncio.Transport) -> None:
        """Close when the client has had time to read what it was told."""
        self.connection_lost(None)
        Leaving(self._shared, transport)

    def _count_flood(self, kind: Flood) -> int:
        """Count a frame; return more than a turn's share if it is one too many."""
        if not self._floods.is_flood(kind, self._touched):
            return 0
        text = self._floods.describe(kind)
        self._calm(text, goaway(text))
        return _ENOUGH

    def _fail(self) -> None:
        self._shared.counters.internal_errors += 1
        self.abort()

    def _end(self) -> None:
        """Close when the library has said all: it answers what breaks the protocol by a GOAWAY."""
        flood = ""
        for event in self._h2.events():
            if type(event) is ngh2.ConnectionClosed and event.error_code:
                if event.debug_data != _GO_LEAVES:
                    self._shared.counters.bad_requests += 1
                _logger.debug("HTTP/2 connection ended code=%d", event.error_code)
                if event.error_code == ENHANCE_YOUR_CALM:
                    flood = event.debug_data.decode("utf-8", "replace") or "frames without sense"
        if flood:
            self._calm(flood)
            return
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size():
            transport.close()  # which waits for a client that reads slowly
        else:
            self._leave(transport)

    def _handle(self, events: Iterator[ngh2.Event]) -> None:
        """Handle events until there are no more, or a turn's share of them or of requests."""
        begun, share = 0, self._shared.share
        for event in islice(events, EVENTS_PER_TURN):
            kind = type(event)
            if kind is ngh2.DataReceived:
                begun += self._on_data(event)  # type: ignore[arg-type]  # `kind is` does not narrow
            elif kind is ngh2.RequestReceived:
                begun += self._on_request(event)  # type: ignore[arg-type]
            elif kind is ngh2.StreamClosed:
                self._on_closed(event.stream_id)  # type: ignore[attr-defined]
                if event.error_code:  # type: ignore[attr-defined]  # by the client or through it
                    begun += self._count_flood(Flood.RESETS)
            elif kind is ngh2.TrailersReceived:
                begun += self._on_end(event.stream_id)  # type: ignore[attr-defined]
            else:
                begun += self._on_other(kind)
            if begun >= share:
                break
        if self._transport is None or (begun < share and not length_hint(events)):
            self._backlog = None
            return
        self._backlog = events
        self._pace_reading()
        self._shared.queue_up(1)
        self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._shared.queue_up(-1)
        self._continue()

    @_guarded
    def _continue(self) -> None:
        """Handle what an earlier turn has left."""
        if self._backlog is None or self._write_paused:
            return
        self._flush_armed = True
        self._handle(self._backlog)
        self._pace_reading()
        self._flush()

    def _pace_reading(self) -> None:
        """Read only while nothing is left to handle and the client takes its answers."""
        transport = self._transport
        if transport is None:
            return
        paused = self._shared.paused
        if self._backlog is not None or self._write_paused:
            if self not in paused:
                paused[self] = transport
                transport.pause_reading()
        elif paused.pop(self, None) is not None:
            transport.resume_reading()

    def _on_request(self, event: ngh2.RequestReceived) -> bool:
        """Open a stream; return whether its request has begun, or what begins it took as long."""
        block = event.headers
        # Most requests of a connection have the same header block. Comparing it with the last
        # one costs 0.2 µs, taking it apart 2.7 µs.
        if block != self._last_block:
            self._last_head = head = read_head(block, self._shared.settings)
            self._last_block = block
            if head.is_grpc:
                head.converse = self._rpc.conversation(head.target)
        head = self._last_head
        stream: Stream
        if head.converse is not None:
            self._calls.open(event.stream_id, head, self._touched, event.end_stream)
            return True
        if head.is_grpc:
            stream = RpcStream(event.stream_id, head, self._shared, self._touched, self._rpc)
        else:
            stream = HttpStream(event.stream_id, head, self._shared, self._touched, self._http)
        self._streams[stream.id] = stream
        refusal = stream.open()
        if refusal is not None:
            stream.has_ended = event.end_stream
            self._requests.answer(stream, refusal)
            return True
        if event.end_stream:
            return self._on_end(stream.id)
        if head.nbytes > LARGE_HEAD:
            stream.keep()
            return True  # to read it took as long as a request
        return False

    def _on_other(self, kind: type[ngh2.Event]) -> int:
        """Take a frame that belongs to no request; return as `_count_flood` does."""
        flood = _COUNTED.get(kind)
        if flood is not None:
            self._unread.sent -= _ACKNOWLEDGED.get(flood, 0)
            return self._count_flood(flood)
        if kind is ngh2.PingAcknowledged and not self._pings.answered(self._touched):
            self._goodbye.say()
        return 0

    def _on_data(self, event: ngh2.DataReceived) -> int:
        """Take a piece of a body in; return whether its request has begun."""
        stream = self._streams.get(event.stream_id)
        data = event.data
        if not data and not event.end_stream and self._count_flood(Flood.EMPTY_DATA):
            return _ENOUGH
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
        stream.touched = self._touched
        if event.end_stream:
            self._requests.begin(stream, self._touched)
            return True
        return False

    @_guarded
    def _credit_withheld(self) -> None:
        if self._transport is not None:
            self._withheld.give_all()
            self._arm_flush()

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
        self._requests.begin(stream, self._touched)
        return True

    def _begin_sending(self) -> None:
        """Count the time that the client takes from now on, if it was owed nothing before."""
        if not self._write_paused and not self._h2.queued_body_size():
            self._touched = self._loop.time()
            self._unread.begin(self._touched)

    def _arm_flush(self) -> None:
        if not self._flush_armed:
            self._flush_armed = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what the library has to send, until the transport or the client has had enough."""
        self._flush_armed = False
        transport = self._transport
        if transport is None:
            return
        pull, sender = self._h2.data_to_send, self._sender
        try:
            while not self._write_paused:
                data = pull(PULL)
                if data:
                    self._unread.sent += len(data)
                    transport.write(data)
                # Less than was asked for: the library has no more for now.
                if len(data) < PULL and (sender.is_idle or not sender.refill(self._touched)):
                    if self._deliveries.under_way:
                        self._deliveries.refill()
                    break
        except ngh2.NGH2Error as error:
            _logger.debug("HTTP/2 connection closed error=%s", error)
            self.abort()
            return
        if self._goodbye.is_said:
            self._close_if_done()

    @_guarded
    def drain(self) -> None:
        """Begin nothing new, answer what is outstanding, then close."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._goodbye.is_begun:
            return
        self._calls.end_all()
        self._goodbye.begin(self._loop.time())
        self._flush()

    def _close_if_done(self) -> None:
        is_sent = self._sender.is_idle and not self._h2.queued_body_size()
        is_done = is_sent and not self._streams and not self._calls
        if is_done and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now; what is outstanding is cancelled."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def check_hang_up(self) -> None:
        """Take the end of the client's side, seen while reading is paused, as a hang-up."""
        self.abort()

    @_guarded
    def visit(self, now: float) -> None:
        """Look at the time-outs: of the drain, of bodies, of work, of clients that do not read."""
        transport = self._transport
        if transport is None or self._has_ended(transport, now):
            return
        if self._is_dead(now):
            return
        if self._goodbye.visit(now):
            self._arm_flush()
        self._requests.visit(now)
        self._calls.visit(now)
        if not self._sender.is_idle:
            self._touched = now
            self._flush()
        # What waits in the library is bounded for each stream, and counted here: more often would
        # cost each call.
        unread = self._h2.queued_body_size() + transport.get_write_buffer_size()
        self._unread.count(unread - self._sender.nbytes - self._deliveries.nbytes)
        if unread or self._write_paused or not self._sender.is_idle:
            if not self._is_cut_off(transport, now):
                self._requests.visit_unread(now)
            return
        self._unread.begin(now)
        if not self._streams and not self._calls and self._is_idle(now):
            self.drain()

    def _is_dead(self, now: float) -> bool:
        """Close the connection if its client answers no ping; return whether that was so."""
        if not self._calls:
            return False
        is_dead = self._pings.visit(now)
        if is_dead:
            self._shared.counters.timeouts += 1
            _logger.warning(
                "dropped a caller that gives no sign of life peer=%s timeout_s=%g",
                self._peer,
                self._shared.settings.ping_timeout_s,
            )
            self.abort()
        self._arm_flush()
        return is_dead

    def _is_idle(self, now: float) -> bool:
        return now - self._touched > self._shared.settings.idle_timeout_s

    def _is_cut_off(self, transport: asyncio.Transport, now: float) -> bool:
        """Close the connection if its client takes too little; return whether that was so."""
        is_stuck = self._unread.is_stuck(now, transport.get_write_buffer_size())
        if is_stuck:
            self._shared.counters.timeouts += 1
            self.abort()
        return is_stuck

    def _has_ended(self, transport: asyncio.Transport, now: float) -> bool:
        """Return whether the connection is over, though it may still be open to send the rest."""
        if transport.is_closing():
            self._is_cut_off(transport, now)
            return True
        if self._h2.want_read:
            return False
        self._end()
        return True
