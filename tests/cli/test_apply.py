import grpc
import pytest

from seldon_core.cli.apply import apply
from seldon_core.cli.kubectl_click import FaultsError
from seldon_core.errors import UpstreamError
from tests.support.toy_scheduler import toy_scheduler


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as started:
        yield started


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(
            "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\n"
            f"metadata: {{name: {name}}}\nspec: {{storageUri: ./{name}, memory: 1Ki}}\n"
        )
    return tmp_path


def test_every_model_is_told_what_became_of_it(toy, folder, capsys):
    toy.changes = {"a": "CREATED", "b": "CONFIGURED", "c": "UNCHANGED"}
    assert apply([str(folder)], False, None, toy.address) == 0
    assert capsys.readouterr().out == (
        "model.mlops.seldon.io/a created\n"
        "model.mlops.seldon.io/b configured\n"
        "model.mlops.seldon.io/c unchanged\n"
    )
    _, message = toy.asked[0]
    assert message.modelSpec.uri == f"{folder}/a"
    assert message.modelSpec.memoryBytes == 1024
    assert message.meta.HasField("kubernetesMeta")


def test_a_change_that_is_not_known_here_is_told_as_well(toy, folder, capsys):
    toy.changes = {"a": 99}
    apply([str(folder / "a.yaml")], False, "mesh", toy.address)
    assert capsys.readouterr().out == "model.mlops.seldon.io/a applied\n"
    assert toy.asked[0][1].meta.kubernetesMeta.namespace == "mesh"


def test_a_refused_model_does_not_stop_the_others(toy, folder, capsys):
    toy.refusals["b"] = (grpc.StatusCode.FAILED_PRECONDITION, "it is being deleted")
    assert apply([str(folder)], False, None, toy.address) == 1
    out, err = capsys.readouterr()
    assert out == "model.mlops.seldon.io/a created\nmodel.mlops.seldon.io/c created\n"
    assert err == "error: model.mlops.seldon.io/b is refused: it is being deleted\n"


@pytest.mark.parametrize("code", ["UNAVAILABLE", "DEADLINE_EXCEEDED"])
def test_a_scheduler_that_cannot_store_anything_is_not_asked_again(toy, folder, code):
    toy.refusals["a"] = (grpc.StatusCode[code], "the disk is full")
    with pytest.raises(UpstreamError):
        apply([str(folder)], False, None, toy.address)
    assert toy.asked == []


def test_nothing_is_sent_if_one_manifest_is_wrong(toy, folder):
    (folder / "c.yaml").write_text("kind: Modle")
    with pytest.raises(FaultsError, match="did you mean Model"):
        apply([str(folder)], False, None, toy.address)
    assert toy.asked == []
