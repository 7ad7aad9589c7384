"""The scheduler as a pure state machine: `handle(event)` returns the decisions that follow.

It reads no clock and does no I/O; `service` carries the decisions out, in order. What the world may
do is never an exception here: a bad request becomes an answer. A raise is a bug in the machine.
"""

from collections.abc import Iterator
from typing import assert_never

from seldon_core.resources.model import ModelSpec
from seldon_core.resources.remote import Remote
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler import (
    declared,
    replicas,
    retries,
    scaling,
    secrets,
    server_configs,
    servers,
)
from seldon_core.scheduler.decisions import Decision, PublishStatus, Save
from seldon_core.scheduler.declared_events import DeclaredEvent
from seldon_core.scheduler.declared_status import ExperimentStatus, PipelineStatus
from seldon_core.scheduler.declared_views import experiment_status, pipeline_status
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ModelScalingRestored,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ModelWakeRequested,
    ReplicaConnected,
    ReplicaDrainRequested,
    ReplicaLost,
    ServerConfigDeclared,
    ServerConfigRestored,
    ServerConfigUnloadRequested,
    ServerDeclared,
    ServerRestored,
    ServersNotified,
    ServerUnloadRequested,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.keeping import keep_scaling, restored, stored_of
from seldon_core.scheduler.lifecycle import schedule, settle
from seldon_core.scheduler.models import (
    on_due,
    on_load_requested,
    on_reported,
    on_unload_requested,
)
from seldon_core.scheduler.placement import explain
from seldon_core.scheduler.secret_events import (
    AboutSecrets,
    SecretDeclared,
    SecretRestored,
    SecretUnloadRequested,
)
from seldon_core.scheduler.secrets import (
    AgentConfigStatus,
    SecretStatus,
    agent_config_status,
    remote_for,
    secret_statuses,
)
from seldon_core.scheduler.slices import place_all, place_slice
from seldon_core.scheduler.state import ModelRecord, ModelState, SchedulerState
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
        self.state.touched_servers.clear()
        decisions = self._decide(event)
        kept, told = self._finish(event.now)
        kept_too, decisions, told_too = declared.follow(self.state, decisions, event.now)
        return [*kept, *kept_too, *decisions, *told, *told_too]

    def next_wakeup(self) -> float | None:
        """Return when a Tick is wanted, None if time alone changes nothing."""
        times = (retries.next_wakeup(self.state), declared.next_wakeup(self.state.declared))
        return min((at for at in times if at is not None), default=None)

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
        """Return every server that was declared, or had a replica once."""
        return [server_status(server) for server in self.state.servers.values()]

    def server(self, name: str) -> ServerStatus | None:
        """Return a server, None if it never had a replica."""
        server = self.state.servers.get(name)
        return server_status(server) if server is not None else None

    def server_configs(self) -> list[ServerConfigSpec]:
        """Return every server config that was declared, in that order."""
        return list(self.state.server_configs.values())

    def server_specs(self) -> list[ServerSpec]:
        """Return every server that was declared to be run here, as it was declared."""
        return [server.spec for server in self.state.servers.values() if server.spec is not None]

    def secrets(self) -> list[SecretStatus]:
        """Return every Secret without its values, in the order of their declaration."""
        return secret_statuses(self.state)

    def agent_config(self) -> AgentConfigStatus | None:
        """Return the ConfigMap `seldon-agent` without its values, None if there is none."""
        return agent_config_status(self.state.vault)

    def remote_for(self, spec: ModelSpec) -> Remote | None:
        """Return the remote by which a model is fetched as things are now, None if by none.

        Raises InvalidResourceError if what it names is not there, or is not what it needs.
        """
        return remote_for(self.state.vault, spec)

    def pipeline_names(self) -> list[str]:
        """Return the names of all pipelines, deleted ones included, in the order of declaration."""
        return list(self.state.declared.pipelines)

    def pipeline(self, name: str) -> PipelineStatus | None:
        """Return a pipeline, None if nobody declared it or it was deleted long ago."""
        pipeline = self.state.declared.pipelines.get(name)
        return pipeline_status(self.state, pipeline) if pipeline is not None else None

    def experiment_names(self) -> list[str]:
        """Return the names of all experiments, stopped ones included, in their order."""
        return list(self.state.declared.experiments)

    def experiment(self, name: str) -> ExperimentStatus | None:
        """Return an experiment, None if nobody declared it or it was stopped long ago."""
        experiment = self.state.declared.experiments.get(name)
        return experiment_status(self.state, experiment) if experiment is not None else None

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

        Where the latest version is not to be had, the one that serves instead must have come. One
        that waits for a replica that was there before a restart is not waited for.
        """
        model = self.state.models.get(name)
        if model is None:
            return True
        if model.is_deleted:  # until then it cannot be declared again either
            return all(v.state is not ModelState.TERMINATING for v in model.versions.values())
        return model.name not in self.state.to_place and all(
            record.state is not ModelState.PROGRESSING or record.server in self.state.awaited
            for record in model.standing()
        )

    def _decide(self, event: Event) -> list[Decision]:
        match event:
            case ModelRestored():
                return self._on_model_restored(event)
            case ModelLoadRequested():
                return on_load_requested(self.state, event)
            case ModelUnloadRequested():
                return on_unload_requested(self.state, event)
            case ModelReported():
                return on_reported(self.state, event)
            case ModelScalingRestored() | ModelScalingSignalled() | ModelWakeRequested():
                return scaling.decide(self.state, event)
            case SyncReached() | Tick():
                return self._decide_on_time(event)
            case ReplicaConnected() | ReplicaLost() | ReplicaDrainRequested():
                return self._decide_on_replica(event)
            case ServerRestored() | ServerDeclared() | ServerUnloadRequested() | ServersNotified():
                return self._decide_on_server(event)
            case ServerConfigRestored() | ServerConfigDeclared() | ServerConfigUnloadRequested():
                return server_configs.decide(self.state, event)
            case _:
                return self._decide_on_other(event)

    def _decide_on_other(self, event: AboutSecrets | DeclaredEvent) -> list[Decision]:
        match event:
            case SecretRestored() | SecretDeclared() | SecretUnloadRequested():
                return secrets.decide(self.state, event)
            case _:
                return declared.decide(self.state.declared, event)

    def _decide_on_time(self, event: SyncReached | Tick) -> list[Decision]:
        if isinstance(event, Tick):
            return self._on_tick(event)
        return self._on_sync_reached(event)

    def _decide_on_replica(
        self, event: ReplicaConnected | ReplicaLost | ReplicaDrainRequested
    ) -> list[Decision]:
        match event:
            case ReplicaConnected():
                return replicas.on_connected(self.state, event)
            case ReplicaLost():
                return replicas.on_lost(self.state, event)
            case ReplicaDrainRequested():
                return replicas.on_drain_requested(self.state, event)
            case _:
                assert_never(event)

    def _decide_on_server(
        self, event: ServerRestored | ServerDeclared | ServerUnloadRequested | ServersNotified
    ) -> list[Decision]:
        match event:
            case ServerRestored():
                return servers.on_restored(self.state, event)
            case ServerDeclared():
                return servers.on_declared(self.state, event)
            case ServerUnloadRequested():
                return servers.on_unload_requested(self.state, event)
            case ServersNotified():
                return servers.on_notified(self.state, event)
            case _:
                assert_never(event)

    def _finish(self, now: float) -> tuple[list[Decision], list[Decision]]:
        """Return what is to be kept and told of what the event changed."""
        kept, told = servers.finish(self.state)
        for name in self.state.touched:
            model = self.state.models.get(name)
            if model is None:
                continue
            retries.arm(self.state, model, now)
            stored = stored_of(model)
            is_declared = not (model.from_folder or model.is_adopted)
            if is_declared and stored != model.saved:
                model.saved = stored
                kept.append(Save(stored))
            kept += keep_scaling(model) if is_declared else []
            shown = (model.is_deleted, version_status(model.latest))
            if shown != model.shown:
                model.shown = shown
                told.append(PublishStatus(name))
        told += replicas.drained(self.state)
        return kept, told

    def _on_model_restored(self, event: ModelRestored) -> list[Decision]:
        model = restored(event.stored, event.now)
        self.state.models[model.name] = model
        return settle(self.state, model, event.now)

    def _on_sync_reached(self, event: SyncReached) -> list[Decision]:
        state = self.state
        state.is_synced = True
        state.patience_until = event.now + event.patience_s if event.patience_s > 0 else None
        if state.patience_until is None:
            state.touched_servers |= dict.fromkeys(state.awaited)  # nor at the next start
            state.awaited.clear()
        return place_all(state, self._to_place(), event.now)

    def _on_tick(self, event: Tick) -> list[Decision]:
        state, now = self.state, event.now
        decisions: list[Decision] = []
        if state.patience_until is not None and state.patience_until <= now:
            decisions += self._on_sync_reached(SyncReached(now))
        elif state.to_place:
            decisions += place_slice(state, now)
        for model in retries.due(state, now):
            decisions += on_due(state, model, now)
        for model in retries.sweep(state, now):
            decisions += schedule(state, model, now)
        return decisions + declared.on_tick(state.declared, now)

    def _to_place(self) -> Iterator[ModelRecord]:
        """Every model, but those of which nothing is left to unload."""
        return (
            model
            for model in self.state.models.values()
            if not (model.is_deleted and model.is_gone)
        )
