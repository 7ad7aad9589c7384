"""The scheduler's queue: events come from wherever, and one task has the machine handle them.

So the machine is never entered while what it decided is being carried out. Events that wait
together are one turn: what is to be kept of all of them is one transaction of the store, and only
then anything is carried out. While the store cannot be written to, changes are refused and all else
goes on.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seldon_core.aio.clock import Clock
from seldon_core.errors import OverloadedError, StoreError
from seldon_core.scheduler import durability
from seldon_core.scheduler.callers import Progress
from seldon_core.scheduler.decisions import Decision
from seldon_core.scheduler.declared_events import PipelineAcknowledged
from seldon_core.scheduler.durability import Keeper
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelWakeRequested,
    ReplicaDrainRequested,
    Tick,
)
from seldon_core.scheduler.machine import SchedulerMachine

MAX_WAITING_REQUESTS = 100_000  # of loads and unloads that nobody has handled yet
EVENTS_PER_TURN = 64  # of 0.1 to 0.2 ms each; then requests on the loop have their turn

PATIENCE = 5
"""So many rounds of the loop a turn waits for more callers, if there were several lately.

What is kept together costs one write to the disk: 16 callers share it by seven instead of by
four, which makes a quarter more requests a second.
"""


@dataclass(frozen=True, slots=True)
class Handled:
    """An event that the machine has handled and nobody has carried out yet."""

    event_id: int
    event: Event
    decisions: list[Decision]


class Turns:
    """Has `machine` handle events, `keeper` keep what it decided, and `carry_out` do the rest.

    `carry_out` is told why it could not be kept, if so. `kept` are the events of what was there
    before, which are one turn: nobody is told of some of it.
    """

    def __init__(
        self,
        machine: SchedulerMachine,
        keeper: Keeper,
        clock: Clock,
        kept: Sequence[Event],
        carry_out: Callable[[Handled, StoreError | None], None],
    ) -> None:
        self._machine = machine
        self._keeper = keeper
        self._clock = clock
        self._carry_out = carry_out
        self._queue: deque[Event] = deque()
        self._asked = self._asked_lately = 0  # requests since the last turn, and in turns before
        self._wakeup = asyncio.Event()
        self._carried_out = asyncio.Event()  # also while the store cannot be written to
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        self._return: asyncio.TimerHandle | None = None
        self._progress = Progress()
        self._complete = asyncio.Event()
        self._event_ids = itertools.count(1)
        self._first_turn = max(EVENTS_PER_TURN, len(kept))
        for event in kept:
            self.tell(event)
        if not kept:
            self._carried_out.set()

    @property
    def waiting(self) -> int:
        """How many events wait to be handled."""
        return len(self._queue)

    def ask(self, event: Event) -> StoreError | OverloadedError | None:
        """Have a request handled; return why it is not, None if it is."""
        if self._keeper.fault is not None and is_to_be_kept(event):
            return StoreError(f"nothing can be changed now: {self._keeper.fault}")
        if self.waiting >= MAX_WAITING_REQUESTS:
            return OverloadedError(f"{self.waiting} control events wait to be handled already")
        self._asked += 1
        self.tell(event)
        return None

    def tell(self, event: Event) -> None:
        """Have an event handled whatever waits: each report answers an order, so they are few."""
        self._queue.append(event)
        self._progress.came()
        self._wakeup.set()

    async def run(self) -> None:
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
                self._carry_out(handled, fault)
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

    async def carried_out(self) -> None:
        """Wait until what the machine knows is kept and routed, too, and may be told.

        It holds up to the caller's next await. While the store cannot be written to, nobody waits.
        """
        await self._carried_out.wait()

    async def caught_up(self) -> None:
        """Wait until everything that was told so far is carried out."""
        await self._progress.caught_up()

    async def complete(self) -> None:
        """Wait until the replicas that were there before the start are or are given up."""
        await self._complete.wait()

    def end(self) -> None:
        """Let no timer ring any more, and send away who waits for what has not been handled."""
        for timer in (self._alarm, self._return):
            if timer is not None:
                timer.cancel()
        self._progress.cancel()

    async def _let_come(self) -> None:
        """Let callers who are on their way join the turn; a lone one does not wait."""
        if self._asked_lately > 1:
            for _ in range(PATIENCE):
                await asyncio.sleep(0)
        if self._asked:
            self._asked_lately = max(self._asked, self._asked_lately // 2)
            self._asked = 0

    def _handle(self) -> Handled:
        event = self._queue.popleft()
        return Handled(next(self._event_ids), event, self._machine.handle(event))

    def _come_back(self) -> None:
        """Try once more to keep what could not be kept, also if nothing happens until then."""
        if self._return is None:
            loop = asyncio.get_running_loop()
            self._return = loop.call_later(durability.RETRY_S, self._on_return)

    def _on_return(self) -> None:
        self._return = None
        self._wakeup.set()

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
        self.tell(Tick(self._clock.wall()))


def is_to_be_kept(event: Event) -> bool:
    """Whether who asked is promised that it lasts; also who repeats what is not kept yet."""
    if isinstance(event, ReplicaDrainRequested | PipelineAcknowledged | ModelWakeRequested):
        return False
    return not (isinstance(event, ModelLoadRequested) and event.from_folder)
