import io
import json
import sys

import pytest

from seldon_core.cli.models import list_models, load_models, show_model, unload_models
from seldon_core.cli.seldon_click import UnreadableFileError
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.errors import DeadlineError, InvalidRequestError, InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.transport.control_client import RpcError
from tests.support.scheduler_peer import scheduler_peer


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def peer():
    with scheduler_peer() as started:
        yield started


@pytest.fixture
def options(peer):
    return ControlOptions(peer.address)


def manifest(name, uri="./iris", namespace=""):
    space = f", namespace: {namespace}" if namespace else ""
    return (
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\n"
        f"metadata: {{name: {name}{space}}}\n"
        f"spec: {{storageUri: {uri}, requirements: [sklearn]}}\n"
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "models" / "two.yaml"
    path.parent.mkdir()
    path.write_text(manifest("iris") + "---\n" + manifest("wine", "gs://b/wine", "prod"))
    return str(path)


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_model_of_a_file_is_loaded_in_its_order(peer, options, file, tmp_path, capsys):
    load_models(file, options)
    assert printed(capsys) == [{}, {}]
    iris, wine = (request.model for request in peer.requests)
    assert (iris.meta.name, wine.meta.name) == ("iris", "wine")
    assert iris.modelSpec.uri == str(tmp_path / "models" / "iris")
    assert wine.modelSpec.uri == "gs://b/wine"
    assert iris.meta.HasField("kubernetesMeta")
    assert iris.meta.kubernetesMeta == pb.KubernetesMeta()
    assert wine.meta.kubernetesMeta.namespace == "prod"
    assert iris.deploymentSpec.replicas == 1


def test_a_path_from_standard_input_is_meant_from_the_current_folder(
    peer, options, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(manifest("iris", "../iris")))
    load_models("-", options)
    assert peer.requests[0].model.modelSpec.uri == str(tmp_path.parent / "iris")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_who_would_wait_for_a_person_says_so(options, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(manifest("iris")))
    load_models("-", options)
    assert "Ctrl-D ends that" in capsys.readouterr().err


def test_a_file_is_read_without_a_word_at_a_terminal(options, file, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal())
    load_models(file, options)
    assert capsys.readouterr().err == ""


def test_the_verbose_see_what_is_sent(peer, file, capsys):
    load_models(file, ControlOptions(peer.address, verbose=True))
    request, answer, *_ = printed(capsys)
    assert request["model"]["meta"] == {"name": "iris", "kubernetesMeta": {}}
    assert answer == {}


def test_nothing_is_loaded_if_one_document_is_wrong(peer, options, tmp_path):
    text = manifest("iris") + "---\n" + manifest("wine").replace("storageUri", "storagUri")
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(InvalidResourceError, match=r"document 2: .*did you mean storageUri\?"):
        load_models(str(tmp_path / "m.yaml"), options)
    assert peer.requests == []


def test_a_refusal_reads_as_gos_clients_write_it(options, tmp_path):
    (tmp_path / "m.yaml").write_text(manifest("refused"))
    with pytest.raises(RpcError, match=r"^rpc error: code = FailedPrecondition desc = no such l"):
        load_models(str(tmp_path / "m.yaml"), options)


@pytest.mark.parametrize("kind", ["Server", "Pipeline"])
def test_another_kind_is_not_for_these_commands(peer, options, tmp_path, kind):
    (tmp_path / "m.yaml").write_text(
        f"apiVersion: mlops.seldon.io/v1alpha1\nkind: {kind}\nmetadata: {{name: p}}\n"
        "spec: {steps: [{name: a}]}\n"
    )
    with pytest.raises(InvalidResourceError, match=rf"kind {kind} cannot be given here; give Mod"):
        unload_models(None, str(tmp_path / "m.yaml"), options)
    assert peer.requests == []


def test_an_empty_file_is_an_error(options, tmp_path):
    (tmp_path / "m.yaml").write_text("---\n")
    for command in (load_models, lambda file, options: unload_models(None, file, options)):
        with pytest.raises(InvalidResourceError, match="declares nothing"):
            command(str(tmp_path / "m.yaml"), options)


def test_a_missing_file_is_an_error_of_the_system(options):
    with pytest.raises(UnreadableFileError, match=r"open nope\.yaml: no such file or directory"):
        load_models("nope.yaml", options)


def test_a_model_is_unloaded_quietly(peer, options, capsys):
    unload_models("iris", None, options)
    assert capsys.readouterr().out == ""
    assert peer.requests == [pb.UnloadModelRequest(model={"name": "iris"})]


def test_the_models_of_a_file_are_unloaded(peer, options, file, capsys):
    unload_models(None, file, options)
    assert [request.model.name for request in peer.requests] == ["iris", "wine"]
    assert capsys.readouterr().out == ""


def test_the_verbose_see_the_answer_of_an_unload(peer, capsys):
    unload_models("iris", None, ControlOptions(peer.address, verbose=True))
    assert printed(capsys) == [{"model": {"name": "iris"}}, {}]


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [(None, None, "name a model or give its manifest"), ("iris", "f", "both the model 'iris' and")],
    ids=["none", "both"],
)
def test_what_to_unload_is_given_once(peer, options, name, path, words):
    with pytest.raises(InvalidRequestError, match=words):
        unload_models(name, path, options)
    assert peer.requests == []


