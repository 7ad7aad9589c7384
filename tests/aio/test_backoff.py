"""How long to wait before something is tried again."""

import pytest

from seldon_core.aio.backoff import Backoff


def test_pauses_double_up_to_the_most_and_begin_anew():
    backoff = Backoff(1, 15, lambda: 0.5)
    assert backoff.is_reset
    assert [backoff.pause_s() for _ in range(6)] == pytest.approx([1, 2, 4, 8, 15, 15])
    assert not backoff.is_reset
    backoff.reset()
    assert backoff.is_reset
    assert backoff.pause_s() == pytest.approx(1)


def test_chance_makes_a_pause_a_fifth_longer_or_shorter():
    assert Backoff(10, 15, lambda: 0.0).pause_s() == pytest.approx(8)
    assert Backoff(10, 15, lambda: 0.999999).pause_s() == pytest.approx(12, rel=1e-3)
