"""An agent in another process, as the scheduler has it while its stream is open.

Orders wait here until the stream takes them, and a report is compared with them: it must answer the
last one for its model version. So an agent that answers late, twice, or for what nobody asked of it
changes nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Final

from seldon_core import __version__
from seldon_core.proto import agent_pb2 as pb
from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.transport.agent_messages import (
    Subscription,
    bare_version,
    load_message,
    unload_message,
)
from seldon_core.transport.agent_reports import Report
from seldon_core.transport.control import ReplicaModelEvent

_log = logging.getLogger(__name__)

MAX_ORDERS: Final = 100_000
"""An agent for which more orders wait is given up."""

_OF_A_LOAD: Final = (ReplicaModelEvent.LOADED, ReplicaModelEvent.LOAD_FAILED)


@dataclass(slots=True)
class _Ordered:
    """The last order for a version, or that it was held, which answers an order to load it."""

    version: ModelVersion | None  # None: nothing is known of it but its name
    is_load: bool
    number: int
    is_answered: bool = False


class RemoteAgent:
    """An AgentLink to the agent that subscribed with `subscription`.

    `protocol` is the version of our additions that it speaks, 0 for an agent of Seldon's. Orders
    are numbered by `numbers`, which never come again: not even a report that was sent on an earlier
    subscription is taken for another's. `has_left` is set when the stream has ended and the
    scheduler was told. `overheard_at` is the agent's address if what it is told goes to another
    machine in plain text, "" if not. `was_odd`: it has reported what it was not told to do, and
    that was logged.
    """

    def __init__(
        self,
        subscription: Subscription,
        protocol: int,
        numbers: Iterator[int],
        overheard_at: str = "",
    ) -> None:
        self.subscription = subscription
        self._overheard_at = overheard_at
        self.has_left = asyncio.Event()
        self.was_odd = False
        self._is_ours = protocol > 0
        self._numbers = numbers
        self._waiting: deque[pb.ModelOperationMessage] = deque()
        self._wakeup = asyncio.Event()
        self._is_over = False
        self._ordered: dict[tuple[str, int], _Ordered] = {}
        if self._is_ours:
            welcome = pb.SchedulerWelcome(protocol=protocol, version=__version__)
            self._waiting.append(pb.ModelOperationMessage(welcome=welcome))
        for held in subscription.config.held:
            version = held.version
            ordered = _Ordered(version, is_load=True, number=0, is_answered=True)
            self._ordered[version.spec.name, version.version] = ordered
        for unknown, _ in subscription.unknown:
            self._order(unload_message(unknown, self._number()))

    @property
    def finds_secrets(self) -> bool:
        """Whether it looks for a model's Secret itself, in Kubernetes, as Seldon's agents do."""
        return not self._is_ours

    def load_model(self, version: ModelVersion, remote: Remote | None = None) -> None:
        """Load, from `remote`; a LOADED or LOAD_FAILED report follows."""
        if remote is not None:
            self._warn_of_listeners()
        number = self._number()
        key = version.spec.name, version.version
        self._ordered[key] = _Ordered(version, is_load=True, number=number)
        self._order(load_message(version, number, remote))

    def unload_model(self, model: str, version: int) -> None:
        """Unload; an UNLOADED or UNLOAD_FAILED report follows."""
        known = self._ordered.get((model, version))
        declared = known.version if known is not None else None
        number = self._number()
        self._ordered[model, version] = _Ordered(declared, is_load=False, number=number)
        if declared is None:
            self._order(unload_message(bare_version(model, version), number))
        else:
            self._order(unload_message(load_message(declared, number).modelVersion, number))

    def takes(self, told: Report) -> bool:
        """Return whether a report answers the last order for its version; each is taken once.

        Raises LookupError if no order for that version was given, nor is it held. An agent that has
        loaded such a one is told to unload it.
        """
        report = told.report
        key = report.model, report.version
        ordered = self._ordered.get(key)
        if ordered is None:
            if report.event is ReplicaModelEvent.LOADED:
                self._order(unload_message(bare_version(*key), self._number()))
            raise LookupError(f"{report.model}_{report.version}")
        # Seldon's agents give no number back; one of ours that gives none answers nothing of ours.
        is_stale = told.order != ordered.number and (self._is_ours or told.order != 0)
        is_other = (report.event in _OF_A_LOAD) != ordered.is_load
        if ordered.is_answered or is_stale or is_other:
            return False
        ordered.is_answered = True
        if report.event in (ReplicaModelEvent.LOAD_FAILED, ReplicaModelEvent.UNLOADED):
            del self._ordered[key]
        return True

    def end(self) -> None:
        """Take no more orders; those that wait are not sent."""
        self._is_over = True
        self._waiting.clear()
        self._wakeup.set()

    async def orders(self) -> AsyncGenerator[pb.ModelOperationMessage, None]:
        """Yield what the agent is to be told, until `end`."""
        while not self._is_over:
            while self._waiting:
                yield self._waiting.popleft()
            self._wakeup.clear()
            if not self._is_over:
                await self._wakeup.wait()

    def _warn_of_listeners(self) -> None:
        """Say once that whoever is on the way to this agent reads what Secrets hold."""
        if self._overheard_at:
            _log.warning(
                "what Secrets hold goes to another machine in plain text; set control.tls "
                "replica=%s peer=%s",
                self.subscription.replica,
                self._overheard_at,
            )
            self._overheard_at = ""

    def _number(self) -> int:
        """Return the next order's number, 0 for an agent that would not give it back."""
        return next(self._numbers) if self._is_ours else 0

    def _order(self, message: pb.ModelOperationMessage) -> None:
        if self._is_over:
            return
        if len(self._waiting) >= MAX_ORDERS:
            self.end()
        else:
            self._waiting.append(message)
            self._wakeup.set()
