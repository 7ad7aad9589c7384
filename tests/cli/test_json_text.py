import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.cli.json_text import indented

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS, st.booleans())
def test_it_is_laid_out_as_json_dumps_does(document, is_ascii):
    text = json.dumps(document, ensure_ascii=is_ascii)
    assert indented(text, "  ") == json.dumps(document, indent=2, ensure_ascii=is_ascii)


def test_numbers_stay_as_they_were_written():
    assert indented('{"data":[1e5,1.50,-0]}', "\t") == (
        '{\n\t"data": [\n\t\t1e5,\n\t\t1.50,\n\t\t-0\n\t]\n}'
    )


@pytest.mark.parametrize("text", ["", "{", "not found"], ids=["empty", "cut", "words"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match="Expecting"):
        indented(text, "\t")
