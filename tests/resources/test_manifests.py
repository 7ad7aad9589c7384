"""Manifests in, models out, or an error that says where and what."""

import pytest
import yaml

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.kubernetes import manifest_of
from seldon_core.resources.manifests import Reference, parse_manifests, parse_references, with_base
from seldon_core.resources.model import KubernetesMeta, ModelSpec

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
            max_replicas=3,
            storage_secret="minio-secret",
            parameters={"query": "choice == 1"},
            log_payloads=True,
            clean_topics_on_delete=True,
            meta=KubernetesMeta("seldon-mesh", 3),
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


@pytest.mark.parametrize("most", ["4294967295", "0"], ids=["all bits", "zero"])
def test_a_maximum_may_be_written_as_none(most):
    (spec,) = parse_manifests(manifest(f"storageUri: /m, maxReplicas: {most}"), "iris.yaml")
    assert spec.max_replicas == 0


@pytest.mark.parametrize(
    ("metadata", "meta"),
    [
        ("", None),
        (", namespace: a", KubernetesMeta("a", 0)),
        (", generation: 4", KubernetesMeta("", 4)),
    ],
    ids=["nothing", "namespace", "generation"],
)
def test_what_kubernetes_knows_is_kept_if_it_is_told(metadata, meta):
    (spec,) = parse_manifests(manifest(metadata=f"name: iris{metadata}"), "iris.yaml")
    assert spec.meta == meta


def test_settings_of_our_own_are_annotations():
    text = manifest(
        metadata="name: iris, annotations: {seldon-core/keep-in-memory: 'true', team: a}"
    )
    (spec,) = parse_manifests(text, "iris.yaml")
    assert spec.knobs == Knobs(keep_in_memory=True)


