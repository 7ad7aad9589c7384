"""The scheduler's shell: one queue of events, decisions carried out in order.

Requests and reports are appended and one task handles them, so that the machine is never entered
while it is being carried out, whoever calls from wherever. Events that wait together are handled
together: what is to be kept of all of them is one transaction of the store, and only then anything
is sent or answered. While the store cannot be written to, changes are refused and all else goes on.
"""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass

from seldon_core.aio.clock import Clock
from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import OverloadedError, StoreError
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler import durability
from seldon_core.scheduler.audit import Auditor, AuditSink
from seldon_core.scheduler.callers import Callers, Progress, Settling
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Decision,
    Drop,
    PublishStatus,
    Save,
)
from seldon_core.scheduler.declared_decisions import (
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.declared_events import PipelineAcknowledged
from seldon_core.scheduler.declared_service import DeclaredDesk
from seldon_core.scheduler.durability import Keeper, RecordStore
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelReported,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaDrainRequested,
    ReplicaLost,
    ServerConfigDeclared,
    ServerConfigUnloadRequested,
    ServerDeclared,
    ServerNotice,
    ServersNotified,
    ServerUnloadRequested,
    SyncReached,
    Tick,
    model_of,
    restored_event,
)
from seldon_core.scheduler.logs import PlaceLog, log_change, log_decision, log_event
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.outside import Outside, ServerOwner
from seldon_core.scheduler.records import Kind, Stored
from seldon_core.scheduler.state import Packing
from seldon_core.scheduler.status import ModelStatus, ServerStatus, Verdict
from seldon_core.scheduler.story import Chapter, Story
from seldon_core.scheduler.targets import USUAL_RULES, ScalingRules
from seldon_core.scheduler.watching import Watch, Watches
from seldon_core.transport.control import (
    AgentLink,
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    RouteSink,
    ScalingSignal,
)

MAX_WAITING_REQUESTS = 100_000  # of loads and unloads that nobody has handled yet
MAX_WAITING_SIGNALS = 10_000  # events before one; what it says will be said again
EVENTS_PER_TURN = 64  # of 0.1 to 0.2 ms each; then requests on the loop have their turn

PATIENCE = 5
"""So many rounds of the loop a turn waits for more callers, if there were several lately.

What is kept together costs one write to the disk: 16 callers share it by seven instead of by
four, which makes a quarter more requests a second.
"""


@asynccontextmanager
async def open_scheduler(
    links: Mapping[ReplicaId, AgentLink],
    routes: RouteSink,
    store: RecordStore,
    clock: Clock,
    owner: ServerOwner | None = None,
    scaling: ScalingRules = USUAL_RULES,
    audit: AuditSink | None = None,
) -> AsyncIterator["Scheduler"]:
    """Run a scheduler until the block ends; requests that wait for their answer are cancelled then.

    It takes up the models of `store` and places them, and all others, after `sync`. `links` is
    looked at when an order is sent, so replicas may join it later. `owner` runs declared servers;
    without one somebody else has to. `scaling` says when models and servers are scaled. `audit` is
    told of what was asked for. If the machine or a link raises, which is a bug, the error comes out
    of the block.
    """
    scheduler = Scheduler(links, routes, store, clock, owner, scaling, audit)
    try:
        async with open_tasks("scheduler") as tasks:
            tasks.start(scheduler.handle_events(), name="events")
            yield scheduler
    finally:
        scheduler.abandon()


@dataclass(frozen=True, slots=True)
class _Handled:
    """An event that the machine has handled and nobody has carried out yet."""

    event_id: int
    event: Event
    decisions: list[Decision]


