import pytest

from seldon_core.cli.trades import TRADES
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.experiment import ExperimentCandidate, ExperimentSpec
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec, PipelineStep


class Client:
    """Notes each call, and answers with its name."""

    def __getattr__(self, name):
        return lambda request: (name, request)


SPECS = {
    "Model": ModelSpec("it", "/it"),
    "Pipeline": PipelineSpec("it", (PipelineStep("a"),)),
    "Experiment": ExperimentSpec("it", (ExperimentCandidate("a", 1),)),
}
CALLS = {
    "Model": ("load_model", "unload_model", "model_status"),
    "Pipeline": ("load_pipeline", "unload_pipeline", "pipeline_status"),
    "Experiment": ("start_experiment", "stop_experiment", "experiment_status"),
}


def test_there_is_a_trade_for_each_kind_that_the_scheduler_takes():
    assert TRADES.keys() == SPECS.keys()


@pytest.mark.parametrize("kind", SPECS)
def test_each_call_has_the_request_of_its_kind(kind):
    trade = TRADES[kind]
    requests = [
        trade.load_request(SPECS[kind]),
        trade.unload_request("it"),
        trade.status_request("it"),
    ]
    calls = [
        ask(Client(), request)
        for ask, request in zip((trade.load, trade.unload, trade.status), requests, strict=True)
    ]
    assert calls == list(zip(CALLS[kind], requests, strict=True))


def test_requests_name_what_they_are_about():
    model, pipeline, experiment = (TRADES[kind] for kind in SPECS)
    assert model.load_request(SPECS["Model"]).model.meta.name == "it"
    assert pipeline.load_request(SPECS["Pipeline"]).pipeline.name == "it"
    assert experiment.load_request(SPECS["Experiment"]).experiment.name == "it"
    assert model.unload_request("it") == pb.UnloadModelRequest(model={"name": "it"})
    assert pipeline.unload_request("it") == pb.UnloadPipelineRequest(name="it")
    assert experiment.unload_request("it") == pb.StopExperimentRequest(name="it")
    asker = "seldon CLI"
    assert model.status_request("it") == pb.ModelStatusRequest(
        subscriberName=asker, model={"name": "it"}
    )
    for trade, request in [
        (pipeline, pb.PipelineStatusRequest),
        (experiment, pb.ExperimentStatusRequest),
    ]:
        assert trade.status_request("it") == request(subscriberName=asker, name="it")


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        pytest.param(
            "Model",
            pb.ModelStatusResponse(
                versions=[{"state": {"state": "ModelAvailable", "reason": "why"}}]
            ),
            ("ModelAvailable", "why"),
            id="model",
        ),
        pytest.param(
            "Pipeline",
            pb.PipelineStatusResponse(
                versions=[{"state": {"status": "PipelineReady", "reason": "why"}}]
            ),
            ("PipelineReady", "why"),
            id="pipeline",
        ),
        pytest.param(
            "Experiment",
            pb.ExperimentStatusResponse(active=True, statusDescription="why"),
            ("active", "why"),
            id="experiment",
        ),
    ],
)
def test_a_status_tells_the_state_and_the_reason(kind, status, state):
    trade = TRADES[kind]
    assert trade.state_of(status) == state
    assert trade.ready == state[0]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("Model", "ModelStateUnknown"),
        ("Pipeline", "PipelineStatusUnknown"),
        ("Experiment", "inactive"),
    ],
)
def test_a_status_that_says_nothing_is_of_no_state(kind, state):
    nothing = TRADES[kind].nothing("it")
    assert TRADES[kind].state_of(nothing) == (state, "")
    assert "it" in {value for _, value in nothing.ListFields()}
