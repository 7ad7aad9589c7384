"""Named pools of threads, for what blocks: files, downloads, loads, models that release the GIL.

A hop to a thread and back costs 22 µs, of which 8 are computing, so nothing shorter goes here. The
standard library's executor, with its locks and three futures for each call, takes three times as
much (`perf/micro/bench_threads.py`). Both the number of threads and the number of calls that wait
for one are bounded; a call beyond that is refused at once.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from seldon_core.errors import OverloadedError

T = TypeVar("T")

_Work = list[tuple[Callable[..., Any], tuple[Any, ...]]]
"""One call, until somebody takes it out: the thread that runs it, or the loop that drops it."""


class ThreadPool:
    """Runs blocking functions away from the loop. Got from `open_threads`."""

    def __init__(self, name: str, threads: int, max_waiting: int) -> None:
        self._name = name
        self._size = threads
        self._limit = threads + max_waiting
        self._loop = asyncio.get_running_loop()
        self._threads: list[threading.Thread] = []
        self._queue: queue.SimpleQueue[tuple[_Work, asyncio.Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._count = 0  # calls that wait or run, also those whose caller has left
        self._all_done: asyncio.Future[None] | None = None

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Return what `function(*args)` returns; its errors are raised here.

        Cancelling drops a call that has not begun; one that runs goes on to its end, since a thread
        cannot be stopped, and its result is dropped. Raises OverloadedError if too many wait.
        """
        if self._count >= self._limit:
            raise OverloadedError(
                f"{self._limit} calls are running or waiting in the {self._name} threads"
            )
        work: _Work = [(function, args)]
        outcome: asyncio.Future[T] = self._loop.create_future()
        self._count += 1
        self._queue.put((work, outcome))
        if len(self._threads) < min(self._count, self._size):
            self._start_thread()
        try:
            return await outcome
        except asyncio.CancelledError:
            if _take(work):
                self._count -= 1
            raise

    async def close(self) -> None:
        """Drop the calls that have not begun and wait for the others."""
        for work, outcome in self._unbegun():
            if _take(work):
                self._count -= 1
                outcome.cancel()
        for _ in self._threads:
            self._queue.put(None)
        if self._count:
            self._all_done = self._loop.create_future()
            await self._all_done
        for thread in self._threads:
            thread.join()  # at once: there is nothing left to run

    def _unbegun(self) -> Iterator[tuple[_Work, asyncio.Future[Any]]]:
        with contextlib.suppress(queue.Empty):
            while waiting := self._queue.get_nowait():
                yield waiting

    def _start_thread(self) -> None:
        name = f"{self._name}_{len(self._threads)}"
        thread = threading.Thread(target=self._run_calls, name=name)
        self._threads.append(thread)
        thread.start()

    def _run_calls(self) -> None:
        """Run what comes until the end comes; in a thread."""
        while (waiting := self._queue.get()) is not None:
            work, outcome = waiting
            if call := _take(work):
                self._loop.call_soon_threadsafe(self._settle, outcome, *_outcome_of(*call))
            del waiting, outcome, call  # or they would be kept until the next call comes

    def _settle(
        self, outcome: asyncio.Future[Any], result: object, error: BaseException | None
    ) -> None:
        self._count -= 1
        if not outcome.done():  # else its caller has left
            if error is None:
                outcome.set_result(result)
            else:
                outcome.set_exception(error)
        if self._all_done is not None and not self._count and not self._all_done.done():
            self._all_done.set_result(None)


def _take(work: _Work) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """Return the call, to whoever is first to ask for it; None to the other."""
    try:
        return work.pop()
    except IndexError:
        return None


def _outcome_of(
    function: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[object, BaseException | None]:
    try:
        return function(*args), None
    except StopIteration as error:  # which no future takes
        failure = RuntimeError("a call in a thread raised StopIteration")
        failure.__cause__ = error
        return None, failure
    except BaseException as error:  # noqa: BLE001 - the caller's, who waits for it
        return None, error


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
