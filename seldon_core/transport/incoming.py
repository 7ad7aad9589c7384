"""The messages of one streaming gRPC call, taken apart as its handler asks for them.

What has come stays as it is until then, and so long the client is not credited for it: it can send
no more than its window before the handler takes something. A message that the handler waits for is
credited as it comes, or one larger than the window would never be complete.
"""

import asyncio
from collections.abc import Callable

from seldon_core.errors import InvalidRequestError, OverloadedError, PayloadTooLargeError
from seldon_core.protocol import status
from seldon_core.transport.bodies import inflate
from seldon_core.transport.grpc_frames import PREFIX_LENGTH, RefusedCallError, check_prefix, no_room
from seldon_core.transport.shared import Shared
from seldon_core.transport.streams import FULL


class Incoming:
    """The messages, for one handler to iterate over; `credit` lets the client send so much more.

    Iterating raises RefusedCallError if what came is no message, or a larger one than is allowed.
    """

    def __init__(
        self, shared: Shared, window_bits: int | None, credit: Callable[[int], None]
    ) -> None:
        self._shared = shared
        self._window_bits = window_bits
        self._credit = credit
        self._buffer = bytearray()
        self._needed = PREFIX_LENGTH  # bytes in the buffer with which there is something to do
        self._withheld = 0  # bytes that were not credited, the last ones of the buffer
        self._held = 0  # bytes counted in the budget: the buffer's
        self._expected = 0  # bytes that the message in the buffer still lacks
        self._taken = 0  # messages taken without having waited
        self._has_ended = False
        self._is_last = False  # what follows the message that has begun, if any, is not wanted
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; return whether there was room for them."""
        nbytes = len(data)
        if not self._expected and self._shared.budget.is_full:
            self._credit(nbytes)
            return False
        self._expected -= min(nbytes, self._expected)
        self._hold(nbytes)
        self._buffer += data
        self._withheld += nbytes
        if self._waiter is not None:
            if len(self._buffer) >= self._needed:
                self._wake()
            else:
                self._let_send()
        return True

    @property
    def received(self) -> int:
        """How many bytes have come of what the handler waits for; -1 if it waits for no rest."""
        waits = self._waiter is not None and self._expected and not self._is_crowded()
        return len(self._buffer) if waits else -1

    def end(self) -> None:
        """Note that the client has no more to say."""
        self._has_ended = True
        self._wake()

    def end_soon(self) -> None:
        """Be at the end after the messages that have come or begun: the port closes."""
        self._is_last = True
        self._wake()

    def drop(self) -> None:
        """Forget what has come: nobody wants it any more."""
        self._buffer.clear()
        self._has_ended = True
        self._credit_all_but(0)
        self._shared.budget.forget(self._let_send)
        self._shared.budget.give(self._held)
        self._held = self._expected = 0

    def __aiter__(self) -> "Incoming":
        return self

    async def __anext__(self) -> bytes:
        """Return the next message once it is complete."""
        if self._taken >= self._shared.settings.requests_per_turn:
            self._taken = 0
            await asyncio.sleep(0)  # others have their turn
        while (size := self._complete()) == 0:
            if self._has_ended:
                self._check_end()
                raise StopAsyncIteration
            if self._is_last and not self._buffer:
                raise StopAsyncIteration
            await self._more()
        self._taken += 1
        is_compressed = self._buffer[0]
        with memoryview(self._buffer) as view, view[PREFIX_LENGTH:size] as body:
            message = bytes(body)
        del self._buffer[:size]
        self._needed = PREFIX_LENGTH
        self._hold(-size)
        self._credit_all_but(len(self._buffer))
        return await self._inflated(message) if is_compressed else message

    def _complete(self) -> int:
        """Return how many bytes of the buffer are its first message, 0 if it is not complete."""
        buffer = self._buffer
        if len(buffer) < PREFIX_LENGTH:
            return 0
        length = int.from_bytes(buffer[1:PREFIX_LENGTH], "big")
        check_prefix(buffer[0], length, self._shared.settings.body_bytes, self._window_bits)
        size = PREFIX_LENGTH + length
        if len(buffer) >= size:
            return size
        if self._needed != size:
            self._needed = size
            self._expect(size - len(buffer))
        return 0

    def _expect(self, nbytes: int) -> None:
        """Refuse a message for which there is no room; one that has begun may be finished."""
        budget = self._shared.budget
        if self._has_ended:
            return
        if budget.is_full or not budget.fits(nbytes):
            self._shared.counters.overloaded += 1
            raise no_room(FULL)
        self._expected = nbytes

    def _check_end(self) -> None:
        left = len(self._buffer)
        if left >= PREFIX_LENGTH:
            size = self._needed - PREFIX_LENGTH
            raise RefusedCallError(
                status.INTERNAL, f"a message ends after {left - PREFIX_LENGTH} of {size} bytes"
            )
        if left:
            raise RefusedCallError(
                status.INTERNAL, f"a message's prefix ends after {left} of {PREFIX_LENGTH} bytes"
            )

    async def _more(self) -> None:
        self._taken = 0
        self._let_send()
        self._waiter = self._shared.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _inflated(self, message: bytes) -> bytes:
        settings, budget = self._shared.settings, self._shared.budget
        bits = self._window_bits
        assert bits is not None  # or the prefix would have been refused
        try:
            plain, held = await inflate(message, bits, settings.body_bytes, settings, budget)
        except PayloadTooLargeError as error:
            raise RefusedCallError(status.RESOURCE_EXHAUSTED, str(error)) from error
        except OverloadedError as error:
            raise no_room(str(error)) from error
        except InvalidRequestError as error:
            raise RefusedCallError(status.INTERNAL, str(error)) from error
        budget.give(held)
        return bytes(plain)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _hold(self, nbytes: int) -> None:
        self._held += nbytes
        if nbytes >= 0:
            self._shared.budget.take(nbytes)
        else:
            self._shared.budget.give(-nbytes)

    def _is_crowded(self) -> bool:
        """Return whether others have so much in flight that this one has to wait."""
        budget = self._shared.budget
        return budget.is_over and budget.used > self._held

    def _let_send(self) -> None:
        """Credit what has come, now or when there is room."""
        if self._is_crowded():
            self._shared.budget.when_free(self._let_send)
        else:
            self._credit_all_but(0)

    def _credit_all_but(self, nbytes: int) -> None:
        due = self._withheld - nbytes
        if due > 0:
            self._withheld = nbytes
            self._credit(due)
