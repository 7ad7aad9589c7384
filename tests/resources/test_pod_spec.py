"""What is taken of a pod, and what is said of the rest."""

import pytest
from pydantic import ValidationError

from seldon_core.resources.pod_spec import PodSpec


def pod(*containers, **fields):
    return PodSpec.model_validate({"containers": list(containers), **fields})


SERVER = {
    "name": "mlserver",
    "image": "me/mine:1",
    "env": [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {}}],
    "resources": {"requests": {"memory": "1Ki"}, "limits": {"nvidia.com/gpu": "2"}},
}
TOLD = [
    {"name": "SELDON_SERVER_CAPABILITIES", "value": " a, ,b"},
    {"name": "SELDON_OVERCOMMIT_PERCENTAGE", "value": "7"},
    {"name": "MEMORY_REQUEST", "value": "5"},
]


def test_the_container_that_is_no_side_container_is_the_server():
    found = pod({"name": "rclone", "image": "r"}, {"name": "agent", "env": TOLD}, SERVER)
    assert (found.memory_bytes, found.device_count) == (1024, 2)
    assert found.environment_name == "me/mine:1"
    assert found.environment_variables == {"A": "b"}
    assert (found.capabilities, found.over_commit_percentage) == (("a", "b"), 7)


def test_a_pod_without_one_says_what_its_agent_is_told():
    found = pod({"name": "agent", "env": TOLD})
    assert (found.memory_bytes, found.device_count, found.environment_name) == (5, 0, "")
    assert found.environment_variables == {}


def test_an_empty_pod_says_nothing():
    found = PodSpec()
    assert (found.memory_bytes, found.capabilities, found.over_commit_percentage) == (0, (), None)
    assert list(found.notices("spec")) == []


def test_each_part_that_is_without_effect_is_said_once():
    agent = {"name": "agent", "ports": [], "env": [{"name": "X", "value": "y"}, *TOLD]}
    found = pod({"name": "rclone"}, agent, SERVER, tolerations=[], affinity={})
    assert list(found.notices("spec")) == [
        "spec: tolerations, affinity have no effect here",
        "spec.containers.rclone has no effect here: there is no such container",
        "spec.containers.agent: ports has no effect here",
        "spec.containers.agent.env: X has no effect here",
        "spec.containers.mlserver.env: C has no effect here",
    ]


@pytest.mark.parametrize(
    "container",
    [{"name": ""}, {"name": "a", "resources": {"limits": {"memory": "much"}}}],
    ids=["no name", "no quantity"],
)
def test_what_is_no_container_is_refused(container):
    with pytest.raises(ValidationError):
        pod(container)


def test_two_containers_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="container 'a' is given twice"):
        pod({"name": "a"}, {"name": "a"})


@pytest.mark.parametrize("name", ["SELDON_OVERCOMMIT_PERCENTAGE", "MEMORY_REQUEST"])
def test_numbers_that_are_none_are_refused(name):
    found = pod({"name": "agent", "env": [{"name": name, "value": "x"}]})
    with pytest.raises(ValueError, match=name):
        _ = found.over_commit_percentage, found.memory_bytes
