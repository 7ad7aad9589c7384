"""The streaming gRPC calls of one HTTP/2 connection: their tasks, and what they send.

A call is in `Conversations` from its header block until its status is given to the library or its
client is gone, whichever is first. From then on it sends nothing, and its task, if there is still
one, has been cancelled. Everything here runs in the loop's thread, and between two awaits.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from seldon_core.errors import OverloadedError, SeldonError
from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.conversations import Conversation, InitialMetadata
from seldon_core.transport.deliveries import Deliveries
from seldon_core.transport.grpc_frames import RefusedCallError, no_room
from seldon_core.transport.heads import Head
from seldon_core.transport.outgoing import (
    Outgoing,
)
from seldon_core.transport.request_id import REQUEST_ID
from seldon_core.transport.sending import Engine, Sender
from seldon_core.transport.shared import RpcFront, Shared
from seldon_core.transport.streaming_call import StreamingCall
from seldon_core.transport.streams import FULL

_logger = logging.getLogger(__name__)

_CANCEL = 8  # HTTP/2's code for a stream that is not wanted any more
_BROKEN = "internal error; the server's log has more"


class CreditingEngine(Engine, Protocol):
    """What is used of the library's connection."""

    def acknowledge_received_data(self, amount: int, stream_id: int) -> None:
        """Let the client send `amount` bytes more."""


