import pytest

from seldon_core.cli.seen import HEADERS, WIDE_HEADERS
from seldon_core.cli.seen_models import SeenModel, replica_state_name, state_name, state_names
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.kubernetes import KINDS
from seldon_core.resources.manifests import parse_references
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from tests.support.toy_scheduler import SINCE, a_model, gone

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


def test_states_have_their_names_and_new_ones_their_number():
    assert state_name(2) == "ModelAvailable"
    assert state_name(99) == "99"
    assert replica_state_name(9) == "Available"
    assert replica_state_name(99) == "99"
    assert "ScheduleFailed" in list(state_names())
    assert "ModelStateUnknown" not in list(state_names())


def test_what_is_shown_can_be_named_by_its_manifest():
    (reference,) = parse_references(str(SeenModel(a_model()).document()), "get -o json")
    assert (reference.kind, reference.name) == ("Model", "iris")


def test_a_model_is_of_its_kind():
    assert SeenModel(a_model()).kind is KINDS["Model"]


@pytest.mark.parametrize(
    ("state", "knobs", "is_asleep"),
    [
        ("ModelScaledDown", Knobs(scale_to_zero=True), True),
        ("ModelScaledDown", Knobs(), False),
        ("ModelProgressing", Knobs(scale_to_zero=True), False),
    ],
    ids=["asleep", "declared without", "not yet loaded"],
)
def test_a_model_that_the_next_call_loads_is_ready(state, knobs, is_asleep):
    spec = ModelSpec("iris", "/iris", knobs=knobs)
    seen = SeenModel(a_model(state=state, spec=spec))
    assert seen.is_asleep is is_asleep
    assert {condition.status for condition in seen.conditions()} == {str(is_asleep)}
