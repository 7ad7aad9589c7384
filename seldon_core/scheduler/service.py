"""The scheduler's shell: requests and reports in, answers and orders out.

What comes waits in `turns` and is handled there, kept first; here its decisions are carried out in
order, and what operators ask of the machine is answered.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractContextManager, asynccontextmanager

from seldon_core.aio.clock import Clock
from seldon_core.aio.supervise import open_tasks
from seldon_core.errors import StoreError
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.audit import Auditor, AuditSink
from seldon_core.scheduler.callers import Callers, Settling
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
    SyncReached,
    model_of,
    restored_event,
)
from seldon_core.scheduler.logs import PlaceLog, log_change, log_decision, log_event
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.outside import Outside, ServerOwner
from seldon_core.scheduler.platform_desk import PlatformDesk
from seldon_core.scheduler.records import Kind, Stored
from seldon_core.scheduler.scaling_service import ScalingDesk
from seldon_core.scheduler.status import ModelStatus, ServerStatus, Verdict
from seldon_core.scheduler.story import Chapter, Story
from seldon_core.scheduler.targets import USUAL_RULES, ScalingRules
from seldon_core.scheduler.turns import Handled, Turns, is_to_be_kept
from seldon_core.scheduler.watching import Watch, Watches
from seldon_core.transport.control import (
    AgentLink,
    ModelReport,
    ReplicaConfig,
    ReplicaId,
    RouteSink,
    ScalingSignal,
)

MAX_WAITING_SIGNALS = 10_000  # events before one; what it says will be said again


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


class Scheduler:
    """Takes requests and reports, answers questions about models. It is a ReportSink.

    `declared` does the same for pipelines and experiments; `scaling` is asked about scaling.
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
        self._clock = clock
        self._machine = SchedulerMachine()
        self._outside = Outside(links, routes, owner, self._machine.remote_for, self.report)
        self._callers = Callers()
        self._settling = Settling(self._machine.is_settled)
        self.scaling = ScalingDesk(self._machine, self._callers, self._settling, clock, self._ask)
        self.scaling.change(scaling)
        self._model_watches = Watches()
        self._story = Story()
        self._places = PlaceLog()
        self._auditor = Auditor(audit)
        # A server is run by its config, so that has to be there.
        # What was chosen for a model follows it.
        kept = sorted(store.stored, key=_place_at_start)
        restored = [restored_event(clock.wall(), stored) for stored in kept]
        self._turns = Turns(self._machine, Keeper(store), clock, restored, self._carry_out_all)
        self.platform = PlatformDesk(self._machine, self._callers, clock, self._ask)
        self.declared = DeclaredDesk(
            self._machine, self._callers, clock, self._ask, self._turns.tell
        )

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
        self._ask(event, answer)
        return answer

    def unload_model(
        self, name: str, *, meta: KubernetesMeta | None = None, actor: str = ""
    ) -> asyncio.Future[Change]:
        """Delete a model; the result comes when its route is gone, before its memory is free.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._ask(ModelUnloadRequested(now, name, caller, meta, actor), answer)
        return answer

    def connect_replica(self, replica: ReplicaId, config: ReplicaConfig) -> None:
        """Place models on a replica, which is in `links` by now, beside what it holds."""
        self._turns.tell(ReplicaConnected(self._clock.wall(), replica, config))

    def lose_replica(self, replica: ReplicaId) -> None:
        """Do without a replica, which is gone with everything it held."""
        self._turns.tell(ReplicaLost(self._clock.wall(), replica))

    def drain_replica(self, replica: ReplicaId, *, actor: str = "") -> asyncio.Future[Change]:
        """Have what is on a replica go elsewhere, before it ends.

        The result comes when nobody is served by it who could be served by another, at once if it
        is not known. The future raises OverloadedError.
        """
        caller, answer = self._callers.register()
        now = self._clock.wall()
        self._ask(ReplicaDrainRequested(now, replica, caller, actor), answer)
        return answer

    def sync(self, patience_s: float = 0.0) -> None:
        """Begin to place models: the replicas of this process are connected.

        Models on a server with replicas elsewhere, which were there when the scheduler ran last,
        wait for them up to `patience_s` seconds.
        """
        self._turns.tell(SyncReached(self._clock.wall(), patience_s))

    def report(self, report: ModelReport) -> None:
        """Take in a replica's report; never blocks."""
        self._turns.tell(ModelReported(self._clock.wall(), report))

    def signal(self, signal: ScalingSignal, *, actor: str = "") -> None:
        """Take in how much a model is called; never blocks, and none is kept when many wait.

        `actor` is who wishes for replicas from outside.
        """
        if self._turns.waiting < MAX_WAITING_SIGNALS:
            self._turns.tell(ModelScalingSignalled(self._clock.wall(), signal, actor))

    def check_scaled(self, name: str) -> None:
        """Raise NotFoundError or InvalidResourceError if a model's replicas are as declared."""
        self.scaling.check(name)

    def scalings(self) -> Mapping[str, int]:
        """Return how often models got more replicas ("up") and fewer ("down") by their load."""
        return self._outside.scalings

    async def carried_out(self) -> None:
        """Wait until what the machine knows is kept and routed, too, and may be told.

        It holds up to the caller's next await. While the store cannot be written to, nobody waits.
        """
        await self._turns.carried_out()

    async def caught_up(self) -> None:
        """Wait until everything that was told so far is carried out."""
        await self._turns.caught_up()

    async def complete(self) -> None:
        """Wait until, after a start, the replicas that were there before are or are given up.

        Until then the routes lack what those still serve.
        """
        await self._turns.complete()

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
        """Return what happened to a model last and why, oldest first.

        Other resources are named with their kind: `p.pipeline`, `mlserver.server`.
        """
        return self._story.of(name)

    def watch_models(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of models whose status changes."""
        return self._model_watches.open()

    def mark_model(self, name: str) -> None:
        """Tell those who follow models that something else is told of one beside its state."""
        self._model_watches.mark(name)

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
        await self._turns.run()

    def abandon(self) -> None:
        """Cancel whatever still waits: nobody will answer."""
        self._turns.end()
        self._model_watches.end()
        self._outside.end()
        self.declared.end()
        self._callers.cancel()
        self._settling.cancel()

    def _ask(self, event: Event, answer: asyncio.Future[Change]) -> None:
        error = self._turns.ask(event)
        if error is not None:
            self._auditor.refused(event, error)
            answer.set_exception(error)

    def _carry_out_all(self, handled: Handled, fault: StoreError | None) -> None:
        self._story.add(handled.event_id, handled.event, handled.decisions)
        log_event(handled.event, handled.event_id)
        lasts = fault if is_to_be_kept(handled.event) else None
        self._auditor.handled(handled.event_id, handled.event, handled.decisions, lasts)
        for decision in handled.decisions:
            log_decision(decision, handled.event_id)
            if (
                fault is not None
                and isinstance(decision, AnswerCaller)
                and decision.error is None
                and is_to_be_kept(handled.event)
            ):
                self._callers.answer(decision.caller, _may_be_lost(fault), decision.change)
            else:
                self._carry_out(decision, handled)
        self._settling.look(model_of(handled.event))
        if isinstance(handled.event, ModelReported):
            self._outside.mark_server(handled.event.report.replica.server)

    def _carry_out(self, decision: Decision, handled: Handled) -> None:
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


def _place_at_start(stored: Stored) -> int:
    return {Kind.SERVER_CONFIG: 0, Kind.SCALING: 2}.get(stored.kind, 1)


def _may_be_lost(fault: StoreError) -> StoreError:
    return StoreError(f"done, but not kept yet and lost if the process ends before it is: {fault}")
