from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.resources.remote import Remote, parse_remote, remote_name, show_remote

S3 = Remote("s3", "s3", {"provider": "minio", "env_auth": "false", "port": "9000", "region": ""})
YAML = """
name: s3
type: s3
parameters:
  provider: minio
  env_auth: false
  port: 9000
  region:
opt: {obscure: true}
"""


@pytest.mark.parametrize("text", [YAML, show_remote(S3)], ids=["yaml", "json"])
def test_a_remote_is_read_from_yaml_and_json(text):
    assert parse_remote(text) == S3


def test_what_it_takes_to_get_at_a_remote_is_in_no_repr():
    assert repr(S3) == "Remote(name='s3', type='s3')"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://models/iris", "s3"),
        ("shelf:iris", "shelf"),
        ("/models/a:b", ""),
        ("models/a:b", ""),
        ("file:///models", ""),
        ("models", ""),
    ],
)
def test_what_stands_before_the_first_colon_names_the_remote(uri, name):
    assert remote_name(uri) == name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hunter2", "it is no mapping"),
        ("a: *hunter2", "neither JSON nor YAML without aliases at line 1, column 4"),
        ("a: &hunter2 1\nb: *hunter2", "without aliases at line 2, column 4"),
        ("name: !hunter2 x", "neither JSON nor YAML"),
        ("x" * 20_000, "it has 20000 characters, 16384 is the most"),
        ("name: hunter2", "its 'type' is missing or no text"),
        ("name: 1\ntype: hunter2", "its 'name' is missing or no text"),
        ("name: a\ntype: hunter2", "its 'parameters' are missing or no mapping"),
        ("name: a\ntype: b\nparameters: [hunter2]", "its 'parameters' are missing"),
        ("name: a\ntype: b\nparameters: {x: [hunter2]}", "its 'parameters.x' is neither"),
        ("name: a\ntype: b\nparameters: {1: hunter2}", "one of its 'parameters' has no text"),
        ("name: a\nparms: hunter2", "has a field that no remote has, did you mean parameters"),
        ("1: hunter2", "has a field that no remote has;"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said_without_showing_it(text, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        parse_remote(text)
    assert "hunter2" not in str(caught.value)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_a_remote_or_refused_in_words(text):
    with suppress(ValueError):
        remote = parse_remote(text)
        assert parse_remote(show_remote(remote)) == remote


@pytest.mark.parametrize("text", ["[" * 16_000, "{a: " * 4_000, '{"a":' * 3_000])
def test_what_is_nested_beyond_measure_is_refused(text):
    with pytest.raises(ValueError, match="neither JSON nor YAML"):
        parse_remote(text)
