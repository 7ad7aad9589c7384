"""What manifests of all kinds have in common."""

import pytest
from pydantic import ValidationError

from seldon_core.resources.manifest_parts import Bytes, Manifest, Metadata, Part, Scaled
from seldon_core.resources.model import KubernetesMeta


class Sized(Part):
    size: Bytes = 7


def test_what_is_null_is_not_given():
    assert Sized.model_validate({"size": None}).size == 7


def test_a_quantity_is_read_as_bytes():
    assert Sized.model_validate({"size": "1Ki"}).size == 1024


@pytest.mark.parametrize("value", [True, 1.5, "much"], ids=["yes", "a fraction", "a word"])
def test_what_is_no_quantity_is_refused(value):
    with pytest.raises(ValidationError, match="no quantity of memory"):
        Sized.model_validate({"size": value})


def test_what_is_no_mapping_is_left_to_pydantic():
    with pytest.raises(ValidationError, match="valid dictionary"):
        Sized.model_validate([1])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({}, 1), ({"minReplicas": 2}, 2), ({"replicas": 0}, 0), ({"maxReplicas": 2**32 - 1}, 1)],
    ids=["nothing", "a minimum", "none", "Seldon's word for no maximum"],
)
def test_replicas_follow_from_what_is_given(given, wanted):
    scaled = Scaled.model_validate(given)
    assert scaled.desired_replicas == wanted
    assert scaled.max_replicas == 0


@pytest.mark.parametrize(
    ("metadata", "meta"),
    [({"name": "a"}, None), ({"name": "a", "namespace": "n"}, KubernetesMeta("n"))],
    ids=["a name", "a namespace"],
)
def test_metadata_is_what_kubernetes_knows(metadata, meta):
    assert Metadata.model_validate(metadata).to_meta() == meta


def test_a_manifest_is_of_our_group():
    with pytest.raises(ValidationError, match="must be mlops"):
        Manifest.model_validate({"apiVersion": "v1", "kind": "Model", "metadata": {"name": "a"}})
