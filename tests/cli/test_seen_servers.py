import pytest

from seldon_core.cli.seen import WIDE_HEADERS
from seldon_core.cli.seen_servers import SeenServer
from seldon_core.resources.kubernetes import KINDS
from seldon_core.resources.manifests import parse_references
from tests.support.toy_scheduler import SINCE, a_server


@pytest.mark.parametrize(
    ("available", "expected", "ready", "summary"),
    [
        (1, -1, "True", "connected replicas: 1"),
        (0, -1, "False", "connected replicas: 0"),
        (1, 2, "False", "connected replicas: 1 of 2"),
        (2, 2, "True", "connected replicas: 2 of 2"),
    ],
    ids=["nobody expects", "none", "one of two", "two of two"],
)
def test_a_server_is_ready_when_its_replicas_are_there(available, expected, ready, summary):
    seen = SeenServer(a_server(available=available, expected=expected))
    assert {condition.status for condition in seen.conditions()} == {ready}
    assert seen.summary == summary
    assert (seen.state, seen.is_gone) == ("", False)


def test_a_server_is_a_row():
    seen = SeenServer(a_server(available=2, expected=3))
    row = dict(zip(WIDE_HEADERS["Server"], seen.wide_cells(SINCE), strict=True))
    assert row == {
        "NAME": "mlserver",
        "READY": "False",
        "REPLICAS": "2",
        "MODELS": "2",
        "MEMORY": "2.15 KiB",
        "FREE": "1.17 KiB",
        "EXPECTED": "3",
        "OVER-COMMIT": "10 %",
    }


def test_a_server_without_replicas_is_a_row():
    assert SeenServer(a_server(available=0)).wide_cells(SINCE)[-2:] == ("<none>", "<none>")


def test_a_servers_manifest_has_what_the_scheduler_knows():
    status = a_server(available=1, expected=2)
    status.kubernetesMeta.namespace = "mesh"
    status.kubernetesMeta.generation = 4
    reason = "connected replicas: 1 of 2"
    assert SeenServer(status).document() == {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Server",
        "metadata": {"name": "mlserver", "namespace": "mesh", "generation": 4},
        "spec": {"replicas": 2},
        "status": {
            "loadedModels": 1,
            "replicas": 1,
            "selector": "seldon-server-name=mlserver",
            "conditions": [
                {"type": "StatefulSetOrDeploymentReady", "status": "False", "reason": reason},
                {"type": "Ready", "status": "False", "reason": reason},
            ],
        },
    }
    bare = SeenServer(a_server()).document()
    assert (bare["metadata"], bare["spec"]) == ({"name": "mlserver"}, {})


def test_what_is_shown_can_be_named_by_its_manifest():
    (reference,) = parse_references(str(SeenServer(a_server()).document()), "get -o json")
    assert (reference.kind, reference.name) == ("Server", "mlserver")


def test_a_server_is_of_its_kind_and_in_every_namespace():
    seen = SeenServer(a_server())
    assert seen.kind is KINDS["Server"]
    assert seen.namespace == ""


def test_a_server_is_never_one_that_was_deleted():
    server = SeenServer(a_server())
    assert not server.is_deleted
    assert not server.is_gone