class Scheduler:
    """Takes requests and reports, answers questions about models. It is a ReportSink.

    `declared` does the same for pipelines and experiments.
    """

    def __init__(
        self,
        links: Mapping[ReplicaId, AgentLink],
        routes: RouteSink,
        store: RecordStore,
        clock: Clock,
        owner: ServerOwner | None = None,
        scaling: ScalingRules = USUAL_RULES,
        audit: AuditSink | None = None,
    ) -> None:
        self._outside = Outside(links, routes, owner)
        self._clock = clock
        self._machine = SchedulerMachine()
        self._machine.state.scaling = scaling
        self._machine.state.packing = Packing(scaling.packing, random.random)
        self._queue: deque[Event] = deque()
        self._asked = self._asked_lately = 0  # requests since the last turn, and in turns before
        self._wakeup = asyncio.Event()
        self._carried_out = asyncio.Event()  # also while the store cannot be written to
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        self._return: asyncio.TimerHandle | None = None
        self._callers = Callers()
        self._progress = Progress()
        self._complete = asyncio.Event()
        self._settling = Settling(self._machine.is_settled)
        self._model_watches = Watches()
        self._story = Story()
        self._event_ids = itertools.count(1)
        self._keeper = Keeper(store)
        self._places = PlaceLog()
        self._auditor = Auditor(audit)
        self.declared = DeclaredDesk(
            self._machine, self._callers, clock, self._submit_request, self._submit
        )
        # A server is run by its config, so that has to be there.
        # What was chosen for a model follows it.
        for stored in sorted(store.stored, key=_place_at_start):
            self._submit(restored_event(clock.wall(), stored))
        if not self._queue:
            self._carried_out.set()
        # What was kept comes back as one: nobody is told of some of it.
        self._first_turn = max(EVENTS_PER_TURN, len(self._queue))

    def load_model(
        self,
        spec: ModelSpec,
        *,
        actor: str = "",
        from_folder: bool = False,
        is_again: bool = False,
    ) -> asyncio.Future[Change]:
        """Declare a model; the result comes when that is on the disk, before it is loaded.

        A model `from_folder` is not kept: the folder will declare it again. With `is_again` it is
        loaded from its files anew, while what is loaded serves on. The future raises
        InvalidResourceError, NotReadyError (it is being deleted), OverloadedError or StoreError:
        it is refused, or done and may not last. Cancelling does not take the request back.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        event = ModelLoadRequested(now, spec, caller, actor, from_folder, is_again)
        self._submit_request(event, answer)
        return answer

    def unload_model(
        self, name: str, *, meta: KubernetesMeta | None = None, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Delete a model; the result comes when its route is gone, before its memory is free.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._submit_request(ModelUnloadRequested(now, name, caller, meta, actor), answer)
        return answer

    def declare_server(self, spec: ServerSpec, *, actor: str = "") -> asyncio.Future[Change]:
        """Declare a server that is run here; the result comes when that is on the disk.

        The future raises InvalidResourceError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._submit_request(ServerDeclared(self._clock.wall(), spec, caller, actor), answer)
        return answer

    def unload_server(
        self, name: str, *, meta: KubernetesMeta | None = None, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Delete a declared server; the result comes before its models are elsewhere.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._submit_request(ServerUnloadRequested(now, name, caller, meta, actor), answer)
        return answer

    def declare_server_config(
        self, spec: ServerConfigSpec, *, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Declare what servers have in common; the result comes when that is on the disk.

        The future raises InvalidResourceError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._submit_request(ServerConfigDeclared(self._clock.wall(), spec, caller, actor), answer)
        return answer

    def unload_server_config(self, name: str, *, actor: str = "") -> asyncio.Future[Change]:
        """Delete a server config: servers that name it are as if nobody had declared it.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._submit_request(ServerConfigUnloadRequested(now, name, caller, actor), answer)
        return answer

    def server_configs(self) -> list[ServerConfigSpec]:
        """Return every server config that was declared, in that order."""
        return self._machine.server_configs()

    def server_specs(self) -> list[ServerSpec]:
        """Return every server that was declared to be run here, as it was declared."""
        return self._machine.server_specs()

    def notify_servers(
        self, notices: Sequence[ServerNotice], *, is_first_sync: bool = False, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Tell how many replicas servers are to have that others run.

        The future raises OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        event = ServersNotified(now, tuple(notices), is_first_sync, caller, actor)
        self._submit_request(event, answer)
        return answer

    def connect_replica(self, replica: ReplicaId, config: ReplicaConfig) -> None:
        """Place models on a replica, which is in `links` by now, beside what it holds."""
        self._submit(ReplicaConnected(self._clock.wall(), replica, config))

    def lose_replica(self, replica: ReplicaId) -> None:
        """Do without a replica, which is gone with everything it held."""
        self._submit(ReplicaLost(self._clock.wall(), replica))

    def drain_replica(self, replica: ReplicaId, *, actor: str = "") -> asyncio.Future[Change]:
        """Have what is on a replica go elsewhere, before it ends.

        The result comes when nobody is served by it who could be served by another, at once if it
        is not known. The future raises OverloadedError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._submit_request(ReplicaDrainRequested(now, replica, caller, actor), answer)
        return answer

    def sync(self, patience_s: float = 0.0) -> None:
        """Begin to place models: the replicas of this process are connected.

        Models on a server with replicas elsewhere, which were there when the scheduler ran last,
        wait for them up to `patience_s` seconds.
        """
        self._submit(SyncReached(self._clock.wall(), patience_s))

    def report(self, report: ModelReport) -> None:
        """Take in a replica's report; never blocks."""
        self._submit(ModelReported(self._clock.wall(), report))

    def signal(self, signal: ScalingSignal) -> None:
        """Take in how much a model is called; never blocks, and none is kept when many wait."""
        if len(self._queue) < MAX_WAITING_SIGNALS:
            self._submit(ModelScalingSignalled(self._clock.wall(), signal))

    def scalings(self) -> Mapping[str, int]:
        """Return how often models got more replicas ("up") and fewer ("down") by their load."""
        return self._outside.scalings

    async def carried_out(self) -> None:
        """Wait until what the machine knows is kept and routed, too, and may be told.

        It holds up to the caller's next await. While the store cannot be written to, nobody waits.
        """
        await self._carried_out.wait()

    async def caught_up(self) -> None:
        """Wait until everything that was told so far is carried out."""
        await self._progress.caught_up()

    async def complete(self) -> None:
        """Wait until, after a start, the replicas that were there before are or are given up.

        Until then the routes lack what those still serve.
        """
        await self._complete.wait()

    def model_names(self) -> list[str]:
        """Return the names of all models, deleted ones included, in the order of declaration.

        A status takes 20 µs: who tells of all of them does so one by one.
        """
        return self._machine.model_names()

    def models(self) -> list[ModelStatus]:
        """Return every model, deleted ones included, in the order of their declaration."""
        return self._machine.models()

    def model(self, name: str) -> ModelStatus | None:
        """Return a model, None if nobody declared it or it was deleted long ago."""
        return self._machine.model(name)

    def servers(self) -> list[ServerStatus]:
        """Return every server that was declared, or had a replica once."""
        return self._machine.servers()

    def server(self, name: str) -> ServerStatus | None:
        """Return a server, None if it never had a replica."""
        return self._machine.server(name)

    def explain(self, name: str) -> list[Verdict]:
        """Return what the filters say of each server and replica for a model's latest version."""
        return self._machine.explain(name)

    def story(self, name: str) -> list[Chapter]:
        """Return what happened to a model last and why, oldest first."""
        return self._story.of(name)

    def watch_models(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of models whose status changes."""
        return self._model_watches.open()

    def watch_servers(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of servers whose status changes."""
        return self._outside.watch_servers()

    def asked_replicas(self, name: str) -> int | None:
        """Return how many replicas were asked for last for a server, None if nobody asked."""
        return self._outside.asked_replicas(name)

    def watch_asks(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of servers that should have more or fewer
        replicas; `asked_replicas` says how many."""
        return self._outside.watch_asks()

    async def settled(self, names: Collection[str]) -> None:
        """Wait until each of `names`, all accepted, is available, has failed, or is gone."""
        await self.carried_out()
        await self._settling.wait(set(names))

    async def handle_events(self) -> None:
        """Handle events for ever, in the order in which they came."""
        size = self._first_turn
        while True:
            await self._wakeup.wait()
            await self._let_come()
            turn = [self._handle() for _ in range(min(len(self._queue), size))]
            size = EVENTS_PER_TURN
            if not self._queue:
                self._wakeup.clear()
            made = [decision for handled in turn for decision in handled.decisions]
            self._carried_out.clear()
            fault = await self._keeper.keep(made, self._clock.wall())
            for handled in turn:
                self._carry_out_all(handled, fault)
            self._progress.done(len(turn))
            state = self._machine.state
            if state.is_synced and not (state.awaited or state.to_place):
                self._complete.set()
            if fault is not None:
                self._come_back()
            # Who waits for this runs before this loop does again.
            self._carried_out.set()
            self._set_alarm()
            if self._queue:
                await asyncio.sleep(0)

    async def _let_come(self) -> None:
        """Let callers who are on their way join the turn; a lone one does not wait."""
        if self._asked_lately > 1:
            for _ in range(PATIENCE):
                await asyncio.sleep(0)
        if self._asked:
            self._asked_lately = max(self._asked, self._asked_lately // 2)
            self._asked = 0

    def abandon(self) -> None:
        """Cancel whatever still waits: nobody will answer."""
        for timer in (self._alarm, self._return):
            if timer is not None:
                timer.cancel()
        self._model_watches.end()
        self._outside.end()
        self.declared.end()
        self._callers.cancel()
        self._progress.cancel()
        self._settling.cancel()

    def _submit_request(self, event: Event, answer: asyncio.Future[Change]) -> None:
        waiting = len(self._queue)
        error: StoreError | OverloadedError | None = None
        if self._keeper.fault is not None and _is_to_be_kept(event):
            error = _refusal(self._keeper.fault)
        elif waiting >= MAX_WAITING_REQUESTS:
            error = OverloadedError(f"{waiting} control events wait to be handled already")
        if error is not None:
            self._auditor.refused(event, error)
            answer.set_exception(error)
        else:
            self._asked += 1
            self._submit(event)

    def _submit(self, event: Event) -> None:
        """Reports are taken in always: each answers an order, so their number has a bound."""
        self._queue.append(event)
        self._progress.came()
        self._wakeup.set()

    def _handle(self) -> _Handled:
        event = self._queue.popleft()
        return _Handled(next(self._event_ids), event, self._machine.handle(event))

    def _come_back(self) -> None:
        """Try once more to keep what could not be kept, also if nothing happens until then."""
        if self._return is None:
            loop = asyncio.get_running_loop()
            self._return = loop.call_later(durability.RETRY_S, self._on_return)

    def _on_return(self) -> None:
        self._return = None
        self._wakeup.set()

    def _carry_out_all(self, handled: _Handled, fault: StoreError | None) -> None:
        self._story.add(handled.event_id, handled.event, handled.decisions)
        log_event(handled.event, handled.event_id)
        lasts = fault if _is_to_be_kept(handled.event) else None
        self._auditor.handled(handled.event_id, handled.event, handled.decisions, lasts)
        for decision in handled.decisions:
            log_decision(decision, handled.event_id)
            if (
                fault is not None
                and isinstance(decision, AnswerCaller)
                and decision.error is None
                and _is_to_be_kept(handled.event)
            ):
                self._callers.answer(decision.caller, _may_be_lost(fault), decision.change)
            else:
                self._carry_out(decision, handled)
        self._settling.look(model_of(handled.event))
        if isinstance(handled.event, ModelReported):
            self._outside.mark_server(handled.event.report.replica.server)

    def _carry_out(self, decision: Decision, handled: _Handled) -> None:
        match decision:
            case Save():
                pass  # done before everything else
            case Drop(kind, name):
                self._story.forget(name if kind is Kind.MODEL else f"{name}.{kind.value}")
            case PublishStatus(model):
                is_homeless = self._machine.is_homeless(model)
                status = self._machine.model(model) if is_homeless else None
                self._places.note(model, status, handled.event_id)
                self._model_watches.mark(model)
            case AnswerCaller(caller, error, change):
                if error is None:
                    log_change(handled.event, change, handled.event_id)
                self._callers.answer(caller, error, change)
            case PublishPipeline() | PublishExperiment() | OrderPipeline():
                self.declared.carry_out(decision)
            case _:
                self._outside.carry_out(decision)

    def _set_alarm(self) -> None:
        wakeup = self._machine.next_wakeup()
        if wakeup == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._alarm_at = wakeup
        if wakeup is not None:
            delay = max(0.0, wakeup - self._clock.wall())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._alarm = self._alarm_at = None
        self._submit(Tick(self._clock.wall()))


def _place_at_start(stored: Stored) -> int:
    return {Kind.SERVER_CONFIG: 0, Kind.SCALING: 2}.get(stored.kind, 1)


def _is_to_be_kept(event: Event) -> bool:
    """Whether who asked is promised that it lasts; also who repeats what is not kept yet."""
    if isinstance(event, ReplicaDrainRequested | PipelineAcknowledged):
        return False
    return not (isinstance(event, ModelLoadRequested) and event.from_folder)


def _refusal(fault: StoreError) -> StoreError:
    return StoreError(f"nothing can be changed now: {fault}")


def _may_be_lost(fault: StoreError) -> StoreError:
    return StoreError(f"done, but not kept yet and lost if the process ends before it is: {fault}")
