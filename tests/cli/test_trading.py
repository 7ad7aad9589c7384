"""The commands of Seldon's tool for any kind, and what those for one kind share."""

import pytest

from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.trading import (
    ALL,
    check_state,
    load_all,
    show_all_status,
    show_status,
    unload_all,
    unload_given,
)
from seldon_core.errors import DeadlineError, InvalidRequestError, InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from tests.support.scheduler_peer import scheduler_peer
from tests.support.trading import (
    EVERYTHING,
    EXPERIMENT,
    let_experiment,
    let_pipeline,
    printed,
    written,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def peer():
    with scheduler_peer() as started:
        yield started


@pytest.fixture
def options(peer):
    return ControlOptions(peer.address)


@pytest.fixture
def file(tmp_path):
    return written(tmp_path, EVERYTHING)


def let(peer):
    """Let each of `EVERYTHING` become ready when it is asked for again."""
    peer.set_model("iris", "ModelProgressing", "ModelAvailable")
    let_pipeline(peer, "chain", "PipelineCreating", "PipelineReady")
    let_experiment(peer, "half", False, True)


def test_everything_of_a_file_is_loaded_in_its_order(peer, options, file, tmp_path, capsys):
    load_all(file, ALL, options)
    assert printed(capsys) == [{}] * 3
    model, pipeline, experiment = peer.requests
    assert model.model.modelSpec.uri == str(tmp_path / "iris")
    assert pipeline.pipeline.output.steps == ["iris.outputs"]
    assert pipeline.pipeline.kubernetesMeta == pb.KubernetesMeta()
    assert experiment.experiment.kubernetesMeta.namespace == "team"


def test_everything_of_a_file_is_unloaded_and_each_answer_printed(peer, options, file, capsys):
    unload_all(file, options)
    assert printed(capsys) == [{}] * 3
    assert peer.requests == [
        pb.UnloadModelRequest(model={"name": "iris"}),
        pb.UnloadPipelineRequest(name="chain"),
        pb.StopExperimentRequest(name="half"),
    ]


def test_the_status_of_everything_is_printed_or_waited_for(peer, options, file, capsys):
    let(peer)
    show_all_status(file, False, 5, options)
    assert len(printed(capsys)) == 3
    let(peer)
    show_all_status(file, True, 5, options)
    model, pipeline, experiment = printed(capsys)
    assert model["versions"][0]["state"]["state"] == "ModelAvailable"
    assert pipeline["versions"][0]["state"]["status"] == "PipelineReady"
    assert experiment["active"] is True


def test_other_kinds_are_refused_with_those_that_may_be_given(peer, options, tmp_path):
    text = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n"
    with pytest.raises(InvalidResourceError, match="give Model or Pipeline or Experiment"):
        unload_all(written(tmp_path, text), options)
    assert peer.requests == []


def test_what_to_unload_is_a_name_or_a_file(peer, options, tmp_path):
    with pytest.raises(InvalidRequestError, match="name an experiment or give its manifest"):
        unload_given(None, None, "Experiment", options)
    with pytest.raises(InvalidRequestError, match="both the pipeline 'p' and -f x are given"):
        unload_given("p", "x", "Pipeline", options)
    unload_given("chain", None, "Pipeline", options)
    unload_given(None, written(tmp_path, EXPERIMENT), "Experiment", options)
    assert peer.requests == [
        pb.UnloadPipelineRequest(name="chain"),
        pb.StopExperimentRequest(name="half"),
    ]


def test_the_verbose_see_the_request_and_the_answer(peer, capsys):
    unload_given("chain", None, "Pipeline", ControlOptions(peer.address, verbose=True))
    assert printed(capsys) == [{"name": "chain"}, {}]


def test_waiting_in_vain_tells_the_last_state_and_why(peer, options):
    let_pipeline(peer, "chain", "PipelineCreate")
    with pytest.raises(DeadlineError) as late:
        show_status("Pipeline", "chain", "PipelineReady", 0, options)
    assert str(late.value).splitlines() == [
        "Pipeline wait status timeout",
        "chain is in state PipelineCreate after 0 s: so",
    ]


def test_a_state_is_one_of_those_that_there_are():
    check_state("Pipeline", "", ["A"])
    check_state("Pipeline", "A", ["A"])
    with pytest.raises(InvalidRequestError, match="did you mean PipelineReady"):
        check_state("Pipeline", "PipelineRedy", ["PipelineReady"])
