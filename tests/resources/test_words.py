import pytest

from seldon_core.resources.words import did_you_mean, nearest, show


@pytest.mark.parametrize(
    ("word", "meant"),
    [("modle", "Model"), ("MODEL", "Model"), ("sever", "Server"), ("zebra", "")],
    ids=["letters swapped", "other case", "a letter missing", "nothing near"],
)
def test_the_nearest_word_is_found(word, meant):
    assert nearest(word, ["Model", "Server"]) == meant


def test_a_suggestion_is_a_question_or_nothing():
    assert did_you_mean("modle", ["Model"]) == ", did you mean Model?"
    assert did_you_mean("zebra", ["Model"]) == ""


def test_a_value_is_shown_in_short():
    assert show("ab") == "'ab'"
    assert len(show("a" * 1000)) <= 80
    assert show([[["a"]]]) == "[[[...]]]"
    assert len(show([["a" * 1000] * 1000] * 1000)) <= 81
