"""The pool's shell: tells it what happens, carries out its decisions, and reports.

Requests that wait for their model are kept by `admissions.py`, models that were loaded by
`loads.py`. Requests for a model in memory only touch `pool.try_admit` and `release`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import assert_never

from seldon_core.agent.admissions import Admissions
from seldon_core.agent.decisions import (
    Admit,
    Decision,
    Refuse,
    ReportLoaded,
    ReportLoadFailed,
    ReportUnloaded,
    StartLoad,
    StartUnload,
)
from seldon_core.agent.events import (
    Event,
    LoadFailed,
    LoadFinished,
    ModelAdded,
    ModelGrew,
    ModelRemoved,
    Tick,
    UnloadFinished,
)
from seldon_core.agent.execution import Grounds
from seldon_core.agent.invariants import violations
from seldon_core.agent.loading import Loader
from seldon_core.agent.loads import Loads, size_at_first
from seldon_core.agent.pool import ModelPool
from seldon_core.agent.slots import Slot
from seldon_core.agent.timeouts import Timeouts
from seldon_core.agent.traces import Traces
from seldon_core.aio.threads import ThreadPool
from seldon_core.errors import SeldonError
from seldon_core.observability.metrics import ReplicaMetrics
from seldon_core.resources.model import ModelVersion
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent, ReportSink

_log = logging.getLogger(__name__)


class ModelPoolError(Exception):
    """The pool's books do not agree with its models, and writing them anew did not help."""


