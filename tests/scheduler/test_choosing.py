from hypothesis import given
from hypothesis import strategies as st

from seldon_core.scheduler.choosing import member_for

MEMBERS = st.sets(st.text(max_size=5), min_size=1, max_size=5)


def test_nobody_has_a_name_if_nobody_is_there():
    assert member_for("iris", ()) == ""


@given(st.text(max_size=10), MEMBERS, st.text(max_size=5))
def test_who_comes_takes_from_others_and_moves_nothing_between_them(name, members, new):
    before = member_for(name, members)
    assert before in members
    assert member_for(name, {*members, new}) in (before, new)


def test_names_are_spread():
    names = [f"model-{number}" for number in range(1000)]
    counts = [sum(member_for(name, "ab") == member for name in names) for member in "ab"]
    assert min(counts) > 400
