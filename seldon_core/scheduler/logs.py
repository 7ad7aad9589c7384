"""One line for each event and decision, with the event's id.

At INFO stands what an operator did, and what no replica tells: loads, failures and unloads are the
replica's.
"""

import logging

from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    Decision,
    LoadOnReplica,
    PublishRoute,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.declared_events import (
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineLoadRequested,
    PipelineUnloadRequested,
    declared_of,
)
from seldon_core.scheduler.events import (
    Event,
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaDrainRequested,
    ReplicaLost,
    ServerConfigDeclared,
    ServerConfigUnloadRequested,
    ServerDeclared,
    ServerUnloadRequested,
)
from seldon_core.scheduler.secret_events import SecretDeclared, SecretUnloadRequested
from seldon_core.scheduler.state import ModelState
from seldon_core.scheduler.status import ModelStatus

_log = logging.getLogger(__name__)


def log_decision(decision: Decision, event_id: int) -> None:
    """Say what is sent, routed or refused."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    match decision:
        case LoadOnReplica(replica, version):
            _log.debug(
                "loading model=%s version=%d replica=%s event=%d",
                version.spec.name,
                version.version,
                replica,
                event_id,
            )
        case UnloadOnReplica(replica, model, number):
            _log.debug(
                "unloading model=%s version=%d replica=%s event=%d",
                model,
                number,
                replica,
                event_id,
            )
        case PublishRoute(update):
            versions = ",".join(str(candidate.version) for candidate in update.candidates)
            _log.debug(
                "route published name=%s versions=%s notice=%r event=%d",
                update.name,
                versions or "none",
                update.notice,
                event_id,
            )
        case ScaleModel(model, before, replicas, why):
            _log.debug(
                "scaled model=%s from=%d to=%d reason=%r event=%d",
                model,
                before,
                replicas,
                why,
                event_id,
            )
        case AnswerCaller(error=error) if error is not None:
            # At DEBUG, because who asked is told, and tells of it.
            _log.debug("request refused reason=%r event=%d", str(error), event_id)


def log_event(event: Event, event_id: int) -> None:
    """Say what happened that no decision's line says: failures, connections, losses.

    A failure is an ERROR of the replica already.
    """
    match event:
        case ModelReported(report=report) if report.reason:
            _log.debug(
                "model reported model=%s version=%d replica=%s state=%s reason=%r event=%d",
                report.model,
                report.version,
                report.replica,
                report.event.value,
                report.reason,
                event_id,
            )
        case (
            ReplicaConnected(replica=replica)
            | ReplicaLost(replica=replica)
            | ReplicaDrainRequested(replica=replica)
        ):
            _log.info("%s replica=%s event=%d", type(event).__name__, replica, event_id)
        case _:
            _log.debug("event id=%d %r", event_id, event)


def log_change(event: Event, change: Change, event_id: int) -> None:
    """Say who changed what is served, when it is on the disk. What a folder declares at
    start is no news."""
    match event:
        case ModelLoadRequested(spec=spec, actor=actor, from_folder=from_folder):
            if change is not Change.UNCHANGED and (actor or not from_folder):
                _log.info(
                    "model %s model=%s by=%s event=%d",
                    change.value,
                    spec.name,
                    actor or "this process",
                    event_id,
                )
        case ModelUnloadRequested(model=model, actor=actor) if change is not Change.UNCHANGED:
            _log.info(
                "model deleted model=%s by=%s event=%d", model, actor or "this process", event_id
            )
        case ServerDeclared(actor=actor) | ServerUnloadRequested(actor=actor):
            if change is not Change.UNCHANGED:
                _log.info(
                    "server %s server=%s by=%s event=%d",
                    change.value,
                    event.spec.name if isinstance(event, ServerDeclared) else event.name,
                    actor or "this process",
                    event_id,
                )
        case ServerConfigDeclared(actor=actor) | ServerConfigUnloadRequested(actor=actor):
            if change is not Change.UNCHANGED:
                _log.info(
                    "server config %s config=%s by=%s event=%d",
                    change.value,
                    event.spec.name if isinstance(event, ServerConfigDeclared) else event.name,
                    actor or "this process",
                    event_id,
                )
        case _:
            _log_other_change(event, change, event_id)


def _log_other_change(event: Event, change: Change, event_id: int) -> None:
    match event:
        case SecretDeclared(actor=actor) | SecretUnloadRequested(actor=actor):
            if change is not Change.UNCHANGED:
                _log.info(
                    "%s %s by=%s event=%d",
                    event.resource,
                    change.value,
                    actor or "this process",
                    event_id,
                )
        case (
            PipelineLoadRequested(actor=actor)
            | PipelineUnloadRequested(actor=actor)
            | ExperimentStartRequested(actor=actor)
            | ExperimentStopRequested(actor=actor)
        ):
            if change is not Change.UNCHANGED:
                name, _, kind = str(declared_of(event)).rpartition(".")
                _log.info(
                    "%s %s %s=%s by=%s event=%d",
                    kind,
                    change.value,
                    kind,
                    name,
                    actor or "this process",
                    event_id,
                )


class PlaceLog:
    """Says that a version has no place, or too few, which is nobody else's to tell.

    It says so once: how much memory is lacking changes with every model that comes or goes.
    """

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def note(self, name: str, status: ModelStatus | None, event_id: int) -> None:
        """Take in how a model is by now; `status` is None if it has a place or is gone."""
        if status is None or status.latest.state is not ModelState.SCHEDULE_FAILED:
            self._told.pop(name, None)
            return
        number = status.latest.version.version
        if self._told.get(name) == number:
            return
        self._told[name] = number
        _log.warning(
            "model has %s model=%s version=%d reason=%r event=%d",
            "fewer replicas than it wants" if status.latest.available_replicas else "no place",
            name,
            number,
            status.latest.reason,
            event_id,
        )
