import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.experiment_message import experiment_message, experiment_of
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.model import KubernetesMeta

FULL = ExperimentSpec(
    "e",
    (ExperimentCandidate("p", 60), ExperimentCandidate("q", 2**32 - 1)),
    "p",
    ExperimentMirror("r", 10),
    ResourceType.PIPELINE,
    sticky_sessions=True,
    meta=KubernetesMeta("team", 3),
)


@pytest.mark.parametrize(
    "spec", [pytest.param(FULL, id="every field"), pytest.param(ExperimentSpec("e"), id="none")]
)
def test_what_a_message_declares_is_read_back(spec: ExperimentSpec) -> None:
    assert experiment_of(experiment_message(spec)) == spec


def test_defaults_are_left_out_of_a_message() -> None:
    assert experiment_message(ExperimentSpec("e")) == pb.Experiment(name="e")


@pytest.mark.parametrize("name", ["e", "experiment-sample", "Id1_node", "v1.2"])
def test_names_of_any_usual_form_are_taken(name: str) -> None:
    assert experiment_of(pb.Experiment(name=name)).name == name


def test_an_empty_default_is_none() -> None:
    assert experiment_of(pb.Experiment(name="e", default="")).default is None


def of_type(number: int) -> pb.Experiment:
    experiment = pb.Experiment(name="e")
    experiment.resourceType = number  # type: ignore[assignment]  # a number on the wire
    return experiment


@pytest.mark.parametrize(
    ("message", "path"),
    [
        pytest.param(pb.Experiment(), "name", id="no name"),
        pytest.param(pb.Experiment(name="e" * 254), "name", id="long name"),
        pytest.param(pb.Experiment(name="e\nINFO"), "name", id="two lines"),
        pytest.param(pb.Experiment(name="é"), "name", id="not ASCII"),
        pytest.param(of_type(2), "resourceType", id="resource type"),
        pytest.param(
            pb.Experiment(name="e", candidates=[pb.ExperimentCandidate(name="a" * 300_000)]),
            "experiment",
            id="too large",
        ),
        pytest.param(
            pb.Experiment(name="e", kubernetesMeta=pb.KubernetesMeta(namespace="A")),
            "kubernetesMeta.namespace",
            id="namespace",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(message: pb.Experiment, path: str) -> None:
    with pytest.raises(InvalidResourceError) as raised:
        experiment_of(message)

    assert raised.value.path == path
