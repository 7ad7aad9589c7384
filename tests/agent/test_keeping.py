"""What kept models leave for the others, without a pool; with one: `test_pool`."""

import pytest

from seldon_core.agent.decisions import ReportUnloaded
from seldon_core.agent.keeping import KeptModels
from seldon_core.agent.slots import Slot


def slot(model, nbytes, *, is_kept=False, farewell=None):
    return Slot(model, nbytes, 1, is_kept=is_kept, farewell=farewell)


@pytest.fixture
def kept():
    """Ten bytes, of which a kept model takes four."""
    kept = KeptModels(10)
    kept.add(slot("first", 4, is_kept=True))
    return kept


def test_only_kept_models_are_counted(kept):
    kept.add(slot("b", 5))
    assert list(kept.slots) == ["first"]
    kept.discard(slot("b", 5))
    kept.discard(slot("first", 4))
    assert kept.slots == {}


def test_a_model_does_not_count_against_itself(kept):
    first = kept.slots["first"]
    assert kept.holding(first) == ""
    assert not kept.is_hopeless(first)
    first.nbytes = 10
    assert kept.misfit(first, [first]) == ""


@pytest.mark.parametrize(("nbytes", "fits"), [(6, True), (7, False)], ids=["fits", "does not"])
def test_another_has_what_they_leave(kept, nbytes, fits):
    other = slot("b", nbytes)
    assert kept.is_hopeless(other) != fits
    assert (kept.misfit(other, [other]) == "") == fits


@pytest.mark.parametrize(
    ("others", "fits"),
    [
        ([], True),
        ([slot("a", 3), slot("b", 2)], True),
        ([slot("a", 3), slot("b", 4)], False),
        ([slot("b", 4, farewell=ReportUnloaded("b"))], True),
        ([slot("second", 9, is_kept=True)], True),
    ],
    ids=["alone", "small ones", "a larger one", "one that leaves", "itself"],
)
def test_one_that_is_to_be_kept_leaves_room_for_the_largest(kept, others, fits):
    new = slot("second", 3, is_kept=True)
    told = kept.misfit(new, [*kept.slots.values(), *others])
    assert (told == "") == fits
    assert fits or told.endswith("no room for model b, which takes 4 bytes")