def test_a_list_is_as_good_as_documents():
    items = [manifest_of(ModelSpec(name, "/m")) for name in ("iris", "wine")]
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})
    assert [spec.name for spec in parse_manifests(text, "all.yaml")] == ["iris", "wine"]


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
            "iris.yaml: spec.storageUri: must not be empty",
            id="an empty uri",
        ),
        pytest.param(
            "storageUri: /m, requirements: sklearn",
            "iris.yaml: spec.requirements: must be a list, not 'sklearn'",
            id="a text where a list belongs",
        ),
        pytest.param(
            "storageUri: /m, replicas: -1",
            "iris.yaml: spec.replicas: must be at least 0, not -1",
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
            "storageUri: /m, maxReplicas: 4294967294",
            "iris.yaml: spec.maxReplicas: must be at most 2147483647, not 4294967294",
            id="a maximum that is no count",
        ),
        pytest.param(
            "storageUri: /m, replicas: two",
            "iris.yaml: spec.replicas: must be a whole number, not 'two'",
            id="a text where a number belongs",
        ),
        pytest.param(
            "storageUri: /m, artifactVersion: -1",
            "iris.yaml: spec.artifactVersion: must be at least 0, not -1",
            id="a negative version",
        ),
        pytest.param(
            "storageUri: /m, artifactVersion: 1.5",
            "iris.yaml: spec.artifactVersion: must be a whole number, not 1.5",
            id="a fraction where a count belongs",
        ),
        pytest.param(
            "storageUri: /m, 3: 4",
            "iris.yaml: spec.3: keys should be strings, not 3",
            id="a number for a field",
        ),
        pytest.param(
            "storageUri: /m, requirements: [' ']",
            "iris.yaml: spec.requirements.0: must not be empty",
            id="a requirement of nothing",
        ),
        pytest.param(
            "storageUri: /m, preloaded: 'yes'",
            "iris.yaml: spec.preloaded: must be true or false, not 'yes'",
            id="a text where a truth belongs",
        ),
        pytest.param(
            "storageUri: /m, logger: all",
            "iris.yaml: spec.logger: must be a mapping, not 'all'",
            id="a text where a mapping belongs",
        ),
        pytest.param(
            "storageUri: /m, parameters: [{name: a, value: 1}]",
            "iris.yaml: spec.parameters.0.value: must be text, not 1; put it in quotes",
            id="a number where a text belongs",
        ),
        pytest.param(
            "storageUri: /m, requirements: [[a]]",
            "iris.yaml: spec.requirements.0: must be text, not ['a']",
            id="a list where a text belongs",
        ),
        pytest.param(
            "storageUri: /m, explainer: {type: anchor_tabular}",
            "iris.yaml: spec.explainer: explainers are not served yet",
            id="an explainer",
        ),
        pytest.param(
            "storageUri: /m, llm: {modelRef: gpt}",
            "iris.yaml: spec.llm: language models are not served yet",
            id="a language model",
        ),
        pytest.param(
            "storageUri: /m, explainer: {type: anchor_tabular, modelRef: iris, pipelineRef: pipe}",
            "iris.yaml: spec.explainer: gives both modelRef 'iris' and pipelineRef 'pipe'; "
            "give one of them",
            id="an explainer of two things",
        ),
        pytest.param(
            "storageUri: /m, explainer: {modelref: iris}",
            "iris.yaml: spec.explainer.modelref: unknown field, did you mean modelRef?",
            id="a misspelt field of an explainer",
        ),
        pytest.param(
            "storageUri: /m, explainer: {modelRef: iris}, llm: {modelRef: iris}",
            "iris.yaml: spec: explainer and llm are both given; a model is one of them at most",
            id="an explainer that is a language model",
        ),
        pytest.param(
            "storageUri: /m, parameters: [{name: seldon-core/keep-in-memory, value: 'true'}]",
            "iris.yaml: spec.parameters: 'seldon-core/keep-in-memory' is not for the model; "
            "write it as an annotation",
            id="a setting among the parameters",
        ),
        pytest.param(
            "storageUri: /m, " + ", ".join(f"x{i}q: 1" for i in range(12)),
            "iris.yaml: "
            + "; ".join(f"spec.x{i}q: unknown field" for i in range(10))
            + "; and 2 faults more",
            id="more faults than one reads",
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


@pytest.mark.parametrize("name", ["Iris", "id1_node", "a.b", "-a", "a-", "''", "a" * 254, '"a\\n"'])
def test_a_name_must_be_one(name):
    assert refusal(manifest(metadata=f"name: {name}")).startswith("iris.yaml: metadata.name: ")


@pytest.mark.parametrize("name", ["a", "0", "iris-2", "a" * 253])
def test_a_name_may_be_short_or_long(name):
    (spec,) = parse_manifests(manifest(metadata=f"name: '{name}'"), "iris.yaml")
    assert spec.name == name


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(
            manifest(kind="SeldonConfig"),
            "iris.yaml: kind: SeldonConfig is not served yet",
            id="another kind of Seldon's",
        ),
        pytest.param(
            manifest(kind="Pod"),
            "iris.yaml: kind: there is no kind 'Pod'; a model is of kind Model",
            id="a kind of somebody else's",
        ),
        pytest.param(
            manifest(kind="modle"),
            "iris.yaml: kind: there is no kind 'modle', did you mean Model?",
            id="a misspelt kind",
        ),
        pytest.param(
            manifest(kind="Server"),
            "iris.yaml: kind: kind Server cannot be declared here, only Model; declare it with "
            "`seldon-core apply -f`",
            id="a server",
        ),
        pytest.param(
            manifest(kind="[]"),
            "iris.yaml: kind: there is no kind []; a model is of kind Model",
            id="a kind that is no text",
        ),
        pytest.param(
            f"{IRIS}---\nname: x\n",
            "iris.yaml, document 2: kind: is missing; a model is of kind Model",
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
            manifest(metadata="name: iris, annotations: {seldon-core/keep-in-memory: true}"),
            "iris.yaml: metadata.annotations.seldon-core/keep-in-memory: "
            "must be text, not True; put it in quotes",
            id="a setting that is no text",
        ),
        pytest.param(
            manifest(metadata=f"name: iris, namespace: {'a' * 64}"),
            f"iris.yaml: metadata.namespace: '{'a' * 64}' must be lower-case letters, digits and "
            "'-', begin and end with a letter or digit, and have at most 63 characters",
            id="a long namespace",
        ),
        pytest.param(
            manifest(metadata="name: iris, generation: -1"),
            "iris.yaml: metadata.generation: must be at least 0, not -1",
            id="a negative generation",
        ),
        pytest.param(
            manifest().replace("spec:", "sepc:"),
            "iris.yaml: spec: is missing; sepc: unknown field, did you mean spec?",
            id="a misspelt part",
        ),
        pytest.param(
            "kind: List\nitems: 3\n",
            "iris.yaml: items: must be a list, not 3",
            id="a list without items",
        ),
        pytest.param(
            "kind: List\nitems: [3]\n",
            "iris.yaml, item 1: must be a mapping with apiVersion, kind, metadata, spec",
            id="a list of numbers",
        ),
    ],
)
def test_a_document_that_is_no_model_is_refused(text, error):
    assert refusal(text) == error


