import json

import pytest

from seldon_core.cli.configs import Index, write_index
from seldon_core.cli.control import open_scheduler_client, say_message, say_request
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.errors import ConfigError
from seldon_core.proto import scheduler_pb2 as pb
from tests.support.scheduler_peer import scheduler_peer

REQUEST = pb.ServerStatusRequest(subscriberName="me")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_scheduler_that_the_options_name_is_asked():
    with scheduler_peer() as peer:
        peer.servers["mlserver"] = pb.ServerStatusResponse(serverName="mlserver")
        with open_scheduler_client(ControlOptions(peer.address)) as client:
            (status,) = client.server_status(REQUEST)
    assert status.serverName == "mlserver"


def test_the_files_of_the_config_in_use_are_taken_for_tls(home):
    block = {"schedulerHost": "127.0.0.1:1", "keyPath": "k", "crtPath": "missing.crt"}
    (home / "c.json").write_text(json.dumps({"controlplane": block}))
    write_index(Index({"c": str(home / "c.json")}, "c"))
    with pytest.raises(ConfigError, match=r"/k cannot be read"):
        open_scheduler_client(ControlOptions())


def test_a_request_is_shown_to_the_verbose(capsys):
    say_request(REQUEST, ControlOptions())
    assert capsys.readouterr().out == ""
    say_request(REQUEST, ControlOptions(verbose=True))
    say_message(pb.ServerStatusResponse())
    assert capsys.readouterr().out == '{"subscriberName": "me"}\n{}\n'


def test_the_authority_of_the_options_is_the_clients(monkeypatch):
    made = {}
    monkeypatch.setattr(
        "seldon_core.cli.control.SchedulerClient", lambda address, **rest: made.update(rest)
    )
    open_scheduler_client(ControlOptions("a:1", authority="name"))
    assert made == {"authority": "name", "tls": None}
