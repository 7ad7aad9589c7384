"""Choosing by weight, and two replicas at random."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.router.choose import choose_weighted, cumulate, two_of

JUST_BELOW_ONE = math.nextafter(1.0, 0.0)


@pytest.mark.parametrize(
    ("point", "index"),
    [(0.0, 0), (0.2499, 0), (0.25, 1), (0.9999, 1), (JUST_BELOW_ONE, 1)],
)
def test_each_candidate_has_the_share_of_its_weight(point, index):
    assert choose_weighted(cumulate([10, 30]), point) == index


def test_weights_of_zero_share_evenly_if_there_are_no_others():
    counts = Counter(choose_weighted(cumulate([0, 0]), point / 100) for point in range(100))
    assert counts == {0: 50, 1: 50}


@given(
    st.lists(st.integers(0, 2**31), min_size=1, max_size=5).filter(any),
    st.floats(0, 1, exclude_max=True),
)
def test_a_weight_of_zero_is_never_chosen(weights, point):
    assert weights[choose_weighted(cumulate(weights), point)] > 0


@given(st.lists(st.integers(0, 2**31), min_size=1, max_size=5))
def test_the_last_point_is_inside(weights):
    assert 0 <= choose_weighted(cumulate(weights), JUST_BELOW_ONE) < len(weights)


def test_every_pair_of_two_comes_up_as_often():
    points = [index / 12 for index in range(12)]
    pairs = Counter(two_of(3, first, second) for first in points for second in points)
    assert len(pairs) == 6
    assert set(pairs.values()) == {24}


@given(st.integers(2, 50), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_two_of_are_different_and_inside(count, first, second):
    one, other = two_of(count, first, second)
    assert one != other
    assert {one, other} <= set(range(count))
