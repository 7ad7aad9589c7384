"""How Secrets and the agents' ConfigMap are written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import StoreError
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.scheduler.records import Kind, StoredAgentConfig, StoredSecret, is_confidential
from seldon_core.scheduler.store_export import Export, read_export, write_export
from seldon_core.scheduler.store_records import (
    decode_record,
    encode_record,
    plain,
    read_plain,
    record_key,
)

WORDS = st.text(max_size=8)
META = st.none() | st.builds(KubernetesMeta, st.sampled_from(["", "mesh"]), st.integers(0, 9))
SECRETS = st.builds(SecretSpec, WORDS, st.dictionaries(WORDS, st.binary(max_size=20)), META)
REMOTES = st.builds(Remote, WORDS, WORDS, st.dictionaries(WORDS, WORDS))
CONFIGS = st.builds(AgentConfigSpec, st.lists(WORDS).map(tuple), st.lists(REMOTES).map(tuple), META)
STORED = SECRETS.map(lambda spec: StoredSecret(spec.name, spec)) | CONFIGS.map(
    lambda spec: StoredAgentConfig(spec.name, spec)
)
SECRET = StoredSecret("minio", SecretSpec("minio", {"s3": b"hunter2"}))
CONFIG = StoredAgentConfig(
    "seldon-agent", AgentConfigSpec(("a",), (Remote("s3", "s3", {"token": "hunter2"}),))
)


@given(STORED)
def test_a_record_comes_back_from_the_store_and_from_an_export(stored):
    key = record_key(stored)
    assert decode_record(key, encode_record(key, 3, stored)) == (3, stored)
    export = Export(1.0, (stored,))
    assert read_export(write_export(export)) == export


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.SECRET, "hunter2"),
        (Kind.SECRET, {"name": "a", "data": "hunter2", "meta": None}),
        (Kind.SECRET, {"name": "a", "data": {"k": "hunter2"}, "meta": None}),
        (Kind.SECRET, {"name": "a", "data": {"k": ["hunter2"]}, "meta": None}),
        (Kind.AGENT_CONFIG, "hunter2"),
        (Kind.AGENT_CONFIG, {**plain(CONFIG), "remotes": ["hunter2"]}),
        (
            Kind.AGENT_CONFIG,
            {
                **plain(CONFIG),
                "remotes": [{"name": "a", "type": "b", "parameters": {"x": ["hunter2"]}}],
            },
        ),
    ],
)
def test_what_cannot_be_one_is_refused_and_not_shown(kind, value):
    with pytest.raises(StoreError) as caught:
        read_plain(value, kind)
    assert "hunter2" not in str(caught.value)


def test_a_record_of_another_name_is_not_kept():
    with pytest.raises(StoreError, match="the spec of 'other' is of another one"):
        encode_record(b"k", 1, StoredSecret("other", SECRET.spec))


def test_what_holds_values_is_confidential():
    names = StoredAgentConfig("seldon-agent", AgentConfigSpec(("a",)))
    assert [is_confidential(each) for each in (SECRET, CONFIG, names)] == [True, True, False]
