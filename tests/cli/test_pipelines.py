import pytest

from seldon_core.cli.pipelines import (
    list_pipelines,
    load_pipelines,
    refuse_call,
    show_pipeline,
    unload_pipelines,
)
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.errors import (
    DeadlineError,
    InvalidRequestError,
    InvalidResourceError,
    UnsupportedError,
)
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.transport.control_client import RpcError
from tests.support.scheduler_peer import scheduler_peer
from tests.support.trading import EXPERIMENT, PIPELINE, let_pipeline, printed, rows, written


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


def test_a_pipeline_is_loaded_and_unloaded_quietly(peer, options, tmp_path, capsys):
    file = written(tmp_path, PIPELINE)
    load_pipelines(file, options)
    unload_pipelines(None, file, options)
    unload_pipelines("other", None, options)
    assert capsys.readouterr().out == ""
    loaded, *unloaded = peer.requests
    assert loaded.pipeline.name == "chain"
    assert unloaded == [pb.UnloadPipelineRequest(name=name) for name in ("chain", "other")]


def test_the_verbose_see_request_and_answer(peer, tmp_path, capsys):
    load_pipelines(written(tmp_path, PIPELINE), ControlOptions(peer.address, verbose=True))
    request, answer = printed(capsys)
    assert request["pipeline"]["name"] == "chain"
    assert answer == {}


def test_another_kind_is_not_loaded(peer, options, tmp_path):
    with pytest.raises(InvalidResourceError, match="kind Experiment cannot be given here; give P"):
        load_pipelines(written(tmp_path, EXPERIMENT), options)
    assert peer.requests == []


def test_what_to_unload_is_given_once(options):
    with pytest.raises(InvalidRequestError, match="both the pipeline 'p' and -f x are given"):
        unload_pipelines("p", "x", options)


def test_a_pipeline_is_waited_for_and_its_status_printed(peer, options, capsys):
    let_pipeline(peer, "chain", "PipelineCreating", "PipelineReady")
    show_pipeline("chain", "PipelineReady", 5, options)
    (status,) = printed(capsys)
    assert status["versions"][0]["state"]["status"] == "PipelineReady"
    assert peer.requests[0] == pb.PipelineStatusRequest(subscriberName="seldon CLI", name="chain")


def test_waiting_in_vain_tells_the_last_state_and_why(peer, options):
    let_pipeline(peer, "chain", "PipelineCreate")
    with pytest.raises(DeadlineError) as late:
        show_pipeline("chain", "PipelineReady", 0, options)
    assert str(late.value).splitlines() == [
        "Pipeline wait status timeout",
        "chain is in state PipelineCreate after 0 s: so",
    ]


def test_a_pipeline_without_a_version_has_no_state(peer, options):
    peer.pipelines["chain"] = [pb.PipelineStatusResponse(pipelineName="chain")]
    with pytest.raises(DeadlineError, match=r"chain is in state PipelineStatusUnknown after 0 s$"):
        show_pipeline("chain", "PipelineReady", 0, options)


def test_a_state_that_there_is_not_is_refused_at_once(peer, options):
    with pytest.raises(InvalidRequestError, match="did you mean PipelineReady"):
        show_pipeline("chain", "PipelineRedy", 5, options)
    assert peer.requests == []


def test_a_pipeline_that_the_scheduler_does_not_know_is_refused(options):
    with pytest.raises(RpcError, match="FailedPrecondition desc = not known"):
        show_pipeline("x", "", 5, options)


def test_pipelines_that_are_not_gone_are_listed(peer, options, capsys):
    let_pipeline(peer, "chain", "PipelineReady")
    let_pipeline(peer, "gone", "PipelineTerminated")
    peer.pipelines["empty"] = [pb.PipelineStatusResponse(pipelineName="empty")]
    list_pipelines(options)
    assert rows(capsys) == [
        ["pipeline", "state", "reason"],
        ["--------", "-----", "------"],
        ["chain", "PipelineReady", "so"],
    ]


@pytest.mark.parametrize("command", ["infer", "inspect"])
def test_calling_a_pipeline_says_that_none_is_run_yet(command):
    with pytest.raises(UnsupportedError, match=f"pipeline {command}: .* not run yet, .*'chain'"):
        refuse_call(command, "chain")
