"""Manifests in, models out, or an error that says where and what."""

import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.manifests import parse_manifests, with_base
from seldon_core.resources.model import ModelSpec

IRIS = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: iris}
spec: {storageUri: ./iris}
"""


def manifest(spec="storageUri: /m", metadata="name: iris", kind="Model"):
    return (
        "apiVersion: mlops.seldon.io/v1alpha1\n"
        f"kind: {kind}\nmetadata: {{{metadata}}}\nspec: {{{spec}}}\n"
    )


def refusal(text):
    with pytest.raises(InvalidResourceError) as caught:
        parse_manifests(text, "iris.yaml")
    return str(caught.value)


def test_a_small_manifest_takes_the_defaults():
    assert parse_manifests(IRIS, "iris.yaml") == [ModelSpec("iris", "./iris")]


def test_every_field_that_seldon_knows_is_accepted():
    text = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata:
  name: iris
  namespace: seldon-mesh
  generation: 3
  labels: {team: a}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
spec:
  storageUri: gs://models/iris
  modelType: sklearn
  artifactVersion: 2
  schemaUri: gs://models/schema
  secretName: minio-secret
  requirements: [" mlserver ", python]
  memory: 100Ki
  replicas: 2
  minReplicas: 1
  maxReplicas: 3
  server: mlserver-a
  preloaded: true
  dedicated: true
  logger: {percent: 10}
  explainer:
  llm:
  parameters: [{name: query, value: "choice == 1"}]
  dataflow: {cleanTopicsOnDelete: true}
status: {replicas: 2}
"""
    assert parse_manifests(text, "iris.yaml") == [
        ModelSpec(
            "iris",
            "gs://models/iris",
            requirements=("mlserver", "python", "sklearn"),
            memory_bytes=102_400,
            artifact_version=2,
            server="mlserver-a",
            replicas=2,
            min_replicas=1,
            namespace="seldon-mesh",
            parameters={"query": "choice == 1"},
        )
    ]


def test_several_documents_give_several_models_in_their_order():
    text = f"---\n{IRIS}---\n---\n{IRIS.replace('iris', 'wine')}"
    assert [spec.name for spec in parse_manifests(text, "all.yaml")] == ["iris", "wine"]


@pytest.mark.parametrize("memory", ["100Ki", "102400", 102400])
def test_memory_is_a_quantity_or_a_number(memory):
    (spec,) = parse_manifests(manifest(f"storageUri: /m, memory: {memory}"), "iris.yaml")
    assert spec.memory_bytes == 102_400


@pytest.mark.parametrize(
    ("scaling", "replicas"),
    [("", 1), ("minReplicas: 3", 3), ("replicas: 0", 0), ("replicas: 2, maxReplicas: 2", 2)],
    ids=["nothing", "only a minimum", "zero", "the maximum"],
)
def test_replicas_follow_seldons_defaults(scaling, replicas):
    (spec,) = parse_manifests(manifest(f"storageUri: /m, {scaling}"), "iris.yaml")
    assert spec.replicas == replicas


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        pytest.param(
            "storagUri: /m, memory: 1",
            "iris.yaml: spec.storageUri: is missing; "
            "spec.storagUri: unknown field, did you mean storageUri?",
            id="a misspelt field",
        ),
        pytest.param(
            "storageUri: /m, qqqqq: 1", "iris.yaml: spec.qqqqq: unknown field", id="no such field"
        ),
        pytest.param(
            "storageUri: /m, parameters: [{name: a, valu: b, value: c}]",
            "iris.yaml: spec.parameters.0.valu: unknown field, did you mean value?",
            id="a misspelt field in a list",
        ),
        pytest.param(
            "storageUri: /m, memory: 1Kb",
            "iris.yaml: spec.memory: '1Kb' is no quantity of memory; "
            "write for example 100Ki or 1.5Gi",
            id="no quantity",
        ),
        pytest.param(
            "storageUri: /m, memory: true",
            "iris.yaml: spec.memory: True is no quantity of memory; "
            "write for example 100Ki or 1.5Gi",
            id="a memory that is neither text nor number",
        ),
        pytest.param(
            'storageUri: ""',
            "iris.yaml: spec.storageUri: string should have at least 1 character, not ''",
            id="an empty uri",
        ),
        pytest.param(
            "storageUri: /m, requirements: sklearn",
            "iris.yaml: spec.requirements: input should be a valid list, not 'sklearn'",
            id="a text where a list belongs",
        ),
        pytest.param(
            "storageUri: /m, replicas: -1",
            "iris.yaml: spec.replicas: input should be greater than or equal to 0, not -1",
            id="negative replicas",
        ),
        pytest.param(
            "storageUri: /m, replicas: 1, minReplicas: 2",
            "iris.yaml: spec: replicas 1 is less than minReplicas 2",
            id="fewer than the minimum",
        ),
        pytest.param(
            "storageUri: /m, minReplicas: 3, maxReplicas: 2",
            "iris.yaml: spec: minReplicas 3 is more than maxReplicas 2",
            id="a minimum over the maximum",
        ),
        pytest.param(
            "storageUri: /m, replicas: 3, maxReplicas: 2",
            "iris.yaml: spec: replicas 3 is more than maxReplicas 2",
            id="more than the maximum",
        ),
        pytest.param(
            "storageUri: /m, explainer: {type: anchor_tabular}",
            "iris.yaml: spec.explainer: models of this sort are not served yet",
            id="an explainer",
        ),
        pytest.param(
            "storageUri: /m, parameters: [{name: a, value: b}, {name: a, value: c}]",
            "iris.yaml: spec.parameters: parameter 'a' is given twice",
            id="a parameter given twice",
        ),
    ],
)
def test_a_wrong_spec_is_named_with_its_path(spec, error):
    assert refusal(manifest(spec)) == error


