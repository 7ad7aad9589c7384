"""Who has answered what he was told of a resource, and what the answers come to. Pure.

Each order about a name gets the next number of that name's clock. Who answers echoes it, so that an
answer to an order that was overtaken counts for nothing, nor one of somebody who was not asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Operation(Enum):
    """What is ordered. A rebalance asks for the same as a create, of other members."""

    CREATE = "create"
    DELETE = "delete"
    REBALANCE = "rebalance"


class Answer(Enum):
    """What a member said, in the words of the reason; WAITING: nothing yet."""

    WAITING = ""
    READY = "ready"
    TERMINATED = "terminated"
    FAILED = "failed"
    TERMINATE_FAILED = "failed terminating"
    REBALANCING = "rebalancing"


class Outcome(Enum):
    """What all answers come to."""

    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Round:
    """One order: its number, and what each of the members said that it was for."""

    timestamp: int
    operation: Operation
    answers: dict[str, Answer]

    @property
    def outcome(self) -> Outcome:
        """What the answers come to so far."""
        answers = self.answers.values()
        if self.operation is Operation.DELETE:
            if Answer.TERMINATE_FAILED in answers:
                return Outcome.FAILED
            is_over = all(answer is Answer.TERMINATED for answer in answers)
            return Outcome.DONE if is_over else Outcome.UNDER_WAY
        if all(answer is Answer.FAILED for answer in answers):
            return Outcome.FAILED
        pending = Answer.REBALANCING if self.operation is Operation.REBALANCE else Answer.WAITING
        if Answer.READY in answers and pending not in answers:
            return Outcome.DONE
        return Outcome.UNDER_WAY

    @property
    def reason(self) -> str:
        """How many said what, in Seldon's form: `1/2 ready 1/2 failed `."""
        said = list(self.answers.values())
        return "".join(
            f"{said.count(answer)}/{len(said)} {answer.value} "
            for answer in Answer
            if answer is not Answer.WAITING and answer in said
        )


@dataclass(slots=True)
class Clocks:
    """The last order about each name. A name whose deletion is over starts at 1 again."""

    rounds: dict[str, Round] = field(default_factory=dict)

    def begin(self, name: str, operation: Operation, members: Iterable[str]) -> int:
        """Note an order to `members`, of which there is at least one; return its number."""
        last = self.rounds.get(name)
        timestamp = 1 + (last.timestamp if last is not None else 0)
        answers = dict.fromkeys(members, Answer.WAITING)
        self.rounds[name] = Round(timestamp, operation, answers)
        return timestamp

    def take(self, name: str, member: str, timestamp: int, answer: Answer) -> Round | None:
        """Take in an answer; return the round that it belongs to, None if it counts for nothing."""
        current = self.rounds.get(name)
        if current is None or current.timestamp != timestamp or member not in current.answers:
            return None
        current.answers[member] = answer
        return current

    def forget(self, name: str) -> None:
        """Expect no more answers about a name."""
        self.rounds.pop(name, None)
