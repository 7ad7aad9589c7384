from typing import Any

import pytest

from seldon_core.resources.declared_documents import experiment_document, pipeline_document
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.experiment_manifest import ExperimentManifest
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.resources.pipeline_manifest import PipelineManifest

STEP = PipelineStep("a")
PIPELINES = {
    "least": (PipelineSpec("p", (STEP,)), {"steps": [{"name": "a"}]}),
    "every field": (
        PipelineSpec(
            "p",
            (
                PipelineStep("a", batch_size=0, batch_window_ms=10),
                PipelineStep(
                    "b",
                    ("a.outputs",),
                    JoinOp.ANY,
                    0,
                    {"a.outputs.X": "Y"},
                    ("p.inputs.T",),
                    JoinOp.OUTER,
                ),
            ),
            PipelineInput(
                ("q.outputs",), ("r.outputs",), JoinOp.OUTER, JoinOp.ANY, 0, {"q.outputs.X": "Y"}
            ),
            PipelineOutput(("b.outputs",), JoinOp.ANY, 9, {"b.outputs.X": "Y"}),
            clean_topics_on_delete=True,
            allow_cycles=True,
            max_step_revisits=5,
        ),
        {
            "input": {
                "externalInputs": ["q.outputs"],
                "externalTriggers": ["r.outputs"],
                "joinWindowMs": 0,
                "joinType": "outer",
                "triggersJoinType": "any",
                "tensorMap": {"q.outputs.X": "Y"},
            },
            "steps": [
                {"name": "a", "batch": {"size": 0, "windowMs": 10}},
                {
                    "name": "b",
                    "inputs": ["a.outputs"],
                    "joinWindowMs": 0,
                    "tensorMap": {"a.outputs.X": "Y"},
                    "triggers": ["p.inputs.T"],
                    "inputsJoinType": "any",
                    "triggersJoinType": "outer",
                },
            ],
            "output": {
                "steps": ["b.outputs"],
                "joinWindowMs": 9,
                "stepsJoin": "any",
                "tensorMap": {"b.outputs.X": "Y"},
            },
            "dataflow": {"cleanTopicsOnDelete": True},
            "allowCycles": True,
            "maxStepRevisits": 5,
        },
    ),
    "parts at their defaults": (
        PipelineSpec("p", (STEP,), PipelineInput(), PipelineOutput(("a.outputs",))),
        {"input": {}, "steps": [{"name": "a"}], "output": {"steps": ["a.outputs"]}},
    ),
}
EXPERIMENTS = {
    "least": (
        ExperimentSpec("e", (ExperimentCandidate("a", 0),)),
        {"candidates": [{"name": "a", "weight": 0}]},
    ),
    "every field": (
        ExperimentSpec(
            "e",
            (ExperimentCandidate("p", 60), ExperimentCandidate("q", 40)),
            "p",
            ExperimentMirror("r", 100),
            ResourceType.PIPELINE,
        ),
        {
            "default": "p",
            "candidates": [{"name": "p", "weight": 60}, {"name": "q", "weight": 40}],
            "mirror": {"name": "r", "percent": 100},
            "resourceType": "pipeline",
        },
    ),
}


@pytest.mark.parametrize(("spec", "fields"), PIPELINES.values(), ids=PIPELINES)
def test_a_pipeline_is_shown_without_what_is_at_its_default(
    spec: PipelineSpec, fields: dict[str, Any]
) -> None:
    assert pipeline_document(spec) == {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": "p"},
        "spec": fields,
    }


@pytest.mark.parametrize(("spec", "fields"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_an_experiment_is_shown_without_what_is_at_its_default(
    spec: ExperimentSpec, fields: dict[str, Any]
) -> None:
    assert experiment_document(spec) == {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Experiment",
        "metadata": {"name": "e"},
        "spec": fields,
    }


@pytest.mark.parametrize(
    ("meta", "shown"),
    [
        (None, {}),
        (KubernetesMeta(), {}),
        (KubernetesMeta("team", 3), {"namespace": "team", "generation": 3}),
    ],
    ids=["none", "nothing said", "all"],
)
def test_what_kubernetes_knows_is_in_the_metadata(
    meta: KubernetesMeta | None, shown: dict[str, Any]
) -> None:
    pipeline = pipeline_document(PipelineSpec("it", (STEP,), meta=meta))
    experiment = experiment_document(ExperimentSpec("it", (), meta=meta))
    assert pipeline["metadata"] == experiment["metadata"] == {"name": "it", **shown}


@pytest.mark.parametrize("spec", [PIPELINES[name][0] for name in ("least", "every field")])
def test_a_pipeline_is_read_back_from_what_is_shown(spec: PipelineSpec) -> None:
    assert PipelineManifest.model_validate(pipeline_document(spec)).to_spec() == spec


@pytest.mark.parametrize("spec", [spec for spec, _ in EXPERIMENTS.values()], ids=EXPERIMENTS)
def test_an_experiment_is_read_back_from_what_is_shown(spec: ExperimentSpec) -> None:
    assert ExperimentManifest.model_validate(experiment_document(spec)).to_spec() == spec
