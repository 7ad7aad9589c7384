"""Named tasks that somebody owns: the place where background work starts and where it ends.

A task belongs to the block that opened its group. If one fails, the others and the block itself
are cancelled and the error comes out of the block: a background loop that dies takes its role down
instead of leaving it half alive. When the block ends, what still runs is cancelled and waited for;
who wants to see something finished awaits the task that `start` returned.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """Starts tasks in one group. Got from `open_tasks`."""

    def __init__(self, name: str, group: asyncio.TaskGroup) -> None:
        self._name = name
        self._group = group
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run `work` as a task named `<group>: <name>`.

        An error out of it, cancellation apart, ends the group. Raises RuntimeError if the group
        has ended.
        """
        try:
            task = self._group.create_task(work, name=f"{self._name}: {name}")
        except RuntimeError:
            work.close()  # else Python warns that it was never awaited, far from the cause
            raise
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """Ask every task that still runs to end."""
        for task in tuple(self._running):
            task.cancel()


@asynccontextmanager
async def open_tasks(name: str) -> AsyncIterator[Tasks]:
    """Own tasks for the length of a block; see the module for what failure and the end do.

    A lone error comes out as it is, several at once as an ExceptionGroup.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = Tasks(name, group)
            yield tasks
            tasks.cancel()
    except BaseExceptionGroup as failures:
        if len(failures.exceptions) > 1:
            raise
        # `from None`: the group around a single error says nothing that the error does not.
        raise failures.exceptions[0] from None
