"""The scheduler's shell for pipelines and experiments: requests in, and who is told what.

It has no queue of its own: events go to the scheduler's, and decisions come from there.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Self, assert_never

from seldon_core.aio.clock import Clock
from seldon_core.ids import new_xid
from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.callers import Callers
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.declared_decisions import (
    DeclaredDecision,
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.declared_events import (
    DeclaredEvent,
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.declared_status import ExperimentStatus, PipelineStatus
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.watching import Watch, Watches


class Orders:
    """What an engine or gateway is told, of each pipeline the last order that it has not taken."""

    def __init__(self) -> None:
        self._names = Watch()
        self._orders: dict[str, OrderPipeline] = {}

    # Not a generator, as `Watch` is none.
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> OrderPipeline:
        """Wait for an order; there is none when the scheduler has ended."""
        return self._orders.pop(await anext(self._names))

    def put(self, order: OrderPipeline) -> None:
        """Give an order, in the place of one about the same pipeline that is not taken yet."""
        name = order.version.spec.name
        self._orders[name] = order
        self._names.mark(name)

    def end(self) -> None:
        """Yield what has been ordered so far and then nothing any more."""
        self._names.end()


class DeclaredDesk:
    """Takes requests about pipelines and experiments, and answers questions about them.

    `ask` has an event handled whose caller is answered, or refuses it; `tell` has it handled.
    """

    def __init__(
        self,
        machine: SchedulerMachine,
        callers: Callers,
        clock: Clock,
        ask: Callable[[DeclaredEvent, "asyncio.Future[Change]"], None],
        tell: Callable[[DeclaredEvent], None],
    ) -> None:
        self._machine = machine
        self._callers = callers
        self._clock = clock
        self._ask = ask
        self._tell = tell
        self._pipelines, self._experiments = Watches(), Watches()
        self._members: dict[tuple[Side, str], Orders] = {}
        self._is_over = False

    def load_pipeline(
        self, spec: PipelineSpec, *, uid: str = "", actor: str = "", only_if_changed: bool = False
    ) -> asyncio.Future[Change]:
        """Declare a pipeline as a new version; the result comes when that is on the disk.

        With `only_if_changed` what is declared already is no new version. `uid` is the version's
        id, "" for a new one. The future raises InvalidResourceError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        event = PipelineLoadRequested(
            self._clock.wall(), spec, uid or new_xid(), caller, actor, only_if_changed
        )
        self._ask(event, answer)
        return answer

    def unload_pipeline(self, name: str, *, actor: str = "") -> asyncio.Future[Change]:
        """Delete a pipeline; the result comes before everybody has let it go.

        The future raises NotFoundError, NotReadyError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(PipelineUnloadRequested(self._clock.wall(), name, caller, actor), answer)
        return answer

    def acknowledge(
        self,
        side: Side,
        member: str,
        version: tuple[str, int, str],
        timestamp: int,
        answer: Answer,
        *,
        actor: str = "",
    ) -> asyncio.Future[Change]:
        """Take in what an engine or gateway says of a version: pipeline, number and uid.

        The future raises SeldonError if there is no such version.
        """
        caller, taken = self._callers.register()
        now = self._clock.wall()
        self._ask(
            PipelineAcknowledged(now, side, member, *version, timestamp, answer, caller, actor),
            taken,
        )
        return taken

    def start_experiment(self, spec: ExperimentSpec, *, actor: str = "") -> asyncio.Future[Change]:
        """Declare an experiment; the result comes when that is on the disk.

        The future raises InvalidResourceError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(ExperimentStartRequested(self._clock.wall(), spec, caller, actor), answer)
        return answer

    def stop_experiment(self, name: str, *, actor: str = "") -> asyncio.Future[Change]:
        """Stop an experiment; the result comes when its routes are gone.

        The future raises NotFoundError, OverloadedError or StoreError.
        """
        caller, answer = self._callers.register()
        self._ask(ExperimentStopRequested(self._clock.wall(), name, caller, actor), answer)
        return answer

    def pipeline_names(self) -> list[str]:
        """Return the names of all pipelines, deleted ones included, in the order of declaration."""
        return self._machine.pipeline_names()

    def pipeline(self, name: str) -> PipelineStatus | None:
        """Return a pipeline, None if nobody declared it or it was deleted long ago."""
        return self._machine.pipeline(name)

    def experiment_names(self) -> list[str]:
        """Return the names of all experiments, stopped ones included, in their order."""
        return self._machine.experiment_names()

    def experiment(self, name: str) -> ExperimentStatus | None:
        """Return an experiment, None if nobody declared it or it was stopped long ago."""
        return self._machine.experiment(name)

    def watch_pipelines(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of pipelines whose status changes."""
        return self._pipelines.open()

    def watch_experiments(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of experiments whose status changes."""
        return self._experiments.open()

    @contextmanager
    def join(self, side: Side, member: str) -> Iterator[Orders]:
        """Be an engine or gateway for the length of a block; yields what it is told.

        One that comes by the name of another takes its place.
        """
        orders = Orders()
        before = self._members.get((side, member))
        if before is not None:
            before.end()
        if self._is_over:
            orders.end()
        self._members[side, member] = orders
        self._tell(PipelineMemberJoined(self._clock.wall(), side, member))
        try:
            yield orders
        finally:
            if self._members.get((side, member)) is orders:
                del self._members[side, member]
                self._tell(PipelineMemberLeft(self._clock.wall(), side, member))

    def carry_out(self, decision: DeclaredDecision) -> None:
        """Tell whom it concerns."""
        match decision:
            case PublishPipeline(pipeline=name):
                self._pipelines.mark(name)
            case PublishExperiment(experiment=name):
                self._experiments.mark(name)
            case OrderPipeline(side=side, member=member):
                orders = self._members.get((side, member))
                if orders is not None:  # else it left just now
                    orders.put(decision)
            case _:
                assert_never(decision)

    def end(self) -> None:
        """Send everybody away, also who comes later."""
        self._is_over = True
        self._pipelines.end()
        self._experiments.end()
        for orders in self._members.values():
            orders.end()
