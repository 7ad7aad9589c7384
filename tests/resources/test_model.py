"""The model as the process knows it."""

from seldon_core.resources.model import ModelSpec, ModelVersion


def test_the_internal_name_is_the_model_and_its_version():
    version = ModelVersion(ModelSpec("iris-a", "/models/iris"), 12)
    assert version.internal_name == "iris-a_12"
