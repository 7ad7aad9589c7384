"""What the audit log says of events that somebody asked for: who, what, of which resource, and what
came of it. It has names, never what was declared, so no secret can be in it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from seldon_core.errors import SeldonError
from seldon_core.scheduler.decisions import AnswerCaller, Change, Decision, ScaleModel
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
    ModelScalingSignalled,
    ModelUnloadRequested,
    ReplicaDrainRequested,
    ServerConfigDeclared,
    ServerConfigUnloadRequested,
    ServerDeclared,
    ServersNotified,
    ServerUnloadRequested,
    model_of,
)
from seldon_core.scheduler.secret_events import SecretDeclared, SecretUnloadRequested
from seldon_core.transport.control import SignalKind

THIS_PROCESS = "this process"
"""The actor of what nobody else asked for."""


class AuditSink(Protocol):
    """Takes lines of the audit log; never blocks and never raises."""

    def write(self, line: Mapping[str, object]) -> None:
        """Write one line, some time soon."""


_Answered = (
    ModelLoadRequested
    | ModelUnloadRequested
    | ServerDeclared
    | ServerUnloadRequested
    | ServerConfigDeclared
    | ServerConfigUnloadRequested
    | ServersNotified
    | ReplicaDrainRequested
    | PipelineLoadRequested
    | PipelineUnloadRequested
    | ExperimentStartRequested
    | ExperimentStopRequested
    | SecretDeclared
    | SecretUnloadRequested
)

_Asked = _Answered | ModelScalingSignalled


class Auditor:
    """Tells `sink`, if there is one, of every event that somebody asked for."""

    def __init__(self, sink: AuditSink | None) -> None:
        self._sink = sink

    def handled(
        self,
        event_id: int,
        event: Event,
        decisions: Sequence[Decision],
        fault: SeldonError | None,
    ) -> None:
        """Tell of an event that was handled; `fault` is why it may not last, None if it does.

        The outcome is what was changed, `refused`, or `accepted` where the answer comes later.
        """
        asked = self._asked(event)
        if self._sink is None or asked is None:
            return
        if isinstance(asked, ModelScalingSignalled):
            is_scaled = any(isinstance(decision, ScaleModel) for decision in decisions)
            change = Change.CONFIGURED if is_scaled else Change.UNCHANGED
            outcome, reason = change.value, str(fault or "")
        else:
            outcome, reason = _answer_to(asked, decisions, fault)
        self._sink.write(_line(asked, outcome, reason, event_id))

    def refused(self, event: Event, error: SeldonError) -> None:
        """Tell of an event that was not even taken in, so that it has no id."""
        asked = self._asked(event)
        if self._sink is not None and asked is not None:
            self._sink.write(_line(asked, "refused", str(error), None))

    def _asked(self, event: Event) -> _Asked | None:
        if not isinstance(event, _Asked):
            return None
        if isinstance(event, ModelLoadRequested) and event.from_folder and not event.actor:
            return None  # what a folder declares at start
        if isinstance(event, ModelScalingSignalled) and event.signal.kind is not SignalKind.CUSTOM:
            return None  # a replica's
        return event


def _answer_to(
    asked: _Answered, decisions: Sequence[Decision], fault: SeldonError | None
) -> tuple[str, str]:
    """Return the outcome, and the reason if there is one."""
    found = "accepted", ""
    for decision in decisions:
        if isinstance(decision, AnswerCaller) and decision.caller == asked.caller:
            if decision.error is None:
                found = decision.change.value, str(fault or "")
            else:
                found = "refused", str(decision.error)
    return found


def _line(event: _Asked, outcome: str, reason: str, event_id: int | None) -> dict[str, object]:
    line: dict[str, object] = {
        "time": _time(event.now),
        "actor": event.actor or THIS_PROCESS,
        "event": type(event).__name__,
        "resource": resource_of(event),
        "outcome": outcome,
    }
    if reason:
        line["reason"] = reason
    if event_id is not None:
        line["eventId"] = event_id
    return line


def settings_line(now: float, outcome: str, reason: str) -> dict[str, object]:
    """Return the line about settings that were read again at `now`, UTC seconds."""
    line: dict[str, object] = {
        "time": _time(now),
        "actor": THIS_PROCESS,
        "event": "SettingsRead",
        "resource": "settings",
        "outcome": outcome,
    }
    return line | ({"reason": reason} if reason else {})


def _time(now: float) -> str:
    instant = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return instant.replace("+00:00", "Z")


def resource_of(event: _Asked) -> str:
    """Return what an event is about as the command line names it, `model/iris`; or several."""
    match event:
        case ModelLoadRequested() | ModelUnloadRequested():
            return f"model/{model_of(event)}"
        case ModelScalingSignalled(signal=signal):
            return f"model/{signal.model}"
        case ServerDeclared(spec=server):
            return f"server/{server.name}"
        case ServerUnloadRequested(name=name):
            return f"server/{name}"
        case ServerConfigDeclared(spec=config):
            return f"serverconfig/{config.name}"
        case ServerConfigUnloadRequested(name=name):
            return f"serverconfig/{name}"
        case ServersNotified(notices=notices):
            return ",".join(f"server/{notice.name}" for notice in notices)
        case ReplicaDrainRequested(replica=replica):
            return f"replica/{replica}"
        case SecretDeclared() | SecretUnloadRequested():
            return event.resource
        case _:
            name, _, kind = str(declared_of(event)).rpartition(".")
            return f"{kind}/{name}"
