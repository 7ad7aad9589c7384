from xml.etree import ElementTree

import pytest

from perf.harness.figures import Row, Series, at_least
from perf.harness.picture import MET, MISSED, draw, judged_rows, label_of
from tests.support.perf_results import result_of

OURS = Series("ours", "requests/s", (50.0,))
OTHER = Series("ceiling", "requests/s", (100.0,))
MISSES = Row("P1", "REST", OURS, OTHER, at_least(0.6))
MEETS = Row("P1", "again", OURS, OTHER, at_least(0.25))


def test_only_rows_with_a_value_and_a_bound_are_drawn():
    absent = Row("P1", "t", OURS, Series("Triton", "", (), absent="no"), at_least(2.0))
    result = result_of("P1", MISSES, absent, Row("P1", "fyi", OURS, OTHER))
    assert judged_rows([result]) == [MISSES]


def test_a_bar_names_both_sides_and_what_is_owed():
    assert label_of(MISSES) == "P1 REST / ceiling  (≥ 0.60 x)"
    assert label_of(Row("P15", "p99", OURS, None, at_least(1))) == "P15 p99  (≥ 1.00 x)"


def test_the_picture_shows_what_is_met_and_what_is_missed(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "report.svg"
    draw([result_of("P1", MISSES, MEETS)], path)
    text = path.read_text()
    ElementTree.fromstring(text)
    assert MET in text
    assert MISSED in text
    assert "P1 REST / ceiling" in text


def test_the_same_results_make_the_same_picture(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.svg", "b.svg"):
        draw([result_of("P1", MISSES)], tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_no_results_make_an_empty_picture(tmp_path):
    pytest.importorskip("matplotlib")
    draw([], tmp_path / "report.svg")
    assert (tmp_path / "report.svg").stat().st_size > 0
