"""The scheduler as a pure state machine: `handle(event)` returns the decisions that follow.

It reads no clock and does no I/O; `service` carries the decisions out, in order. What the world may
do is never an exception here: a bad request becomes an answer. A raise is a bug in the machine.
"""

from dataclasses import dataclass
from typing import assert_never

from seldon_core.scheduler.decisions import Decision
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
)
from seldon_core.scheduler.lifecycle import needs_room, schedule
from seldon_core.scheduler.models import (
    on_load_requested,
    on_replica_gone,
    on_reported,
    on_unload_requested,
)
from seldon_core.scheduler.state import ModelState, ReplicaRecord, ReplicaState, SchedulerState


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model's latest version as an operator sees it; `replicas` are those that can answer."""

    name: str
    version: int
    state: ModelState
    reason: str
    replicas: tuple[str, ...]
    desired_replicas: int


class SchedulerMachine:
    """Places models on replicas and routes calls to them."""

    def __init__(self) -> None:
        self.state = SchedulerState()

    def __repr__(self) -> str:
        rows = (f"{row.name} v{row.version} {row.state.value}" for row in self.status())
        return f"<SchedulerMachine {len(self.state.replicas)} replicas; {', '.join(rows)}>"

    def handle(self, event: Event) -> list[Decision]:
        """Take in what happened; return what to do about it, in order."""
        match event:
            case ModelLoadRequested():
                return on_load_requested(self.state, event)
            case ModelUnloadRequested():
                return on_unload_requested(self.state, event)
            case ModelReported():
                return on_reported(self.state, event)
            case ReplicaConnected():
                return self._on_replica_connected(event)
            case ReplicaLost():
                return self._on_replica_lost(event)
            case _:
                assert_never(event)

    def status(self) -> list[ModelStatus]:
        """Return a row for each model that is not gone, in the order of their declaration."""
        rows = (self.status_of(name) for name in self.state.models)
        return [row for row in rows if row is not None]

    def status_of(self, name: str) -> ModelStatus | None:
        """Return a model's row, None if it does not exist or is gone."""
        model = self.state.models.get(name)
        if model is None or model.latest.state is ModelState.TERMINATED:
            return None
        latest = model.latest
        return ModelStatus(
            name,
            latest.version.version,
            latest.state,
            latest.reason,
            tuple(str(replica) for replica in latest.replicas_in(ReplicaState.AVAILABLE)),
            latest.version.spec.replicas,
        )

    def is_settled(self, name: str) -> bool:
        """Return whether nothing is under way for a model: available, failed for good, or gone."""
        status = self.status_of(name)
        return status is None or status.state not in (
            ModelState.PROGRESSING,
            ModelState.TERMINATING,
        )

    def _on_replica_connected(self, event: ReplicaConnected) -> list[Decision]:
        decisions: list[Decision] = []
        if event.replica in self.state.replicas:  # it came back before its loss was noticed
            decisions += self._on_replica_lost(ReplicaLost(event.now, event.replica))
        self.state.replicas[event.replica] = ReplicaRecord(
            event.replica,
            frozenset(tag.strip() for tag in event.capabilities),
            event.memory_bytes * (100 + event.over_commit_percentage) // 100,
        )
        return decisions + self._retry(event.now)

    def _on_replica_lost(self, event: ReplicaLost) -> list[Decision]:
        if self.state.replicas.pop(event.replica, None) is None:
            return []
        decisions: list[Decision] = []
        for model in self.state.models.values():
            if any(event.replica in record.assignments for record in model.versions.values()):
                decisions += on_replica_gone(self.state, model, event.replica, event.now)
        return decisions + self._retry(event.now)

    def _retry(self, now: float) -> list[Decision]:
        """Place the models that failed or lack replicas; there may be room for them now."""
        decisions: list[Decision] = []
        for model in self.state.models.values():
            if needs_room(model):
                decisions += schedule(self.state, model, now)
        return decisions
