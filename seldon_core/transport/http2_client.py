"""HTTP/2 in cleartext, client side, over `ngh2`: one connection, any number of requests at once.

The hop to replicas in other processes and the control links use it. Its rules:

- Requests that begin in one turn of the loop leave in one write.
- Of a body only a part lies in the library; the rest stays where it is (`uploads.py`).
- What the peer may send is credited as it is taken in, or by the receiver if it says so.
- A connection that is lost, or that the peer ends, tells every receiver whether its request may
  have been seen. After the peer's GOAWAY no request begins, those under way are finished.
- A peer that is silent is asked for a sign of life (`sign_of_life.py`).
- Nothing escapes from reading: a bug ends this connection and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import cast

import ngh2

from seldon_core.errors import UnreachableError, UpstreamError
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.receiver import Headers, Receiver
from seldon_core.transport.resets import Resets
from seldon_core.transport.settings import KIB, MIB
from seldon_core.transport.sign_of_life import SignOfLife, on_its_way
from seldon_core.transport.uploads import JOIN_UP_TO, Uploads

_logger = logging.getLogger(__name__)

STREAM_WINDOW = 4 * MIB
CONNECTION_WINDOW = 16 * MIB
"""How much the peer may send before it is credited: as much as our own listener lets clients."""

_PULL = 64 * KIB
_HEADER_BYTES = 64 * KIB
_STREAMS_BEFORE_SETTINGS = 100
_LAST_STREAM = (1 << 31) - 1000
_NO_ERROR, _REFUSED_STREAM, _CANCEL = 0, 7, 8
PATIENCE_S = 6.0
"""So long a replica may be too busy to answer a ping, which ours are for no more than moments."""


class Http2Client(asyncio.BufferedProtocol):
    """One connection to a peer, which `name` names in errors.

    `receive` is where the loop reads to; all connections of a process may share one. `on_leaving`
    is called once, when no request can begin any more. `pings`: ask a silent peer whether it is
    there, which servers other than ours take amiss, and give it up `patience_s` later.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        receive: memoryview,
        on_leaving: "Callable[[Http2Client], None]",
        *,
        pings: bool,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._loop = loop
        self._name = name
        self._receive = receive
        self._on_leaving = on_leaving
        self.pings = pings
        self._transport: asyncio.Transport | None = None
        config = ngh2.Configuration(
            auto_window_update=False, max_inbound_header_list_size=_HEADER_BYTES
        )
        self._h2 = ngh2.Connection(ngh2.Role.CLIENT, config)
        self._receivers: dict[int, Receiver] = {}
        self._uploads = Uploads(self._h2, ngh2.NGH2Error, self._on_room)
        self._rests, self._open = self._uploads.rests, self._uploads.open
        self._answering: set[int] = set()  # streams whose answer has begun
        self._resets = Resets(loop, self._reset)
        self._most_streams = _STREAMS_BEFORE_SETTINGS
        self._flush_armed = False
        self._write_paused = False
        self._is_leaving = False
        self._life = SignOfLife(patience_s, loop.time())
        self._greeting = loop.create_future()

    @property
    def has_room(self) -> bool:
        """Whether a request may begin now."""
        return len(self._receivers) + len(self._resets) < self._most_streams and self.is_open

    @property
    def is_open(self) -> bool:
        """Whether requests may begin once there is room."""
        return self._transport is not None and not self._is_leaving

    @property
    def under_way(self) -> int:
        """How many requests wait for their answers."""
        return len(self._receivers)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: announce the settings."""
        self._transport = transport = cast(asyncio.Transport, transport)
        transport.set_write_buffer_limits(high=_PULL)
        self._h2.initiate_connection(
            {
                ngh2.Setting.ENABLE_PUSH: 0,
                ngh2.Setting.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                ngh2.Setting.MAX_HEADER_LIST_SIZE: _HEADER_BYTES,
            }
        )
        self._h2.set_local_window_size(CONNECTION_WINDOW)
        self._flush()

    async def greeted(self) -> None:
        """Wait until the peer has said something, as it does at once, or the connection is lost.

        The kernel takes connections for a process that was stopped or hangs.
        """
        await self._greeting

    def request(
        self, headers: Headers, body: Sequence[Buffer], receiver: Receiver, *, ends: bool = True
    ) -> int:
        """Begin a request and return its stream; `receiver` is told what comes of it.

        With `ends` the parts of `body` joined are the whole body; else `send` has more. Raises
        UnreachableError if the connection takes none any more.
        """
        try:
            stream_id = self._h2.send_request(headers, end_stream=ends and not body)
        except ngh2.NGH2Error as error:
            self._leave()
            raise UnreachableError(f"{self._name} takes no more requests: {error}") from error
        self._receivers[stream_id] = receiver
        if stream_id > _LAST_STREAM:
            self._leave()  # numbers do not begin again: the next request has another connection
        if not ends:
            self._open.add(stream_id)
        if len(body) == 1 and len(body[0]) <= JOIN_UP_TO:
            self._h2.send_data(stream_id, body[0], end_stream=ends)
        elif body:
            self._uploads.give(stream_id, body)
        if not self._flush_armed:
            self._flush_armed = True
            self._loop.call_soon(self._flush)
        return stream_id

    def send(self, stream_id: int, body: Sequence[Buffer]) -> bool:
        """Send the next parts of an open request; return whether there is room for more.

        Otherwise the receiver is told when there is. Nothing is sent on a stream that is over.
        """
        if stream_id not in self._receivers:
            return True
        self._uploads.give(stream_id, body)
        self._arm_flush()
        return stream_id not in self._rests

    def end(self, stream_id: int) -> None:
        """End an open request, after what was given to `send`."""
        if self._uploads.end(stream_id):
            self._arm_flush()

    def credit(self, stream_id: int, nbytes: int) -> None:
        """Let the peer send `nbytes` more on a stream."""
        self._try(self._h2.acknowledge_received_data, nbytes, stream_id)
        self._arm_flush()

    def cancel(self, stream_id: int) -> None:
        """Give a request up; its receiver hears no more."""
        if self._receivers.pop(stream_id, None) is not None:
            self._uploads.forget(stream_id)
            self._answering.discard(stream_id)
            if self._transport is not None:
                self._resets.add(stream_id)

    def leave(self) -> None:
        """Begin nothing more, and close once the requests under way have their answers."""
        self._leave()
        if not self._receivers:
            self.abort()

    def abort(self) -> None:
        """Close now."""
        transport = self._transport
        if transport is not None:
            self._try(self._h2.terminate_connection)
            self._flush()
            if transport.get_write_buffer_size():
                transport.abort()  # a close would wait for a peer that does not read
            else:
                transport.close()
            self.connection_lost(None)

    def visit(self, now: float) -> None:
        """Ask a silent peer for a sign of life, and give up one that gives none.

        Called every second; `now` is the loop's clock.
        """
        transport, life = self._transport, self._life
        if transport is None or not self.pings or not life.is_silent(now):
            return
        if life.is_lost(now, on_its_way(transport)):
            why = f"no sign of life for {life.patience_s:g} s"
            _logger.warning("connection to %s closed: %s", self._name, why)
            transport.abort()
            self.connection_lost(TimeoutError(why))
        elif not life.is_asked:
            self._try(self._h2.ping)
            self._flush()
            life.asked(now)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the loop shall read to."""
        return self._receive

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was read: hand on what came of it, send what is due."""
        if self._transport is None:
            return
        self._life.hear(self._loop.time())
        self._flush_armed = True  # one flush at the end, however many requests begin meanwhile
        try:
            self._h2.receive_data(self._receive[:nbytes])
            receivers = self._receivers
            for event in self._h2.events():
                # Most are of these three kinds, of calls whose answers are small.
                kind = type(event)
                if kind is ngh2.DataReceived:
                    self._on_data(event)  # type: ignore[arg-type]  # `kind is` does not narrow
                elif kind is ngh2.ResponseReceived:
                    self._on_head(event)  # type: ignore[arg-type]
                elif kind is ngh2.StreamClosed:
                    if event.stream_id in receivers or self._resets:  # type: ignore[attr-defined]
                        self._on_closed(event)  # type: ignore[arg-type]
                else:
                    self._on_other(event)
            self._flush()
            if not self._h2.want_read and self._transport is not None:
                self.abort()
        except ngh2.NGH2Error as error:
            _logger.warning("connection to %s closed: %s", self._name, error)
            self.abort()
        except Exception:
            _logger.exception("connection to %s closed by a bug", self._name)
            self.abort()

    def eof_received(self) -> bool:
        """Take the end of the peer's side as the end of the connection."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Tell every receiver whose answer is not complete."""
        if self._transport is None:
            return
        self._transport = None
        self._greet()
        self._resets.stop()
        receivers, answering = self._receivers, self._answering
        self._receivers, self._answering = {}, set()
        self._uploads.forget_all()
        self._leave()
        why = f"{self._name} closed the connection" if error is None else f"{self._name}: {error}"
        for stream_id, receiver in receivers.items():
            if stream_id in answering:
                receiver.on_lost(UpstreamError(f"{why} before its answer was complete"))
            else:
                receiver.on_lost(UnreachableError(f"{why} before it answered", was_sent=True))

    def pause_writing(self) -> None:
        """Pull nothing more: the peer does not take what it is sent."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Go on with what `pause_writing` stopped."""
        self._write_paused = False
        self._flush()

    def _on_room(self, stream_id: int) -> None:
        receiver = self._receivers.get(stream_id)
        if receiver is not None:
            receiver.on_room()

    def _on_other(self, event: ngh2.Event) -> None:
        if isinstance(event, ngh2.TrailersReceived):
            receiver = self._finish(event.stream_id)
            if receiver is not None:
                receiver.on_trailers(event.headers)
        elif isinstance(event, ngh2.SettingsReceived):
            self._greet()
            streams = ngh2.Setting.MAX_CONCURRENT_STREAMS
            self._most_streams = self._h2.remote_settings.get(streams, _STREAMS_BEFORE_SETTINGS)
        elif isinstance(event, ngh2.GoAwayReceived):
            self._leave()

    def _on_head(self, event: ngh2.ResponseReceived) -> None:
        stream_id, has_ended = event.stream_id, event.end_stream
        receiver = self._finish(stream_id) if has_ended else self._receivers.get(stream_id)
        if receiver is not None:
            if not has_ended:
                self._answering.add(stream_id)
            receiver.on_head(event.headers, has_ended)

    def _on_data(self, event: ngh2.DataReceived) -> None:
        stream_id, data, has_ended = event.stream_id, event.data, event.end_stream
        receiver = self._finish(stream_id) if has_ended else self._receivers.get(stream_id)
        if receiver is None or receiver.on_data(data, has_ended):
            try:
                self._h2.acknowledge_received_data(len(data), stream_id)
            except ngh2.NGH2Error as error:
                # With the peer's last answers its end has come: more of them may be among what was
                # read with it.
                _logger.debug("connection to %s: %s", self._name, error)

    def _on_closed(self, event: ngh2.StreamClosed) -> None:
        stream_id, code = event.stream_id, event.error_code
        self._resets.forget(stream_id)
        is_answering = stream_id in self._answering
        receiver = self._finish(stream_id)
        if receiver is None:
            return
        if code == _REFUSED_STREAM:  # also what was not begun before the peer's GOAWAY
            receiver.on_lost(UnreachableError(f"{self._name} refused the call"))
            return
        where = "before its answer was complete" if is_answering else "before it answered"
        receiver.on_lost(UpstreamError(f"{self._name} reset the call {where} (code {code})"))

    def _finish(self, stream_id: int) -> Receiver | None:
        """Forget a stream whose answer has ended; return its receiver if it still has one."""
        receiver = self._receivers.pop(stream_id, None)
        self._answering.discard(stream_id)
        if (self._open or self._rests) and self._uploads.forget(stream_id):
            # It was answered before it ended: no more of it is sent.
            self._try(self._h2.reset_stream, stream_id, _NO_ERROR)
        if self._is_leaving and not self._receivers:
            self._loop.call_soon(self._close_if_done)
        return receiver

    def _reset(self, stream_id: int) -> None:
        self._try(self._h2.reset_stream, stream_id, _CANCEL)
        self._arm_flush()
        if self._is_leaving:
            self._loop.call_soon(self._close_if_done)

    def _leave(self) -> None:
        if not self._is_leaving:
            self._is_leaving = True
            self._on_leaving(self)

    def _close_if_done(self) -> None:
        if self._is_leaving and not self._receivers:
            self.abort()

    def _try(self, step: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Tell the library something about a stream that may be over already."""
        try:
            step(*args, **kwargs)
        except ngh2.NGH2Error as error:
            _logger.debug("connection to %s: %s", self._name, error)

    def _arm_flush(self) -> None:
        if not self._flush_armed:
            self._flush_armed = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what the library has to send, until the transport has had enough."""
        self._flush_armed = False
        pull = self._h2.data_to_send
        try:
            while not self._write_paused and self._transport is not None:
                data = pull(_PULL)
                if data:
                    self._life.written += len(data)
                    self._transport.write(data)
                if len(data) < _PULL and not self._uploads.refill():
                    return
        except ngh2.NGH2Error as error:
            _logger.debug("connection to %s closed: %s", self._name, error)
            transport = self._transport
            if transport is not None:
                transport.abort()
                self.connection_lost(None)

    def _greet(self) -> None:
        if not self._greeting.done():
            self._greeting.set_result(None)
