import grpc
import pytest

from seldon_core.cli.delete import DeleteOptions, delete
from seldon_core.cli.lookup import Lookup
from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from tests.support.toy_scheduler import a_model, gone, toy_scheduler

NOT_FOUND = 'Error from server (NotFound): models.mlops.seldon.io "iris" not found\n'


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as started:
        yield started


def remove(toy, *words, files=(), **options):
    return delete(words, files, False, DeleteOptions(**options), toy.address)


def test_a_model_is_deleted_and_waited_for(toy, capsys):
    toy.keep(a_model())
    going = a_model(state="ModelTerminating", deleted=True)
    toy.afterwards["iris"] = [going, going, gone()]
    assert remove(toy, "model", "iris") == 0
    assert toy.asked == [("unload", "iris")]
    assert toy.models["iris"] == [gone()]
    assert capsys.readouterr() == ('model.mlops.seldon.io "iris" deleted\n', "")


def test_the_impatient_do_not_wait(toy):
    toy.keep(a_model())
    going = a_model(state="ModelTerminating", deleted=True)
    toy.afterwards["iris"] = [going, gone()]
    assert remove(toy, "model/iris", is_patient=False) == 0
    assert toy.models["iris"][0] == going


def test_a_wait_may_be_in_vain(toy, capsys):
    toy.keep(a_model())
    toy.afterwards["iris"] = [a_model(state="ModelTerminating", deleted=True)]
    assert remove(toy, "model/iris", timeout="1ms") == 1
    assert capsys.readouterr().err == (
        "error: timed out waiting for the condition on models/iris: ModelTerminating\n"
    )


def test_an_unload_that_failed_is_told_at_once(toy, capsys):
    toy.keep(a_model())
    toy.afterwards["iris"] = [a_model(state="ModelTerminateFailed", reason="stuck", deleted=True)]
    assert remove(toy, "model/iris") == 1
    assert capsys.readouterr().err == (
        "error: model.mlops.seldon.io/iris is not unloaded: ModelTerminateFailed: stuck\n"
    )


@pytest.mark.parametrize("statuses", [[], [gone()]], ids=["never there", "gone"])
def test_a_missing_model_is_an_error_unless_it_may_be(toy, capsys, statuses):
    if statuses:
        toy.keep(*statuses)
    assert remove(toy, "model/iris") == 1
    assert capsys.readouterr() == ("", NOT_FOUND)
    assert remove(toy, "model/iris", ignores_missing=True) == 0
    assert capsys.readouterr() == ("", "")
    assert toy.asked == []


def test_a_refusal_does_not_stop_the_others(toy, capsys):
    toy.keep(a_model("iris"))
    toy.keep(a_model("wine"))
    toy.refusals["iris"] = (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
    assert remove(toy, "model", "iris", "wine") == 1
    assert capsys.readouterr() == (
        'model.mlops.seldon.io "wine" deleted\n',
        "error: model.mlops.seldon.io/iris is not deleted: too many\n",
    )


def test_a_scheduler_that_cannot_store_anything_is_not_asked_again(toy):
    toy.keep(a_model())
    toy.refusals["iris"] = (grpc.StatusCode.UNAVAILABLE, "the disk is full")
    with pytest.raises(UpstreamError, match=r"^the disk is full$"):
        remove(toy, "model/iris")


def test_all_models_go_if_that_is_said(toy):
    toy.keep(a_model("iris"))
    toy.keep(a_model("wine"))
    assert remove(toy, "models", is_all=True) == 0
    assert toy.asked == [("unload", "iris"), ("unload", "wine")]


def test_a_manifest_names_what_is_deleted(toy, tmp_path):
    toy.keep(a_model())
    (tmp_path / "a.yaml").write_text("{kind: Model, metadata: {name: iris}, spec: {any: thing}}")
    assert remove(toy, files=[str(tmp_path / "a.yaml")]) == 0
    assert toy.asked == [("unload", "iris")]


def test_a_model_of_another_namespace_is_not_found(toy, capsys):
    toy.keep(a_model())
    assert remove(toy, "model/iris", namespace="mesh") == 1
    assert capsys.readouterr().err == NOT_FOUND


@pytest.mark.parametrize(
    ("words", "is_all", "error"),
    [
        (["models"], False, "no name: write delete model NAME, or delete models --all"),
        (
            ["model/iris"],
            True,
            "'iris' and --all exclude each other: write delete model NAME, or delete models --all",
        ),
    ],
    ids=["no name", "a name and all"],
)
def test_what_cannot_be_deleted_is_told_before_anything_is(words, is_all, error):
    with pytest.raises(InvalidRequestError) as caught:
        delete(words, [], False, DeleteOptions(is_all=is_all), "127.0.0.1:1")
    assert str(caught.value) == error


def test_a_model_that_was_declared_anew_is_not_waited_for(toy, capsys):
    toy.keep(a_model())
    toy.afterwards["iris"] = [a_model(state="ModelTerminating", deleted=True), a_model()]
    assert remove(toy, "model", "iris", timeout="1h") == 0
    assert capsys.readouterr().err == ""


def test_what_another_deleted_first_is_no_error_if_all_are_meant(toy, capsys, monkeypatch):
    toy.keep(a_model())
    monkeypatch.setattr(Lookup, "find", lambda *arguments: None)
    assert remove(toy, "models", is_all=True) == 0
    assert capsys.readouterr() == ("", "")


def test_a_manifest_deletes_nothing_in_another_namespace(toy, tmp_path, capsys):
    toy.keep(a_model(spec=ModelSpec("iris", "/m", meta=KubernetesMeta("mesh"))))
    (tmp_path / "a.yaml").write_text("{kind: Model, metadata: {name: iris, namespace: prod}}")
    assert remove(toy, files=[str(tmp_path)]) == 1
    assert capsys.readouterr() == ("", NOT_FOUND)
    assert toy.asked == []


def test_a_scheduler_that_does_not_answer_is_not_asked_about_the_others(toy):
    toy.keep(a_model("iris"))
    toy.keep(a_model("wine"))
    toy.refusals["iris"] = (grpc.StatusCode.DEADLINE_EXCEEDED, "too late")
    with pytest.raises(UpstreamError):
        remove(toy, "model", "iris", "wine")
    assert toy.asked == []
