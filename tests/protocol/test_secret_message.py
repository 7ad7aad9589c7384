"""Secrets and the agents' ConfigMap as messages and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import secrets_pb2 as pb
from seldon_core.protocol.secret_message import (
    agent_config_message,
    agent_config_of,
    secret_message,
    secret_of,
)
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import MOST_BYTES, AgentConfigSpec, SecretSpec

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,8}[a-z0-9])?", fullmatch=True)
KEYS = st.from_regex(r"[-._a-zA-Z0-9]{1,9}", fullmatch=True)
META = st.none() | st.builds(KubernetesMeta, st.sampled_from(["", "mesh"]), st.integers(0, 9))
WORDS = st.text("abc :{}'\"\n", min_size=1, max_size=9).filter(lambda word: word == word.strip())
REMOTES = st.builds(Remote, WORDS, WORDS, st.dictionaries(WORDS, st.text(max_size=9)))


@given(st.builds(SecretSpec, NAMES, st.dictionaries(KEYS, st.binary()), META))
def test_a_secret_comes_back_from_its_message(spec):
    assert secret_of(secret_message(spec)) == spec


@given(
    st.builds(
        AgentConfigSpec,
        st.lists(NAMES, unique=True).map(tuple),
        st.lists(REMOTES, max_size=3).map(tuple),
        META,
    )
)
def test_a_config_comes_back_from_its_message(spec):
    assert agent_config_of(agent_config_message(spec)) == spec


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (pb.Secret(name="A"), "name: 'A' must be lower-case letters, digits, '-' and '.'"),
        (pb.Secret(name="a" * 254), "name: 'a.*…' must be"),
        (pb.Secret(name="a", data={"x y": b""}), "data: 'x y' must be 1 to 253 letters"),
        (pb.Secret(name="a", data={"x": b"x" * (MOST_BYTES + 1)}), "have 1048577 bytes together"),
        (pb.Secret(name="a", kubernetesMeta={"namespace": "A"}), "kubernetesMeta.namespace: 'A'"),
    ],
    ids=["name", "long name", "key", "size", "namespace"],
)
def test_a_wrong_secret_is_refused_by_its_field(message, problem):
    with pytest.raises(InvalidResourceError, match=problem):
        secret_of(message)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (pb.AgentConfig(secretNames=["a", "hunter2:"]), "secretNames.1: is no name of a Secret"),
        (pb.AgentConfig(remotes=["hunter2"]), "remotes.0: defines no remote: it is no mapping"),
        (pb.AgentConfig(remotes=["x" * 300_000]), "remotes: the declaration has"),
    ],
    ids=["name", "remote", "size"],
)
def test_a_wrong_config_is_refused_by_its_field_and_shows_no_value(message, problem):
    with pytest.raises(InvalidResourceError, match=problem) as caught:
        agent_config_of(message)
    assert "hunter2" not in str(caught.value)
