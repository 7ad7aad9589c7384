"""Loading real artifacts, and how memory is measured."""

import os

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from seldon_core.agent.loading import loader
from seldon_core.agent.runtimes.base import Artifact
from seldon_core.agent.storage import Remotes
from seldon_core.errors import InvalidResourceError, ModelRuntimeError
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote


def write_iris(folder):
    import joblib

    model = LogisticRegression().fit([[0, 0], [1, 1], [2, 0]], [0, 1, 1])
    joblib.dump(model, folder / "model.joblib")
    return ModelVersion(ModelSpec("iris", folder.as_uri()), 1)


def test_a_trusted_artifact_is_loaded_and_measured(tmp_path):
    loaded = loader([tmp_path])(write_iris(tmp_path), None, None)
    assert loaded.artifact.model == "iris_1"
    assert loaded.runtime.name == "sklearn"
    assert loaded.model.signature.default_outputs == ("predict",)
    assert loaded.grown_bytes >= (tmp_path / "model.joblib").stat().st_size


def test_an_artifact_that_may_run_code_is_refused_elsewhere(tmp_path):
    with pytest.raises(InvalidResourceError):
        loader([tmp_path / "other"])(write_iris(tmp_path), None, None)


def test_a_corrupt_artifact_is_refused_with_its_file(tmp_path):
    (tmp_path / "model.joblib").write_bytes(b"nonsense")
    version = ModelVersion(ModelSpec("iris", tmp_path.as_uri()), 1)
    with pytest.raises(ModelRuntimeError, match=r"model\.joblib"):
        loader([tmp_path])(version, None, None)


@pytest.mark.parametrize("is_changed", [False, True], ids=["same file", "another file"])
def test_a_signature_is_found_out_once_for_each_file(tmp_path, is_changed):
    version = write_iris(tmp_path)
    load = loader([tmp_path])
    first = load(version, None, None)
    signature = first.model.signature
    path = tmp_path / "model.joblib"
    if is_changed:
        os.utime(path, ns=(0, 1))
    again = load(version, first.artifact, signature).model
    assert (again.signature is signature) == (not is_changed)
    assert again.signature == signature
    [answer] = again.infer([np.array([[2.0, 0.0]])], ["predict"])
    assert answer.tolist() == [[1]]


def test_a_model_that_is_to_be_isolated_is_found_and_not_read(tmp_path):
    (tmp_path / "model.joblib").write_bytes(b"nonsense")
    spec = ModelSpec("iris", tmp_path.as_uri(), knobs=Knobs(isolation="process"))
    found = loader([tmp_path])(ModelVersion(spec, 1), None, None)
    assert isinstance(found, Artifact)
    assert (found.model, found.runtime) == ("iris_1", "sklearn")
    with pytest.raises(InvalidResourceError, match="trusted"):
        loader([])(ModelVersion(spec, 1), None, None)


def on_shelf(folder, name):
    remotes = Remotes()
    remotes.put("iris_1", Remote("shelf", "alias", {"remote": str(folder)}))
    return loader([folder], remotes), ModelVersion(ModelSpec("iris", f"shelf:{name}"), 1)


def test_an_artifact_on_a_remote_is_loaded(tmp_path):
    (tmp_path / "a").mkdir()
    write_iris(tmp_path / "a")
    load, version = on_shelf(tmp_path, "a")
    assert load(version, None, None).artifact.model == "iris_1"


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_where_a_remotes_files_lie_is_in_no_error(tmp_path, name):
    (tmp_path / "empty").mkdir()
    load, version = on_shelf(tmp_path, name)
    with pytest.raises(InvalidResourceError, match=f"^shelf:{name}: ") as caught:
        load(version, None, None)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("uri", ["shelf:bad", "shelf://bad/model.joblib", "shelf:lone.joblib"])
@pytest.mark.parametrize("written", ["{}", "{}/.//", "{}/../link"])
def test_where_they_lie_is_in_no_error_of_a_runtime(tmp_path, uri, written):
    folder = tmp_path / "private"
    (folder / "bad").mkdir(parents=True)
    (folder / "bad" / "model.joblib").write_bytes(b"nonsense")
    (folder / "lone.joblib").write_bytes(b"nonsense")
    (tmp_path / "link").symlink_to(folder)
    remotes = Remotes()
    remotes.put("iris_1", Remote("shelf", "alias", {"remote": written.format(folder)}))
    load = loader([folder], remotes)
    with pytest.raises(ModelRuntimeError, match=r"^shelf:.*joblib: cannot be loaded") as caught:
        load(ModelVersion(ModelSpec("iris", uri), 1), None, None)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(InvalidResourceError, match=r"^shelf:.*trusted") as caught:
        loader([], remotes)(ModelVersion(ModelSpec("iris", uri), 1), None, None)
    assert str(tmp_path) not in str(caught.value)
