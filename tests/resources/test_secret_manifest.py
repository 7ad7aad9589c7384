import json

import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.manifests import parse_declarations
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import MOST_BYTES, AgentConfigSpec, SecretSpec
from seldon_core.resources.secret_manifest import ConfigMapManifest, SecretManifest

SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: minio.secret, namespace: seldon-mesh, generation: 2}
type: Opaque
data: {s3: aHVudGVy, old: aHVudGVyMg==}
stringData: {s3: "written", other: "é"}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: seldon-agent}
data:
  agent.yaml: |
    rclone:
      config_secrets: [minio, minio, gs-public]
      config: ['{"name": "s3", "type": "s3", "parameters": {"token": "hunter2"}}']
"""


def declared(text):
    (declaration,) = parse_declarations(text, "t")
    return declaration


def secret(rest, name="a"):
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\n{rest}\n"


def config(text):
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seldon-agent"}}
    return json.dumps(document | {"data": {"agent.json": text}})


def refusal(text):
    with pytest.raises(InvalidResourceError) as caught:
        parse_declarations(text, "t")
    assert "hunter2" not in repr(caught.value)
    return str(caught.value)


def test_a_secret_is_read_and_what_is_written_counts_before_what_is_encoded():
    data = {"s3": b"written", "old": b"hunter2", "other": "é".encode()}
    spec = SecretSpec("minio.secret", data, KubernetesMeta("seldon-mesh", 2))
    assert declared(SECRET).spec == spec


def test_a_secret_that_no_model_can_use_is_noted_and_so_is_what_has_no_effect():
    first, second = declared(secret("immutable: true\nstringData: {a: x}")).notices
    assert first == "immutable has no effect here"
    assert second.startswith("no model can be loaded by it: Secret 'a': 'a' defines no remote")
    remote = "stringData: {a: '{name: s3, type: s3, parameters: {}}'}"
    assert declared(secret(remote)).notices == ()


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("stringData: hunter2", "t: stringData: must be a mapping of keys to texts"),
        ("stringData: {a: 12345}", "t: stringData.a: must be text; put it in quotes"),
        ("data: {a: hunter2}", "t: data.a: must be base64; what is not belongs into stringData"),
        ("data: {a: [hunter2]}", "t: data.a: must be text; put it in quotes"),
        ("data: {'a b': aGk=}", "t: data: 'a b' is no key: it must be 1 to 253"),
        ("data: {1: aGk=}", "t: data: 1 is no key"),
        ("type: kubernetes.io/tls", "t: type: only Opaque Secrets are served, not 'kuber"),
        ("stringdata: {a: hunter2}", "t: stringdata: unknown field, did you mean stringData?"),
        ("stringData: {a: *hunter2}", "t: is not YAML: line 4, column 17"),
        ("stringData: {a: '********'}", "t: stringData.a: ******** is what `get` shows in the"),
        ("stringData: {a: 2026-99-99}", "t: is not YAML: ValueError"),
    ],
)
def test_what_is_wrong_with_a_secret_is_told_by_its_path_and_without_values(rest, problem):
    assert refusal(secret(rest)).startswith(problem)


def test_a_secret_of_another_version_or_a_wrong_name_is_refused():
    text = secret("", "A")
    assert refusal(text).startswith("t: metadata.name: 'A' must be lower-case letters")
    assert refusal(secret("").replace("name: a", "name: a, namespace: X")).startswith(
        "t: metadata.namespace: 'X' must be"
    )
    assert refusal(secret("").replace(": v1", ": v2")) == "t: apiVersion: must be v1, not 'v2'"


def test_a_secret_has_a_mebibyte_at_most():
    half = "x" * (MOST_BYTES // 2)
    assert declared(secret(f"stringData: {{a: {half}, b: {half}}}"))
    problem = refusal(secret(f"stringData: {{a: {half}, b: {half}y}}"))
    assert (
        problem == f"t: the values have {MOST_BYTES + 1} bytes together, {MOST_BYTES} is the most"
    )


def test_the_agents_config_is_read_with_each_secret_once():
    remote = Remote("s3", "s3", {"token": "hunter2"})
    assert declared(CONFIG).spec == AgentConfigSpec(("minio", "gs-public"), (remote,))


@pytest.mark.parametrize("text", ["", "rclone:", "{}", "rclone: {config: null}"])
def test_an_empty_agents_config_is_one(text):
    assert declared(config(text)).spec == AgentConfigSpec()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rclone: {conf: [hunter2]}", "rclone has a field that is not known, did you mean config"),
        ("zzz: hunter2", "it has a field that is not known; there are: rclone"),
        ("hunter2", "it must be a mapping"),
        ("rclone: hunter2", "rclone must be a mapping"),
        ("rclone: {config: hunter2}", "rclone.config must be a list of texts"),
        ("rclone: {config: [[hunter2]]}", "rclone.config must be a list of texts"),
        ("rclone: {config: [hunter2]}", "rclone.config.0 defines no remote: it is no mapping"),
        ("rclone: {config: ['********']}", "rclone.config.0: ******** is what `get` shows"),
        (
            "rclone: {config_secrets: [a, 'token: hunter2']}",
            "rclone.config_secrets.1: it is no name of a Secret; what defines a remote",
        ),
        ("a: *hunter2", "it is neither JSON nor YAML without aliases at line 1, column 4"),
    ],
)
def test_what_is_wrong_with_the_agents_config_is_told_without_values(text, problem):
    assert refusal(config(text)).startswith(f"t: data: agent.json: {problem}")


def test_another_config_map_or_another_file_in_it_is_refused():
    assert refusal(CONFIG.replace("seldon-agent", "seldon-kafka")) == (
        "t: metadata: only the ConfigMap 'seldon-agent' is served, not 'seldon-kafka'"
    )
    assert refusal(CONFIG.replace("agent.yaml", "agent.yml")) == (
        "t: data: must hold either agent.yaml or agent.json; found 'agent.yml'"
    )


@pytest.mark.parametrize("told", ["hunter2", {"kubectl": ["hunter2"]}])
def test_annotations_are_not_read(told):
    core = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations": told}}
    (found,) = parse_declarations(json.dumps(core), "t")
    assert found.spec == SecretSpec("a")


def test_no_repr_of_a_manifest_shows_what_stands_in_it():
    told = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}
    core = {"apiVersion": "v1", "metadata": {"name": "seldon-agent", "annotations": told}}
    secret = {"kind": "Secret", "data": {"k": "aHVudGVyMg=="}, "stringData": {"l": "hunter2"}}
    config = {"kind": "ConfigMap", "data": {"agent.yaml": "rclone: {}  # hunter2"}}
    for manifest in (
        SecretManifest.model_validate(core | secret),
        ConfigMapManifest.model_validate(core | config),
    ):
        assert "hunter2" not in f"{manifest!r} {manifest}"
