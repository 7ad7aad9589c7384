import pytest

from seldon_core.transport.pace import Pace


def paced(bytes_per_s, *moved):
    """Look once a second at what has moved by then; return when it was too slow for 3 s."""
    pace = Pace(bytes_per_s, 100.0)
    slow = []
    for second, total in enumerate(moved):
        pace.moved = total
        if pace.is_too_slow(100.0 + second, 3.0):
            slow.append(second)
    return slow


@pytest.mark.parametrize(
    ("moved", "slow"),
    [
        ([0, 10, 20, 30, 40, 50, 60], []),
        ([0, 0, 0, 30, 30, 30, 60], []),
        ([0, 0, 0, 0, 0, 0], [4, 5]),
        ([0, 9, 18, 27, 36, 45], [4, 5]),
        ([0, 100, 100, 100, 100, 100, 100], [5, 6]),
    ],
    ids=["at the rate", "with pauses", "nothing", "below the rate", "all at once, then nothing"],
)
def test_a_rate_holds_over_the_patience(moved, slow):
    assert paced(10, *moved) == slow


def test_at_least_a_byte_must_move():
    assert paced(1, 0, 0, 0, 0, 0)[:1] == [4]


def test_what_was_before_the_beginning_does_not_count():
    pace = Pace(10, 0.0)
    pace.moved = 5
    pace.begin(50.0)
    assert not pace.is_too_slow(53.0, 3.0)
    assert pace.is_too_slow(53.1, 3.0)
    pace.moved = 5 + 40
    assert not pace.is_too_slow(53.1, 3.0)
