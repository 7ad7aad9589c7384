"""Values on their way from one coroutine to another: bounded, and closed by who gives them."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """At most `capacity` values, first in first out, from any number of givers to one taker.

    The taker iterates; the end comes with `close`, after the values that were given before it.
    Cancelling who waits loses nothing, and another may take at once, before who was cancelled
    hears of it.
    """

    __slots__ = ("_capacity", "_givers", "_is_closed", "_taker", "_values")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: deque[T] = deque()
        self._givers: deque[asyncio.Future[None]] = deque()
        self._taker: asyncio.Future[None] | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._values)

    async def put(self, value: T) -> None:
        """Give a value, once there is room for it; after `close` it may never be taken."""
        while len(self._values) >= self._capacity:
            room = asyncio.get_running_loop().create_future()
            self._givers.append(room)
            try:
                await room
            except asyncio.CancelledError:
                self._leave(room)
                raise
        self._values.append(value)
        self._wake_taker()

    def close(self) -> None:
        """Note that no more values come."""
        self._is_closed = True
        self._wake_taker()

    def __aiter__(self) -> "Channel[T]":
        return self

    async def __anext__(self) -> T:
        while not self._values:
            if self._is_closed:
                raise StopAsyncIteration
            self._taker = asyncio.get_running_loop().create_future()
            await self._taker
        value = self._values.popleft()
        self._wake_giver()
        return value

    def _leave(self, room: "asyncio.Future[None]") -> None:
        """Let another giver have the room that one got in the tick of its cancellation."""
        if room in self._givers:
            self._givers.remove(room)
        else:
            self._wake_giver()

    def _wake_giver(self) -> None:
        if self._givers:
            room = self._givers.popleft()
            if not room.done():
                room.set_result(None)

    def _wake_taker(self) -> None:
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)
