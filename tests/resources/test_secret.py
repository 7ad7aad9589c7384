import pytest

from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec, remote_of

DEFINITION = b"name: s3\ntype: s3\nparameters: {token: hunter2}"


def test_the_only_value_of_a_secret_defines_a_remote():
    remote = remote_of(SecretSpec("minio", {"any": DEFINITION}))
    assert remote == Remote("s3", "s3", {"token": "hunter2"})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "Secret 'minio' has 0 values, and storage needs one that has exactly one"),
        ({"a": DEFINITION, "b": b""}, "Secret 'minio' has 2 values"),
        ({"a": b"\xffhunter2"}, "Secret 'minio': 'a' is not text in UTF-8"),
        ({"a": b"hunter2"}, "Secret 'minio': 'a' defines no remote: it is no mapping"),
    ],
    ids=["none", "two", "bytes", "something else"],
)
def test_a_secret_that_defines_no_remote_says_why_and_shows_nothing(data, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        remote_of(SecretSpec("minio", data))
    assert "hunter2" not in str(caught.value)


def test_values_are_in_no_repr():
    spec = SecretSpec("minio", {"s3": DEFINITION})
    config = AgentConfigSpec(("minio",), (Remote("s3", "s3", {"token": "hunter2"}),))
    assert "hunter2" not in f"{spec!r} {config!r}"


@pytest.mark.parametrize(
    ("meta", "namespace"),
    [(KubernetesMeta("team"), "team"), (KubernetesMeta(), "default"), (None, "default")],
)
def test_a_secret_and_a_config_are_in_the_namespace_that_they_say(meta, namespace):
    assert SecretSpec("a", meta=meta).namespace == namespace
    assert AgentConfigSpec(meta=meta).namespace == namespace
    assert AgentConfigSpec(meta=meta).name == "seldon-agent"
