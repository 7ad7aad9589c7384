"""The commands of Seldon's tool for any kind, and what those for one kind share."""

import json

import pytest

from seldon_core.cli.experiments import list_experiments, show_experiment, start_experiments
from seldon_core.cli.experiments import stop_experiments as stop
from seldon_core.cli.pipelines import (
    list_pipelines,
    load_pipelines,
    refuse_call,
    show_pipeline,
    unload_pipelines,
)
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.trading import ALL, load_all, show_all_status, unload_all
from seldon_core.errors import (
    DeadlineError,
    InvalidRequestError,
    InvalidResourceError,
    UnsupportedError,
)
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.transport.control_client import RpcError
from tests.support.scheduler_peer import scheduler_peer

EVERYTHING = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: iris}
spec: {storageUri: ./iris}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: chain}
spec: {steps: [{name: iris}], output: {steps: [iris]}}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: half, namespace: team}
spec: {candidates: [{name: iris, weight: 1}]}
"""
_, PIPELINE, EXPERIMENT = EVERYTHING.split("---")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def peer():
    with scheduler_peer() as started:
        yield started


@pytest.fixture
def options(peer):
    return ControlOptions(peer.address)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(EVERYTHING)
    return str(path)


def written(tmp_path, text):
    (tmp_path / "one.yaml").write_text(text)
    return str(tmp_path / "one.yaml")


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def let(statuses, name, *states):
    """Let a pipeline be in these states, or an experiment be active or not, one after another."""
    if isinstance(states[0], bool):
        statuses[name] = [
            pb.ExperimentStatusResponse(
                experimentName=name, active=active, statusDescription=f"it is {active}"
            )
            for active in states
        ]
    else:
        statuses[name] = [
            pb.PipelineStatusResponse(
                pipelineName=name, versions=[{"state": {"status": state, "reason": "so"}}]
            )
            for state in states
        ]


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
    peer.set_model("iris", "ModelProgressing", "ModelAvailable")
    let(peer.pipelines, "chain", "PipelineCreating", "PipelineReady")
    let(peer.experiments, "half", False, True)
    show_all_status(file, False, 5, options)
    assert len(printed(capsys)) == 3
    peer.set_model("iris", "ModelProgressing", "ModelAvailable")
    let(peer.pipelines, "chain", "PipelineCreating", "PipelineReady")
    let(peer.experiments, "half", False, True)
    show_all_status(file, True, 5, options)
    model, pipeline, experiment = printed(capsys)
    assert model["versions"][0]["state"]["state"] == "ModelAvailable"
    assert pipeline["versions"][0]["state"]["status"] == "PipelineReady"
    assert experiment["active"] is True


def test_other_kinds_are_refused_with_those_that_may_be_given(peer, options, tmp_path):
    text = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n"
    with pytest.raises(InvalidResourceError, match="give Model or Pipeline or Experiment"):
        unload_all(written(tmp_path, text), options)
    with pytest.raises(InvalidResourceError, match="kind Experiment cannot be given here; give P"):
        load_pipelines(written(tmp_path, EXPERIMENT), options)
    assert peer.requests == []


def test_pipelines_and_experiments_are_loaded_and_unloaded_quietly(peer, options, tmp_path, capsys):
    load_pipelines(written(tmp_path, PIPELINE), options)
    unload_pipelines(None, written(tmp_path, PIPELINE), options)
    start_experiments(written(tmp_path, EXPERIMENT), options)
    stop("half", None, options)
    assert capsys.readouterr().out == ""
    assert [type(request).__name__ for request in peer.requests] == [
        "LoadPipelineRequest",
        "UnloadPipelineRequest",
        "StartExperimentRequest",
        "StopExperimentRequest",
    ]


def test_the_verbose_see_request_and_answer(peer, tmp_path, capsys):
    options = ControlOptions(peer.address, verbose=True)
    load_pipelines(written(tmp_path, PIPELINE), options)
    stop("half", None, options)
    request, answer, *rest = printed(capsys)
    assert request["pipeline"]["name"] == "chain"
    assert answer == {}
    assert rest == [{"name": "half"}, {}]


def test_what_to_stop_is_given_once(options):
    with pytest.raises(InvalidRequestError, match="name an experiment or give its manifest"):
        stop(None, None, options)
    with pytest.raises(InvalidRequestError, match="both the pipeline 'p' and -f x are given"):
        unload_pipelines("p", "x", options)


def test_a_pipeline_is_waited_for_and_its_status_printed(peer, options, capsys):
    let(peer.pipelines, "chain", "PipelineCreating", "PipelineReady")
    show_pipeline("chain", "PipelineReady", 5, options)
    (status,) = printed(capsys)
    assert status["versions"][0]["state"]["status"] == "PipelineReady"
    assert peer.requests[0] == pb.PipelineStatusRequest(subscriberName="seldon CLI", name="chain")


def test_waiting_in_vain_tells_the_last_state_and_why(peer, options):
    let(peer.pipelines, "chain", "PipelineCreate")
    let(peer.experiments, "half", False)
    with pytest.raises(DeadlineError) as late:
        show_pipeline("chain", "PipelineReady", 0, options)
    assert str(late.value).splitlines() == [
        "Pipeline wait status timeout",
        "chain is in state PipelineCreate after 0 s: so",
    ]
    with pytest.raises(DeadlineError, match=r"half is in state inactive after 0 s: it is False"):
        show_experiment("half", True, 0, options)


def test_a_pipeline_without_a_version_has_no_state(peer, options):
    peer.pipelines["chain"] = [pb.PipelineStatusResponse(pipelineName="chain")]
    with pytest.raises(DeadlineError, match=r"chain is in state PipelineStatusUnknown after 0 s$"):
        show_pipeline("chain", "PipelineReady", 0, options)


def test_a_state_that_there_is_not_is_refused_at_once(peer, options):
    with pytest.raises(InvalidRequestError, match="did you mean PipelineReady"):
        show_pipeline("chain", "PipelineRedy", 5, options)
    assert peer.requests == []


def test_an_experiment_is_shown_as_it_is_without_a_wait(peer, options, capsys):
    let(peer.experiments, "half", False, True)
    show_experiment("half", False, 5, options)
    assert printed(capsys) == [{"experimentName": "half", "statusDescription": "it is False"}]


def test_what_the_scheduler_does_not_know_is_refused(options):
    for show in (show_pipeline, show_experiment):
        with pytest.raises(RpcError, match="FailedPrecondition desc = not known"):
            show("x", "", 5, options)


def test_pipelines_that_are_not_gone_are_listed(peer, options, capsys):
    let(peer.pipelines, "chain", "PipelineReady")
    let(peer.pipelines, "gone", "PipelineTerminated")
    peer.pipelines["empty"] = [pb.PipelineStatusResponse(pipelineName="empty")]
    list_pipelines(options)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["pipeline", "state", "reason"],
        ["--------", "-----", "------"],
        ["chain", "PipelineReady", "so"],
    ]


def test_experiments_that_are_not_stopped_are_listed(peer, options, capsys):
    let(peer.experiments, "half", True)
    let(peer.experiments, "other", False)
    peer.experiments["gone"] = [pb.ExperimentStatusResponse(experimentName="gone", deleted=True)]
    list_experiments(options)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["experiment", "active"],
        ["----------", "------"],
        ["half", "true"],
        ["other", "false"],
    ]


@pytest.mark.parametrize("command", ["infer", "inspect"])
def test_calling_a_pipeline_says_that_none_is_run_yet(command):
    with pytest.raises(UnsupportedError, match=f"pipeline {command}: .* not run yet, .*'chain'"):
        refuse_call(command, "chain")
