"""The scheduler as a pure state machine: `handle(event)` returns the decisions that follow.

It reads no clock and does no I/O; `service` carries the decisions out, in order. What the world may
do is never an exception here: a bad request becomes an answer. A raise is a bug in the machine.
"""

from collections.abc import Iterator
from typing import assert_never

from seldon_core.scheduler import retries
from seldon_core.scheduler.decisions import Decision, PublishStatus, SaveModel
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.keeping import restored, stored_of
from seldon_core.scheduler.lifecycle import schedule, settle
from seldon_core.scheduler.models import (
    on_due,
    on_load_requested,
    on_replica_gone,
    on_reported,
    on_unload_requested,
)
from seldon_core.scheduler.placement import explain
from seldon_core.scheduler.state import (
    IN_TROUBLE,
    PLACED,
    ModelRecord,
    ModelState,
    ReplicaRecord,
    SchedulerState,
    ServerRecord,
)
from seldon_core.scheduler.status import ModelStatus, ServerStatus, Verdict
from seldon_core.scheduler.views import model_status, server_status, version_status


class SchedulerMachine:
    """Places models on replicas and routes calls to them.

    Nothing is placed before the event SyncReached.
    """

    def __init__(self) -> None:
        self.state = SchedulerState()

    def __repr__(self) -> str:
        replicas = sum(len(server.replicas) for server in self.state.servers.values())
        rows = (
            f"{model.name} v{model.latest.number} {model.latest.state.value}"
            for model in self.state.models.values()
        )
        return f"<SchedulerMachine {replicas} replicas; {', '.join(rows)}>"

    def handle(self, event: Event) -> list[Decision]:
        """Take in what happened; return what to do about it, in order."""
        self.state.touched.clear()
        decisions = self._decide(event)
        kept, told = self._finish(event.now)
        return [*kept, *decisions, *told]

    def next_wakeup(self) -> float | None:
        """Return when a Tick is wanted, None if time alone changes nothing."""
        return retries.next_wakeup(self.state)

    def model_names(self) -> list[str]:
        """Return the names of all models, deleted ones included, in the order of declaration.

        A status takes 20 µs: who tells of all of them does so one by one.
        """
        return list(self.state.models)

    def models(self) -> list[ModelStatus]:
        """Return every model, deleted ones included, in the order of their declaration."""
        return [model_status(model) for model in self.state.models.values()]

    def model(self, name: str) -> ModelStatus | None:
        """Return a model, None if nobody declared it or it was deleted long ago."""
        model = self.state.models.get(name)
        return model_status(model) if model is not None else None

    def servers(self) -> list[ServerStatus]:
        """Return every server that had a replica once."""
        return [server_status(server) for server in self.state.servers.values()]

    def server(self, name: str) -> ServerStatus | None:
        """Return a server, None if it never had a replica."""
        server = self.state.servers.get(name)
        return server_status(server) if server is not None else None

    def explain(self, name: str) -> list[Verdict]:
        """Return what the filters say of each server and replica for a model's latest version."""
        model = self.state.models.get(name)
        if model is None or model.is_deleted:
            return []
        return list(explain(self.state, model.latest))

    def is_homeless(self, name: str) -> bool:
        """Return whether a version of a model that is to stand has no place."""
        return name in self.state.homeless

    def is_settled(self, name: str) -> bool:
        """Return whether nothing is under way for a model: available, failed for now, or gone.

        Where the latest version is not to be had, the one that serves instead must have come.
        """
        model = self.state.models.get(name)
        if model is None:
            return True
        if model.is_deleted:  # until then it cannot be declared again either
            return all(v.state is not ModelState.TERMINATING for v in model.versions.values())
        return all(record.state is not ModelState.PROGRESSING for record in model.standing())

    def _decide(self, event: Event) -> list[Decision]:
        match event:
            case ModelRestored():
                return self._on_model_restored(event)
            case SyncReached():
                return self._on_sync_reached(event)
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
            case Tick():
                return self._on_tick(event)
            case _:
                assert_never(event)

    def _finish(self, now: float) -> tuple[list[Decision], list[Decision]]:
        """Return what is to be kept and told of the models that the event changed."""
        kept: list[Decision] = []
        told: list[Decision] = []
        for name in self.state.touched:
            model = self.state.models.get(name)
            if model is None:
                continue
            retries.arm(self.state, model, now)
            stored = stored_of(model)
            if not model.from_folder and stored != model.saved:
                model.saved = stored
                kept.append(SaveModel(stored))
            shown = (model.is_deleted, version_status(model.latest))
            if shown != model.shown:
                model.shown = shown
                told.append(PublishStatus(name))
        return kept, told

    def _on_model_restored(self, event: ModelRestored) -> list[Decision]:
        model = restored(event.stored, event.now)
        self.state.models[model.name] = model
        return settle(self.state, model, event.now)

    def _on_sync_reached(self, event: SyncReached) -> list[Decision]:
        self.state.is_synced = True
        return self._schedule_all(event.now, self._undeleted())

    def _on_replica_connected(self, event: ReplicaConnected) -> list[Decision]:
        decisions: list[Decision] = []
        if self.state.replica(event.replica) is not None:  # back before its loss was noticed
            decisions += self._on_replica_lost(ReplicaLost(event.now, event.replica))
        name = event.replica.server
        server = self.state.servers.setdefault(name, ServerRecord(name))
        server.replicas[event.replica] = ReplicaRecord(
            event.replica,
            frozenset(tag.strip() for tag in event.capabilities),
            event.memory_bytes,
            event.over_commit_percentage,
        )
        return decisions + self._schedule_all(event.now, self._needing_room())

    def _on_replica_lost(self, event: ReplicaLost) -> list[Decision]:
        server = self.state.servers.get(event.replica.server)
        if server is None or server.replicas.pop(event.replica, None) is None:
            return []
        decisions: list[Decision] = []
        for model in self.state.models.values():
            if any(event.replica in record.assignments for record in model.versions.values()):
                decisions += on_replica_gone(self.state, model, event.replica, event.now)
        return decisions + self._schedule_all(event.now, self._needing_room())

    def _on_tick(self, event: Tick) -> list[Decision]:
        decisions: list[Decision] = []
        for model in retries.due(self.state, event.now):
            decisions += on_due(self.state, model, event.now)
        return decisions + self._schedule_all(event.now, retries.sweep(self.state, event.now))

    def _undeleted(self) -> Iterator[ModelRecord]:
        return (model for model in self.state.models.values() if not model.is_deleted)

    def _needing_room(self) -> list[ModelRecord]:
        """The models that failed or lack replicas; there may be room for them now."""
        if not self.state.is_synced:
            return []  # all are placed then
        return [model for model in self._undeleted() if needs_room(model)]

    def _schedule_all(
        self, now: float, models: "list[ModelRecord] | Iterator[ModelRecord]"
    ) -> list[Decision]:
        decisions: list[Decision] = []
        for model in models:
            decisions += schedule(self.state, model, now)
        return decisions


def needs_room(model: ModelRecord) -> bool:
    """Return whether a version that is to stand failed, or has fewer replicas than it should."""
    return any(
        record.state in IN_TROUBLE
        or len(record.replicas_in(*PLACED)) < record.version.spec.replicas
        for record in model.standing()
    )
