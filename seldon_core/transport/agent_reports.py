"""What agents report, and what they signal of how much models are called, as messages and back."""

from dataclasses import dataclass
from typing import Final

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.proto import scheduler_pb2
from seldon_core.protocol.model_message import checked_name
from seldon_core.transport.agent_messages import MOST_BYTES, replica_of
from seldon_core.transport.control import (
    ModelReport,
    ReplicaModelEvent,
    RuntimeInfo,
    ScalingSignal,
    SignalKind,
)

_MOST_INSTANCES = 1024  # more must be a slip, and would count for terabytes

_EVENTS: Final = {
    pb.ModelEventMessage.LOADED: ReplicaModelEvent.LOADED,
    pb.ModelEventMessage.LOAD_FAILED: ReplicaModelEvent.LOAD_FAILED,
    pb.ModelEventMessage.LOAD_FAIL_MEMORY: ReplicaModelEvent.LOAD_FAILED,
    pb.ModelEventMessage.UNLOADED: ReplicaModelEvent.UNLOADED,
    pb.ModelEventMessage.UNLOAD_FAILED: ReplicaModelEvent.UNLOAD_FAILED,
}

_EVENT_NUMBERS: Final = {
    ReplicaModelEvent.LOADED: pb.ModelEventMessage.LOADED,
    ReplicaModelEvent.LOAD_FAILED: pb.ModelEventMessage.LOAD_FAILED,
    ReplicaModelEvent.UNLOADED: pb.ModelEventMessage.UNLOADED,
    ReplicaModelEvent.UNLOAD_FAILED: pb.ModelEventMessage.UNLOAD_FAILED,
}

_TRIGGERS: Final = {
    SignalKind.LAG: pb.ModelScalingTriggerMessage.SCALE_UP,
    SignalKind.IDLE: pb.ModelScalingTriggerMessage.SCALE_DOWN,
}

_SIGNALS: Final = {
    SignalKind.RATE: pb.ModelScalingTriggerMessage.RATE,
    SignalKind.CUSTOM: pb.ModelScalingTriggerMessage.CUSTOM,
    SignalKind.UNUSED: pb.ModelScalingTriggerMessage.UNUSED,
}

_TRIGGER_KINDS: Final = {number: kind for kind, number in _TRIGGERS.items()}

_SIGNAL_KINDS: Final = {number: kind for kind, number in _SIGNALS.items()}

_MOST_AMOUNT: Final = 2**32 - 1

MAX_REASON: Final = 4_096
"""Characters of a reason; it is kept, and shown wherever the model is."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report and the number of the order that it answers, 0 if the agent was given none.

    `available_bytes` is the room that the replica says it has left.
    """

    report: ModelReport
    order: int
    available_bytes: int


def report_message(
    report: ModelReport, order: int = 0, available_bytes: int = 0
) -> pb.ModelEventMessage:
    """Return the message of a report; `order` is the number of the order that it answers."""
    return pb.ModelEventMessage(
        serverName=report.replica.server,
        replicaIdx=report.replica.replica_idx,
        modelName=report.model,
        modelVersion=report.version,
        event=_EVENT_NUMBERS[report.event],
        message=report.reason,
        availableMemoryBytes=available_bytes,
        order=order,
        measuredMemoryBytes=report.memory_bytes,
    )


def report_of(message: pb.ModelEventMessage) -> Report:
    """Return what an agent reports.

    Raises InvalidRequestError for an event that agents do not report, InvalidResourceError if the
    server's or the model's name cannot be one.
    """
    event = _EVENTS.get(message.event)
    if event is None:
        raise InvalidRequestError(
            f"event: {message.event} is not reported by agents; they report LOADED (2), LOAD_FAILED"
            " (3), UNLOADED (4) and UNLOAD_FAILED (5)"
        )
    report = ModelReport(
        replica_of(message.serverName, message.replicaIdx),
        checked_name(message.modelName, "modelName"),
        message.modelVersion,
        event,
        _cut(message.message),
        min(message.measuredMemoryBytes, MOST_BYTES),
        runtime=_runtime(message.runtimeInfo),
    )
    return Report(report, message.order, min(message.availableMemoryBytes, MOST_BYTES))


def signal_message(signal: ScalingSignal) -> pb.ModelScalingTriggerMessage:
    """Return the message of a signal; one of lag or idleness is understood by Seldon's as well."""
    message = pb.ModelScalingTriggerMessage(modelName=signal.model, modelVersion=signal.version)
    if signal.replica is not None:
        message.serverName = signal.replica.server
        message.replicaIdx = signal.replica.replica_idx
    if signal.kind in _TRIGGERS:
        message.trigger = _TRIGGERS[signal.kind]
        message.amount = min(int(signal.amount), _MOST_AMOUNT)
    else:
        message.signal = _SIGNALS[signal.kind]
        message.value = signal.amount
    return message


def signal_of(message: pb.ModelScalingTriggerMessage) -> ScalingSignal | None:
    """Return what an agent signals, None for what is not known here or cannot be a figure.

    How many replicas are wanted may be said by anybody, so that needs no server.
    Raises InvalidResourceError if the server's or the model's name cannot be one.
    """
    if message.signal:
        kind, amount = _SIGNAL_KINDS.get(message.signal), message.value
    else:
        kind, amount = _TRIGGER_KINDS.get(message.trigger), message.amount
    if kind is None or not 0 <= amount <= _MOST_AMOUNT:
        return None
    is_agents = kind is not SignalKind.CUSTOM
    return ScalingSignal(
        replica_of(message.serverName, message.replicaIdx) if is_agents else None,
        checked_name(message.modelName, "modelName"),
        message.modelVersion,
        kind,
        amount,
    )


def _cut(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]} …"


def _runtime(info: scheduler_pb2.ModelRuntimeInfo) -> RuntimeInfo | None:
    """Return how often a model is in memory, None if that is not said or cannot be."""
    kind = info.WhichOneof("modelRuntimeInfo")
    if kind == "mlserver":
        instances = info.mlserver.parallelWorkers
    elif kind == "triton" and info.triton.cpu:
        instances = info.triton.cpu[0].instanceCount
    else:
        return None
    return RuntimeInfo(kind, instances) if 0 < instances <= _MOST_INSTANCES else None
