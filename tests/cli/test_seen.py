import pytest

from seldon_core.cli.seen import (
    HEADERS,
    WIDE_HEADERS,
    Condition,
    SeenModel,
    SeenServer,
    replica_state_name,
    seconds_of,
    show_since,
    show_time,
    state_name,
    state_names,
)
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.manifests import parse_references
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from tests.support.toy_scheduler import SINCE, a_model, a_server, gone

WHEN = "2023-11-14T22:13:20Z"


def test_a_model_is_a_row():
    seen = SeenModel(a_model())
    assert dict(zip(HEADERS["Model"], seen.cells(SINCE + 90), strict=True)) == {
        "NAME": "iris",
        "READY": "True",
        "DESIRED": "1",
        "AVAILABLE": "1",
        "STATE": "ModelAvailable",
        "CHANGED": "90s",
        "REASON": "",
    }


def test_a_wide_row_tells_where_and_what():
    seen = SeenModel(a_model(version=3))
    row = dict(zip(WIDE_HEADERS["Model"], seen.wide_cells(SINCE), strict=True))
    assert row["VERSION"] == "3"
    assert row["SERVER"] == "mlserver"
    assert row["MEMORY"] == "100 KiB"
    assert row["REQUIREMENTS"] == "sklearn"
    assert row["STORAGE URI"] == "/iris"


def test_what_there_is_not_is_shown_as_none():
    status = a_model(state="ScheduleFailed", server="", spec=ModelSpec("iris", "/iris"))
    row = dict(zip(WIDE_HEADERS["Model"], SeenModel(status).wide_cells(SINCE), strict=True))
    assert (row["SERVER"], row["MEMORY"], row["REQUIREMENTS"]) == ("<none>",) * 3


def test_a_long_reason_is_cut_except_in_a_wide_row():
    seen = SeenModel(a_model(state="ModelFailed", reason="x" * 200))
    assert seen.cells(SINCE)[-1] == "x" * 79 + "…"
    assert seen.wide_cells(SINCE)[-1] == "x" * 200
    assert seen.summary == "ModelFailed: " + "x" * 200


@pytest.mark.parametrize(
    ("status", "is_gone"),
    [
        (a_model(), False),
        (gone(), True),
        (a_model(state="ModelTerminating", deleted=True), False),
        (a_model(state="ModelTerminateFailed", deleted=True), False),
        (a_model(state="ModelTerminated"), False),
    ],
    ids=["there", "gone", "going", "stuck", "not deleted"],
)
def test_a_model_is_gone_when_it_was_deleted_and_is_unloaded(status, is_gone):
    assert SeenModel(status).is_gone is is_gone


@pytest.mark.parametrize(
    ("meta", "namespace"),
    [(None, "default"), (KubernetesMeta("", 3), "default"), (KubernetesMeta("mesh"), "mesh")],
    ids=["not told", "only a generation", "told"],
)
def test_a_model_is_in_a_namespace(meta, namespace):
    assert SeenModel(a_model(spec=ModelSpec("iris", "/m", meta=meta))).namespace == namespace


def test_a_models_manifest_has_the_status_that_kubernetes_shows():
    spec = ModelSpec("iris", "/m", meta=KubernetesMeta("mesh", 2))
    status = a_model(state="ModelFailed", reason="no file", spec=spec)
    condition = {
        "status": "False",
        "lastTransitionTime": WHEN,
        "reason": "no file",
        "message": "ModelFailed",
    }
    assert SeenModel(status).document() == {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Model",
        "metadata": {"name": "iris", "namespace": "mesh", "generation": 2},
        "spec": {"storageUri": "/m"},
        "status": {
            "observedGeneration": 2,
            "replicas": 1,
            "availableReplicas": 0,
            "selector": "server=mlserver",
            "conditions": [{"type": "ModelReady", **condition}, {"type": "Ready", **condition}],
        },
    }


@pytest.mark.parametrize(
    ("reason", "text"),
    [("", "ModelCreate"), ("no gateway", "ModelCreate(no gateway) ")],
    ids=["alone", "with a reason"],
)
def test_the_gateways_state_is_written_as_seldon_does(reason, text):
    status = a_model()
    status.versions[0].state.modelGwState = "ModelCreate"
    status.versions[0].state.modelGwReason = reason
    assert SeenModel(status).document()["status"]["modelgwReady"] == text


def test_a_model_that_is_nowhere_has_no_selector():
    assert "selector" not in SeenModel(a_model(server="")).document()["status"]


def test_a_status_without_versions_can_be_shown():
    seen = SeenModel(pb.ModelStatusResponse(modelName="iris"))
    assert seen.cells(SINCE)[1:6] == ("False", "0", "0", "ModelStateUnknown", "<unknown>")


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
        "MEMORY": "1.95 KiB",
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


@pytest.mark.parametrize("seen", [SeenModel(a_model()), SeenServer(a_server())])
def test_what_is_shown_can_be_named_by_its_manifest(seen):
    (reference,) = parse_references(str(seen.document()), "get -o json")
    assert (reference.kind, reference.name) == (seen.kind.name, seen.name)


def test_states_have_their_names_and_new_ones_their_number():
    assert state_name(2) == "ModelAvailable"
    assert state_name(99) == "99"
    assert replica_state_name(9) == "Available"
    assert replica_state_name(99) == "99"
    assert "ScheduleFailed" in list(state_names())
    assert "ModelStateUnknown" not in list(state_names())


def test_instants_are_utc():
    status = pb.ModelStatus(lastChangeTimestamp={"seconds": SINCE, "nanos": 500_000_000})
    assert seconds_of(status.lastChangeTimestamp) == SINCE + 0.5
    assert show_time(SINCE + 0.5) == WHEN
    years_ago = pb.ModelStatus(lastChangeTimestamp={"seconds": -62_135_596_800})
    assert show_since(seconds_of(years_ago.lastChangeTimestamp), SINCE) == "<unknown>"


def test_a_condition_is_shown_without_what_is_not_known():
    assert Condition("Ready", True).document() == {"type": "Ready", "status": "True"}
