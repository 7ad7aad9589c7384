"""Loading real artifacts, and how memory is measured."""

import pytest
from sklearn.linear_model import LogisticRegression

from seldon_core.agent.loading import loader
from seldon_core.errors import InvalidResourceError, ModelRuntimeError
from seldon_core.resources.model import ModelSpec, ModelVersion


def write_iris(folder):
    import joblib

    model = LogisticRegression().fit([[0, 0], [1, 1], [2, 0]], [0, 1, 1])
    joblib.dump(model, folder / "model.joblib")
    return ModelVersion(ModelSpec("iris", folder.as_uri()), 1)


def test_a_trusted_artifact_is_loaded_and_measured(tmp_path):
    loaded = loader([tmp_path])(write_iris(tmp_path))
    assert loaded.artifact.model == "iris_1"
    assert loaded.runtime.name == "sklearn"
    assert loaded.model.signature.default_outputs == ("predict",)
    assert loaded.grown_bytes >= (tmp_path / "model.joblib").stat().st_size


def test_an_artifact_that_may_run_code_is_refused_elsewhere(tmp_path):
    with pytest.raises(InvalidResourceError):
        loader([tmp_path / "other"])(write_iris(tmp_path))


def test_a_corrupt_artifact_is_refused_with_its_file(tmp_path):
    (tmp_path / "model.joblib").write_bytes(b"nonsense")
    version = ModelVersion(ModelSpec("iris", tmp_path.as_uri()), 1)
    with pytest.raises(ModelRuntimeError, match=r"model\.joblib"):
        loader([tmp_path])(version)
