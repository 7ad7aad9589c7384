import pytest

from perf.harness.figures import Row, Series, amount, at_least, at_most


def series(*values: float, unit: str = "requests/s") -> Series:
    return Series("somebody", unit, values)


ABSENT = Series("Triton", "", (), absent="not installed")


def test_a_ratio_is_one_of_medians_and_its_spread_one_of_rounds():
    row = Row("P1", "t", series(10, 30, 20), series(10, 10, 40), at_least(1.5))
    assert row.value == 2.0
    assert row.spread == (0.5, 3.0)


def test_a_difference_is_one_of_medians():
    row = Row("P4", "t", series(120, 110, 130), series(100, 105, 101), at_most(15), "difference")
    assert row.value == 19
    assert row.spread == (5, 29)


def test_a_figure_stands_alone():
    row = Row("P15", "t", series(12, 18, 14), None, at_most(20, "ms"), "figure")
    assert (row.value, row.spread, row.verdict) == (14, (12, 18), "met")


@pytest.mark.parametrize(
    ("ours", "owed", "verdict"),
    [
        pytest.param(60, at_least(0.60), "met", id="exactly the least"),
        pytest.param(45, at_least(0.60), "missed by 25 %", id="less than the least"),
        pytest.param(30, at_most(0.30), "met", id="exactly the most"),
        pytest.param(45, at_most(0.30), "missed by 50 %", id="more than the most"),
        pytest.param(45, None, "", id="nothing owed"),
    ],
)
def test_the_verdict_says_by_how_much_a_row_misses(ours, owed, verdict):
    assert Row("P1", "t", series(ours), series(100), owed).verdict == verdict


@pytest.mark.parametrize(
    ("ours", "beside"),
    [
        pytest.param(ABSENT, series(1), id="ours"),
        pytest.param(series(1), ABSENT, id="the peer"),
    ],
)
def test_a_row_with_an_absent_side_has_no_value_and_is_not_guessed(ours, beside):
    row = Row("P1", "t", ours, beside, at_least(1.0))
    assert (row.value, row.spread, row.attainment) == (None, None, None)
    assert row.verdict == "absent: not installed"


@pytest.mark.parametrize(
    ("ours", "owed", "attainment"),
    [
        pytest.param(300, at_least(2.0), 1.5, id="more is better"),
        pytest.param(50, at_most(0.25), 0.5, id="less is better"),
        pytest.param(-5, at_most(15), 100, id="below nothing"),
    ],
)
def test_attainment_is_above_one_when_the_row_is_met(ours, owed, attainment):
    assert Row("P1", "t", series(ours), series(100), owed).attainment == attainment


def test_a_row_that_owes_nothing_attains_nothing():
    assert Row("P1", "t", series(1), series(1)).attainment is None


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (99.94, "99.9"), (1.234, "1.23"), (0.6, "0.60")]
)
def test_amounts_have_about_three_digits(value, text):
    assert amount(value) == text


def test_a_bound_reads_as_a_sentence_does():
    assert [str(at_least(12)), str(at_most(15, "µs"))] == ["≥ 12.0 x", "≤ 15.0 µs"]
