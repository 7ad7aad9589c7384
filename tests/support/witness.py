"""Remembers what was asked of a scheduler and what came of it, and says what contradicts that.

For each model requests go out one at a time, so there is one order of what was kept, and at most
one request whose fate nobody knows when the process is killed. Times are monotonic seconds; each
request to a model is thought to happen at some moment between its sending and its answer.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import ModelSpec
from tests.support.numbered_models import Sort

NEVER = float("inf")


@dataclass(eq=False)
class Request:
    """A declaration of artifact `number`, or a deletion, which has no spec.

    `version` is the number that the model's version has if it is kept.
    """

    model: str
    spec: ModelSpec | None
    number: int
    sort: Sort
    version: int
    sent_at: float
    kept_at: float = NEVER

    def __str__(self) -> str:
        if self.spec is None:
            return f"deletion of {self.model}"
        logged = ", log_payloads" if self.spec.log_payloads else ""
        return f"{self.model}_{self.version}, {self.sort.value} artifact {self.number}{logged}"


class Witness:
    """Everything that is known, and `violations`, a sentence each. Thread-safe.

    `life` counts the starts of the process; `killed_at` is when the last one was killed.
    """

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.answers = self.refusals = self.requests = self.kept = 0
        self.life = 0
        self.killed_at = NEVER
        self._asked: dict[str, list[Request]] = {}  # and last of a model the one under way
        self._came_at: dict[int, float] = {}  # when an artifact was first seen to serve
        self._seen_at: dict[int, float] = {}  # the same, in this life
        self._lock = threading.Lock()

    def begin_life(self) -> None:
        """Note that a process starts."""
        with self._lock:
            self.life += 1
            self.killed_at = NEVER
            self._seen_at.clear()

    def kill(self, now: float) -> None:
        """Note that the process is about to be killed."""
        with self._lock:
            self.killed_at = now

    def last(self, model: str) -> Request | None:
        """Return the latest request that stands or is under way for a model."""
        requests = self._asked.get(model)
        return requests[-1] if requests else None

    def send(
        self, model: str, spec: ModelSpec | None, number: int, sort: Sort, now: float
    ) -> Request:
        """Note that a request is about to be sent. `number` is 0 for a deletion."""
        with self._lock:
            self.requests += 1
            before = self.last(model)
            version = 1
            if before is not None and before.spec is not None:
                version = before.version + (before.number != number)
            request = Request(model, spec, number, sort, version, now)
            self._asked.setdefault(model, []).append(request)
            return request

    def keep(self, request: Request, now: float) -> None:
        """Note that a request was acknowledged."""
        with self._lock:
            self.kept += 1
            request.kept_at = now

    def refuse(self, request: Request) -> None:
        """Note that a request was refused, so that it has no effect."""
        with self._lock:
            self._asked[request.model].remove(request)

    def see(
        self, model: str, spec: ModelSpec, version: int, now: float, asked: float | None = None
    ) -> None:
        """Note that a version of a model was said to be available, which was `asked` before."""
        with self._judging(f"status of {model}") as wrong:
            found = [r for r in self._asked.get(model, ()) if r.spec == spec]
            if not found:
                wrong.append(f"version {version} is {spec}, which was never declared or is lost")
            elif found[-1].version != version:
                wrong.append(f"{found[-1]} is numbered {version}")
            else:
                self._come(found[-1].number, now if asked is None else asked, now)
                self._take_over(found[-1].number, now)

    def answered(self, model: str, number: int, name: str, began: float, ended: float) -> None:
        """Judge an answer of artifact `number`, by the internal name `name`."""
        with self._judging(
            f"answer of {name} from artifact {number} to a call of {model}"
        ) as wrong:
            self.answers += 1
            requests = self._asked.get(model, [])
            at = [index for index, r in enumerate(requests) if r.number == number]
            if not at:
                wrong.append("it was never declared, or is lost")
                return
            request = requests[at[-1]]
            if request.sort is not Sort.HEALTHY:
                wrong.append(f"that is {request}")
            if name != f"{model}_{request.version}":
                wrong.append(f"it is {request}")
            for later in requests[at[-1] + 1 :]:
                if later.spec is None and self._known_at(later.kept_at) < began:
                    wrong.append(f"it was deleted {began - later.kept_at:.4f} s before")
                since = self._taken_over_at(later.number)
                if self._known_at(since) < began:
                    wrong.append(f"{later} had come {began - since:.4f} s before")
            self._come(number, began, ended)

    def refused(self, model: str, reason: str, began: float, ended: float) -> None:
        """Judge a call of a model that was not answered: nothing may serve then."""
        with self._judging(f"refusal of a call of {model}: {reason}") as wrong:
            self.refusals += 1
            if self._is_excused(began, ended):
                return
            for request in reversed(self._asked.get(model, ())):
                if request.spec is None and request.sent_at < ended:
                    return
                since = self._seen_at.get(request.number, NEVER)
                if self._known_at(since) < began:
                    wrong.append(f"{request} served {began - since:.4f} s before")
                    return

    def return_as(self, statuses: Sequence[pb.ModelStatusResponse]) -> None:
        """Compare what a process says after its start with what was kept, and note what it kept."""
        found = {status.modelName: status for status in statuses}
        for name in found.keys() - self._asked.keys():
            self.violations.append(f"{name} is there and was never declared")
        for name, requests in self._asked.items():
            status = found.get(name)
            if requests[-1].kept_at == NEVER:
                if _fits(requests[-1], status):
                    requests[-1].kept_at = requests[-1].sent_at
                else:
                    self._lose(requests.pop(), requests)
            last = requests[-1] if requests else None
            if last is not None and not _fits(last, status):
                self.violations.append(f"{last} was acknowledged, and now there is {_told(status)}")
            elif last is None and status is not None:
                self.violations.append(f"{name} was refused, and now there is {_told(status)}")

    def expected(self) -> Iterator[tuple[str, list[int]]]:
        """Yield for each model what may answer now: nothing at all if it must not be answered.

        Call it when nothing is under way. Models of which both would be right are left out.
        """
        for name, requests in self._asked.items():
            standing = _standing(requests)
            if not standing:
                yield name, []
                continue
            come = [
                index
                for index, request in enumerate(standing)
                if self._taken_over_at(request.number) < NEVER
            ]
            healthy = [r.number for r in standing if r.sort is Sort.HEALTHY]
            if standing[-1].sort is Sort.HEALTHY:
                yield name, healthy[-1:]
            elif come:
                later = standing[come[-1] :]
                yield name, [r.number for r in later if r.sort is Sort.HEALTHY]
            elif not healthy:
                yield name, []

    def _come(self, number: int, asked: float, now: float) -> None:
        """Note that an artifact serves, as a question showed that was asked at `asked`."""
        self._came_at.setdefault(number, now)
        self._seen_at.setdefault(number, now)

    def _take_over(self, number: int, now: float) -> None:
        """Note that an artifact was said to be wherever it is to be."""

    def _taken_over_at(self, number: int) -> float:
        """Since when older artifacts of its model answer no more."""
        return self._came_at.get(number, NEVER)

    def _known_at(self, moment: float) -> float:
        """When whoever answers calls knows what happened at `moment`."""
        return moment

    def _is_excused(self, began: float, ended: float) -> bool:
        """Whether a call may fail because of when it was made."""
        return ended >= self.killed_at

    def _lose(self, lost: Request, others: Sequence[Request]) -> None:
        """Nobody was told that a request was kept, and nobody may have seen what it led to."""
        if lost.number in self._came_at and all(r.number != lost.number for r in others):
            self.violations.append(f"{lost} has served, and is lost")

    @contextmanager
    def _judging(self, what: str) -> Iterator[list[str]]:
        wrong: list[str] = []
        with self._lock:
            yield wrong
            self.violations += [f"life {self.life}: {what}, but {each}" for each in wrong]


def _standing(requests: Sequence[Request]) -> list[Request]:
    """The declarations since the last deletion."""
    deletions = [index for index, request in enumerate(requests) if request.spec is None]
    return list(requests[max(deletions, default=-1) + 1 :])


def _fits(request: Request, status: pb.ModelStatusResponse | None) -> bool:
    if request.spec is None:
        return status is None or status.deleted
    if status is None or status.deleted:
        return False
    latest = status.versions[-1]
    return latest.modelDefn == message_of(request.spec) and latest.version == request.version


def _told(status: pb.ModelStatusResponse | None) -> str:
    if status is None:
        return "nothing"
    latest = status.versions[-1]
    gone = ", deleted" if status.deleted else ""
    return f"version {latest.version} of {latest.modelDefn.modelSpec.uri}{gone}"
