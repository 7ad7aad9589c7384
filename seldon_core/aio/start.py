"""Start a request without a task, and give it one only if it has to wait for something unusual.

Most requests on the data path finish in their first step, or wait once, for the batch they are in.
`start` runs a coroutine's first step at once. If that ends it, nothing else is made. If it waits
for a `Waiter`, whoever has the result resumes it on the spot, without a task, a future or a turn of
the loop between: at 16 requests a turn this takes 2 µs less a request, and the answers of a batch
leave together instead of one turn later, so that all 16 clients send again in time for the same
next batch (with tasks they fell into two groups of 8 that took turns). For anything else it waits
for, one task takes over where it stopped.

Until then `asyncio.current_task()` is None: what needs a current task (`asyncio.timeout`,
TaskGroup) may be used only after having waited for a future.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class Started(Protocol):
    """A request that waits."""

    def cancel(self) -> object:
        """Throw CancelledError into it in a later turn of the loop, if it has not ended by then."""


def start(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> Started | None:
    """Run `work` until it first waits; return what goes on with it, None if it ended.

    The caller keeps that and cancels it when nobody listens. An exception out of the first step is
    raised here; a later one goes to the loop's exception handler.
    """
    try:
        waiting_on = work.send(None)
    except StopIteration:
        return None
    if type(waiting_on) is Waiter:
        return _Taskless(work, waiting_on, loop)
    return loop.create_task(_Rest(work, waiting_on))


class Waiter(Generic[T]):
    """One result, for which one request waits without a task.

    Made by `waiter_for`. It has of an asyncio future what those need who bring the result.
    """

    __slots__ = ("_error", "_is_done", "_result", "resume")

    def __init__(self) -> None:
        self._is_done = False
        self._result: T | None = None
        self._error: BaseException | None = None
        self.resume: Any = None  # a callable without arguments, once somebody waits

    def done(self) -> bool:
        """Return whether nobody waits any more."""
        return self._is_done

    def set_result(self, result: T) -> None:
        """Resume the request with `result`."""
        self._result = result
        self._finish()

    def set_exception(self, error: BaseException) -> None:
        """Resume the request with an exception."""
        self._error = error
        self._finish()

    def give_up(self) -> None:
        """Note that the request does not wait any more."""
        self._is_done = True

    def _finish(self) -> None:
        self._is_done = True
        if self.resume is not None:
            self.resume()

    def __await__(self) -> Generator[Any, None, T]:
        if not self._is_done:
            yield self
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # set before it is done


def waiter_for(loop: asyncio.AbstractEventLoop) -> "Waiter[Any] | asyncio.Future[Any]":
    """Return what the request that calls this can wait for: a future if it has a task."""
    # Naming the loop spares `get_running_loop`, which asks the kernel for the process id: 2 µs.
    if asyncio.current_task(loop) is None:
        return Waiter()
    return loop.create_future()


class _Taskless:
    """A request that waits for a `Waiter`; it becomes a task if it later waits for another thing.

    As with a task, a cancellation that comes between the result and the request's next step wins.
    """

    __slots__ = ("_is_cancelled", "_is_told", "_loop", "_task", "_waiter", "_work")

    def __init__(
        self,
        work: Coroutine[Any, Any, None],
        waiter: Waiter[Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._work = work
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._is_cancelled = False
        self._is_told = False  # the work knows that it is cancelled
        self._waiter: Waiter[Any] | None = waiter
        waiter.resume = self._resume

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self._is_cancelled:
            self._is_cancelled = True
            self._tell()

    def _tell(self) -> None:
        """Have a cancelled request stop waiting; one that runs is told when it next waits."""
        if self._waiter is not None:
            self._waiter.give_up()
            self._loop.call_soon(self._step)

    def _resume(self) -> None:
        # A result may come from within a task (a batch that ran on a thread), which must not seem
        # to be this request's own.
        if asyncio.current_task(self._loop) is None:
            self._step()
        else:
            self._loop.call_soon(self._step)

    def _step(self) -> None:
        if self._waiter is None or not self._waiter.done():
            return  # both the result and a cancellation asked for this step: it was made
        self._waiter = None
        try:
            waiting_on = self._advance()
        except (StopIteration, asyncio.CancelledError):
            return
        except Exception as error:  # noqa: BLE001 - as a task's: the loop reports it
            message = "a request without a task failed"
            self._loop.call_exception_handler({"message": message, "exception": error})
            return
        if type(waiting_on) is Waiter:
            self._waiter = waiting_on
            waiting_on.resume = self._resume
        else:
            self._task = self._loop.create_task(_Rest(self._work, waiting_on))
        if self._is_cancelled and not self._is_told:  # while it ran
            if self._task is not None:
                self._task.cancel()
            self._tell()

    def _advance(self) -> Any:
        if self._is_cancelled and not self._is_told:
            self._is_told = True
            return self._work.throw(asyncio.CancelledError())
        return self._work.send(None)


class _Rest(Coroutine[Any, Any, None]):
    """The rest of a coroutine that already waits for something.

    Its first step hands the task what `work` waits for; the future still carries the mark by which
    a task knows that it is awaited. A class and not a generator, so that a task cancelled before
    that step throws into `work`, whose `finally` blocks must run.
    """

    __slots__ = ("_waiting_on", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], waiting_on: Any) -> None:
        self._work = work
        self._waiting_on = waiting_on

    def send(self, value: Any) -> Any:
        if self._waiting_on is None:
            return self._work.send(value)
        waiting_on, self._waiting_on = self._waiting_on, None
        return waiting_on

    def throw(self, *error: Any) -> Any:
        self._waiting_on = None
        try:
            return self._work.throw(*error)
        except asyncio.CancelledError as cancelled:
            # Its frames hold the request's payload, and some hold what holds the error (the future
            # that was waited for): without these circles that memory is free at once.
            raise cancelled.with_traceback(None) from None
        finally:
            del error

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Any:
        raise TypeError("driven by its task only")
