import pytest

from seldon_core.cli.experiments import (
    list_experiments,
    show_experiment,
    start_experiments,
    stop_experiments,
)
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.errors import DeadlineError, InvalidRequestError, InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.transport.control_client import RpcError
from tests.support.scheduler_peer import scheduler_peer
from tests.support.trading import EXPERIMENT, PIPELINE, let_experiment, printed, rows, written


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


def test_an_experiment_is_started_and_stopped_quietly(peer, options, tmp_path, capsys):
    file = written(tmp_path, EXPERIMENT)
    start_experiments(file, options)
    stop_experiments(None, file, options)
    stop_experiments("other", None, options)
    assert capsys.readouterr().out == ""
    started, *stopped = peer.requests
    assert started.experiment.name == "half"
    assert stopped == [pb.StopExperimentRequest(name=name) for name in ("half", "other")]


def test_the_verbose_see_request_and_answer(peer, tmp_path, capsys):
    options = ControlOptions(peer.address, verbose=True)
    start_experiments(written(tmp_path, EXPERIMENT), options)
    stop_experiments("half", None, options)
    request, answer, *rest = printed(capsys)
    assert request["experiment"]["name"] == "half"
    assert answer == {}
    assert rest == [{"name": "half"}, {}]


def test_another_kind_is_not_started(peer, options, tmp_path):
    with pytest.raises(InvalidResourceError, match="kind Pipeline cannot be given here; give E"):
        start_experiments(written(tmp_path, PIPELINE), options)
    assert peer.requests == []


def test_what_to_stop_is_given_once(options):
    with pytest.raises(InvalidRequestError, match="name an experiment or give its manifest"):
        stop_experiments(None, None, options)


def test_an_experiment_is_shown_as_it_is_without_a_wait(peer, options, capsys):
    let_experiment(peer, "half", False, True)
    show_experiment("half", False, 5, options)
    assert printed(capsys) == [{"experimentName": "half", "statusDescription": "it is False"}]


def test_an_experiment_is_shown_once_it_is_active_if_waited_for(peer, options, capsys):
    let_experiment(peer, "half", False, True)
    show_experiment("half", True, 5, options)
    (status,) = printed(capsys)
    assert status["active"] is True


def test_waiting_in_vain_tells_why_it_is_not_active(peer, options):
    let_experiment(peer, "half", False)
    with pytest.raises(DeadlineError, match=r"half is in state inactive after 0 s: it is False"):
        show_experiment("half", True, 0, options)


def test_an_experiment_that_the_scheduler_does_not_know_is_refused(options):
    with pytest.raises(RpcError, match="FailedPrecondition desc = not known"):
        show_experiment("x", False, 5, options)


def test_experiments_that_are_not_stopped_are_listed(peer, options, capsys):
    let_experiment(peer, "half", True)
    let_experiment(peer, "other", False)
    peer.experiments["gone"] = [pb.ExperimentStatusResponse(experimentName="gone", deleted=True)]
    list_experiments(options)
    assert rows(capsys) == [
        ["experiment", "active"],
        ["----------", "------"],
        ["half", "true"],
        ["other", "false"],
    ]