@pytest.mark.parametrize("name", ["Iris", "id1_node", "a.b", "-a", "a-", "''", "a" * 64, '"a\\n"'])
def test_a_name_must_be_a_label(name):
    assert refusal(manifest(metadata=f"name: {name}")).startswith("iris.yaml: metadata.name: ")


@pytest.mark.parametrize("name", ["a", "0", "iris-2", "a" * 63])
def test_any_label_is_a_name(name):
    (spec,) = parse_manifests(manifest(metadata=f"name: '{name}'"), "iris.yaml")
    assert spec.name == name


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(
            manifest(kind="Experiment"),
            "iris.yaml: kind Experiment is not served yet",
            id="another kind of Seldon's",
        ),
        pytest.param(
            manifest(kind="Pod"),
            "iris.yaml: there is no kind 'Pod'; a model is of kind Model",
            id="a kind of somebody else's",
        ),
        pytest.param(
            manifest(kind="[]"),
            "iris.yaml: there is no kind []; a model is of kind Model",
            id="a kind that is no text",
        ),
        pytest.param(
            f"{IRIS}---\nname: x\n",
            "iris.yaml, document 2: there is no kind None; a model is of kind Model",
            id="the second document has no kind",
        ),
        pytest.param(
            "- a\n- b\n",
            "iris.yaml: must be a mapping with apiVersion, kind, metadata, spec",
            id="a list",
        ),
        pytest.param(
            manifest().replace("v1alpha1", "v2"),
            "iris.yaml: apiVersion: must be mlops.seldon.io/v1alpha1, not 'mlops.seldon.io/v2'",
            id="another version",
        ),
        pytest.param(
            manifest(metadata="name: iris, annotations: {seldon-core/nonsense: '1'}"),
            "iris.yaml: metadata.annotations: there is no setting 'seldon-core/nonsense'",
            id="an unknown setting",
        ),
    ],
)
def test_a_document_that_is_no_model_is_refused(text, error):
    assert refusal(text) == error


@pytest.mark.parametrize(
    "text",
    ["a: b: c", "{", "\t- x", "a: 2026-13-45", "[" * 10_000, "a: !!python/object:os.system {}"],
    ids=["nested", "unclosed", "tab", "impossible date", "deep", "a python object"],
)
def test_text_that_is_not_yaml_is_refused_in_one_line(text):
    error = refusal(text)
    assert error.startswith("iris.yaml: is not YAML: ")
    assert "\n" not in error


def test_an_empty_text_declares_nothing():
    assert parse_manifests("", "iris.yaml") == []


def test_a_relative_uri_is_resolved_against_the_manifests_folder():
    (spec,) = parse_manifests(IRIS, "iris.yaml")
    assert with_base(spec, "/models").storage_uri == "/models/iris"
