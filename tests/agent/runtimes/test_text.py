import numpy as np
import pytest

from seldon_core.agent.runtimes.text import decoded, encoded
from seldon_core.errors import InvalidRequestError


def test_bytes_become_text_and_text_bytes():
    array = np.array([["é".encode(), b"b"]], dtype=object)
    text = decoded(array)
    assert text.tolist() == [["é", "b"]]
    assert encoded(text).tolist() == array.tolist()
    assert encoded(np.array(["a", "b"])).tolist() == [b"a", b"b"]


def test_numbers_stay_what_they_are():
    numbers = np.arange(3)
    assert decoded(numbers) is numbers
    assert encoded(numbers) is numbers


def test_other_objects_are_written_as_text():
    assert encoded(np.array([1, b"x", None], dtype=object)).tolist() == [b"1", b"x", b"None"]


def test_what_is_not_utf_8_is_the_callers_mistake():
    with pytest.raises(InvalidRequestError, match="not UTF-8"):
        decoded(np.array([b"\xff"], dtype=object))
