"""Runs the requests to one model in memory: on the loop, on a thread, or in a worker process.

The shell of `batching.py` and `cost.py`. Only one run of a model is under way at a time, wherever
it runs, so a model need not be thread-safe.

A model whose runtime holds the GIL and turns out slow gets a copy in a worker process. Until that
copy is loaded (a second or more, the first time) its calls run on a thread: there they slow the
neighbours down, but do not stop them as they would on the loop. Slow is there what computes for
long: a call that waits, for the GIL above all, takes long beside a load or a slow neighbour however
small its model is, and a copy would not spare the neighbours anything.

An isolated model has the copy alone (`isolation.py`), so all its calls go there or fail.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from time import monotonic, thread_time
from typing import Any

from seldon_core.agent.batching import Array, Batch, Batcher, Entry
from seldon_core.agent.copies import WorkerCopy, WorkerModel, Workers
from seldon_core.agent.cost import CallCost, Place
from seldon_core.agent.rows import RowsLostError, joined, shares_of
from seldon_core.agent.runtimes.base import Artifact, CallTraits, LoadedModel, words_of
from seldon_core.agent.statistics import ModelCounts, Times
from seldon_core.aio.start import waiter_for
from seldon_core.aio.supervise import Tasks
from seldon_core.aio.threads import ThreadPool
from seldon_core.errors import ModelRuntimeError, SeldonError

_log = logging.getLogger(__name__)

_Run = tuple[list[Array], float, float]
"""The outputs of a call, and when it began and ended: monotonic seconds."""

_TURN_S = 0.002
"""How long one model may keep the loop with batch after batch before others have their turn."""


class Grounds:
    """What every runner of an agent shares: where calls go that leave the loop.

    `count_fault` is called for each fault of the program itself, after it was logged.
    """

    __slots__ = ("count_fault", "loop", "tasks", "threads", "workers")

    def __init__(
        self,
        tasks: Tasks,
        threads: ThreadPool,
        workers: Workers,
        count_fault: Callable[[], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.tasks = tasks
        self.threads = threads
        self.workers = workers
        self.count_fault = count_fault


class ModelRunner:
    """Runs one model's requests. Lives from the first load until the model is forgotten.

    What it learned (cost, batching) and counted outlasts evictions; `put` gives it the model at
    each load, `put_in_worker` an isolated one, `clear` takes it away. `pin` and `unpin` hold the
    model in memory during a run that leaves the loop, since its requests may be cancelled
    meanwhile. `grow` is told the bytes of its copy.

    `began` and `ended` are of the last call on the loop. Calls are counted in `counts`, but for
    those whose outputs `offer` returns: they are counted with their requests, when these are
    answered.
    """

    def __init__(
        self,
        artifact: Artifact,
        runtime: CallTraits,
        grounds: Grounds,
        batcher: Callable[[], Batcher],
        pin: Callable[[], Callable[[], None]],
        grow: Callable[[int], None],
    ) -> None:
        self._artifact = artifact
        self._runtime = runtime
        self._grounds = grounds
        self._make_batcher = batcher
        self._batcher = batcher()
        self._pin = pin
        self._call_soon = grounds.loop.call_soon
        self._cost = CallCost(runtime.inline_limit_s)
        self._computing = CallCost(runtime.inline_limit_s)  # of that, without what it waits
        self._model: LoadedModel | None = None
        self._copy = WorkerCopy(artifact, grounds.workers, grounds.tasks, grow)
        self.counts = ModelCounts()
        self.began = self.ended = 0.0

    @property
    def max_rows(self) -> int:
        """How many rows of several requests run together at most."""
        return self._batcher.max_rows

    def put(self, model: LoadedModel) -> None:
        """Run requests on `model` from now on."""
        self._model = model

    def put_in_worker(self, copy: WorkerModel) -> None:
        """Run requests on `copy`, which is the whole model, from now on."""
        self._copy.take(copy)

    def abandon(self) -> None:
        """Give up a load of the copy that is under way: the process ends."""
        self._copy.abandon()

    async def clear(self) -> None:
        """Let go of the model and its copy in a worker. No run is under way."""
        self._model = None
        await self._copy.clear()

    def offer(self, entry: Entry) -> list[Array] | None:
        """Run `entry` now and return its outputs, or None: they come to `entry.waiter`.

        Raises OverloadedError if too many wait, ModelRuntimeError if the model failed.
        """
        batcher = self._batcher
        batch = batcher.add(entry)
        if batcher.is_first_of_turn:
            self._call_soon(self._end_turn)
        if batch is not None and self._cost.place(entry.rows) is Place.INLINE:
            # No future, and so no task either: 6 µs less than waiting for the end of the turn.
            try:
                return self._infer(entry.inputs, entry.outputs, entry.rows)
            finally:
                batcher.finish()
        entry.waiter = waiter_for(self._grounds.loop)
        if batch is not None:
            self._send_away(batch)
        return None

    def withdraw(self, entry: Entry) -> None:
        """Forget an entry whose client left; if it runs already its result is dropped."""
        self._batcher.remove(entry)

    def _end_turn(self) -> None:
        try:
            self._run(self._batcher.end_turn())
        except Exception:  # noqa: BLE001 - logged and counted there
            self._start_over()

    def _go_on(self) -> None:
        try:
            self._run(self._batcher.next_batch())
        except Exception:  # noqa: BLE001 - logged and counted there
            self._start_over()

    def _run(self, batch: Batch | None) -> None:
        """Run batches on the loop until none waits, one has to leave it, or it is others' turn."""
        until = monotonic() + _TURN_S
        while batch is not None:
            if self._cost.place(batch.rows) is Place.AWAY:
                self._send_away(batch)
                return
            try:
                self._run_inline(batch)
            except Exception:  # noqa: BLE001 - logged and counted there
                self._fault(batch.entries)
            self._batcher.finish()
            if self._batcher.waiting and monotonic() > until:
                self._call_soon(self._go_on)
                return
            batch = self._batcher.next_batch()

    def _run_inline(self, batch: Batch) -> None:
        began = monotonic()
        entries = [entry for entry in batch.entries if not _is_left(entry)]
        if len(entries) > 1:
            rows = sum([entry.rows for entry in entries])
            try:
                outputs = self._infer(joined(entries), entries[0].outputs, rows)
                shares = shares_of(entries, outputs, rows)
                self._give(entries, shares, rows, (began, self.began, self.ended))
                return
            except RowsLostError:
                self._batcher.stop_batching()
                _log.warning("model mixes rows, batching is off model=%s", self._artifact.model)
            except SeldonError:
                pass  # one by one, so that only the culprit fails
        for entry in entries:
            began = monotonic()
            try:
                outputs = self._infer(entry.inputs, entry.outputs, entry.rows)
            except SeldonError as error:
                _fail(entry, error)
            else:
                self._give([entry], [outputs], entry.rows, (began, self.began, self.ended))

    def _give(
        self, entries: list[Entry], shares: list[list[Array]], rows: int, times: Times
    ) -> None:
        """Count a call of `rows` rows, and give each entry its share of the outputs."""
        self.counts.ran(rows, times, monotonic())
        for entry, share in zip(entries, shares, strict=True):
            entry.times = times
            waiter: Any = entry.waiter
            if not waiter.done():  # its client may just have left
                waiter.set_result(share)

    def _infer(self, inputs: list[Array], outputs: tuple[str, ...], rows: int) -> list[Array]:
        self.began = began = monotonic()
        try:
            results = self._loaded().infer(inputs, outputs)
        except SeldonError:
            raise
        except Exception as error:
            raise ModelRuntimeError(words_of(error)) from error
        self.ended = ended = monotonic()
        self._cost.observe(rows, ended - began)
        return results

    def _loaded(self) -> LoadedModel:
        assert self._model is not None  # whoever runs has pinned it
        return self._model

    def _send_away(self, batch: Batch) -> None:
        unpin = self._pin()
        self._grounds.tasks.start(self._run_away(batch, unpin), name=f"run {self._artifact.model}")

    async def _run_away(self, batch: Batch, unpin: Callable[[], None]) -> None:
        try:
            await self._run_batch_away(batch)
        except Exception:  # noqa: BLE001 - logged and counted there
            self._fault(batch.entries)
        finally:
            unpin()
            self._batcher.finish()
        self._go_on()

    async def _run_batch_away(self, batch: Batch) -> None:
        began = monotonic()
        entries = [entry for entry in batch.entries if not _is_left(entry)]
        infer = self._way_out(batch.rows)
        if len(entries) > 1:
            rows = sum([entry.rows for entry in entries])
            try:
                outputs, ran, ended = await infer(joined(entries), entries[0].outputs, rows)
                self._give(entries, shares_of(entries, outputs, rows), rows, (began, ran, ended))
                return
            except RowsLostError:
                self._batcher.stop_batching()
                _log.warning("model mixes rows, batching is off model=%s", self._artifact.model)
            except SeldonError:
                pass
        for entry in entries:
            if _is_left(entry):
                continue
            began = monotonic()
            try:
                outputs, ran, ended = await infer(entry.inputs, entry.outputs, entry.rows)
            except SeldonError as error:
                _fail(entry, error)
            else:
                self._give([entry], [outputs], entry.rows, (began, ran, ended))

    def _way_out(self, rows: int) -> Callable[[list[Array], tuple[str, ...], int], Awaitable[_Run]]:
        """Return how to run a call off the loop: on a thread, or in the worker if there is one."""
        if self._runtime.releases_gil:
            return self._infer_on_thread
        copy = self._copy.there()
        if copy is not None:
            return functools.partial(self._infer_in_worker, copy)
        if self._computing.predict(rows) > self._runtime.inline_limit_s:
            self._copy.want()
        return self._infer_on_thread if self._model is not None else self._refuse

    async def _refuse(self, inputs: list[Array], outputs: tuple[str, ...], rows: int) -> _Run:
        raise ModelRuntimeError(
            f"{self._artifact.model} is isolated (seldon-core/isolation), and its worker process "
            "died and could not load it again; it is tried again from time to time"
        )

    async def _infer_on_thread(
        self, inputs: list[Array], outputs: tuple[str, ...], rows: int
    ) -> _Run:
        run, computing = await self._grounds.threads.run(_timed, self._loaded(), inputs, outputs)
        _, began, ended = run
        # What lets go of the GIL waits to get it back, beside a busy loop for 5 ms each time. On
        # the loop it would not.
        seconds = computing if self._runtime.releases_gil else ended - began
        self._cost.observe(rows, seconds)
        self._computing.observe(rows, computing)
        return run

    async def _infer_in_worker(
        self, copy: WorkerModel, inputs: list[Array], outputs: tuple[str, ...], rows: int
    ) -> _Run:
        sent = monotonic()
        results, seconds = await copy.infer(inputs, outputs)
        ended = monotonic()
        self._cost.observe(rows, seconds)
        # The worker tells how long it took and not when: the way there and back counts as input.
        return results, max(sent, ended - seconds), ended

    def _start_over(self) -> None:
        """The batcher itself failed: go on with a new one."""
        entries = self._batcher.drain()
        is_busy = self._batcher.is_busy  # a run that is under way goes on, and will say its end
        self._batcher = self._make_batcher()
        self._batcher.is_busy = is_busy
        self._fault(entries)

    def _fault(self, entries: list[Entry]) -> None:
        """A fault of ours, being handled: log and count it, and fail those it concerns."""
        _log.exception("internal error model=%s %r", self._artifact.model, self._batcher)
        self._grounds.count_fault()
        for entry in entries:
            _fail(entry, ModelRuntimeError(f"internal error in model {self._artifact.model}"))


def _timed(model: LoadedModel, inputs: list[Array], outputs: tuple[str, ...]) -> tuple[_Run, float]:
    """Run on a thread; the times are the call's own, without the way there and back, and then the
    seconds in which this thread computed. A library's further threads are not counted: they hold no
    GIL, and this one works beside them."""
    began, computed = monotonic(), thread_time()
    try:
        results = model.infer(inputs, outputs)
    except SeldonError:
        raise
    except Exception as error:
        raise ModelRuntimeError(words_of(error)) from error
    return (results, began, monotonic()), thread_time() - computed


def _is_left(entry: Entry) -> bool:
    waiter = entry.waiter
    return waiter is not None and waiter.done()


def _fail(entry: Entry, error: BaseException) -> None:
    waiter: Any = entry.waiter
    if not waiter.done():
        waiter.set_exception(error)
