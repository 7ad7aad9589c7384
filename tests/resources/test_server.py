"""Servers and their configs as the process knows them."""

from dataclasses import replace

import pytest

from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerConfigSpec, ServerSpec, combine

CONFIG = ServerConfigSpec(
    "big",
    capabilities=("sklearn", "onnx"),
    memory_bytes=2**30,
    over_commit_percentage=20,
    python="/opt/a/bin/python",
    environment_variables={"A": "config", "B": "config"},
    environment_name="a",
    device_count=1,
    labels={"zone": "a", "disk": "ssd"},
)


def test_a_server_that_says_nothing_has_what_its_config_says():
    server = combine(ServerSpec("s", "big", replicas=2), CONFIG)
    assert server == ServerSpec(
        "s",
        "big",
        capabilities=("sklearn", "onnx"),
        memory_bytes=2**30,
        over_commit_percentage=20,
        replicas=2,
        python="/opt/a/bin/python",
        environment_variables={"A": "config", "B": "config"},
        environment_name="a",
        device_count=1,
        labels={"zone": "a", "disk": "ssd"},
    )


def test_what_a_server_says_itself_stands():
    own = ServerSpec(
        "s",
        "big",
        capabilities=("xgboost",),
        extra_capabilities=("ignored",),
        memory_bytes=1,
        over_commit_percentage=0,
        python="/p",
        environment_variables={"B": "own"},
        environment_name="b",
        device_count=2,
        labels={"zone": "b"},
    )
    assert combine(own, CONFIG) == replace(
        own,
        extra_capabilities=(),
        environment_variables={"A": "config", "B": "own"},
        labels={"zone": "b", "disk": "ssd"},
    )


def test_extra_capabilities_join_those_of_the_config_once():
    server = combine(ServerSpec("s", "big", extra_capabilities=("mine", "onnx")), CONFIG)
    assert server.capabilities == ("sklearn", "onnx", "mine")


@pytest.mark.parametrize(
    "changes",
    [
        {"replicas": 3},
        {"min_replicas": 1, "max_replicas": 4},
        {"disable_auto_update": True},
        {"meta": KubernetesMeta("ns", 4)},
    ],
    ids=["replicas", "bounds", "no update", "metadata"],
)
def test_a_replica_that_runs_need_not_be_replaced_for(changes):
    server = ServerSpec("s")
    assert server.runs_as(replace(server, **changes))


@pytest.mark.parametrize(
    "changes",
    [{"memory_bytes": 5}, {"capabilities": ("a",)}, {"environment_variables": {"A": "b"}}],
    ids=["memory", "capabilities", "environment"],
)
def test_a_replica_that_runs_is_replaced_for(changes):
    server = ServerSpec("s")
    assert not server.runs_as(replace(server, **changes))


@pytest.mark.parametrize("spec", [ServerSpec("s"), ServerConfigSpec("s")], ids=["server", "config"])
def test_the_namespace_is_the_default_one_unless_the_metadata_says(spec):
    assert spec.namespace == "default"
    assert replace(spec, meta=KubernetesMeta("mesh")).namespace == "mesh"
