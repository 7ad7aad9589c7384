"""The estimate of a model's next call, with numbers like those of real models."""

import pytest

from seldon_core.agent.cost import CallCost, Place

LIMIT = 150e-6


def cost_after(*calls, limit=LIMIT):
    """A model whose first call warmed its caches, and that then ran `calls` of (rows, µs)."""
    cost = CallCost(limit)
    cost.observe(1, 1.0)
    for rows, microseconds in calls:
        cost.observe(rows, microseconds * 1e-6)
    return cost


def test_the_first_calls_go_away_since_nothing_is_known():
    cost = CallCost(LIMIT)
    assert cost.place(1) is Place.AWAY
    cost.observe(1, 0.003)  # warms caches, not counted
    assert cost.place(1) is Place.AWAY
    cost.observe(1, 10e-6)
    assert cost.place(1) is Place.INLINE


def test_the_line_through_the_calls_is_found():
    cost = cost_after(*[(rows, 10 + 2 * rows) for rows in (1, 4, 16, 8, 2, 64) * 3])
    assert cost.predict(32) == pytest.approx(74e-6, rel=0.01)
    assert repr(cost) == "<CallCost 10 us + 2.00 us/row>"


def test_a_large_batch_goes_away_though_small_calls_stay():
    cost = cost_after(*[(rows, 10 + 5 * rows) for rows in (1, 4, 16) * 3])
    assert cost.place(16) is Place.INLINE  # 90 µs
    assert cost.place(30) is Place.AWAY  # 160 µs


def test_far_more_rows_than_ever_seen_go_away_to_be_measured():
    cost = cost_after((4, 12))
    assert cost.place(16) is Place.INLINE
    assert cost.place(17) is Place.AWAY


def test_one_preempted_call_does_not_exile_a_quick_model():
    cost = cost_after(*[(1, 10)] * 5, (1, 8000), (1, 11), (1, 9000), (1, 10))
    assert cost.place(1) is Place.INLINE
    assert cost.predict(1) == pytest.approx(10e-6, rel=0.05)


def test_two_slow_calls_in_a_row_send_it_away():
    cost = cost_after(*[(1, 10)] * 50, (1, 1200), (1, 1200))
    assert cost.place(1) is Place.AWAY
    assert cost.predict(1) == pytest.approx(1200e-6)


def test_a_model_sent_away_by_mistake_comes_back_after_three_calls():
    cost = cost_after(*[(1, 10)] * 3, *[(64, 60)] * 5, (64, 5000), (64, 5000))
    for _ in range(3):
        assert cost.place(64) is Place.AWAY
        cost.observe(64, 100e-6)
    assert cost.place(64) is Place.INLINE
    assert cost.predict(64) < 100e-6


@pytest.mark.parametrize(
    "calls",
    [[(1, 10), (1, 10), (1, 1200)] * 2 + [(1, 10)] * 4, [(1, 1200)] * 8 + [(1, 10)] * 4],
    ids=["three in a row are not alike", "it was slow for longer"],
)
def test_a_surprise_that_was_no_mistake_is_believed(calls):
    cost = cost_after(*[(1, 10)] * 5, (1, 1200), (1, 1200), *calls)
    assert cost.place(1) is Place.AWAY


def test_small_calls_do_not_prove_that_a_large_one_was_quick():
    cost = cost_after(*[(64, 60)] * 5, (64, 5000), (64, 5000), *[(1, 10)] * 3)
    assert cost.place(64) is Place.AWAY


def test_a_model_sent_away_by_a_first_slow_call_comes_back_within_forty_calls():
    cost = cost_after((1, 5000))
    assert cost.place(1) is Place.AWAY
    calls = 0
    while cost.place(1) is Place.AWAY:
        cost.observe(1, 10e-6)
        calls += 1
    assert calls <= 40


def test_a_model_that_slows_down_little_by_little_is_noticed():
    cost = cost_after(*[(1, 100)] * 20, *[(1, 200)] * 10)
    assert cost.place(1) is Place.AWAY


def test_calls_of_one_size_say_nothing_of_the_slope():
    cost = cost_after((16, 20), (16, 22), (16, 18))
    assert cost.predict(1) == pytest.approx(20e-6, rel=0.1)


def test_noise_that_makes_large_calls_look_quicker_does_not_give_a_negative_cost():
    cost = cost_after((1, 20), (16, 10))
    assert cost.predict(1000) > 0


def test_a_cost_that_is_all_rows_has_no_negative_start():
    cost = cost_after(*[(1, 2), (10, 30), (100, 390)] * 3)
    assert cost.predict(0) >= 0
