"""One HTTP/2 connection in cleartext, server side: its transport, its pace and its end.

`http2_frames.py` makes of what is read what is done to streams; this connection moves the bytes and
decides how much at a time. Its rules:

- Nothing escapes from reading: a bug ends this connection and nothing else.
- At most `requests_per_turn` requests begin in one turn of the loop, and at most 512 events are
  handled; the rest waits for the next turn, and reading with it. After `pause_writing` nothing is
  read, begun or pulled until resume.
- What the client may send is credited when it is taken in, and withheld while the budget is full:
  at once for a body of unannounced length, a quarter later for one that had room when it began.
- Frames that are legal and too many end the connection: over time (`floods.py`, `calm.py`), or at
  once, which the library sees.
- What comes of the streams is kept apart: requests and unary calls (`http2_requests.py`), streaming
  calls (`conversing.py`), and what of their answers has not left yet (`http2_outflow.py`,
  `sending.py`, `deliveries.py`).
- A stream that is reset, and every stream of a connection that is lost, has its work cancelled.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.calm import Leaving, goaway, note_flood
from seldon_core.transport.conversing import Conversations
from seldon_core.transport.crediting import Withheld
from seldon_core.transport.http2_frames import (
    Event,
    FloodError,
    Frames,
    Http2Error,
    announce,
    is_flood,
    last_words,
    new_engine,
)
from seldon_core.transport.http2_outflow import Outflow
from seldon_core.transport.http2_requests import Requests
from seldon_core.transport.peers import peer_name
from seldon_core.transport.rota import RECEIVE_BYTES
from seldon_core.transport.shared import Shared

_logger = logging.getLogger(__name__)
_P = ParamSpec("_P")


def _guarded(
    step: "Callable[Concatenate[Http2Connection, _P], None]",
) -> "Callable[Concatenate[Http2Connection, _P], None]":
    """Let an error out of a step that others call end this connection and nothing else."""

    @wraps(step)
    def guarded(self: "Http2Connection", /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            step(self, *args, **kwargs)
        except FloodError as error:
            self._calm(str(error), goaway(str(error)))
        except Http2Error as error:
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
        self._h2 = new_engine(shared.settings)
        self._out = out = Outflow(shared, self._h2, self._is_done)
        credit = self._h2.acknowledge_received_data
        self._withheld = Withheld(shared.budget, credit, self._credit_withheld)
        self._requests = Requests(
            shared, self._h2, out.sender, out.deliveries, self._withheld.holds, out.arm
        )
        self._streams = self._requests.streams
        self._backlog: Iterator[Event] | None = None
        self._peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: announce the settings."""
        transport = cast(asyncio.Transport, transport)  # uvloop's has the methods, not the class
        out, shared, settings = self._out, self._shared, self._shared.settings
        out.transport = transport
        self._peer = peer = peer_name(transport)
        rpc = shared.rpc.for_peer(peer)
        self._calls = Conversations(
            shared, rpc, peer, self._h2, out.sender, out.deliveries, out.arm
        )
        self._frames = Frames(
            shared,
            self._h2,
            shared.http.for_peer(peer),
            rpc,
            self._requests,
            self._calls,
            self._withheld,
            out.sender,
            out.goodbye,
            out.pings,
            out.unread,
        )
        transport.set_write_buffer_limits(high=settings.write_buffer_bytes)
        announce(self._h2, settings)
        shared.register(self)
        out.flush()

    def take_first(self, data: bytes) -> None:
        """Take in what was read before this connection had the transport."""
        self._receive(data)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the loop shall read to: of the buffer that all share, less if many wait."""
        shared = self._shared
        nbytes = shared.rota.read_bytes
        return shared.receive if nbytes == RECEIVE_BYTES else shared.receive[:nbytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was read."""
        is_full = nbytes >= self._shared.rota.read_bytes
        self._receive(self._shared.receive[:nbytes])
        transport = self._out.transport
        if is_full and transport is not None:
            # The loop would read again at once, up to 32 times. What comes may be work without
            # being an event: 2 MiB of frames for a stream that is gone take 20 ms.
            self._shared.paused[self] = transport
            transport.pause_reading()
            self._loop.call_soon(self._pace_reading)

    def eof_received(self) -> bool:
        """Take the end of the client's side as a hang-up: half a connection is of no use."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Cancel the work of every stream."""
        self._out.transport = None
        self._backlog = None
        self._shared.rota.leave(self._continue)
        self._requests.lose()
        self._calls.lose()
        self._out.lose()
        self._withheld.forget()
        self._shared.unregister(self)
        # They call this connection back. Without that circle its memory is free at once.
        del self._requests, self._streams, self._calls, self._withheld, self._frames

    def pause_writing(self) -> None:
        """Stop pulling answers, and stop reading: the client does not take what it asked for."""
        self._out.is_paused = True
        self._pace_reading()

    def resume_writing(self) -> None:
        """Go on with what `pause_writing` stopped."""
        self._out.is_paused = False
        self._pace_reading()
        if self._backlog is not None:
            self._shared.rota.queue_up(self._continue)
        self._out.flush()

    def _receive(self, data: Buffer) -> None:
        """Take in bytes: turn them into events, handle those, send what came of it."""
        out = self._out
        if out.transport is None:
            return
        out.touched = self._loop.time()
        out.is_armed = True  # one flush at the end, however many answers
        try:
            self._h2.receive_data(data)
            events = iter(self._h2.events())
            if self._streams and not self._shared.rota.has_room():
                self._put_off(events)
            else:
                self._handle(events)
            out.flush()
            if not self._h2.want_read:
                self._end()
        except FloodError as error:
            self._calm(str(error), goaway(str(error)))
        except Http2Error as error:
            self._give_up(error)
        except Exception:
            _logger.exception("HTTP/2 connection closed by a bug")
            self._fail()

    def _give_up(self, error: Http2Error) -> None:
        """Close, as the library does: it sends nothing on such a connection any more."""
        _logger.debug("HTTP/2 connection closed error=%s", error)
        self._shared.counters.bad_requests += 1
        if is_flood(error):
            self._calm(str(error), goaway(str(error)))
        else:
            self.abort()

    def _calm(self, text: str, last_frame: bytes = b"") -> None:
        """End the connection of a client that sends too much of what is legal."""
        transport = self._out.transport
        if transport is not None and not transport.is_closing():
            transport.write(last_frame)
            note_flood(self._shared, self._peer, text)
            self._leave(transport)

    def _leave(self, transport: asyncio.Transport) -> None:
        """Close when the client has had time to read what it was told."""
        self.connection_lost(None)
        Leaving(self._shared, transport)

    def _fail(self) -> None:
        self._shared.counters.internal_errors += 1
        self.abort()

    def _end(self) -> None:
        """Close when the library has said all: it answers what breaks the protocol by a GOAWAY."""
        flood = last_words(self._h2, self._shared.counters)
        if flood:
            self._calm(flood)
            return
        transport = self._out.transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size():
            transport.close()  # which waits for a client that reads slowly
        else:
            self._leave(transport)

    def _handle(self, events: Iterator[Event]) -> None:
        """Handle a turn's share of events; the rest comes in the next one, before what is read."""
        self._backlog = None
        out = self._out
        if not self._frames.handle(events, out.touched) or out.transport is None:
            return
        self._put_off(events)

    def _put_off(self, events: Iterator[Event]) -> None:
        self._backlog = events
        self._pace_reading()
        self._shared.rota.queue_up(self._continue)

    @_guarded
    def _continue(self) -> None:
        """Handle what an earlier turn has left."""
        out = self._out
        if self._backlog is None or out.is_paused:
            return
        out.is_armed = True
        self._handle(self._backlog)
        self._pace_reading()
        out.flush()

    def _pace_reading(self) -> None:
        """Read only while nothing is left to handle and the client takes its answers."""
        transport = self._out.transport
        if transport is None:
            return
        paused = self._shared.paused
        if self._backlog is not None or self._out.is_paused:
            if self not in paused:
                paused[self] = transport
                transport.pause_reading()
        elif paused.pop(self, None) is not None:
            transport.resume_reading()

    @_guarded
    def _credit_withheld(self) -> None:
        if self._out.transport is not None:
            self._withheld.give_all()
            self._out.arm()

    @_guarded
    def drain(self) -> None:
        """Begin nothing new, answer what is outstanding, then close."""
        out = self._out
        if out.transport is None or out.transport.is_closing() or out.goodbye.is_begun:
            return
        self._calls.end_all()
        out.goodbye.begin(self._loop.time())
        out.flush()

    def abort(self) -> None:
        """Close now; what is outstanding is cancelled."""
        self._out.abort()

    def check_hang_up(self) -> None:
        """Take the end of the client's side, seen while reading is paused, as a hang-up."""
        self.abort()

    @_guarded
    def visit(self, now: float) -> None:
        """Look at the time-outs: of the drain, of bodies, of work, of clients that do not read."""
        out = self._out
        transport = out.transport
        if transport is None or self._has_ended(transport, now):
            return
        if self._is_dead(now):
            return
        if out.goodbye.visit(now):
            out.arm()
        self._requests.visit(now)
        self._calls.visit(now)
        out.push(now)
        if out.look(now):
            if not out.cut_off(now):
                self._requests.visit_unread(now)
        elif self._is_done() and out.is_idle(now):
            self.drain()

    def _is_dead(self, now: float) -> bool:
        """Close the connection if its client answers no ping; return whether that was so."""
        out = self._out
        if not self._calls:
            return False
        if not out.pings.visit(now):
            out.arm()
            return False
        self._shared.counters.timeouts += 1
        _logger.warning(
            "dropped a caller that gives no sign of life peer=%s timeout_s=%g",
            self._peer,
            self._shared.settings.ping_timeout_s,
        )
        self.abort()
        return True

    def _is_done(self) -> bool:
        """Return whether nothing is outstanding; what is answered may still be unsent."""
        return not self._streams and not self._calls

    def _has_ended(self, transport: asyncio.Transport, now: float) -> bool:
        """Return whether the connection is over, though it may still be open to send the rest."""
        if transport.is_closing():
            self._out.cut_off(now)
            return True
        if self._h2.want_read:
            return False
        self._end()
        return True
