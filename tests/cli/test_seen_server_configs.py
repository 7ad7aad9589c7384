"""Servers and their configs by the command line: declared, shown, described, deleted."""

import pytest
import yaml

from seldon_core.cli.apply import apply
from seldon_core.cli.delete import DeleteOptions, delete
from seldon_core.cli.describe import describe
from seldon_core.cli.get import GetOptions, get
from seldon_core.cli.seen import WIDE_HEADERS
from seldon_core.cli.seen_server_configs import SeenServerConfig
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.errors import InvalidRequestError
from seldon_core.proto import servers_pb2 as pb
from tests.support.toy_scheduler import a_server, toy_scheduler

PROCESS = pb.ServerProcess(
    memoryBytes=2**30, capabilities=["a", "b"], overCommitPercentage=5, python="/opt/p"
)
CONFIG = pb.ServerConfig(name="big", process=PROCESS)
MANIFESTS = """
apiVersion: mlops.seldon.io/v1alpha1
kind: ServerConfig
metadata: {name: big}
spec: {memory: 1Gi, volumeClaimTemplates: [{name: x}]}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Server
metadata: {name: s}
spec: {serverConfig: big, replicas: 2}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as scheduler:
        yield scheduler


def test_a_config_is_a_row():
    row = SeenServerConfig(CONFIG).wide_cells(0)
    assert dict(zip(WIDE_HEADERS["ServerConfig"], row, strict=True)) == {
        "NAME": "big",
        "MEMORY": "1 GiB",
        "CAPABILITIES": "a,b",
        "OVER-COMMIT": "5 %",
        "PYTHON": "/opt/p",
    }
    empty = SeenServerConfig(pb.ServerConfig(name="big")).wide_cells(0)
    assert empty == ("big", "<none>", "<none>", "<none>", "<none>")


def test_a_config_has_no_status():
    seen = SeenServerConfig(CONFIG)
    assert (seen.state, seen.summary, seen.namespace, seen.conditions()) == ("", "declared", "", [])
    assert (seen.is_deleted, seen.is_gone) == (False, False)


def test_servers_and_configs_are_declared(toy, tmp_path, capsys):
    file = tmp_path / "servers.yaml"
    file.write_text(MANIFESTS)
    toy.changes["s"] = "CONFIGURED"
    assert apply([str(file)], False, None, toy.address) == 0
    assert toy.asked == [("ServerConfig", "big"), ("Server", "s")]
    said = capsys.readouterr()
    assert said.out == (
        "serverconfig.mlops.seldon.io/big created\nserver.mlops.seldon.io/s configured\n"
    )
    assert "serverconfig.mlops.seldon.io/big: spec.volumeClaimTemplates has no effect" in said.err


def test_configs_are_shown(toy, capsys):
    toy.declared.configs.append(CONFIG)
    assert get(["serverconfigs"], [], False, GetOptions(), toy.address) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["big", "1", "GiB", "a,b"]
    assert get(["mlc/big"], [], False, GetOptions(output="yaml"), toy.address) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["kind"], shown["spec"]["memory"]) == ("ServerConfig", "1Gi")
    assert get(["mlc/other"], [], False, GetOptions(), toy.address) == 1


def test_configs_cannot_be_watched(toy):
    toy.declared.configs.append(CONFIG)
    with pytest.raises(InvalidRequestError, match="serverconfigs cannot be watched"):
        get(["serverconfigs"], [], False, GetOptions(is_watch=True), toy.address)


def test_a_config_is_described(toy, capsys):
    toy.declared.configs.append(CONFIG)
    assert describe(["serverconfig/big"], [], False, None, toy.address) == 0
    page = capsys.readouterr().out
    assert "Kind:         ServerConfig" in page
    assert "  memory: 1Gi" in page


def test_a_server_is_shown_as_it_was_declared_and_with_its_processes(toy, capsys):
    toy.servers["s"] = a_server("s", available=1, expected=3)
    toy.declared.servers.add(name="s", configName="big", replicas=2, maxReplicas=4)
    toy.declared.servers.add(name="t", configName="big", replicas=1)
    toy.declared.processes.add(
        serverName="s", replicaIdx=1, phase="pausing", ends=4, lastEnd="signal 9"
    )
    toy.declared.processes.add(serverName="s", replicaIdx=0, phase="ready", pid=7)
    toy.declared.processes.add(serverName="t", replicaIdx=0, phase="ready", pid=8)
    assert get(["server/s"], [], False, GetOptions(output="yaml"), toy.address) == 0
    spec = yaml.safe_load(capsys.readouterr().out)["spec"]
    assert spec == {"serverConfig": "big", "replicas": 3, "maxReplicas": 4}
    assert describe(["server/s"], [], False, None, toy.address) == 0
    page = capsys.readouterr().out
    assert "Declared:\n  serverConfig: big\n  replicas: 3\n  maxReplicas: 4\n" in page
    rows = [line.split() for line in page.split("Processes of this server:")[1].splitlines()]
    assert rows[2:4] == [
        ["1", "pausing", "<none>", "4", "signal", "9"],
        ["0", "ready", "7", "0", "<none>"],
    ]


def test_a_replica_whose_process_dies_in_a_loop_is_told_of():
    loop = pb.AgentProcess(
        serverName="s", replicaIdx=1, phase="pausing", ends=3, lastEnd="exit code 1"
    )
    seen = SeenServer(a_server(available=1, expected=2), None, (loop,))
    assert seen.summary == (
        "connected replicas: 1 of 2; the process of replica 1 ended 3 times in a row (exit code 1)"
    )


def test_why_a_server_has_fewer_replicas_here_is_told():
    known = pb.ListServersResponse(notices={"s": "this machine lacks gpu=true (agent.labels)"})
    seen = SeenServer.of(a_server("s", available=0, expected=2), known)
    assert seen.summary == "connected replicas: 0 of 2; this machine lacks gpu=true (agent.labels)"


@pytest.mark.parametrize("declared", [None, pb.Server(name="s")], ids=["deleted", "scaled to zero"])
def test_a_server_that_is_to_have_no_replicas_is_deleted_unless_it_is_declared(declared):
    seen = SeenServer(a_server(available=1, expected=0), declared)
    assert seen.is_deleted is (declared is None)


def test_servers_and_configs_are_deleted(toy, capsys):
    toy.servers["s"] = a_server("s")
    toy.declared.configs.append(CONFIG)
    assert delete(["server/s", "serverconfig/big"], [], False, DeleteOptions(), toy.address) == 0
    assert toy.asked == [("delete", "s"), ("delete", "big")]
    assert 'server.mlops.seldon.io "s" deleted' in capsys.readouterr().out
