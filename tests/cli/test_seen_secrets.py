"""Secrets and the agents' ConfigMap by the command line, against a scheduler that keeps them."""

import json

import pytest
import yaml

from seldon_core.cli import control
from seldon_core.cli.apply import apply
from seldon_core.cli.delete import DeleteOptions, delete
from seldon_core.cli.describe import describe
from seldon_core.cli.get import GetOptions, get
from seldon_core.cli.seen import HEADERS, WIDE_HEADERS
from seldon_core.cli.seen_secrets import SeenAgentConfig, SeenSecret
from seldon_core.errors import InvalidRequestError
from seldon_core.proto import scheduler_pb2
from seldon_core.proto import secrets_pb2 as pb
from seldon_core.resources.manifests import parse_declarations
from seldon_core.transport.control_client import SchedulerClient
from seldon_core.transport.endpoints import ClientTls, Endpoint
from tests.support.secret_scheduler import secret_scheduler
from tests.support.toy_scheduler import toy_scheduler

META = scheduler_pb2.KubernetesMeta(namespace="mesh", generation=2)
SECRET = pb.SecretSummary(
    name="minio", sizes={"s3": 2048}, remote="s3", models=["iris"], kubernetesMeta=META
)
CONFIG = pb.AgentConfigSummary(
    remotes=[
        pb.PreloadedRemote(remote="s3", secretName="minio"),
        pb.PreloadedRemote(secretName="gone", problem="there is no such Secret"),
        pb.PreloadedRemote(remote="gs"),
    ],
    kubernetesMeta=META,
)
DEFINITION = '{"name": "s3", "type": "alias", "parameters": {"remote": "/hunter2"}}'
MANIFESTS = """
apiVersion: v1
kind: Secret
metadata: {name: minio, namespace: mesh}
stringData: {s3: 'DEFINITION'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: seldon-agent}
data:
  agent.yaml: |
    rclone:
      config_secrets: [minio, gone]
      config: ['{name: gs, type: alias, parameters: {remote: /hunter2}}']
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: near}
spec: {storageUri: "s3://iris", requirements: [sklearn], secretName: minio}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: far}
spec: {storageUri: "gs://iris", requirements: [sklearn]}
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def declared(tmp_path, capsys):
    file = tmp_path / "all.yaml"
    file.write_text(MANIFESTS.replace("DEFINITION", DEFINITION))
    with secret_scheduler() as scheduler:
        assert apply([str(file)], False, None, scheduler.address) == 0
        yield scheduler


def test_a_secret_is_a_row_with_the_remote_that_it_defines():
    seen = SeenSecret(SECRET)
    assert seen.cells(0) == ("minio", "Opaque", "1", "s3")
    assert seen.wide_cells(0) == ("minio", "Opaque", "1", "s3", "s3", "iris", "")
    assert len(seen.cells(0)) == len(HEADERS["Secret"])
    assert len(seen.wide_cells(0)) == len(WIDE_HEADERS["Secret"])
    empty = SeenSecret(pb.SecretSummary(name="a", problem="why"))
    assert empty.wide_cells(0) == ("a", "Opaque", "0", "<none>", "<none>", "<none>", "why")


def test_the_config_is_a_row_with_its_remotes_and_how_many_cannot_be_used():
    seen = SeenAgentConfig(CONFIG)
    assert seen.cells(0) == ("seldon-agent", "s3,gs", "1")
    assert seen.wide_cells(0) == ("seldon-agent", "s3,gs", "1", "minio,gone")
    assert len(seen.cells(0)) == len(HEADERS["ConfigMap"])
    assert len(seen.wide_cells(0)) == len(WIDE_HEADERS["ConfigMap"])
    empty = SeenAgentConfig(pb.AgentConfigSummary())
    assert empty.wide_cells(0) == ("seldon-agent", "<none>", "0", "<none>")
    assert json.loads(empty.document()["data"]["agent.json"]) == {"rclone": {}}


@pytest.mark.parametrize("seen", [SeenSecret(SECRET), SeenAgentConfig(CONFIG)], ids=["s", "cm"])
def test_neither_has_a_status(seen):
    assert (seen.state, seen.summary, seen.namespace) == ("", "declared", "mesh")
    assert (seen.is_deleted, seen.is_gone, seen.conditions()) == (False, False, [])
    assert seen.document()["metadata"] == {
        "name": seen.name,
        "namespace": "mesh",
        "generation": 2,
    }


@pytest.mark.parametrize("seen", [SeenSecret(SECRET), SeenAgentConfig(CONFIG)], ids=["s", "cm"])
def test_what_is_shown_in_the_place_of_values_is_not_taken_for_them(seen):
    with pytest.raises(Exception, match=r"is what `get` shows in the place of a value"):
        parse_declarations(yaml.safe_dump(seen.document()), "t")


def test_what_was_declared_is_used_and_shown_without_values(declared, capsys):
    link, address = declared.link, declared.address
    assert {name: remote.parameters for name, remote in link.remotes.items()} == {
        "near_1": {"remote": "/hunter2"},
        "far_1": {"remote": "/hunter2"},
    }
    for output in ("", "wide", "yaml", "json", "name"):
        options = GetOptions(output=output)
        assert get(["secrets,configmaps"], [], False, options, address) == 0
        assert get(["secret/minio"], [], False, options, address) == 0
        assert get(["models"], [], False, options, address) == 0
    assert (
        describe(["secret/minio", "cm/seldon-agent", "model/near"], [], False, None, address) == 0
    )
    told = capsys.readouterr()
    assert "hunter2" not in told.out + told.err
    assert told.out.startswith(
        "secret/minio created\nconfigmap/seldon-agent created\nmodel.mlops.seldon.io/near created\n"
    )
    for line in (
        "Used by:      model/near",
        f"  s3    {len(DEFINITION)} bytes",
        "  s3       minio",
        "  <none>   gone     there is no such Secret",
        "  gs       <none>",
    ):
        assert line in told.out.splitlines()


def test_they_are_in_the_namespace_that_was_asked_for(tmp_path, capsys):
    file = tmp_path / "all.yaml"
    file.write_text(MANIFESTS.replace("DEFINITION", DEFINITION))
    with secret_scheduler() as scheduler:
        address = scheduler.address
        assert apply([str(file)], False, "mesh", address) == 0
        for namespace, status in (("mesh", 0), ("other", 1)):
            options = GetOptions(namespace=namespace)
            words = ["secret/minio", "cm/seldon-agent"]
            assert get(words, [], False, options, address) == status
        assert apply([str(file)], False, None, address) == 1
    told = capsys.readouterr()
    assert "configmap/seldon-agent is already declared in namespace 'mesh'" in told.err
    assert "hunter2" not in told.out + told.err


def test_they_are_deleted_and_then_not_found(declared, capsys):
    address = declared.address
    assert get(["secret/other"], [], False, GetOptions(), address) == 1
    assert delete(["secret/minio", "cm/seldon-agent"], [], False, DeleteOptions(), address) == 0
    assert get(["secret/minio", "cm/seldon-agent"], [], False, GetOptions(), address) == 1
    told = capsys.readouterr()
    assert 'secret "minio" deleted\nconfigmap "seldon-agent" deleted\n' in told.out
    assert 'Error from server (NotFound): secrets "minio" not found' in told.err


@pytest.mark.parametrize("kind", ["secrets", "configmaps"])
def test_they_cannot_be_watched(declared, kind):
    with pytest.raises(InvalidRequestError, match=f"{kind} cannot be watched"):
        get([kind], [], False, GetOptions(is_watch=True), declared.address)


@pytest.mark.parametrize(
    ("address", "tls", "is_overheard"),
    [
        ("10.1.2.3:9004", None, True),
        ("scheduler.example:9004", None, True),
        ("unix:1", None, False),
        ("10.1.2.3:9004", ClientTls(), False),
        ("localhost:9004", None, False),
        ("[::1]:9004", None, False),
        ("0.0.0.0:9004", None, False),
    ],
)
def test_who_sends_a_secret_to_another_machine_in_plain_text_is_warned(
    monkeypatch, tmp_path, capsys, address, tls, is_overheard
):
    file = tmp_path / "all.yaml"
    file.write_text(MANIFESTS.split("---")[0].replace("DEFINITION", DEFINITION))
    sent = []

    def call(client, service, method, request, response, timeout_s):
        sent.append(request.name)
        return response(change="CREATED")

    monkeypatch.setattr(SchedulerClient, "_call", call)
    endpoint = Endpoint(address, "", tls)
    monkeypatch.setattr(control, "scheduler_endpoint", lambda options: endpoint)
    assert apply([str(file)], False, None, None) == 0
    assert sent == ["minio"]
    told = f"warning: what minio holds goes to {address}, another machine, in plain text; "
    assert (told in capsys.readouterr().err) is is_overheard


def test_a_scheduler_of_seldons_has_none(capsys):
    with toy_scheduler() as toy:
        assert get(["secrets"], [], False, GetOptions(), toy.address) == 0
    assert "No resources found" in capsys.readouterr().err
