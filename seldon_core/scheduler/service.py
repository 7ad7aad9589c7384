"""The scheduler's shell: one queue of events, decisions carried out in order.

Requests and reports are appended and one task handles them, so that the machine is never entered
while it is being carried out, whoever calls from wherever.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

from seldon_core.aio.clock import Clock
from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import OverloadedError, SeldonError
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler import decisions as decisions_module
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Decision,
    LoadOnReplica,
    PublishRoute,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
    model_of,
)
from seldon_core.scheduler.machine import ModelStatus, SchedulerMachine
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import AgentLink, ModelReport, ReplicaId, RouteSink

log = logging.getLogger(__name__)

STORY_LENGTH = 1_000  # events kept for `story`
MAX_WAITING_REQUESTS = 100_000  # of loads and unloads that nobody has handled yet
EVENTS_PER_TURN = 1_000  # then requests on the loop have their turn


@dataclass(frozen=True, slots=True)
class Chapter:
    """One event and what the machine decided on it; `event_id` is in the log lines as well."""

    event_id: int
    event: Event
    decisions: tuple[Decision, ...]


@asynccontextmanager
async def open_scheduler(
    links: Mapping[ReplicaId, AgentLink], routes: RouteSink, clock: Clock
) -> AsyncIterator["Scheduler"]:
    """Run a scheduler until the block ends; requests that wait for their answer are cancelled then.

    `links` is looked at when an order is sent, so replicas may join it later. If the machine or a
    link raises, which is a bug, the error comes out of the block.
    """
    scheduler = Scheduler(links, routes, clock)
    try:
        async with open_tasks("scheduler") as tasks:
            tasks.start(scheduler.handle_events(), name="events")
            yield scheduler
    finally:
        scheduler.abandon()


class Scheduler:
    """Takes requests and reports, answers questions about models. It is a ReportSink."""

    def __init__(
        self, links: Mapping[ReplicaId, AgentLink], routes: RouteSink, clock: Clock
    ) -> None:
        self._links = links
        self._routes = routes
        self._clock = clock
        self._machine = SchedulerMachine()
        self._queue: deque[Event] = deque()
        self._wakeup = asyncio.Event()
        self._callers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._watches: dict[asyncio.Future[None], set[str]] = {}
        self._story: deque[Chapter] = deque(maxlen=STORY_LENGTH)
        self._event_ids = itertools.count(1)

    def load_model(self, spec: ModelSpec) -> asyncio.Future[None]:
        """Declare a model; the result comes when it is accepted, before it is loaded.

        The future raises InvalidResourceError, NotReadyError (it is being deleted) or
        OverloadedError. Cancelling it does not take the request back.
        """
        caller, answer = self._register()
        self._submit_request(ModelLoadRequested(self._clock.wall(), spec, caller), answer)
        return answer

    def unload_model(self, name: str) -> asyncio.Future[None]:
        """Unload a model; the result comes when its route is gone, before its memory is free.

        The future raises NotFoundError or OverloadedError.
        """
        caller, answer = self._register()
        self._submit_request(ModelUnloadRequested(self._clock.wall(), name, caller), answer)
        return answer

    def connect_replica(
        self,
        replica: ReplicaId,
        capabilities: tuple[str, ...],
        memory_bytes: int,
        over_commit_percentage: int,
    ) -> None:
        """Place models on a replica, which is in `links` by now and holds none."""
        now = self._clock.wall()
        self._submit(
            ReplicaConnected(now, replica, capabilities, memory_bytes, over_commit_percentage)
        )

    def lose_replica(self, replica: ReplicaId) -> None:
        """Do without a replica, which is gone with everything it held."""
        self._submit(ReplicaLost(self._clock.wall(), replica))

    def report(self, report: ModelReport) -> None:
        """Take in a replica's report; never blocks."""
        self._submit(ModelReported(self._clock.wall(), report))

    def status(self) -> list[ModelStatus]:
        """Return a row for each model that is not gone."""
        return self._machine.status()

    def status_of(self, name: str) -> ModelStatus | None:
        """Return a model's row, None if there is no such model."""
        return self._machine.status_of(name)

    def story(self, model: str) -> list[Chapter]:
        """Return what happened to a model and why, among the last 1,000 events, oldest first."""
        return [chapter for chapter in self._story if model in _models_in(chapter)]

    async def settled(self, names: Collection[str]) -> None:
        """Wait until each of `names`, all accepted, is available, has failed, or is gone."""
        waiting = {name for name in names if not self._machine.is_settled(name)}
        if not waiting:
            return
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watches[settled] = waiting
        try:
            await settled
        finally:
            self._watches.pop(settled, None)

    async def handle_events(self) -> None:
        """Handle events for ever, in the order in which they came."""
        while True:
            await self._wakeup.wait()
            for _ in range(min(len(self._queue), EVENTS_PER_TURN)):
                self._handle(self._queue.popleft())
            if self._queue:
                await asyncio.sleep(0)
            else:
                self._wakeup.clear()

    def abandon(self) -> None:
        """Cancel whatever still waits: nobody will answer."""
        for waiting in [*self._answers.values(), *self._watches]:
            waiting.cancel()

    def _register(self) -> tuple[int, asyncio.Future[None]]:
        caller = next(self._callers)
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers[caller] = answer
        answer.add_done_callback(lambda _: self._answers.pop(caller, None))
        return caller, answer

    def _submit_request(self, event: Event, answer: asyncio.Future[None]) -> None:
        if len(self._queue) >= MAX_WAITING_REQUESTS:
            answer.set_exception(
                OverloadedError(f"{len(self._queue)} control events wait to be handled already")
            )
            return
        self._submit(event)

    def _submit(self, event: Event) -> None:
        """Reports are taken in always: each answers an order, so their number has a bound."""
        self._queue.append(event)
        self._wakeup.set()

    def _handle(self, event: Event) -> None:
        event_id = next(self._event_ids)
        decisions = tuple(self._machine.handle(event))
        self._story.append(Chapter(event_id, event, decisions))
        _log_event(event, event_id)
        for decision in decisions:
            self._carry_out(decision, event_id)
        self._notice_settled(model_of(event))

    def _carry_out(self, decision: Decision, event_id: int) -> None:
        match decision:
            case LoadOnReplica(replica, version):
                log.debug(
                    "loading model=%s version=%d replica=%s event=%d",
                    version.spec.name,
                    version.version,
                    replica,
                    event_id,
                )
                self._links[replica].load_model(version)
            case UnloadOnReplica(replica, model, number):
                log.debug(
                    "unloading model=%s version=%d replica=%s event=%d",
                    model,
                    number,
                    replica,
                    event_id,
                )
                self._links[replica].unload_model(model, number)
            case PublishRoute(update):
                versions = ",".join(str(candidate.version) for candidate in update.candidates)
                log.debug(
                    "route published name=%s versions=%s notice=%r event=%d",
                    update.name,
                    versions or "none",
                    update.notice,
                    event_id,
                )
                self._log_if_homeless(update.name, event_id)
                self._routes.publish(update)
            case AnswerCaller(caller, error):
                self._answer(caller, error, event_id)
            case _:
                assert_never(decision)

    def _log_if_homeless(self, model: str, event_id: int) -> None:
        """Loads, failures and unloads are the replica's to tell; that none takes a model is ours.

        So at INFO a model that comes is one line, also when a thousand come.
        """
        status = self._machine.status_of(model)
        if status is not None and status.state is ModelState.SCHEDULE_FAILED:
            log.warning(
                "model has no place model=%s version=%d reason=%r event=%d",
                model,
                status.version,
                status.reason,
                event_id,
            )

    def _answer(self, caller: int, error: SeldonError | None, event_id: int) -> None:
        if error is not None:
            # At DEBUG, because who asked is told, and tells of it.
            log.debug("request refused reason=%r event=%d", str(error), event_id)
        answer = self._answers.get(caller)
        if answer is None or answer.done():  # its caller has left
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    def _notice_settled(self, model: str | None) -> None:
        """Wake those who waited for `model`; an event about a replica may concern any model."""
        for watch, waiting in list(self._watches.items()):
            touched = waiting if model is None else waiting & {model}
            waiting -= {name for name in touched if self._machine.is_settled(name)}
            if not waiting and not watch.done():
                watch.set_result(None)


def _models_in(chapter: Chapter) -> set[str | None]:
    about = {decisions_module.model_of(decision) for decision in chapter.decisions}
    return about | {model_of(chapter.event)}


def _log_event(event: Event, event_id: int) -> None:
    """Say what happened that no decision's line says: failures, connections, losses.

    A failure is an ERROR of the replica already.
    """
    match event:
        case ModelReported(report=report) if report.reason:
            log.debug(
                "model reported model=%s version=%d replica=%s state=%s reason=%r event=%d",
                report.model,
                report.version,
                report.replica,
                report.event.value,
                report.reason,
                event_id,
            )
        case ReplicaConnected(replica=replica) | ReplicaLost(replica=replica):
            log.info("%s replica=%s event=%d", type(event).__name__, replica, event_id)
        case _:
            log.debug("event id=%d %r", event_id, event)
