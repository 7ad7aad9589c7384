"""Servers and their configs as users write them."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.kubernetes import server_config_manifest_of, server_manifest_of
from seldon_core.resources.manifests import Declaration, parse_declarations
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.resources.server_manifest import SERVER_CONFIG_PARTS, SERVER_PARTS


def document(spec, kind="Server", metadata="name: s"):
    return (
        f"apiVersion: mlops.seldon.io/v1alpha1\nkind: {kind}\nmetadata: {{{metadata}}}\n"
        f"spec: {{{spec}}}\n"
    )


def parse(text) -> Declaration:
    (declaration,) = parse_declarations(text, "s.yaml")
    return declaration


IMAGE = (
    "the image '%s' names an environment here: replicas run in the folder of that name in "
    "agent.environments"
)
SELDONS_OWN = """
apiVersion: mlops.seldon.io/v1alpha1
kind: ServerConfig
metadata: {name: mlserver, namespace: seldon-mesh}
spec:
  podSpec:
    nodeSelector: {zone: a}
    terminationGracePeriodSeconds: 120
    containers:
    - {name: rclone, image: seldonio/rclone}
    - name: agent
      image: seldonio/seldon-agent:2
      ports: []
      env:
      - {name: SELDON_SERVER_CAPABILITIES, value: "mlserver, sklearn"}
      - {name: SELDON_OVERCOMMIT_PERCENTAGE, value: "10"}
      - {name: MEMORY_REQUEST, valueFrom: {resourceFieldRef: {resource: requests.memory}}}
      - {name: SELDON_SCHEDULER_HOST, value: seldon-scheduler}
    - name: mlserver
      image: me/mine:3
      resources: {requests: {memory: 1Gi, cpu: 100m}, limits: {nvidia.com/gpu: "2"}}
      env: [{name: A, value: b}, {name: POD, valueFrom: {fieldRef: {}}}]
  volumeClaimTemplates: [{name: models}]