def test_an_unknown_setting_is_refused_where_it_stands():
    text = manifest(metadata="name: iris, annotations: {seldon-core/keep-in-memry: 'true'}")
    assert refusal(text).startswith(
        "iris.yaml: metadata.annotations: there is no setting 'seldon-core/keep-in-memry'"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c",
        "{",
        "\t- x",
        "a: 2026-13-45",
        "[" * 10_000,
        "a: !!python/object:os.system {}",
        "{a: 1, b: 2, a: 3}",
        "{[a]: 1}",
        "a: !!timestamp yesterday",
        "a: !!bool maybe",
        "a: !!float ''",
    ],
    ids=[
        "nested",
        "unclosed",
        "tab",
        "impossible date",
        "deep",
        "a python object",
        "twice",
        "no key",
        "no time",
        "no boolean",
        "no number",
    ],
)
def test_text_that_is_not_yaml_is_refused_in_one_line(text):
    error = refusal(text)
    assert error.startswith("iris.yaml: is not YAML: ")
    assert "\n" not in error


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            IRIS.strip() + "\n" + IRIS.strip(),
            "'apiVersion' is given twice; a line --- separates documents",
        ),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        ("{a: 1, a: 3}", "line 1, column 8: 'a' is given twice"),
    ],
    ids=["without a line between", "nested", "twice"],
)
def test_of_text_that_is_not_yaml_it_is_said_where_and_why(text, problem):
    assert refusal(text).endswith(problem)


def test_an_empty_text_declares_nothing():
    assert parse_manifests("", "iris.yaml") == []


def test_a_value_that_stands_for_very_many_is_shown_in_short():
    bomb = "".join(f"x{i}: &x{i} [{','.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 30))
    text = f"x0: &x0 [a]\n{bomb}{manifest('storageUri: *x29').lstrip()}"
    error = refusal(text)
    assert "spec.storageUri: must be text, not [[" in error
    assert len(error) < 10_000


def test_a_key_may_replace_one_that_is_merged_in():
    (spec,) = parse_manifests(
        "{kind: List, items: [{"
        "apiVersion: mlops.seldon.io/v1alpha1, kind: Model, spec: {storageUri: /m}, "
        "metadata: {<<: {name: a}, name: iris}}]}",
        "iris.yaml",
    )
    assert spec.name == "iris"


def test_references_need_no_more_than_kind_and_name():
    text = """
kind: Model
metadata: {name: iris, namespace: a}
spec: {storagUri: typo}
---
kind: Server
metadata: {name: triton, namespace: 3}
"""
    assert parse_references(text, "all.yaml") == [
        Reference("Model", "iris", "a"),
        Reference("Server", "triton", ""),
    ]


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("{kind: Model}", "all.yaml: metadata.name: must be text, not None"),
        ("{kind: Model, metadata: {name: 3}}", "all.yaml: metadata.name: must be text, not 3"),
        ("{kind: Modell}", "all.yaml: kind: there is no kind 'Modell', did you mean Model?"),
    ],
    ids=["no metadata", "a number for a name", "a misspelt kind"],
)
def test_a_document_that_names_nothing_is_refused(document, error):
    with pytest.raises(InvalidResourceError) as caught:
        parse_references(document, "all.yaml")
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param(manifest(r'storageUri: /m, server: "\uDC80"'), "spec.server", id="escaped"),
        pytest.param(
            manifest(r'storageUri: /m, parameters: [{name: a, value: "b\ud800"}]'),
            "spec.parameters.0.value",
            id="in a list",
        ),
        pytest.param(manifest(r'"a\ud800": "b\ud800"'), "spec", id="a key"),
        pytest.param('{"kind": "\udc80"}', "kind", id="raw"),
        pytest.param(r'"\ud800"', "", id="alone"),
        pytest.param('kind: &a [x]\nb: [*a, *a, "\\ud800"]', "b.2", id="beside aliases"),
    ],
)
def test_half_of_a_character_is_refused(text, where):
    place = f"iris.yaml: {where}" if where else "iris.yaml"
    assert refusal(text).startswith(f"{place}: has half of a character, '\\ud")