class ModelHost:
    """Keeps the models of one server replica.

    `served` is by internal name. Reports go to `reports` in the order in which things happened.
    `forgotten` is told the internal name of each model that is gone, also after its load failed.
    """

    def __init__(
        self,
        replica: ReplicaId,
        pool: ModelPool,
        grounds: Grounds,
        load: Loader,
        load_threads: ThreadPool,
        reports: ReportSink,
        metrics: ReplicaMetrics,
        traces: Traces,
        forgotten: Callable[[str], None],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.pool = pool
        self.metrics = metrics
        self.now = now
        self._replica = replica
        self._grounds = grounds
        self._reports = reports
        self._forgotten = forgotten
        self._versions: dict[str, ModelVersion] = {}
        self._ids: dict[str, tuple[str, int]] = {}  # name and number to report a model under
        self._admissions = Admissions(grounds.loop, now, self.send, self.release)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        self._emptied: asyncio.Future[None] | None = None  # set while closing
        self._was_rebuilt = False
        self._timeouts = timeouts = Timeouts(grounds.loop)
        self._loads = Loads(
            pool, grounds, load, load_threads, traces, timeouts, self._pin, self._grow
        )
        self.served = self._loads.served

    def load(self, version: ModelVersion) -> None:
        """Load; a LOADED or LOAD_FAILED report follows."""
        name = version.internal_name
        if self._emptied is not None:
            return  # stopping: nobody asks for reports any more
        self._versions[name] = version
        self._ids[name] = version.spec.name, version.version
        spec, knobs = version.spec, version.spec.knobs
        # One of those that wait for the load will run, as many as may wait for that come after it.
        limit = None if knobs.max_queue is None else knobs.max_queue + 1
        self.send(ModelAdded(self.now(), name, spec.memory_bytes, knobs.keep_in_memory, limit))

    def unload(self, model: str, version: int) -> None:
        """Let requests that run finish, then unload; an UNLOADED report follows."""
        name = f"{model}_{version}"
        self._ids[name] = model, version
        self.send(ModelRemoved(self.now(), name))

    @property
    def changes(self) -> int:
        """How often `served` got or lost a model."""
        return self._loads.changes

    def held(self) -> list[ModelVersion]:
        """Return what is loaded, whether in memory or evicted, and is to stay."""
        return [
            self._versions[name]
            for name, slot in self.pool.slots.items()
            if not slot.is_ordered and slot.farewell is None
        ]

    def count_fault(self) -> None:
        """Count a fault of the program itself, which was logged."""
        self._grounds.count_fault()

    def admit(self, model: str) -> Awaitable[Slot]:
        """Wait until `model` is in memory and pin it; the caller releases the slot.

        Raises as `Admissions.wait` does, DeadlineError when the time that the model gives a call
        has passed.
        """
        return self._admissions.wait(model, self.served[model].timeout)

    def release(self, slot: Slot) -> None:
        """Take back a pin."""
        decisions = self.pool.release(slot)
        if decisions:
            self.carry_out(decisions)

    def send(self, event: Event) -> None:
        """Tell the pool what happened and carry out what follows."""
        try:
            decisions = self.pool.handle(event)
        except Exception:  # noqa: BLE001 - logged and counted there
            self._fault(event)
        else:
            self.carry_out(decisions)

    def carry_out(self, decisions: Iterable[Decision]) -> None:
        """Carry out the pool's decisions, in order, and those that follow from them."""
        todo = deque(decisions)
        while todo:
            todo.extend(self._carry_out_one(todo.popleft()))
        self._set_alarm()

    def dismiss(self) -> asyncio.Future[None]:
        """Let what runs finish, begin no load, unload every model; the end comes with the future.

        Nothing is reported any more.
        """
        if self._emptied is None:
            self._emptied = self._grounds.loop.create_future()
            for served in self.served.values():
                served.runner.abandon()
            for model in list(self.pool.slots):
                self.send(ModelRemoved(self.now(), model))
            self._notice_empty()
        return self._emptied

    def _carry_out_one(self, decision: Decision) -> Iterable[Decision]:
        match decision:
            case StartLoad(model, is_reload):
                self._grounds.tasks.start(self._load(model, is_reload), name=f"load {model}")
            case StartUnload(model, is_eviction):
                if is_eviction:
                    # At DEBUG, like the return: requests cause them, and metrics count them.
                    self.metrics.model_evicted(model)
                    _log.debug("model evicted model=%s replica=%s", model, self._replica)
                self._grounds.tasks.start(self._unload(model), name=f"unload {model}")
            case Admit(request):
                return self._admit(request)
            case Refuse(request, refusal, reason):
                self._admissions.refuse(request, refusal, reason)
            case ReportLoaded(model):
                self._on_loaded(model)
            case ReportLoadFailed(model, reason):
                _log.error(
                    "model failed to load model=%s replica=%s reason=%r",
                    model,
                    self._replica,
                    reason,
                )
                self._report(model, ReplicaModelEvent.LOAD_FAILED, reason)
                self._forget(model)
            case ReportUnloaded(model):
                level = logging.INFO if self._emptied is None else logging.DEBUG
                _log.log(level, "model unloaded model=%s replica=%s", model, self._replica)
                self._report(model, ReplicaModelEvent.UNLOADED)
                self._forget(model)
            case _:
                assert_never(decision)
        return ()

    def _admit(self, request: int) -> Iterable[Decision]:
        slot = self.pool.slots[self._admissions.model_of(request)]
        return () if self._admissions.admit(request, slot) else self.pool.release(slot)

    def _on_loaded(self, model: str) -> None:
        nbytes = self.pool.slots[model].nbytes
        if model not in self.metrics.models:  # else the scheduler asked once more
            self.metrics.model_loaded(model, nbytes)
        self._report(model, ReplicaModelEvent.LOADED, memory_bytes=nbytes)

    def _report(
        self, model: str, event: ReplicaModelEvent, reason: str = "", memory_bytes: int = 0
    ) -> None:
        if self._emptied is None:
            name, version = self._ids[model]
            self._reports.report(
                ModelReport(self._replica, name, version, event, reason, memory_bytes)
            )

    def _forget(self, model: str) -> None:
        if model in self.metrics.models:
            self.metrics.model_unloaded(model)
        self._loads.forget(model)
        if model not in self.pool.slots:  # else it was ordered once more meanwhile
            self._versions.pop(model, None)
            del self._ids[model]
            self._forgotten(model)
        self._notice_empty()

    def _notice_empty(self) -> None:
        if self._emptied is not None and not self._emptied.done() and not self.pool.slots:
            self._timeouts.close()
            self._emptied.set_result(None)

    async def _load(self, model: str, is_reload: bool) -> None:
        began = self.now()
        version = self._versions[model]
        try:
            loaded = await self._loads.load(version)
        except SeldonError as error:
            self._on_load_failed(model, is_reload, str(error))
        except Exception as error:  # noqa: BLE001 - a load's fault is the model's, and is logged
            # At DEBUG, because the failure is an ERROR already, where its reason is.
            _log.debug("load failed unexpectedly model=%s", model, exc_info=True)
            self._on_load_failed(model, is_reload, f"{type(error).__name__}: {error}")
        else:
            known = self.pool.slots[model].nbytes
            nbytes = known if is_reload else size_at_first(version, loaded)
            self._loads.serve(version, loaded)
            if is_reload:
                self.metrics.model_reloaded(model, nbytes)
            self.send(LoadFinished(self.now(), model, nbytes))
            _log.log(
                logging.DEBUG if is_reload else logging.INFO,
                "model loaded model=%s replica=%s took_s=%.3f memory_bytes=%d",
                model,
                self._replica,
                self.now() - began,
                nbytes,
            )

    def _on_load_failed(self, model: str, is_reload: bool, reason: str) -> None:
        if is_reload and self.pool.slots[model].farewell is None:  # a first one is reported
            _log.error(
                "model failed to come back to memory model=%s replica=%s reason=%r",
                model,
                self._replica,
                reason,
            )
        self.send(LoadFailed(self.now(), model, reason))

    def _pin(self, model: str) -> Callable[[], None]:
        slot = self.pool.slots[model]
        self.pool.pin(slot)
        return lambda: self.release(slot)

    def _grow(self, version: ModelVersion, nbytes: int) -> None:
        """Count the copy in a worker too, unless the user said what the model takes in all."""
        if version.spec.memory_bytes:
            return
        name = version.internal_name
        self.send(ModelGrew(self.now(), name, nbytes))
        self.metrics.model_grew(name, self.pool.slots[name].nbytes)

    async def _unload(self, model: str) -> None:
        await self._loads.unload(model)
        self.send(UnloadFinished(self.now(), model))

    def _set_alarm(self) -> None:
        wakeup = self.pool.next_wakeup()
        if wakeup == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._alarm_at = wakeup
        if wakeup is not None:
            delay = max(0.0, wakeup - self.now())
            self._alarm = self._grounds.loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._alarm = self._alarm_at = None
        self.send(Tick(self.now()))

    def _fault(self, event: Event) -> None:
        """The pool failed: log its state, and fail the requests that wait for the event's model.

        The pool goes on from the state that it was left in; if its books do not agree with that,
        they are written anew. A second time shows that this does not help: then the process ends.
        """
        _log.exception("internal error in the pool %r %r", event, self.pool)
        self._grounds.count_fault()
        model = getattr(event, "model", "")
        self.pool.drop_waiting(model)
        self._admissions.fail(model)
        broken = violations(self.pool)
        if not broken:
            self._set_alarm()
        elif self._was_rebuilt:
            self._grounds.tasks.start(_end(broken), name="end")
        else:
            _log.error("the pool's books are written anew broken=%r", broken)
            self._was_rebuilt = True
            self.carry_out(self.pool.rebuild(self.now()))


async def _end(broken: list[str]) -> None:
    """Fail: an error out of a task of the agent ends the process."""
    raise ModelPoolError("; ".join(broken))
