"""The status of models and servers as the scheduler API's messages.

States are written by name: the numbers are Seldon's own and follow no order.
"""

import math
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from seldon_core.proto import control_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import kubernetes_message, message_of
from seldon_core.resources.model import KubernetesMeta
from seldon_core.scheduler.status import ModelStatus, ModelVersionStatus, ServerStatus, Verdict
from seldon_core.scheduler.story import Chapter, tell_decision, tell_event_of
from seldon_core.transport.control import RuntimeInfo

NO_TIME_S: Final = -62_135_596_800
"""Go's zero time, the year 1, in seconds: what Seldon says where nothing has changed yet."""

# Seldon's gateway makes a model callable over Kafka, beside the state that the model itself has.


def model_message(status: ModelStatus, *, all_versions: bool = False) -> pb.ModelStatusResponse:
    """Return a model's status with its latest version, or with all from the oldest.

    It says nothing of model gateways.
    """
    versions = status.versions if all_versions else (status.latest,)
    return pb.ModelStatusResponse(
        modelName=status.name,
        versions=[_version_message(version) for version in versions],
        deleted=status.is_deleted,
    )


def server_message(status: ServerStatus) -> pb.ServerStatusResponse:
    """Return a server's status."""
    return pb.ServerStatusResponse(
        type=pb.ServerStatusResponse.StatusUpdate,
        serverName=status.name,
        resources=[
            pb.ServerReplicaResources(
                replicaIdx=replica.replica_idx,
                totalMemoryBytes=replica.total_memory_bytes,
                availableMemoryBytes=replica.available_memory_bytes,
                numLoadedModels=replica.num_loaded_models,
                overCommitPercentage=replica.over_commit_percentage,
            )
            for replica in status.replicas
        ],
        expectedReplicas=status.expected_replicas,
        availableReplicas=len(status.replicas),
        numLoadedModelReplicas=status.num_loaded_model_replicas,
        # An empty one where nobody has declared it: Seldon shows that so.
        kubernetesMeta=kubernetes_message(status.meta or KubernetesMeta()),
    )


def scaling_message(status: ServerStatus, replicas: int) -> pb.ServerStatusResponse:
    """Return the wish that a server had so many replicas; all else is empty, as in Seldon's."""
    return pb.ServerStatusResponse(
        type=pb.ServerStatusResponse.ScalingRequest,
        serverName=status.name,
        expectedReplicas=replicas,
        kubernetesMeta=kubernetes_message(status.meta or KubernetesMeta()),
    )


def scaling_reason(status: ModelVersionStatus) -> control_pb2.ChosenReplicas | None:
    """Return how many replicas scaling chose for a version and why, None if it did not."""
    chosen = status.chosen
    if chosen is None:
        return None
    return control_pb2.ChosenReplicas(
        replicas=chosen.replicas, reason=chosen.why, time=timestamp_message(chosen.at)
    )


def verdict_message(verdict: Verdict) -> control_pb2.Verdict:
    """Return what the filters say of a server or replica."""
    return control_pb2.Verdict(
        serverName=verdict.server,
        replicaIdx=verdict.replica_idx,
        filter=verdict.filter,
        reason=verdict.reason,
    )


def chapter_message(chapter: Chapter, about: str) -> control_pb2.Chapter:
    """Return an event and what was decided on it, in words; `about` is whose story it is in."""
    told = [tell_decision(decision) for decision in chapter.decisions]
    return control_pb2.Chapter(
        eventId=chapter.event_id,
        time=timestamp_message(chapter.event.now),
        event=tell_event_of(chapter.event, about),
        decisions=[each for each in told if each is not None],
    )


def _version_message(status: ModelVersionStatus) -> pb.ModelVersionStatus:
    spec = status.version.spec
    state = pb.ModelStatus(
        state=status.state.value,
        reason=status.reason,
        availableReplicas=status.available_replicas,
        unavailableReplicas=status.unavailable_replicas,
        lastChangeTimestamp=timestamp_message(status.changed_at),
    )
    message = pb.ModelVersionStatus(
        version=status.version.version,
        serverName=status.server,
        kubernetesMeta=kubernetes_message(spec.meta),
        state=state,
        modelDefn=message_of(spec),
    )
    if status.runtime is not None:
        message.modelDefn.modelSpec.modelRuntimeInfo.MergeFrom(runtime_message(status.runtime))
    for replica in status.replicas:
        message.modelReplicaState[replica.replica_idx].MergeFrom(
            pb.ModelReplicaStatus(
                state=replica.state.value,
                reason=replica.reason,
                lastChangeTimestamp=timestamp_message(replica.changed_at),
            )
        )
    return message


def runtime_message(runtime: RuntimeInfo) -> pb.ModelRuntimeInfo:
    """Return how a server runs a model, as an agent of Seldon's tells it."""
    if runtime.server == "mlserver":
        settings = pb.MLServerModelSettings(parallelWorkers=runtime.instances)
        return pb.ModelRuntimeInfo(mlserver=settings)
    cpu = pb.TritonCPU(instanceCount=runtime.instances)
    return pb.ModelRuntimeInfo(triton=pb.TritonModelConfig(cpu=[cpu]))


def timestamp_message(seconds: float) -> Timestamp:
    """Return UTC seconds as a message, to the microsecond, which is all that they hold."""
    if not seconds:
        return Timestamp(seconds=NO_TIME_S)
    fraction, whole = math.modf(round(seconds, 6))
    return Timestamp(seconds=int(whole), nanos=round(fraction * 1e6) * 1000)
