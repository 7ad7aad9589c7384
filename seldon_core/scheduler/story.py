"""Keeps what happened to each resource and why, and tells it in words.

Pipelines, experiments, servers and their configs are named with their kind, as no model can be:
`p.pipeline`.
"""

from collections import deque
from dataclasses import dataclass
from typing import assert_never

from seldon_core.scheduler import decisions as decided
from seldon_core.scheduler import events
from seldon_core.scheduler.decisions import Decision
from seldon_core.scheduler.declared_decisions import (
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.declared_events import DeclaredEvent
from seldon_core.scheduler.declared_story import tell_declared_event
from seldon_core.scheduler.events import Event
from seldon_core.scheduler.secret_events import (
    AboutSecrets,
    SecretDeclared,
    SecretRestored,
    SecretUnloadRequested,
    tell_secret_event,
)
from seldon_core.transport.control import RouteCandidate, RouteUpdate, SignalKind

CHAPTERS = 20
"""Events kept for each resource: several versions, with the failures in between."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One event and what was decided on one resource; `event_id` is in the log lines as well."""

    event_id: int
    event: Event
    decisions: tuple[Decision, ...]


class Story:
    """The last events of every resource that is known."""

    def __init__(self) -> None:
        self._chapters: dict[str, deque[Chapter]] = {}

    def add(self, event_id: int, event: Event, made: list[Decision]) -> None:
        """Write an event down with every resource that it concerned.

        A refusal that concerns none that was ever known is not: anybody could fill memory so.
        """
        by_model: dict[str, list[Decision]] = {
            name: [] for name in map(decided.model_of, made) if name is not None
        }
        subjects = subjects_of(event)
        for subject in subjects:
            if subject in self._chapters or isinstance(event, events.ReplicaConnected):
                by_model.setdefault(subject, [])
        about = subjects[0] if len(subjects) == 1 else None
        for decision in made:
            name = decided.model_of(decision) or about
            if name in by_model:
                by_model[name].append(decision)
        for name, its in by_model.items():
            chapters = self._chapters.get(name)
            if chapters is None:
                chapters = self._chapters[name] = deque(maxlen=CHAPTERS)
            chapters.append(Chapter(event_id, event, tuple(its)))

    def forget(self, name: str) -> None:
        """Drop what is written of a resource."""
        self._chapters.pop(name, None)

    def of(self, name: str) -> list[Chapter]:
        """Return the last chapters of a resource, the oldest first."""
        return list(self._chapters.get(name, ()))


_OF_MODELS = (
    events.ModelRestored
    | events.ModelLoadRequested
    | events.ModelUnloadRequested
    | events.ModelReported
)


def subjects_of(event: Event) -> tuple[str, ...]:
    """Return the resources that an event is about; none if it may concern any."""
    match event:
        case events.ServerRestored(stored=stored):
            return (f"{stored.name}.server",)
        case events.ServerDeclared(spec=spec):
            return (f"{spec.name}.server",)
        case events.ServerUnloadRequested(name=name):
            return (f"{name}.server",)
        case events.ServersNotified(notices=notices):
            return tuple(f"{notice.name}.server" for notice in notices)
        case events.ReplicaConnected() | events.ReplicaLost() | events.ReplicaDrainRequested():
            return (f"{event.replica.server}.server",)
        case events.ServerConfigRestored(stored=config):
            return (f"{config.name}.serverconfig",)
        case events.ServerConfigDeclared(spec=config):
            return (f"{config.name}.serverconfig",)
        case events.ServerConfigUnloadRequested(name=name):
            return (f"{name}.serverconfig",)
        case events.ModelWakeRequested():
            return ()  # calls may be many; the story tells of those that woke a model
        case _:
            model = events.model_of(event)
            return () if model is None else (model,)


def tell_event_of(event: Event, about: str) -> str:
    """Return what happened in words; a model is named in the stories of other resources only."""
    told = tell_event(event)
    model = events.model_of(event)
    return f"model {model}: {told}" if isinstance(event, _OF_MODELS) and about != model else told


def tell_event(event: Event) -> str:
    """Return what happened in words, without the time and the model's own name."""
    match event:
        case events.ModelRestored():
            return "restored from the store"
        case events.ModelLoadRequested(is_again=True, actor=actor):
            return f"loaded anew by {actor or 'this process'}"
        case events.ModelLoadRequested(actor=actor, from_folder=from_folder):
            by = "a folder of --models" if from_folder else actor or "this process"
            return f"declared by {by}"
        case events.ModelUnloadRequested(actor=actor):
            return f"deleted by {actor or 'this process'}"
        case events.ModelReported(report=report):
            because = f": {report.reason}" if report.reason else ""
            return (
                f"{report.replica} reports version {report.version} {report.event.value}{because}"
            )
        case events.SyncReached() | events.Tick():
            is_tick = isinstance(event, events.Tick)
            return (
                "the time has come to try again"
                if is_tick
                else "the expected replicas are connected"
            )
        case (
            events.ReplicaConnected()
            | events.ReplicaLost()
            | events.ReplicaDrainRequested()
            | events.ServerRestored()
            | events.ServerDeclared()
            | events.ServerUnloadRequested()
            | events.ServersNotified()
        ):
            return _tell_server_event(event)
        case (
            events.ModelScalingRestored()
            | events.ModelScalingSignalled()
            | events.ModelWakeRequested()
        ):
            return _tell_scaling_event(event)
        case (
            events.ServerConfigRestored()
            | events.ServerConfigDeclared()
            | events.ServerConfigUnloadRequested()
        ):
            return _tell_config_event(event)
        case _:
            return _tell_other_event(event)


def _tell_other_event(event: AboutSecrets | DeclaredEvent) -> str:
    match event:
        case SecretRestored() | SecretDeclared() | SecretUnloadRequested():
            return tell_secret_event(event)
        case _:
            return tell_declared_event(event)


def _tell_scaling_event(event: events.AboutScaling) -> str:
    match event:
        case events.ModelScalingRestored():
            return "what scaling chose restored from the store"
        case events.ModelScalingSignalled(signal=signal):
            who = signal.replica or event.actor or "somebody outside"
            if signal.kind in (SignalKind.IDLE, SignalKind.UNUSED):
                return f"{who} signals {signal.kind.value} for {event.now - signal.amount:.0f} s"
            return f"{who} signals {signal.kind.value} {signal.amount:g}"
        case events.ModelWakeRequested():
            return "a call waits for it"
        case _:
            assert_never(event)


def _tell_server_event(event: events.AboutServers) -> str:
    match event:
        case events.ServerRestored():
            return "its server restored from the store"
        case events.ServerDeclared(spec=spec, actor=actor):
            return f"server {spec.name} declared by {actor or 'this process'}"
        case events.ServerUnloadRequested(name=name, actor=actor):
            return f"server {name} deleted by {actor or 'this process'}"
        case events.ServersNotified(actor=actor):
            return f"{actor or 'this process'} told of servers"
        case events.ReplicaConnected(replica=replica):
            return f"replica {replica} connected"
        case events.ReplicaDrainRequested(replica=replica):
            return f"replica {replica} is about to end"
        case events.ReplicaLost(replica=replica):
            return f"replica {replica} lost"
        case _:
            assert_never(event)


def _tell_config_event(event: events.AboutServerConfigs) -> str:
    match event:
        case events.ServerConfigRestored():
            return "a server config restored from the store"
        case events.ServerConfigDeclared(spec=config, actor=actor):
            return f"server config {config.name} declared by {actor or 'this process'}"
        case events.ServerConfigUnloadRequested(name=name, actor=actor):
            return f"server config {name} deleted by {actor or 'this process'}"
        case _:
            assert_never(event)


def tell_decision(decision: Decision) -> str | None:
    """Return what was decided in words; None for what only serves others' information."""
    match decision:
        case decided.PublishStatus() | decided.PublishServer():
            return None
        case PublishPipeline(told=told) | PublishExperiment(told=told):
            return told or None
        case (
            decided.LoadOnReplica()
            | decided.UnloadOnReplica()
            | decided.RunServer()
            | decided.AskForReplicas()
            | decided.PublishReplica()
            | decided.ConfigureServers()
            | OrderPipeline()
        ):
            return _tell_order(decision)
        case decided.ScaleModel(before=before, replicas=replicas, why=why):
            return f"{replicas} replicas instead of {before}: {why}"
        case decided.Save():
            return "kept in the store"
        case decided.Drop():
            return "removed from the store"
        case decided.PublishRoute(update=update):
            return _tell_route(update)
        case decided.AnswerCaller(error=error, change=change):
            return f"answered: {change.value}" if error is None else f"refused: {error}"
        case _:
            assert_never(decision)


def _tell_order(
    order: decided.LoadOnReplica
    | decided.UnloadOnReplica
    | decided.RunServer
    | decided.AskForReplicas
    | decided.PublishReplica
    | decided.ConfigureServers
    | OrderPipeline,
) -> str:
    match order:
        case decided.LoadOnReplica(replica=replica, version=version):
            return f"load version {version.version} on {replica}"
        case decided.UnloadOnReplica(replica=replica, version=number):
            return f"unload version {number} from {replica}"
        case decided.RunServer(spec=spec, replicas=wanted):
            return f"run {wanted} of server {spec.name}"
        case decided.AskForReplicas(server=server, replicas=wanted):
            return f"ask for {wanted} replicas of server {server}"
        case decided.PublishReplica(replica=replica, address=None):
            return f"routers reach {replica} no more"
        case decided.PublishReplica(replica=replica, address=address):
            return f"routers reach {replica} at {address}"
        case decided.ConfigureServers(config=config):
            return f"servers are run by config {config.name}"
        case OrderPipeline(side=side, member=member, operation=operation, version=ordered):
            return f"{operation.value} version {ordered.version} on {side.value} {member}"
        case _:
            assert_never(order)


def _tell_route(update: RouteUpdate) -> str:
    if update.candidates:
        targets = ", ".join(
            f"{'' if candidate.model == update.name else f'{candidate.model} '}"
            f"version {candidate.version} {_tell_replicas(candidate)}"
            for candidate in update.candidates
        )
        return f"calls go to {targets}"
    return f"calls are refused: {update.notice}" if update.notice else "calls find no such model"


def _tell_replicas(candidate: RouteCandidate) -> str:
    names = " and ".join(map(str, candidate.replicas))
    return f"on {names}" if names else "once it is loaded"