def test_a_whole_character_may_be_escaped():
    (spec,) = parse_manifests(manifest(r'storageUri: "/m\u00e4\U0001F600"'), "iris.yaml")
    assert spec.storage_uri == "/mä😀"


def test_a_relative_uri_is_resolved_against_the_manifests_folder():
    (spec,) = parse_manifests(IRIS, "iris.yaml")
    assert with_base(spec, "/models").storage_uri == "/models/iris"


def test_merges_of_merges_stay_small():
    lines = ["a0: &a0 {k0: v, k1: v, k2: v, k3: v, k4: v, k5: v, k6: v, k7: v, k8: v, k9: v}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 30)]
    with pytest.raises(InvalidResourceError, match="kind: is missing"):
        parse_manifests("\n".join(lines), "m.yaml")


JSON = """
{
\t"apiVersion": "mlops.seldon.io/v1alpha1",
\t"kind": "Model",
\t"metadata": {"name": "iris"},
\t"spec": {"storageUri": "\\/m\\ud83d\\ude00"}
}
"""


def test_json_may_have_tabs_and_its_own_escapes():
    (spec,) = parse_manifests(JSON, "m.json")
    assert spec.storage_uri == "/m\U0001f600"
    (spec,) = parse_manifests(f"\ufeff{JSON}", "m.json")
    assert spec.name == "iris"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (JSON.replace('"kind"', '"spec"'), "m.json: is not YAML: 'spec' is given twice"),
        ("{" * 100_000, "m.json: is not YAML: maximum recursion depth"),
        ('{"a": ' * 2000 + "1" + "}" * 2000, "m.json: is not YAML: maximum recursion depth"),
        ('{"kind": Modle}', "m.json: kind: there is no kind 'Modle', did you mean Model?"),
    ],
    ids=["a key twice", "no JSON", "deep", "YAML's own way"],
)
def test_what_looks_like_json_may_be_wrong_or_yaml(text, error):
    with pytest.raises(InvalidResourceError) as caught:
        parse_manifests(text, "m.json")
    assert str(caught.value).startswith(error)


def test_documents_of_one_line_are_not_json():
    one = "{apiVersion: mlops.seldon.io/v1alpha1, kind: Model, metadata: {name: %s}, spec: %s}"
    text = "\n---\n".join(one % (name, "{storageUri: /m}") for name in ("a", "b"))
    assert [spec.name for spec in parse_manifests(text, "m.yaml")] == ["a", "b"]


def test_null_is_the_same_as_nothing():
    (spec,) = parse_manifests(
        manifest(
            "storageUri: /m, requirements: , memory: ~, replicas: null, minReplicas: ,"
            " maxReplicas: , parameters: , logger: , preloaded: ",
            "name: iris, namespace: '', generation: , annotations: , labels: ",
        ),
        "m.yaml",
    )
    assert spec == ModelSpec("iris", "/m")
    with pytest.raises(InvalidResourceError, match=r"spec.storageUri: is missing"):
        parse_manifests(manifest("storageUri: "), "m.yaml")