def test_a_status_is_printed_whole(peer, options, capsys):
    peer.set_model("iris", "ModelFailed", reason="no file")
    show_model("iris", "", 5, options)
    (status,) = printed(capsys)
    assert status == {
        "modelName": "iris",
        "versions": [{"version": 1, "state": {"state": "ModelFailed", "reason": "no file"}}],
    }
    (request,) = peer.requests
    assert request == pb.ModelStatusRequest(subscriberName="seldon CLI", model={"name": "iris"})


def test_an_unknown_model_is_refused_by_the_scheduler(options):
    with pytest.raises(RpcError, match="FailedPrecondition desc = not known"):
        show_model("iris", "ModelAvailable", 5, options)


def test_waiting_ends_with_empty_braces(peer, options, capsys):
    peer.set_model("iris", "ModelProgressing", "ModelProgressing", "ModelAvailable")
    show_model("iris", "ModelAvailable", 5, options)
    assert printed(capsys) == [{}]
    assert len(peer.requests) == 3


def test_waiting_in_vain_tells_the_last_state_and_why(peer, options):
    peer.set_model("iris", "ScheduleFailed", reason="no room on mlserver")
    with pytest.raises(DeadlineError) as late:
        show_model("iris", "ModelAvailable", 0, options)
    assert str(late.value).splitlines() == [
        "Model wait status timeout",
        "iris is in state ScheduleFailed after 0 s: no room on mlserver",
    ]


def test_waiting_for_a_model_without_a_version_ends_too(peer, options):
    peer.models["iris"] = []
    with pytest.raises(DeadlineError, match=r"iris is in state ModelStateUnknown after 0 s$"):
        show_model("iris", "ModelAvailable", 0, options)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("ModelAvailble", r"no model state 'ModelAvailble' to wait for, did you mean ModelAvaila"),
        ("Ready", "no model state 'Ready' to wait for; there are: ModelProgressing, ModelAvail"),
    ],
    ids=["near", "far"],
)
def test_a_state_that_there_is_not_is_refused_at_once(peer, options, condition, words):
    with pytest.raises(InvalidRequestError, match=words):
        show_model("iris", condition, 5, options)
    assert peer.requests == []


def test_models_that_are_not_gone_are_listed_with_their_latest_state(peer, options, capsys):
    peer.set_model("iris", "ModelAvailable")
    peer.set_model("gone", "ModelTerminated")
    peer.set_model("wine", "ModelFailed", reason="no file")
    peer.set_model("new", 99)
    peer.models["empty"] = [pb.ModelStatusResponse(modelName="empty")]
    latest = peer.models["iris"][0].versions.add(version=2)
    latest.state.state = pb.ModelStatus.ModelProgressing
    list_models(options)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["model", "state", "reason"],
        ["-----", "-----", "------"],
        ["iris", "ModelProgressing"],
        ["wine", "ModelFailed", "no", "file"],
        ["new", "99"],
    ]
    assert peer.requests == [pb.ModelStatusRequest(subscriberName="seldon CLI")]
