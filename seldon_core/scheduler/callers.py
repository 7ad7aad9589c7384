"""Those who wait: for the answer to a request, or until models are settled."""

import asyncio
import itertools
from collections.abc import Callable

from seldon_core.errors import SeldonError
from seldon_core.scheduler.decisions import Change


class Callers:
    """Requests that nobody has answered yet, by number."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Change]] = {}

    def register(self) -> tuple[int, asyncio.Future[Change]]:
        """Return the number of a new caller and its answer, which it may cancel."""
        caller = next(self._numbers)
        answer: asyncio.Future[Change] = asyncio.get_running_loop().create_future()
        self._answers[caller] = answer
        answer.add_done_callback(lambda _: self._answers.pop(caller, None))
        return caller, answer

    def answer(self, caller: int, error: SeldonError | None, change: Change) -> None:
        """Answer a caller that has not left."""
        answer = self._answers.get(caller)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(change)
        else:
            answer.set_exception(error)

    def cancel(self) -> None:
        """Send everybody away without an answer."""
        for answer in list(self._answers.values()):
            answer.cancel()


class Settling:
    """Waits until nothing is under way for some models, as `is_settled` says."""

    def __init__(self, is_settled: Callable[[str], bool]) -> None:
        self._is_settled = is_settled
        self._waits: dict[asyncio.Future[None], set[str]] = {}

    async def wait(self, names: set[str]) -> None:
        """Wait until each of `names` is settled."""
        waiting = {name for name in names if not self._is_settled(name)}
        if not waiting:
            return
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waits[settled] = waiting
        try:
            await settled
        finally:
            self._waits.pop(settled, None)

    def look(self, model: str | None) -> None:
        """Wake those who waited for `model`; None if any model may have settled."""
        for settled, waiting in list(self._waits.items()):
            touched = waiting if model is None else waiting & {model}
            waiting -= {name for name in touched if self._is_settled(name)}
            if not waiting and not settled.done():
                settled.set_result(None)

    def cancel(self) -> None:
        """Send everybody away."""
        for settled in self._waits:
            settled.cancel()


class Progress:
    """How many events came and how many of them are carried out, for those who wait for theirs."""

    def __init__(self) -> None:
        self._came = self._done = 0
        self._waits: dict[asyncio.Future[None], int] = {}

    def came(self) -> None:
        """Count an event."""
        self._came += 1

    def done(self, count: int) -> None:
        """Count `count` events, the oldest, as carried out."""
        self._done += count
        for reached, number in self._waits.items():
            if number <= self._done and not reached.done():
                reached.set_result(None)

    async def caught_up(self) -> None:
        """Wait until every event that has come by now is carried out."""
        if self._done < self._came:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waits[reached] = self._came
            try:
                await reached
            finally:
                del self._waits[reached]

    def cancel(self) -> None:
        """Send everybody away."""
        for reached in self._waits:
            reached.cancel()
