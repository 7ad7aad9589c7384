"""The status of pipelines and experiments as the scheduler API's messages."""

from typing import Final

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.experiment_message import experiment_message
from seldon_core.protocol.model_message import kubernetes_message
from seldon_core.protocol.pipeline_message import pipeline_version_message
from seldon_core.scheduler.acknowledgements import Operation
from seldon_core.scheduler.declared_decisions import OrderPipeline
from seldon_core.scheduler.declared_status import (
    ExperimentStatus,
    PipelineStatus,
    PipelineVersionStatus,
)
from seldon_core.scheduler.status_messages import timestamp_message

_OPERATIONS: Final = {
    Operation.CREATE: pb.PipelineStatusResponse.PipelineCreate,
    Operation.REBALANCE: pb.PipelineStatusResponse.PipelineCreate,
    Operation.DELETE: pb.PipelineStatusResponse.PipelineDelete,
}


def pipeline_status_message(
    status: PipelineStatus, *, all_versions: bool = False
) -> pb.PipelineStatusResponse:
    """Return a pipeline's status with its latest version, or with all from the oldest."""
    versions = status.versions if all_versions else (status.latest,)
    return pb.PipelineStatusResponse(
        pipelineName=status.name, versions=[_version_message(version) for version in versions]
    )


def order_message(order: OrderPipeline) -> pb.PipelineStatusResponse:
    """Return what a pipeline gateway is told: take a version in, or let it go."""
    return pb.PipelineStatusResponse(
        pipelineName=order.version.spec.name,
        versions=[pb.PipelineWithState(pipeline=pipeline_version_message(order.version))],
        timestamp=order.timestamp,
        operation=_OPERATIONS[order.operation],
    )


def experiment_status_message(status: ExperimentStatus) -> pb.ExperimentStatusResponse:
    """Return an experiment's status; ours is what was declared in it."""
    return pb.ExperimentStatusResponse(
        experimentName=status.name,
        active=status.is_active,
        candidatesReady=status.candidates_ready,
        mirrorReady=status.mirror_ready,
        statusDescription=status.description,
        kubernetesMeta=kubernetes_message(status.spec.meta),
        experiment=experiment_message(status.spec),
        deleted=status.is_deleted,
    )


def _version_message(status: PipelineVersionStatus) -> pb.PipelineWithState:
    return pb.PipelineWithState(
        pipeline=pipeline_version_message(status.version),
        state=pb.PipelineVersionState(
            pipelineVersion=status.version.version,
            status=status.state.value,
            reason=status.reason,
            lastChangeTimestamp=timestamp_message(status.changed_at),
            modelsReady=status.models_ready,
            pipelineGwStatus=status.gateway_state.value,
            pipelineGwReason=status.gateway_reason,
        ),
    )
