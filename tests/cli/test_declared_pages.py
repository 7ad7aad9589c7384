from seldon_core.cli.declared_pages import experiment_page, pipeline_page
from seldon_core.cli.seen_experiments import SeenExperiment
from seldon_core.cli.seen_pipelines import SeenPipeline
from seldon_core.proto import scheduler_pb2 as pb

CHAIN = {
    "name": "p",
    "uid": "id",
    "version": 2,
    "steps": [{"name": "a"}, {"name": "b", "inputs": ["a"], "triggers": ["p.inputs.t"]}],
}


def test_a_pipelines_page_tells_its_steps_and_versions():
    status = pb.PipelineStatusResponse(
        pipelineName="p",
        versions=[
            {"pipeline": CHAIN | {"version": 1}, "state": {"status": "PipelineTerminated"}},
            {"pipeline": CHAIN, "state": {"status": "PipelineCreate", "reason": "nobody"}},
        ],
    )
    page = "\n".join(pipeline_page(SeenPipeline(status), {"a": "ModelAvailable"}, 0))
    assert "Version:      2, uid id" in page
    assert "State:        PipelineCreate, for <unknown>" in page
    assert "Gateway:      PipelineStatusUnknown\n" in page
    rows = [line.split() for line in page.splitlines()]
    assert ["a", "ModelAvailable", "the", "pipeline's", "<none>"] in rows
    assert ["b", "<none>", "a", "p.inputs.t"] in rows
    assert ["1", "PipelineTerminated", "PipelineStatusUnknown", "<unknown>"] in rows


def test_a_deleted_pipelines_page_says_so():
    status = pb.PipelineStatusResponse(
        pipelineName="p", versions=[{"pipeline": CHAIN, "state": {"status": "PipelineTerminating"}}]
    )
    page = "\n".join(pipeline_page(SeenPipeline(status), {}, 0))
    assert "State:        PipelineTerminating, deleted" in page


def an_experiment(weights, deleted=False, **fields):
    candidates = [{"name": name, "weight": weight} for name, weight in weights.items()]
    return SeenExperiment(
        pb.ExperimentStatusResponse(
            experimentName="e",
            active=not deleted,
            deleted=deleted,
            statusDescription="experiment active",
            experiment={"name": "e", "candidates": candidates, **fields},
        )
    )


def test_an_experiments_page_tells_the_shares():
    seen = an_experiment({"a": 1, "b": 2}, default="a", mirror={"name": "m", "percent": 5})
    page = "\n".join(experiment_page(seen, {"a": "ModelAvailable"}))
    assert "Splits:       calls to e.experiment, a" in page
    rows = [line.split() for line in page.splitlines()]
    assert ["a", "33.33", "%", "ModelAvailable"] in rows
    assert ["b", "66.67", "%", "<none>"] in rows
    assert ["m", "copies", "of", "5", "%", "<none>"] in rows


def test_weights_of_nothing_are_equal_shares():
    page = "\n".join(experiment_page(an_experiment({"a": 0, "b": 0}, resourceType=1), {}))
    assert "PIPELINE   SHARE   STATE" in page
    assert ["a", "50", "%", "<none>"] in [line.split() for line in page.splitlines()]
    assert "Splits:       calls to e.experiment\n" in page


def test_a_stopped_experiments_page_says_so():
    page = "\n".join(experiment_page(an_experiment({"a": 1}, deleted=True), {}))
    assert "Active:       no, stopped" in page
