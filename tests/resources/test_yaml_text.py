import pytest

from seldon_core.resources.yaml_text import parse_text


@pytest.mark.parametrize("text", ["{a: [1, x]}", '{"a": [1, "x"]}'], ids=["yaml", "json"])
def test_json_and_yaml_are_read(text):
    assert parse_text(text) == {"a": [1, "x"]}


@pytest.mark.parametrize(
    "text",
    ["[[hunter2", "a: *hunter2", "a: &x hunter2\nb: *x", "a: !hunter2 b", "!!timestamp hunter2"],
    ids=["open", "unknown alias", "alias", "tag", "no time"],
)
def test_what_cannot_be_read_is_told_by_where_alone(text):
    with pytest.raises(ValueError, match="it is neither JSON nor YAML without aliases") as caught:
        parse_text(text)
    assert "hunter2" not in str(caught.value)
