from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.declared_documents import pipeline_document
from seldon_core.resources.faults import describe_faults
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.resources.pipeline_manifest import PARTS, PipelineManifest

FULL = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p, namespace: team, generation: 3}
spec:
  input:
    externalInputs: [q]
    externalTriggers: [q.step.s]
    joinWindowMs: 0
    joinType: outer
    triggersJoinType: any
    tensorMap: {q.outputs.X: Y}
  steps:
  - name: a
    batch: {size: 0, windowMs: 10, rolling: true}
  - name: b
    inputs: [a]
    joinWindowMs: 7
    tensorMap: {a.outputs.X: Y}
    triggers: [p.inputs.T]
    inputsJoinType: any
    triggersJoinType: outer
  output:
    steps: [b]
    joinWindowMs: 9
    stepsJoin: any
    tensorMap: {b.outputs.X: Y}
  dataflow: {cleanTopicsOnDelete: true}
  allowCycles: true
  maxStepRevisits: 5
"""
SPEC = PipelineSpec(
    "p",
    (
        PipelineStep("a", batch_size=0, batch_window_ms=10),
        PipelineStep(
            "b",
            ("a.outputs",),
            JoinOp.ANY,
            7,
            {"a.outputs.X": "Y"},
            ("p.inputs.T",),
            JoinOp.OUTER,
        ),
    ),
    PipelineInput(
        ("q.outputs",), ("q.step.s.outputs",), JoinOp.OUTER, JoinOp.ANY, 0, {"q.outputs.X": "Y"}
    ),
    PipelineOutput(("b.outputs",), JoinOp.ANY, 9, {"b.outputs.X": "Y"}),
    clean_topics_on_delete=True,
    allow_cycles=True,
    max_step_revisits=5,
    meta=KubernetesMeta("team", 3),
)
LEAST: dict[str, Any] = {
    "apiVersion": "mlops.seldon.io/v1alpha1",
    "kind": "Pipeline",
    "metadata": {"name": "p"},
    "spec": {"steps": [{"name": "a"}]},
}


def test_every_field_is_read() -> None:
    manifest = PipelineManifest.model_validate(yaml.safe_load(FULL))

    assert manifest.to_spec() == SPEC
    assert manifest.notices() == [
        "step 'a': batch.rolling has no effect, as in Seldon",
        "step 'a': batch.windowMs has no effect, as in Seldon",
    ]


def test_the_shortest_manifest_is_enough() -> None:
    manifest = PipelineManifest.model_validate(LEAST)

    assert manifest.to_spec() == PipelineSpec("p", (PipelineStep("a"),))
    assert manifest.notices() == []


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(SPEC, id="full"),
        pytest.param(PipelineSpec("p", (PipelineStep("a"),)), id="least"),
        pytest.param(
            PipelineSpec("p", (PipelineStep("a"),), output=PipelineOutput(("a.outputs",))),
            id="usual",
        ),
    ],
)
def test_a_document_is_read_back(spec: PipelineSpec) -> None:
    assert PipelineManifest.model_validate(pipeline_document(spec)).to_spec() == spec


def test_what_is_not_given_is_left_out_of_a_document() -> None:
    assert pipeline_document(PipelineSpec("p", (PipelineStep("a"),))) == LEAST


@pytest.mark.parametrize(
    ("spec", "place", "said"),
    [
        pytest.param({}, "spec.steps", "is missing", id="no steps"),
        pytest.param(
            {"steps": [{"name": "a", "input": ["b"]}]},
            "spec.steps.0.input",
            "unknown field, did you mean inputs?",
            id="unknown field",
        ),
        pytest.param(
            {"steps": [{"name": "a", "inputsJoinType": "inne"}]},
            "spec.steps.0.inputsJoinType",
            "there is no join 'inne', did you mean inner?",
            id="unknown join",
        ),
        pytest.param(
            {"steps": [{"name": "a", "joinWindowMs": -1}]},
            "spec.steps.0.joinWindowMs",
            "must be at least 0, not -1",
            id="negative window",
        ),
    ],
)
def test_faults_of_the_form_are_told_with_their_place(
    spec: dict[str, Any], place: str, said: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        PipelineManifest.model_validate({**LEAST, "spec": spec})

    assert describe_faults(raised.value, PARTS) == [(place, said)]


def test_faults_of_the_whole_are_told_with_their_place() -> None:
    manifest = PipelineManifest.model_validate(
        {**LEAST, "spec": {"steps": [{"name": "a", "inputs": ["b"]}]}}
    )

    with pytest.raises(InvalidResourceError, match=r"^spec\.steps\.0\.inputs\.0: 'b\.outputs'"):
        manifest.to_spec()


def test_settings_of_models_are_no_annotations_of_pipelines() -> None:
    metadata = {"name": "p", "annotations": {"other": "x", "seldon-core/keep": "true"}}

    with pytest.raises(ValidationError) as raised:
        PipelineManifest.model_validate({**LEAST, "metadata": metadata})

    ((place, said),) = describe_faults(raised.value, PARTS)
    assert place == "metadata.annotations"
    assert said == "there is no setting 'seldon-core/keep'; only models have settings"
