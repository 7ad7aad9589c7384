import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.scheduler.store_values import (
    fields,
    list_of,
    or_none,
    seconds,
    text,
    texts_by_name,
    truth,
    whole,
)

READERS = {"name": text, "count": or_none(whole)}


def test_a_map_is_read_field_by_field():
    assert fields({"count": None, "name": "a"}, READERS) == {"name": "a", "count": None}
    assert fields({"count": 2, "name": "a"}, READERS) == {"name": "a", "count": 2}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(
            {"name": "a"}, "wanted the fields ['count', 'name'], found ['name']", id="one less"
        ),
        pytest.param(
            {"name": "a", "count": 1, 7: 1},
            "wanted the fields ['count', 'name'], found ['7', 'count', 'name']",
            id="one more",
        ),
        pytest.param(["name"], "wanted the fields ['count', 'name'], found ['name']", id="no map"),
        pytest.param({"name": "a", "count": "b"}, "count: wanted int, found 'b'", id="a field"),
    ],
)
def test_a_map_that_is_another_is_refused(value, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        fields(value, READERS)


@pytest.mark.parametrize(
    ("read", "value"),
    [(text, ""), (whole, -1), (truth, False), (seconds, 2), (seconds, 0.5)],
    ids=["text", "whole", "truth", "whole seconds", "seconds"],
)
def test_a_value_is_read_as_it_is(read, value):
    assert read(value) == value


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (text, b"a", "wanted str, found b'a'"),
        (whole, True, "wanted int, found True"),
        (whole, 1.0, "wanted int, found 1.0"),
        (truth, 1, "wanted bool, found 1"),
        (seconds, "1", "wanted a time in seconds, found '1'"),
        (seconds, True, "wanted a time in seconds, found True"),
        (seconds, float("inf"), "wanted a time in seconds, found inf"),
        (seconds, 10**400, "wanted a time in seconds, found a number that is none"),
        (list_of(text), "abc", "wanted a list, found 'abc'"),
        (list_of(text), ["a", 1], "wanted str, found 1"),
        (texts_by_name, ["a"], "wanted a map of texts, found ['a']"),
        (texts_by_name, {"a": 1}, "wanted str, found 1"),
        (texts_by_name, {1: "a"}, "wanted str, found 1"),
    ],
)
def test_a_value_that_is_another_is_refused(read, value, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        read(value)


@given(st.lists(st.integers()))
def test_lists_become_tuples(values):
    assert list_of(whole)(values) == tuple(values)


@given(st.dictionaries(st.text(), st.text()))
def test_maps_of_texts_are_read_as_they_are(values):
    assert texts_by_name(values) == values