class Conversations:
    """The streaming calls of one connection, by stream. `len` of it is how many there are.

    `flush` has what was given to `engine` sent soon.
    """

    def __init__(
        self,
        shared: Shared,
        front: RpcFront,
        peer: str,
        engine: CreditingEngine,
        sender: Sender,
        deliveries: Deliveries,
        flush: Callable[[], None],
    ) -> None:
        self._shared = shared
        self._front = front
        self._rules = front.rules
        self._peer = peer
        self._engine = engine
        self._sender = sender
        self._gone = sender.gone
        self._deliveries = deliveries
        self._flush = flush
        self._calls: dict[int, StreamingCall] = {}
        self._is_ending = False

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, stream_id: int, head: Head, now: float, has_ended: bool) -> None:
        """Begin the call that `head` opens.

        `has_ended` says that the client sends nothing more, `now` is the loop's clock.
        """
        assert head.converse is not None
        call = StreamingCall(
            stream_id,
            head,
            self._shared,
            now,
            self._front,
            lambda nbytes: self._credit(stream_id, nbytes),
        )
        self._calls[stream_id] = call
        call.has_ended = has_ended
        refusal = call.open()
        if refusal is not None:
            self._refuse(call, refusal)
        elif self._is_ending:
            self._finish(call, self._ended())
        elif call.deadline <= now:
            self._expire(call)
        elif len(self._shared.conversing) >= self._shared.most_conversing:
            self._shared.counters.overloaded += 1
            text = "too many streaming calls are open on this server; try again later"
            self._finish(call, no_room(text))
        else:
            self._begin(call, head.converse)

    def receive(self, stream_id: int, data: bytes, has_ended: bool) -> bool:
        """Take the next bytes of a call; return whether there is one on this stream."""
        call = self._calls.get(stream_id)
        if call is None:
            return False
        if not call.incoming.feed(data):
            call.has_ended = has_ended
            self._shared.counters.overloaded += 1
            self._stop(call, no_room(FULL))
        elif has_ended:
            self.end(stream_id)
        return True

    def end(self, stream_id: int) -> None:
        """Note that the client has no more to say on a stream, if that is a call."""
        call = self._calls.get(stream_id)
        if call is not None:
            call.has_ended = True
            call.incoming.end()

    def closed(self, stream_id: int) -> None:
        """Stop the work of a stream that is over, if that is a call."""
        call = self._calls.pop(stream_id, None)
        if call is not None:
            self._shared.counters.hang_ups += 1
            self._deliveries.forget(stream_id)
            call.cancel()

    def lose(self) -> None:
        """Stop everything: the connection is lost."""
        for stream_id in list(self._calls):
            self.closed(stream_id)

    def end_all(self) -> None:
        """End every call, also one that begins hereafter: the port closes."""
        self._is_ending = True
        for call in list(self._calls.values()):
            if self._rules.ends_at_once:
                self._stop(call, None)
            else:
                call.incoming.end_soon()

    def visit(self, now: float) -> None:
        """End the calls whose handlers wait too long for the rest of a message that has begun."""
        patience_s = self._shared.patience_s(self._shared.settings.body_idle_timeout_s)
        for call in list(self._calls.values()):
            if call.comes_too_slowly(now, patience_s):
                self._shared.counters.timeouts += 1
                self._stop(call, _late("the rest of the message did not come in time"))

    def _ended(self) -> RefusedCallError | None:
        """Return what a call ends with because the port closes."""
        if self._rules.ends_at_once:
            return None
        return RefusedCallError(status.UNAVAILABLE, "the server is stopping; call again")

    def _begin(self, call: StreamingCall, converse: Conversation) -> None:
        shared = self._shared
        shared.counters.requests += 1
        if call.has_ended:
            call.incoming.end()
        task = shared.loop.create_task(self._run(call, converse), name=f"call {call.method}")
        shared.conversing.add(task)
        task.add_done_callback(shared.conversing.discard)
        call.task = task
        call.wait(lambda: self._expire(call))
        if self._rules.opens_at_once:
            # After the task's first step: a call that fails in it has its status and nothing else.
            shared.loop.call_soon(self._open_answer, call)

    def _credit(self, stream_id: int, nbytes: int) -> None:
        try:
            self._engine.acknowledge_received_data(nbytes, stream_id)
        except self._gone as error:
            _logger.debug("nothing more can be credited error=%s", error)
        self._flush()

    async def _run(self, call: StreamingCall, converse: Conversation) -> None:
        refusal: RefusedCallError | None = None
        try:
            headers = {**call.head.headers, REQUEST_ID: call.request_id}
            answers = converse(headers, call.incoming, self._peer, call.deadline)
            async with aclosing(answers):
                async for parts in answers:
                    await self._answer(call, parts)
            if self._is_ending and not call.has_ended:
                refusal = self._ended()
        except RefusedCallError as error:
            # Another: this one has a traceback, and by that this frame, which has it.
            refusal = RefusedCallError(error.code, error.message, lacks_room=error.lacks_room)
        except SeldonError as error:
            lacks_room = isinstance(error, OverloadedError)
            code = status.status_of(error).grpc
            refusal = RefusedCallError(code, str(error), lacks_room=lacks_room)
        except asyncio.CancelledError:
            if call.id not in self._calls:
                raise
            # Not our doing: what the handler waited for was cancelled. The client is told.
            refusal = self._fail(call, "was cancelled by others")
        except Exception:  # noqa: BLE001 - whatever the bug is, it is logged and the client told
            refusal = self._fail(call, "failed by a bug")
        self._finish(call, refusal)

    def _fail(self, call: StreamingCall, how: str) -> RefusedCallError:
        self._shared.counters.internal_errors += 1
        _logger.exception("a call %s method=%s peer=%s", how, call.method, self._peer)
        return RefusedCallError(status.INTERNAL, _BROKEN)

    async def _answer(self, call: StreamingCall, said: Sequence[Buffer] | InitialMetadata) -> None:
        """Send what a handler says, and wait until the client has taken it."""
        if call.id not in self._calls:
            raise asyncio.CancelledError
        if isinstance(said, InitialMetadata):
            call.add_metadata(said)
            self._open_answer(call)
            return
        self._open_answer(call)
        framed = await call.framed(said)
        timeout_s = self._rules.write_timeout_s
        try:
            await self._deliveries.deliver(call.id, framed, timeout_s, lambda: self._drop(call))
        except self._gone as error:
            self._lose(call, error)
            raise asyncio.CancelledError from error

    def _open_answer(self, call: StreamingCall) -> None:
        """Say the headers, if that was not done and there is still somebody to hear them."""
        if call.has_said_headers or call.id not in self._calls:
            return
        call.has_said_headers = True
        headers = call.opening()
        self._guarded(call, lambda: self._engine.send_response(call.id, headers))

    def _guarded(self, call: StreamingCall, give: Callable[[], object]) -> None:
        """Give the library something; if it says that the stream is over, the call is."""
        try:
            give()
        except self._gone as error:
            self._lose(call, error)
        self._flush()

    def _lose(self, call: StreamingCall, error: Exception) -> None:
        _logger.debug("a call found its stream gone error=%s", error)
        self.closed(call.id)

    def _drop(self, call: StreamingCall) -> None:
        """End the call of a client that does not read; one that subscribes may subscribe again."""
        shared = self._shared
        shared.counters.timeouts += 1
        others = shared.drops.due(shared.loop.time())
        if others is not None:
            _logger.warning(
                "dropped a caller that does not read method=%s peer=%s timeout_s=%g others=%d",
                call.method,
                self._peer,
                self._rules.write_timeout_s,
                others,
            )
        is_told_nothing = self._rules.ends_at_once
        self._stop(call, None if is_told_nothing else _late("the answers were not taken in time"))

    def _expire(self, call: StreamingCall) -> None:
        self._shared.counters.timeouts += 1
        self._stop(call, _late("the deadline of the call has passed"))

    def _stop(self, call: StreamingCall, refusal: RefusedCallError | None) -> None:
        """End a call from outside of its task."""
        self._finish(call, refusal)
        call.stop()

    def _refuse(self, call: StreamingCall, answer: Outgoing) -> None:
        """End a call of which the client has heard nothing yet."""
        self._leave(call)
        self._guarded(call, lambda: self._sender.submit(call, answer))

    def _finish(self, call: StreamingCall, refusal: RefusedCallError | None) -> None:
        """Tell the client how its call has ended, None well, if it is still there."""
        if call.id not in self._calls:
            return
        code, message = status.OK, ""
        if refusal is not None:
            self._shared.refusals.call(refusal)
            code, message = refusal.code, refusal.message
        if not call.has_said_headers:
            self._refuse(call, call.status_alone(code, message))
            return
        is_cut = self._deliveries.is_within(call.id)  # after which nothing can be said
        self._leave(call)
        if is_cut:
            self._guarded(call, lambda: self._engine.reset_stream(call.id, _CANCEL))
            return
        if not call.has_ended:
            self._sender.end_early(call.id)
        trailers = call.trailers(code, message)
        self._guarded(call, lambda: self._engine.send_trailers(call.id, trailers))

    def _leave(self, call: StreamingCall) -> None:
        """Send nothing more that the call says by itself."""
        del self._calls[call.id]
        self._deliveries.forget(call.id)
        call.release()


def _late(message: str) -> RefusedCallError:
    return RefusedCallError(status.DEADLINE_EXCEEDED, message)
