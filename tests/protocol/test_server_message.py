"""Servers and configs as messages and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import servers_pb2 as pb
from seldon_core.protocol.server_message import (
    server_config_message_of,
    server_config_of,
    server_message_of,
    server_of,
)
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerConfigSpec, ServerSpec

WORDS = st.text("abc/-", min_size=1, max_size=5)
COUNTS = st.integers(0, 2**31 - 1)
PROCESS = {
    "name": st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True),
    "capabilities": st.lists(WORDS).map(tuple),
    "memory_bytes": st.integers(0, 2**63 - 1),
    "over_commit_percentage": st.none() | COUNTS,
    "python": WORDS,
    "environment_variables": st.dictionaries(WORDS, WORDS),
    "environment_name": WORDS,
    "device_count": COUNTS,
    "labels": st.dictionaries(WORDS, WORDS),
    "meta": st.none() | st.builds(KubernetesMeta, st.sampled_from(["", "mesh"]), st.integers(0, 9)),
}


@given(st.builds(ServerConfigSpec, **PROCESS))
def test_a_config_comes_back_from_its_message(spec):
    assert server_config_of(server_config_message_of(spec)) == spec


@given(
    st.builds(
        ServerSpec,
        config_name=WORDS,
        extra_capabilities=st.lists(WORDS).map(tuple),
        replicas=st.integers(3, 5),
        min_replicas=st.integers(0, 3),
        max_replicas=st.just(0) | st.integers(5, 9),
        disable_auto_update=st.booleans(),
        **PROCESS,
    )
)
def test_a_server_comes_back_from_its_message(spec):
    assert server_of(server_message_of(spec)) == spec


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": "A"}, "name: 'A' must be lower-case"),
        ({"name": "a", "replicas": 2**31}, "replicas: 2147483648 is too large"),
        ({"name": "a", "minReplicas": 1}, "replicas: 0 is less than minReplicas 1"),
        ({"name": "a", "replicas": 2, "maxReplicas": 1}, "replicas: 2 is more than maxReplicas 1"),
        (
            {"name": "a", "replicas": 3, "minReplicas": 3, "maxReplicas": 2},
            "minReplicas: 3 is more than maxReplicas 2",
        ),
        ({"name": "a", "process": {"memoryBytes": 2**63}}, "process.memoryBytes: 92233"),
        ({"name": "a", "process": {"deviceCount": 2**31}}, "process.deviceCount: 2147"),
        (
            {"name": "a", "process": {"environmentVariables": {"A=B": "c"}}},
            "process.environmentVariables: 'A=B' cannot be a variable",
        ),
        ({"name": "a", "process": {"python": "a\0b"}}, "process.python: 'a\\x00b' cannot be"),
        ({"name": "a", "process": {"python": "x" * 2**18}}, "process: the declaration has 262"),
        ({"name": "a", "kubernetesMeta": {"namespace": "A"}}, "kubernetesMeta.namespace: 'A' must"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(fields, error):
    with pytest.raises(InvalidResourceError) as caught:
        server_of(pb.Server(**fields))
    assert str(caught.value).startswith(error)
