"""The status of pipelines and experiments as messages."""

import pytest

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.acknowledgements import Operation
from seldon_core.scheduler.declared_decisions import OrderPipeline
from seldon_core.scheduler.declared_messages import (
    experiment_status_message,
    order_message,
    pipeline_status_message,
)
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.declared_status import (
    ExperimentStatus,
    PipelineStatus,
    PipelineVersionStatus,
)
from tests.support.declared_worlds import GATEWAY, a_pipeline, an_experiment


def a_version(number, state=PipelineState.READY):
    return PipelineVersionStatus(
        PipelineVersion(a_pipeline("p", f"a{number}"), number, f"u{number}"),
        state,
        "why",
        PipelineState.CREATING,
        "gateway's why",
        models_ready=True,
        changed_at=12.5,
    )


PIPELINE = PipelineStatus("p", False, (a_version(1, PipelineState.TERMINATED), a_version(2)))


def test_a_pipeline_is_told_with_its_latest_version():
    message = pipeline_status_message(PIPELINE)
    assert message.pipelineName == "p"
    (version,) = message.versions
    assert (version.pipeline.version, version.pipeline.uid) == (2, "u2")
    assert [step.name for step in version.pipeline.steps] == ["a2"]
    assert version.state == pb.PipelineVersionState(
        pipelineVersion=2,
        status="PipelineReady",
        reason="why",
        lastChangeTimestamp={"seconds": 12, "nanos": 500_000_000},
        modelsReady=True,
        pipelineGwStatus="PipelineCreating",
        pipelineGwReason="gateway's why",
    )


def test_all_versions_are_told_from_the_oldest_if_wanted():
    message = pipeline_status_message(PIPELINE, all_versions=True)
    assert [version.state.pipelineVersion for version in message.versions] == [1, 2]


@pytest.mark.parametrize("state", PipelineState)
def test_every_state_has_its_name_in_the_messages(state):
    message = pipeline_status_message(PipelineStatus("p", False, (a_version(1, state),)))
    told = message.versions[0].state.status
    assert pb.PipelineVersionState.PipelineStatus.Name(told) == state.value


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (Operation.CREATE, pb.PipelineStatusResponse.PipelineCreate),
        (Operation.REBALANCE, pb.PipelineStatusResponse.PipelineCreate),
        (Operation.DELETE, pb.PipelineStatusResponse.PipelineDelete),
    ],
    ids=lambda value: value.value if isinstance(value, Operation) else None,
)
def test_an_order_has_the_version_and_what_is_to_be_echoed(operation, told):
    version = PipelineVersion(a_pipeline(), 3, "u3")
    message = order_message(OrderPipeline(GATEWAY, "g", operation, version, 9))
    assert (message.pipelineName, message.timestamp, message.operation) == ("p", 9, told)
    (ordered,) = message.versions
    assert (ordered.pipeline.version, ordered.pipeline.uid) == (3, "u3")
    assert not ordered.HasField("state")


def test_an_experiment_is_told_with_what_was_declared():
    spec = an_experiment("e", "a", "b", mirror="c", meta=KubernetesMeta("team", 4))
    status = ExperimentStatus(
        spec,
        is_deleted=True,
        is_active=True,
        candidates_ready=True,
        mirror_ready=False,
        description="so",
    )
    message = experiment_status_message(status)
    assert [candidate.name for candidate in message.experiment.candidates] == ["a", "b"]
    assert message.experiment.mirror.name == "c"
    message.ClearField("experiment")
    assert message == pb.ExperimentStatusResponse(
        experimentName="e",
        active=True,
        candidatesReady=True,
        statusDescription="so",
        kubernetesMeta={"namespace": "team", "generation": 4},
        deleted=True,
    )