"""


def test_a_pod_says_what_a_replica_is_and_what_of_it_has_no_effect():
    assert parse(SELDONS_OWN) == Declaration(
        ServerConfigSpec(
            "mlserver",
            capabilities=("mlserver", "sklearn"),
            memory_bytes=2**30,
            over_commit_percentage=10,
            environment_variables={"A": "b"},
            environment_name="me/mine:3",
            device_count=2,
            labels={"zone": "a"},
            meta=KubernetesMeta("seldon-mesh"),
        ),
        "s.yaml",
        (
            "spec.podSpec: terminationGracePeriodSeconds has no effect here",
            "spec.podSpec.containers.rclone has no effect here: there is no such container",
            "spec.podSpec.containers.agent: ports has no effect here",
            "spec.podSpec.containers.agent.env: SELDON_SCHEDULER_HOST has no effect here",
            "spec.podSpec.containers.mlserver.env: POD has no effect here",
            "spec.volumeClaimTemplates has no effect here",
            IMAGE % "me/mine:3",
        ),
    )


def test_plain_fields_say_the_same_and_stand_above_the_pod():
    declared = parse(
        document(
            "serverConfig: big, capabilities: [a, a], extraCapabilities: [b], memory: 2Mi, "
            "overCommitPercentage: 0, python: /opt/p, environment: e, env: [{name: A, value: x}], "
            "devices: 1, nodeSelector: {zone: b}, replicas: 2, minReplicas: 1, maxReplicas: 3, "
            "disableAutoUpdate: true, podSpec: {nodeSelector: {zone: a, disk: ssd}, containers: ["
            "{name: m, image: i, env: [{name: A, value: y}, {name: B, value: z}, "
            "{name: SELDON_OVERCOMMIT_PERCENTAGE, value: '7'}], "
            "resources: {requests: {memory: 1Gi, nvidia.com/gpu: 4}}}]}",
            metadata="name: s, namespace: mesh, generation: 2",
        )
    )
    assert declared.spec == ServerSpec(
        "s",
        "big",
        capabilities=("a",),
        extra_capabilities=("b",),
        memory_bytes=2**21,
        over_commit_percentage=0,
        replicas=2,
        min_replicas=1,
        max_replicas=3,
        python="/opt/p",
        environment_variables={
            "A": "x",
            "B": "z",
            "SELDON_OVERCOMMIT_PERCENTAGE": "7",
        },
        environment_name="e",
        device_count=1,
        labels={"zone": "b", "disk": "ssd"},
        disable_auto_update=True,
        meta=KubernetesMeta("mesh", 2),
    )
    assert declared.notices == ("spec.python stands above the environment 'e'",)


def test_a_server_needs_to_say_nothing():
    assert parse(document("")).spec == ServerSpec("s", "mlserver")


@pytest.mark.parametrize(
    ("scaling", "wanted"),
    [("minReplicas: 3", 3), ("replicas: 0", 0), ("minReplicas: 0", 1)],
    ids=["the minimum", "none", "no minimum"],
)
def test_replicas_not_given_are_the_minimum_or_one(scaling, wanted):
    assert parse(document(scaling)).spec.replicas == wanted


@pytest.mark.parametrize(
    "image",
    ["seldonio/mlserver:1.7.1", "nvcr.io/nvidia/tritonserver:23.03-py3"],
)
def test_images_that_this_process_stands_for_name_no_environment(image):
    declared = parse(document(f"podSpec: {{containers: [{{name: m, image: '{image}'}}]}}"))
    assert declared.spec.environment_name == ""


def test_a_pod_without_a_servers_container_says_what_its_agent_is_told():
    agent = "{name: agent, env: [{name: MEMORY_REQUEST, value: '5'}]}"
    declared = parse(document(f"podSpec: {{containers: [{agent}]}}"))
    assert declared.spec == ServerSpec("s", "mlserver", memory_bytes=5)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("imageOverrides: {agent: {}}", "imageOverrides"),
        ("deploymentStrategy: {type: Recreate}", "deploymentStrategy"),
        (
            "statefulSetPersistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}",
            "statefulSetPersistentVolumeClaimRetentionPolicy",
        ),
    ],
    ids=["images", "strategy", "volumes"],
)
def test_what_only_a_cluster_has_is_accepted_with_a_notice(field, name):
    assert parse(document(field)).notices == (f"spec.{name} has no effect here",)


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("replicas: 1, minReplicas: 2", "spec: replicas 1 is less than minReplicas 2"),
        ("replicas: 1, minReplicas: 2, maxReplicas: 1", "spec: replicas 1 is less than"),
        ("minReplicas: 3, maxReplicas: 2", "spec: minReplicas 3 is more than maxReplicas 2"),
        ("replicas: 3, maxReplicas: 2", "spec: replicas 3 is more than maxReplicas 2"),
        ("capabilitys: [a]", "spec.capabilitys: unknown field, did you mean capabilities?"),
        ("env: [{nam: A}]", "spec.env.0.name: is missing; spec.env.0.nam: unknown field, did"),
        (
            "podSpec: {containers: [{name: a, env: [{value: 2}]}]}",
            (
                "spec.podSpec.containers.0.env.0.name: is missing; "
                "spec.podSpec.containers.0.env.0.value: must be text, not 2; put it in quotes"
            ),
        ),
        (
            "podSpec: {containers: [{name: m, resources: {requests: {memory: lots}}}]}",
            "spec.podSpec.containers.0.resources.requests: memory: 'lots' is no quantity of it",
        ),
        (
            "podSpec: {containers: [{name: m, resources: {limits: {nvidia.com/gpu: half}}}]}",
            "spec.podSpec.containers.0.resources.limits: nvidia.com/gpu: 'half' is no quantity",
        ),
        (
            "podSpec: {containers: [{name: m}, {name: m}]}",
            "spec.podSpec.containers: container 'm' is given twice",
        ),
        (
            (
                "podSpec: {containers: [{name: agent, env: "
                "[{name: SELDON_OVERCOMMIT_PERCENTAGE, value: x}]}]}"
            ),
            "spec.podSpec: SELDON_OVERCOMMIT_PERCENTAGE must be a whole percentage, not 'x'",
        ),
        (
            "podSpec: {containers: [{name: agent, env: [{name: MEMORY_REQUEST, value: x}]}]}",
            "spec.podSpec: MEMORY_REQUEST must be a quantity of memory, not 'x'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(spec, error):
    with pytest.raises(InvalidResourceError) as caught:
        parse(document(spec))
    assert str(caught.value).startswith(f"s.yaml: {error}")


def test_every_part_that_refuses_unknown_fields_is_known():
    assert set(SERVER_PARTS) - set(SERVER_CONFIG_PARTS) == {("spec", "imageOverrides")}


WORDS = st.text("abc/-", min_size=1, max_size=5)
PROCESS = {
    "capabilities": st.lists(WORDS, unique=True).map(tuple),
    "memory_bytes": st.integers(0, 2**40),
    "over_commit_percentage": st.none() | st.integers(0, 200),
    "python": st.just("") | WORDS,
    "environment_variables": st.dictionaries(WORDS, WORDS),
    "environment_name": st.just("") | WORDS,
    "device_count": st.integers(0, 8),
    "labels": st.dictionaries(WORDS, WORDS),
    "meta": st.none() | st.just(KubernetesMeta("mesh", 3)),
}


@given(st.builds(ServerConfigSpec, name=st.just("s"), **PROCESS))
def test_a_config_is_read_back_from_its_manifest(spec):
    text = yaml.safe_dump(server_config_manifest_of(spec))
    assert parse(text).spec == spec


@given(
    st.builds(
        ServerSpec,
        name=st.just("s"),
        config_name=WORDS,
        extra_capabilities=st.lists(WORDS, unique=True).map(tuple),
        replicas=st.integers(2, 5),
        min_replicas=st.integers(0, 2),
        max_replicas=st.just(0) | st.integers(5, 9),
        disable_auto_update=st.booleans(),
        **PROCESS,
    )
)
def test_a_server_is_read_back_from_its_manifest(spec):
    assert parse(yaml.safe_dump(server_manifest_of(spec))).spec == spec
