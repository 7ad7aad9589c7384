"""kubectl's verbs about pipelines and experiments."""

import pytest

from seldon_core.cli.apply import apply
from seldon_core.cli.delete import DeleteOptions, delete
from seldon_core.cli.describe import describe
from seldon_core.cli.get import GetOptions, get
from seldon_core.cli.kubectl_click import FaultsError
from seldon_core.cli.wait import parse_wanted, wait
from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.kubernetes import KINDS
from tests.support.scheduler_peer import scheduler_peer

MANIFESTS = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: p}
spec: {steps: [{name: a, batch: {windowMs: 5}}]}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Experiment
metadata: {name: p}
spec: {candidates: [{name: a, weight: 1}]}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def peer():
    with scheduler_peer() as started:
        yield started


@pytest.fixture
def file(tmp_path):
    (tmp_path / "m.yaml").write_text(MANIFESTS)
    return str(tmp_path / "m.yaml")


def a_pipeline(state="PipelineReady"):
    return pb.PipelineStatusResponse(
        pipelineName="p",
        versions=[
            {
                "pipeline": {"name": "p", "version": 1, "steps": [{"name": "a"}]},
                "state": {"status": state, "pipelineGwStatus": state, "modelsReady": True},
            }
        ],
    )


def an_experiment(active=True, deleted=False):
    return pb.ExperimentStatusResponse(
        experimentName="p",
        active=active,
        candidatesReady=active,
        mirrorReady=True,
        deleted=deleted,
        experiment={"name": "p", "candidates": [{"name": "a", "weight": 1}]},
    )


def test_a_pipeline_and_an_experiment_of_one_name_are_applied(peer, file, capsys):
    assert apply([file], False, "team", peer.address) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "pipeline.mlops.seldon.io/p configured",
        "experiment.mlops.seldon.io/p configured",
    ]
    assert "pipeline.mlops.seldon.io/p: step 'a': batch.windowMs has no effect" in err
    pipeline, experiment = peer.requests
    assert pipeline.pipeline.kubernetesMeta.namespace == "team"
    assert experiment.experiment.kubernetesMeta.namespace == "team"


def test_nothing_is_applied_if_one_is_not_valid(peer, file, tmp_path):
    (tmp_path / "n.yaml").write_text(MANIFESTS.replace("name: a,", "name: p,"))
    with pytest.raises(FaultsError) as raised:
        apply([file, str(tmp_path / "n.yaml")], False, None, peer.address)
    assert "document 1: spec.steps.0.name: step 'p' is named like its" in raised.value.faults[0]
    assert peer.requests == []


def test_both_are_shown_in_tables_of_their_own(peer, capsys):
    peer.pipelines["p"], peer.experiments["p"] = [a_pipeline()], [an_experiment()]
    assert get(["mlp,mlx"], [], False, GetOptions(), peer.address) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1][:4] == ["pipeline.mlops.seldon.io/p", "True", "True", "PipelineReady"]
    assert lines[4][:4] == ["experiment.mlops.seldon.io/p", "True", "<none>", "a=1"]


@pytest.mark.parametrize("kind", ["pipelines", "experiments"])
def test_both_can_be_watched(peer, kind, capsys):
    peer.pipelines["p"] = [a_pipeline("PipelineCreate"), a_pipeline()]
    peer.experiments["p"] = [an_experiment(False), an_experiment()]
    options = GetOptions(is_watch=True, has_header=False)
    with pytest.raises(UpstreamError, match="no more to watch"):
        get([kind], [], False, options, peer.address)
    shown = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["False", "True"]


def test_both_are_described(peer, capsys):
    peer.pipelines["p"], peer.experiments["p"] = [a_pipeline()], [an_experiment()]
    peer.set_model("a", "ModelAvailable")
    assert describe(["pipeline/p", "experiment/p"], [], False, None, peer.address) == 0
    out = capsys.readouterr().out
    assert "Kind:         Pipeline" in out
    assert "Kind:         Experiment" in out
    assert out.count("ModelAvailable") == 2


def test_both_are_deleted_and_waited_for(peer, file, capsys):
    peer.pipelines["p"] = [
        a_pipeline(),
        a_pipeline("PipelineTerminating"),
        a_pipeline("PipelineTerminated"),
    ]
    peer.experiments["p"] = [an_experiment(), an_experiment(False, deleted=True)]
    assert delete([], [file], False, DeleteOptions(), peer.address) == 0
    assert capsys.readouterr().out.splitlines() == [
        'pipeline.mlops.seldon.io "p" deleted',
        'experiment.mlops.seldon.io "p" deleted',
    ]
    unloads = [type(each).__name__ for each in peer.requests if "Status" not in type(each).__name__]
    assert unloads == ["UnloadPipelineRequest", "StopExperimentRequest"]


def test_a_pipeline_that_is_not_let_go_is_told(peer, capsys):
    peer.pipelines["p"] = [a_pipeline(), a_pipeline("PipelineFailedTerminating")]
    assert delete(["pipeline", "p"], [], False, DeleteOptions(), peer.address) == 1
    assert "is not unloaded: PipelineFailedTerminating" in capsys.readouterr().err


def test_both_are_waited_for(peer, capsys):
    peer.pipelines["p"] = [a_pipeline("PipelineCreating")] * 2 + [a_pipeline()]
    peer.experiments["p"] = [an_experiment(False)] * 2 + [an_experiment()]
    words = ["pipeline/p", "experiment/p"]
    assert wait(words, [], False, "condition=Ready", "5s", None, peer.address) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("kind", "condition", "meant"),
    [
        ("Pipeline", "PipelineGwRedy", "PipelineGwReady"),
        ("Pipeline", "PipelineTerminatd", "PipelineTerminated"),
        ("Experiment", "CandidateReady", "CandidatesReady"),
    ],
)
def test_a_condition_that_there_is_not_suggests_one(kind, condition, meant):
    with pytest.raises(InvalidRequestError, match=f"did you mean {meant}"):
        parse_wanted(f"condition={condition}", [KINDS[kind]])
