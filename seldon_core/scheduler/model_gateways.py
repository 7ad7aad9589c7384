"""Model gateways of Seldon's, which make models callable by Kafka: who has which model.

One connected gateway has a model. It is told to take a model in, again when that has another
version, and to let it go; it answers each time. What comes of that is a second state of a model
(`modelGwState`), which decides nothing here. With nobody connected a model waits to be created, and
is let go of as soon as it is deleted. Nothing of this is kept: gateways subscribe anew.

Pure: a member's inbox is marked with the names that it may have to be told of, for which `order`
then says what, by what is so then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from seldon_core.scheduler.acknowledgements import Answer, Clocks, Operation, Outcome
from seldon_core.scheduler.choosing import member_for


class Inbox(Protocol):
    """Where a gateway finds the names of the models that it has to look at."""

    def mark(self, name: str) -> None:
        """Note a name."""

    def end(self) -> None:
        """Come to an end: another gateway has the same name."""


class GatewayState(Enum):
    """The state of a version at the gateways, by Seldon's names."""

    CREATE = "ModelCreate"
    TERMINATE = "ModelTerminate"
    PROGRESSING = "ModelProgressing"
    AVAILABLE = "ModelAvailable"
    FAILED = "ModelFailed"
    TERMINATING = "ModelTerminating"
    TERMINATED = "ModelTerminated"
    TERMINATE_FAILED = "ModelTerminateFailed"


@dataclass(frozen=True, slots=True)
class GatewayOrder:
    """What a gateway is told of a model's latest version; it echoes `timestamp`.

    With `keep_topics` another gateway has it from now on, and no answer is waited for.
    """

    operation: Operation
    timestamp: int
    keep_topics: bool = False


@dataclass(slots=True)
class _Record:
    """A model: the number of the version that each gateway was told of, and what came of it.

    `leaving` is who was told last to let it go, since it was deleted.
    """

    holders: dict[str, int] = field(default_factory=dict)
    state: GatewayState = GatewayState.CREATE
    reason: str = ""
    number: int = 0
    leaving: str = ""


_DONE = {
    Operation.CREATE: {
        Outcome.DONE: GatewayState.AVAILABLE,
        Outcome.FAILED: GatewayState.FAILED,
        Outcome.UNDER_WAY: GatewayState.PROGRESSING,
    },
    Operation.DELETE: {
        Outcome.DONE: GatewayState.TERMINATED,
        Outcome.FAILED: GatewayState.TERMINATE_FAILED,
        Outcome.UNDER_WAY: GatewayState.TERMINATING,
    },
}


class ModelGateways:
    """Who has which model. `changed` is called with the names whose state is another one."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._members: dict[str, Inbox] = {}
        self._records: dict[str, _Record] = {}
        self._clocks = Clocks()

    def join(self, member: str, inbox: Inbox) -> None:
        """Take a gateway in, which holds nothing yet, in the place of one of its name."""
        before = self._members.get(member)
        if before is not None:
            before.end()
        self._members[member] = inbox
        for name, record in self._records.items():
            record.holders.pop(member, None)
            if member_for(name, self._members) == member:
                for holder in record.holders:
                    self._members[holder].mark(name)

    def is_member(self, member: str, inbox: Inbox) -> bool:
        """Return whether a gateway is still the one of its name."""
        return self._members.get(member) is inbox

    def leave(self, member: str, inbox: Inbox) -> None:
        """Have others take in what a gateway had that is gone, unless it is back by now."""
        if not self.is_member(member, inbox):
            return
        del self._members[member]
        if not self._members:  # nothing is known of what they have, and all waits for the next one
            names = list(self._records)
            self._records.clear()
            for name in names:
                self._changed(name)
            return
        for name, record in self._records.items():
            if record.holders.pop(member, None) is not None:
                self._members[member_for(name, self._members)].mark(name)
            elif record.leaving == member and record.state is GatewayState.TERMINATING:
                self._set(name, record, GatewayState.TERMINATED, "")

    def order(
        self, member: str, name: str, number: int, *, is_deleted: bool
    ) -> GatewayOrder | None:
        """Return what a gateway is to be told of a model, whose latest version is `number`.

        None if it was told already, or has nothing to do with it.
        """
        record = self._records.setdefault(name, _Record())
        if is_deleted:
            if member not in record.holders:
                return None
            del record.holders[member]
            record.leaving = member
            self._set(name, record, GatewayState.TERMINATING, "")
            return GatewayOrder(
                Operation.DELETE, self._clocks.begin(name, Operation.DELETE, [member])
            )
        if member_for(name, self._members) != member:
            if record.holders.pop(member, None) is None:
                return None
            return GatewayOrder(Operation.DELETE, 0, keep_topics=True)
        if record.holders.get(member) == number:
            return None
        record.holders[member] = record.number = number
        self._set(name, record, GatewayState.PROGRESSING, "")
        return GatewayOrder(Operation.CREATE, self._clocks.begin(name, Operation.CREATE, [member]))

    def acknowledge(
        self, member: str, name: str, operation: Operation, timestamp: int, *, is_done: bool
    ) -> None:
        """Take in what a gateway says of an order; one that was overtaken changes nothing."""
        good, bad = _ANSWERS[operation]
        current = self._clocks.take(name, member, timestamp, good if is_done else bad)
        record = self._records.get(name)
        if current is not None and record is not None:
            state = _DONE[current.operation][current.outcome]
            self._set(name, record, state, current.reason)

    def forget(self, name: str) -> None:
        """Know nothing of a model any more that nobody remembers."""
        self._records.pop(name, None)
        self._clocks.forget(name)

    def state_of(
        self, name: str, number: int, *, is_latest: bool, is_deleted: bool
    ) -> tuple[GatewayState, str]:
        """Return a version's state at the gateways and the reason."""
        record = self._records.get(name, _Record())
        if is_deleted:
            if record.holders:
                return GatewayState.TERMINATE, "Model deleted"
            is_over = record.state not in _ENDING
            return (GatewayState.TERMINATED, _NONE_HELD_IT) if is_over else _shown(record)
        if not self._members:
            return GatewayState.CREATE, _NO_GATEWAY
        if is_latest:
            return _shown(record) if record.number == number else (GatewayState.CREATE, "")
        if record.state is GatewayState.AVAILABLE and record.number > number:
            return GatewayState.TERMINATED, "Not latest version"
        return GatewayState.PROGRESSING, ""

    def _set(self, name: str, record: _Record, state: GatewayState, reason: str) -> None:
        if (record.state, record.reason) != (state, reason):
            record.state, record.reason = state, reason
            self._changed(name)


_ENDING = (GatewayState.TERMINATING, GatewayState.TERMINATED, GatewayState.TERMINATE_FAILED)
_ANSWERS = {
    Operation.CREATE: (Answer.READY, Answer.FAILED),
    Operation.DELETE: (Answer.TERMINATED, Answer.TERMINATE_FAILED),
}
_NO_GATEWAY = "no model gateway runs: the model is called by REST and gRPC only"
_NONE_HELD_IT = "no model gateway runs, so none had to let the model go"


def _shown(record: _Record) -> tuple[GatewayState, str]:
    return record.state, record.reason
