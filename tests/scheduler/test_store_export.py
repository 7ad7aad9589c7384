import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import StoreError
from seldon_core.scheduler.store_export import Export, read_export, write_export
from tests.support.stored import stored, stored_models

HEADER, IRIS = write_export(Export(50.0, (stored("iris"),)))


@given(
    st.floats(0, 1e12),
    st.lists(stored_models(), max_size=3, unique_by=lambda model: model.name).map(tuple),
)
def test_an_export_is_read_as_it_was_written(now, models):
    export = Export(now, models)
    lines = list(write_export(export))
    assert read_export(lines) == export
    assert all(line.isascii() and "\n" not in line for line in lines)


def test_a_path_that_is_no_utf_8_is_exported():
    export = Export(1.0, (stored("iris", uri="/models/\udcff"),))
    assert read_export(write_export(export)) == export


def test_the_first_line_names_the_format():
    assert json.loads(HEADER) == {"format": "seldon-core store", "schema": 1, "now": 50.0}


def test_empty_lines_are_passed_over():
    assert read_export(["", HEADER, " ", IRIS, ""]) == Export(50.0, (stored("iris"),))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "^it is empty: wanted 'seldon-core store'"),
        ([IRIS], "^line 1: wanted format 'seldon-core store'"),
        (["[]"], "^line 1: wanted format"),
        (["{"], "^line 1: it is no JSON: "),
        (["[" * 100_000], "^line 1: it is no JSON: "),
        ([HEADER.replace("1", "0")], "^line 1: wanted a schema of at least 1, found 0$"),
        ([HEADER.replace("50.0", "null")], "^line 1: wanted a time in seconds, found None$"),
        ([HEADER, "", "{}"], r"^line 3: wanted the fields \[.*\], found \[\]$"),
        ([HEADER, IRIS, IRIS], "^line 3: model 'iris' is in it twice$"),
    ],
    ids=[
        "empty",
        "no-header",
        "list",
        "no-json",
        "deep",
        "schema",
        "time",
        "no-model",
        "twice",
    ],
)
def test_what_is_wrong_is_named_with_its_line(lines, problem):
    with pytest.raises(StoreError, match=problem):
        read_export(lines)


def test_an_export_of_a_newer_version_is_refused():
    with pytest.raises(StoreError, match=r"^line 1: it has schema 2, this program reads up to 1$"):
        read_export([HEADER.replace("1", "2"), "{}"])


@given(st.integers(0, len(IRIS) - 1), st.characters(codec="utf-8"))
def test_a_changed_character_raises_nothing_else(position, character):
    changed = IRIS[:position] + character + IRIS[position + 1 :]
    try:
        export = read_export([HEADER, changed])
    except StoreError:
        return
    assert len(export.models) == 1
