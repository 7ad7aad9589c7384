"""Lets others follow what changes, without ever waiting for them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self


class Watch:
    """The names that changed since they were last taken, each once, in the order they changed.

    So one that takes slowly misses states in between and never the last, and cannot fill memory.
    """

    def __init__(self) -> None:
        self._changed: dict[str, None] = {}
        self._wakeup = asyncio.Event()
        self._is_over = False

    # Not a generator: one that its reader leaves between two names stays until it is collected.
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """Wait for a name that changed; there is none when the scheduler has ended."""
        while not self._changed:
            if self._is_over:
                raise StopAsyncIteration
            self._wakeup.clear()
            await self._wakeup.wait()
        name = next(iter(self._changed))
        del self._changed[name]
        return name

    def take(self, name: str) -> bool:
        """Return whether `name` changed since it was last taken, and take it if so."""
        is_there = name in self._changed
        self._changed.pop(name, None)
        return is_there

    def mark(self, name: str) -> None:
        """Note that `name` changed."""
        self._changed[name] = None
        self._wakeup.set()

    def end(self) -> None:
        """Yield what has changed so far and then nothing any more."""
        self._is_over = True
        self._wakeup.set()


class Watches:
    """Everybody who follows one kind of resource."""

    def __init__(self) -> None:
        self._watches: list[Watch] = []
        self._is_over = False

    @contextmanager
    def open(self) -> Iterator[Watch]:
        """Follow for the length of a block."""
        watch = Watch()
        if self._is_over:
            watch.end()
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    def mark(self, name: str) -> None:
        """Tell everybody that `name` changed."""
        for watch in self._watches:
            watch.mark(name)

    def end(self) -> None:
        """Send everybody away, also who comes later."""
        self._is_over = True
        for watch in self._watches:
            watch.end()
