"""Requests that wait until their model is in memory: the pool's shell towards those who ask.

Each is registered before the pool hears of it, whose answer may be instant, and taken out by
whoever is first: the pool's answer, the end of its time, or its client that leaves.
"""

import asyncio
import functools
import itertools
from collections.abc import Callable
from time import monotonic
from typing import assert_never

from seldon_core.agent.decisions import Refusal
from seldon_core.agent.events import Event, InferAbandoned, InferArrived
from seldon_core.agent.slots import Slot
from seldon_core.agent.timeouts import CallTimeout
from seldon_core.errors import (
    DeadlineError,
    ModelRuntimeError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    SeldonError,
)
from seldon_core.resources.words import without_folders


class Admissions:
    """Those of one server replica, by number.

    The pool hears of them by `send`. `release` takes a pin back. `now` is the pool's clock.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], float],
        send: Callable[[Event], None],
        release: Callable[[Slot], None],
    ) -> None:
        self._loop = loop
        self._now = now
        self._send = send
        self._release = release
        self._numbers = itertools.count()
        self._waiting: dict[int, tuple[str, asyncio.Future[Slot]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, model: str, limit: CallTimeout | None) -> Slot:
        """Wait until `model` is in memory and pin it; the caller releases the slot.

        Raises NotFoundError, NotReadyError if it cannot be loaded, OverloadedError if there is no
        room for it, DeadlineError when `limit` has passed.
        """
        request = next(self._numbers)
        admission: asyncio.Future[Slot] = self._loop.create_future()
        self._waiting[request] = (model, admission)  # before the event
        give_up = functools.partial(self._give_up, request)
        watch = limit.watch(monotonic(), give_up) if limit is not None else None
        try:
            self._send(InferArrived(self._now(), model, request))
            return await admission
        except asyncio.CancelledError:
            if self._waiting.pop(request, None) is not None:
                self._send(InferAbandoned(self._now(), model, request))
            elif not admission.cancelled() and admission.exception() is None:
                self._release(admission.result())  # admitted in the tick of its cancellation
            raise
        finally:
            if watch is not None:
                watch.cancel()

    def model_of(self, request: int) -> str:
        """Return the model that a request waits for."""
        return self._waiting[request][0]

    def admit(self, request: int, slot: Slot) -> bool:
        """Let a request go on with its pin; return False if its client has just left."""
        _, admission = self._waiting.pop(request)
        if admission.done():
            return False
        admission.set_result(slot)
        return True

    def refuse(self, request: int, refusal: Refusal, reason: str) -> None:
        """End a request's wait by the error that the pool's refusal is to its client."""
        model, admission = self._waiting.pop(request)
        if not admission.done():
            admission.set_exception(_refusal_error(model, refusal, reason))

    def fail(self, model: str) -> None:
        """End the wait of every request for a model: there was a fault of ours."""
        failed = [request for request, (of, _) in self._waiting.items() if of == model]
        for request in failed:
            _, admission = self._waiting.pop(request)
            if not admission.done():
                admission.set_exception(ModelRuntimeError(f"internal error in model {model}"))

    def _give_up(self, request: int, error: DeadlineError) -> None:
        waiting = self._waiting.pop(request, None)
        if waiting is not None:  # else it was admitted or refused in this tick
            model, admission = waiting
            self._send(InferAbandoned(self._now(), model, request))
            admission.set_exception(error)


def _refusal_error(model: str, refusal: Refusal, reason: str) -> SeldonError:
    match refusal:
        case Refusal.UNKNOWN | Refusal.REMOVED:
            return NotFoundError("model", model)
        case Refusal.LOAD_FAILED:
            return NotReadyError(f"model {model} failed to load: {without_folders(reason)}")
        case Refusal.NO_ROOM:
            return OverloadedError(reason)
        case _:
            assert_never(refusal)
