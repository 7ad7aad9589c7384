import json

import pytest

from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.cli.servers import list_servers, show_server
from seldon_core.errors import NotFoundError
from seldon_core.proto import scheduler_pb2 as pb
from tests.support.scheduler_peer import scheduler_peer


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def peer():
    with scheduler_peer() as started:
        for name, models in (("mlserver", 3), ("triton", 0)):
            started.servers[name] = pb.ServerStatusResponse(
                type="StatusUpdate",
                serverName=name,
                availableReplicas=1,
                expectedReplicas=-1,
                numLoadedModelReplicas=models,
                kubernetesMeta={},
                resources=[{"totalMemoryBytes": 2**40}],
            )
        yield started


def test_a_server_is_shown_as_json(peer, capsys):
    show_server("mlserver", False, True, ControlOptions(peer.address))
    assert json.loads(capsys.readouterr().out) == {
        "type": "StatusUpdate",
        "serverName": "mlserver",
        "resources": [{"totalMemoryBytes": "1099511627776"}],
        "expectedReplicas": -1,
        "availableReplicas": 1,
        "numLoadedModelReplicas": 3,
        "kubernetesMeta": {},
    }
    assert peer.requests == [pb.ServerStatusRequest(subscriberName="seldon CLI", name="mlserver")]


def test_without_the_response_a_sentence_is_shown(peer, capsys):
    show_server("mlserver", False, False, ControlOptions(peer.address))
    assert capsys.readouterr().out == "mlserver loaded models 3 available replicas 1\n"


@pytest.mark.parametrize(
    ("shows_request", "verbose"), [(True, False), (False, True)], ids=["flag", "verbose"]
)
def test_the_request_is_shown_first_if_wanted(peer, capsys, shows_request, verbose):
    show_server("mlserver", shows_request, False, ControlOptions(peer.address, verbose=verbose))
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == {
        "subscriberName": "seldon CLI",
        "name": "mlserver",
    }


def test_a_server_of_which_nothing_comes_is_not_found(peer):
    with pytest.raises(NotFoundError, match="server 'other' not found"):
        show_server("other", False, True, ControlOptions(peer.address))


def test_only_the_verbose_see_the_request_of_a_list(peer, capsys):
    list_servers(ControlOptions(peer.address))
    assert capsys.readouterr().out.startswith("server")


def test_all_servers_are_listed(peer, capsys):
    list_servers(ControlOptions(peer.address, verbose=True))
    request, *table = capsys.readouterr().out.splitlines()
    assert json.loads(request) == {"subscriberName": "seldon CLI"}
    assert [line.split() for line in table] == [
        ["server", "replicas", "models"],
        ["------", "--------", "------"],
        ["mlserver", "1", "3"],
        ["triton", "1", "0"],
    ]
