from dataclasses import replace

import pytest

from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
    experiment_fault,
)
from seldon_core.resources.model import KubernetesMeta

SPLIT = ExperimentSpec("e", (ExperimentCandidate("a", 60), ExperimentCandidate("b", 40)))


def test_candidates_and_then_the_mirror_are_members() -> None:
    assert replace(SPLIT, mirror=ExperimentMirror("c", 10)).members == ("a", "b", "c")


def test_the_namespace_is_the_manifests_or_the_default_one() -> None:
    assert SPLIT.namespace == "default"
    assert replace(SPLIT, meta=KubernetesMeta("team")).namespace == "team"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(SPLIT, id="split"),
        pytest.param(replace(SPLIT, default="b"), id="default"),
        pytest.param(ExperimentSpec("e", mirror=ExperimentMirror("a", 100)), id="only a mirror"),
    ],
)
def test_a_valid_experiment_has_no_fault(spec: ExperimentSpec) -> None:
    assert experiment_fault(spec) is None


# Every experiment has the fault of its row, and those of the rows after it as far as they can be.
@pytest.mark.parametrize(
    ("spec", "holder", "path", "said"),
    [
        pytest.param(
            ExperimentSpec("e", default="a"),
            "other",
            "default",
            "model 'a' is the default of experiment 'other' already",
            id="default of another",
        ),
        pytest.param(
            ExperimentSpec("e", default="a"),
            None,
            "default",
            "'a' is not among the candidates of experiment 'e' (none)",
            id="default is no candidate",
        ),
        pytest.param(
            replace(SPLIT, default="c", mirror=ExperimentMirror("c", 1)),
            None,
            "default",
            "'c' is not among the candidates of experiment 'e' ('a', 'b')",
            id="default is the mirror",
        ),
        pytest.param(
            ExperimentSpec("e"), None, "candidates", "neither a candidate nor a mirror", id="empty"
        ),
        pytest.param(
            replace(SPLIT, mirror=ExperimentMirror("a", 101)),
            None,
            "candidates",
            "model 'a' is in experiment 'e' more than once",
            id="duplicate",
        ),
        pytest.param(
            ExperimentSpec(
                "e",
                (ExperimentCandidate("p", 1), ExperimentCandidate("p", 2)),
                resource_type=ResourceType.PIPELINE,
            ),
            None,
            "candidates",
            "pipeline 'p' is in experiment 'e' more than once",
            id="duplicate pipeline",
        ),
        pytest.param(
            ExperimentSpec("e", (ExperimentCandidate("", 1),)),
            None,
            "candidates",
            "has no name",
            id="no name",
        ),
        pytest.param(
            replace(SPLIT, mirror=ExperimentMirror("c", 101)),
            None,
            "mirror.percent",
            "101 of experiment 'e' is more than 100 percent",
            id="percent",
        ),
    ],
)
def test_the_first_fault_is_told_with_its_place(
    spec: ExperimentSpec, holder: str | None, path: str, said: str
) -> None:
    fault = experiment_fault(spec, holder)

    assert fault is not None
    assert fault.path == path
    assert said in fault.message
