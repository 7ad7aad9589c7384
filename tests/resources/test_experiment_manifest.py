from typing import Any

import pytest
from pydantic import ValidationError

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.declared_documents import experiment_document
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.experiment_manifest import PARTS, ExperimentManifest
from seldon_core.resources.faults import describe_faults
from seldon_core.resources.model import KubernetesMeta

FULL = ExperimentSpec(
    "e",
    (ExperimentCandidate("p", 60), ExperimentCandidate("q", 0)),
    "p",
    ExperimentMirror("r", 100),
    ResourceType.PIPELINE,
    meta=KubernetesMeta("team", 2),
)


def document(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Experiment",
        "metadata": {"name": "e"},
        "spec": spec,
    }


def test_every_field_is_read_back_from_its_document() -> None:
    manifest = ExperimentManifest.model_validate(experiment_document(FULL))

    assert manifest.to_spec() == FULL
    assert manifest.notices() == []


def test_what_is_not_given_has_its_default() -> None:
    shown = document(candidates=[{"name": "a", "weight": 1}])
    spec = ExperimentManifest.model_validate(shown).to_spec()

    assert spec == ExperimentSpec("e", (ExperimentCandidate("a", 1),))
    assert experiment_document(spec) == shown


@pytest.mark.parametrize(
    ("spec", "place", "said"),
    [
        pytest.param({"candidate": []}, "spec.candidates", "is missing", id="no candidates"),
        pytest.param(
            {"candidates": [{"name": "a"}]}, "spec.candidates.0.weight", "is missing", id="weight"
        ),
        pytest.param(
            {"candidates": [], "mirror": {"name": "a", "percent": 101}},
            "spec.mirror.percent",
            "must be at most 100, not 101",
            id="percent",
        ),
        pytest.param(
            {"candidates": [], "resourceType": "pipelines"},
            "spec.resourceType",
            "an experiment is not about 'pipelines', did you mean pipeline?",
            id="resource type",
        ),
        pytest.param(
            {"candidates": [], "resourceType": "x"},
            "spec.resourceType",
            "an experiment is not about 'x'; there are: model, pipeline",
            id="nothing near",
        ),
    ],
)
def test_faults_of_the_form_are_told_with_their_place(
    spec: dict[str, Any], place: str, said: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        ExperimentManifest.model_validate(document(**spec))

    assert describe_faults(raised.value, PARTS)[0] == (place, said)


def test_faults_of_the_whole_are_told_with_their_place() -> None:
    with pytest.raises(
        InvalidResourceError, match=r"^spec\.candidates: experiment 'e' has neither"
    ):
        ExperimentManifest.model_validate(document(candidates=[])).to_spec()
