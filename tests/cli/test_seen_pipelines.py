import pytest

from seldon_core.cli.seen import HEADERS, WIDE_HEADERS
from seldon_core.cli.seen_pipelines import SeenPipeline, state_name, state_names
from seldon_core.proto import scheduler_pb2 as pb

READY = "PipelineReady"


def seen(state=READY, gateway=READY, models_ready=True, generation=0, namespace=""):
    return SeenPipeline(
        pb.PipelineStatusResponse(
            pipelineName="p",
            versions=[
                {
                    "pipeline": {
                        "name": "p",
                        "version": 2,
                        "steps": [{"name": "a"}, {"name": "b", "inputs": ["a"]}],
                        "kubernetesMeta": {"generation": generation, "namespace": namespace},
                    },
                    "state": {
                        "status": state,
                        "reason": "of the engine",
                        "pipelineGwStatus": gateway,
                        "pipelineGwReason": "of the gateway",
                        "modelsReady": models_ready,
                        "lastChangeTimestamp": {"seconds": 100},
                    },
                }
            ],
        )
    )


@pytest.mark.parametrize(
    ("pipeline", "reason"),
    [
        pytest.param(seen("PipelineFailed", "PipelineCreate", False), "of the engine", id="engine"),
        pytest.param(seen(READY, "PipelineCreate", False), "of the gateway", id="gateway"),
        pytest.param(seen(models_ready=False), "some of its models are not available", id="models"),
        pytest.param(seen(), "", id="none"),
    ],
)
def test_the_first_reason_why_it_does_not_answer_is_told(pipeline, reason):
    assert pipeline.reason == reason
    assert pipeline.conditions()[-1].holds == (not reason)


def test_conditions_are_seldons():
    conditions = seen("PipelineCreate").conditions()
    assert [(one.type, one.status, one.reason) for one in conditions] == [
        ("PipelineReady", "False", "PipelineCreate"),
        ("PipelineGwReady", "True", READY),
        ("ModelsReady", "True", ""),
        ("Ready", "False", "PipelineCreate"),
    ]
    assert conditions[0].message == "of the gateway | of the engine"


def test_a_blank_part_of_a_message_reads_so():
    pipeline = SeenPipeline(pb.PipelineStatusResponse())
    assert pipeline.conditions()[0].message == "Empty reason | Empty reason"
    assert pipeline.namespace == "default"
    assert pipeline.summary == "PipelineStatusUnknown"


@pytest.mark.parametrize(
    ("state", "gateway", "is_deleted", "is_gone"),
    [
        (READY, READY, False, False),
        ("PipelineTerminating", READY, True, False),
        ("PipelineTerminated", "PipelineTerminating", True, False),
        ("PipelineTerminated", "PipelineTerminated", True, True),
        ("PipelineFailedTerminating", "PipelineTerminated", True, False),
    ],
)
def test_one_that_nobody_has_is_gone(state, gateway, is_deleted, is_gone):
    pipeline = seen(state, gateway)
    assert (pipeline.is_deleted, pipeline.is_gone) == (is_deleted, is_gone)


def test_a_row_has_a_cell_below_each_title():
    pipeline = seen("PipelineCreate", namespace="team")
    assert dict(zip(HEADERS["Pipeline"], pipeline.cells(160), strict=True)) == {
        "NAME": "p",
        "READY": "False",
        "MODELS": "True",
        "STATE": "PipelineCreate",
        "CHANGED": "60s",
        "REASON": "of the engine",
    }
    wide = dict(zip(WIDE_HEADERS["Pipeline"], pipeline.wide_cells(160), strict=True))
    assert (wide["VERSION"], wide["GATEWAY"], wide["STEPS"]) == ("2", READY, "a,b")
    assert pipeline.namespace == "team"
    assert pipeline.summary == "PipelineCreate: of the engine"


def test_a_document_is_the_manifest_with_its_status():
    document = seen(generation=3).document()
    assert document["kind"] == "Pipeline"
    assert document["spec"] == {"steps": [{"name": "a"}, {"name": "b", "inputs": ["a.outputs"]}]}
    status = document["status"]
    assert status["observedGeneration"] == 3
    assert [one["type"] for one in status["conditions"]][-1] == "Ready"
    assert "observedGeneration" not in seen().document()["status"]


def test_states_have_names():
    assert state_name(3) == READY
    assert state_name(99) == "99"
    assert "PipelineStatusUnknown" not in list(state_names())
