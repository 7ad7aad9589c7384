"""Experiments as records."""

import pytest

from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.model import KubernetesMeta
from seldon_core.scheduler.records import StoredExperiment
from seldon_core.scheduler.store_experiments import (
    check_experiment,
    plain_experiment,
    read_experiment,
)

EXPERIMENT = StoredExperiment(
    "e",
    ExperimentSpec(
        "e",
        (ExperimentCandidate("p", 60), ExperimentCandidate("q", 0)),
        "p",
        ExperimentMirror("r", 10),
        ResourceType.PIPELINE,
        sticky_sessions=True,
        meta=KubernetesMeta("team", 2),
    ),
    1.0,
    None,
)
LEAST = StoredExperiment("e", ExperimentSpec("e", (ExperimentCandidate("a", 1),)), 1.0, 2.0)


@pytest.mark.parametrize("stored", [EXPERIMENT, LEAST], ids=["full", "least"])
def test_what_is_written_is_read_back(stored):
    assert read_experiment(plain_experiment(stored)) == stored


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda its: its["spec"].update(name="f"),
            "^the spec of 'e' is of another experiment$",
            id="another experiment",
        ),
        pytest.param(
            lambda its: its["spec"].update(default="r"),
            "default: 'r' is not among the candidates",
            id="not valid",
        ),
        pytest.param(
            lambda its: its["spec"].update(resource_type="server"),
            "^spec: resource_type: 'server' is not a valid ResourceType$",
            id="resource type",
        ),
        pytest.param(
            lambda its: its["spec"]["candidates"][0].update(weight=0.5),
            "^spec: candidates: weight: wanted int, found 0.5$",
            id="weight",
        ),
        pytest.param(
            lambda its: its["spec"]["mirror"].pop("percent"),
            r"^spec: mirror: wanted the fields \['name', 'percent'\], found \['name'\]$",
            id="mirror",
        ),
        pytest.param(
            lambda its: its.update(declared_at=None),
            "^declared_at: wanted a time in seconds, found None$",
            id="time",
        ),
    ],
)
def test_what_cannot_be_one_is_refused(change, said):
    value = plain_experiment(EXPERIMENT)
    change(value)
    with pytest.raises(ValueError, match=said):
        read_experiment(value)


def test_what_could_not_be_read_back_is_noticed_before_it_is_written():
    check_experiment(EXPERIMENT)
    with pytest.raises(ValueError, match="is of another experiment"):
        check_experiment(StoredExperiment("f", EXPERIMENT.spec, 1.0, None))
