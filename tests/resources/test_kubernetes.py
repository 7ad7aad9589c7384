"""The way back from a model to its manifest."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.kubernetes import KINDS, manifest_of
from seldon_core.resources.manifests import parse_manifests
from seldon_core.resources.model import KubernetesMeta, ModelSpec

LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
COUNTS = st.integers(0, 2**31 - 1)


@st.composite
def specs(draw):
    least, between, beyond = draw(st.tuples(*[st.integers(0, 2**29)] * 3))
    return ModelSpec(
        name=draw(LABELS),
        storage_uri=draw(TEXTS),
        requirements=tuple(draw(st.lists(TEXTS))),
        memory_bytes=draw(st.integers(0, 2**63 - 1)),
        artifact_version=draw(st.none() | COUNTS),
        server=draw(st.none() | LABELS),
        storage_secret=draw(st.just("") | LABELS),
        parameters=draw(st.dictionaries(TEXTS, TEXTS)),
        knobs=Knobs(keep_in_memory=draw(st.booleans())),
        replicas=least + between,
        min_replicas=least,
        max_replicas=draw(st.sampled_from([0, least + between + beyond])),
        log_payloads=draw(st.booleans()),
        clean_topics_on_delete=draw(st.booleans()),
        meta=draw(
            st.none()
            | st.builds(KubernetesMeta, LABELS, COUNTS)
            | st.builds(KubernetesMeta, st.just(""), st.integers(1, 2**31 - 1))
        ),
    )


@given(specs())
def test_a_manifest_declares_the_model_it_was_made_of(spec):
    assert parse_manifests(yaml.safe_dump(manifest_of(spec)), "spec") == [spec]


def test_what_is_as_by_default_is_left_out():
    assert manifest_of(ModelSpec("iris", "/m")) == {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Model",
        "metadata": {"name": "iris"},
        "spec": {"storageUri": "/m"},
    }


def test_what_is_declared_is_shown_as_kubernetes_writes_it():
    spec = ModelSpec(
        "iris",
        "/m",
        requirements=("sklearn",),
        memory_bytes=102_400,
        artifact_version=0,
        parameters={"a": "b"},
        knobs=Knobs(keep_in_memory=True),
        replicas=0,
        log_payloads=True,
        meta=KubernetesMeta("mesh", 2),
    )
    manifest = manifest_of(spec)
    assert manifest["metadata"] == {
        "name": "iris",
        "namespace": "mesh",
        "generation": 2,
        "annotations": {"seldon-core/keep-in-memory": "true"},
    }
    assert manifest["spec"] == {
        "storageUri": "/m",
        "artifactVersion": 0,
        "requirements": ["sklearn"],
        "memory": "100Ki",
        "replicas": 0,
        "logger": {},
        "parameters": [{"name": "a", "value": "b"}],
    }


def test_a_kind_has_kubectls_names():
    model = KINDS["Model"]
    assert (model.singular, model.resource) == ("model", "model.mlops.seldon.io")
    assert (model.plural, model.resources) == ("models", "models.mlops.seldon.io")
