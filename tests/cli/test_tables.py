import io

import pytest

from seldon_core.cli.tables import draw, tabbed


def test_columns_are_filled_up_by_tabs_to_a_multiple_of_eight():
    rows = [("iris", "ModelAvailable", ""), ("a-long-name", "ModelFailed", "no room")]
    assert tabbed(("model", "state", "reason"), rows).split("\n") == [
        "model\t\tstate\t\treason",
        "-----\t\t-----\t\t------",
        "iris\t\tModelAvailable\t",
        "a-long-name\tModelFailed\tno room",
    ]


@pytest.mark.parametrize(
    ("name", "filled"),
    [
        ("1234567", "1234567\t"),
        ("12345678", "12345678\t"),
        ("123456781234567", "123456781234567\t"),
    ],
    ids=["one short", "full", "two short"],
)
def test_a_gap_is_left_behind_the_longest_cell(name, filled):
    assert tabbed(("a", "b"), [(name, "x")]).splitlines()[-1] == f"{filled}x"


def test_a_table_of_eight_characters_fills_the_short_cells_by_two_tabs():
    assert tabbed(("server", "replicas", "models"), [("mlserver", "1", "2")]).splitlines() == [
        "server\t\treplicas\tmodels",
        "------\t\t--------\t------",
        "mlserver\t1\t\t2",
    ]


def test_without_rows_the_header_and_its_rule_stay():
    assert tabbed(("config", "path", "active"), []).splitlines() == [
        "config\tpath\tactive",
        "------\t----\t------",
    ]


def test_a_reason_of_several_lines_stays_in_its_row():
    assert tabbed(("a", "reason"), [("x", "one\n\ttwo")]).splitlines()[-1] == "x\tone two"


def test_a_drawn_table_folds_what_is_long_and_takes_no_markup():
    out = io.StringIO()
    reason = "no server has all of [red] " + "x" * 100
    draw(("model", "reason"), [("iris", reason)], out)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "MODEL" in lines[0]
    assert "[red]" in out.getvalue()
    assert out.getvalue().count("x") == 100


def test_a_drawn_table_folds_its_last_column_only():
    out = io.StringIO()
    draw(("name", "state", "reason"), [("n" * 40, "ScheduleFailed", "no room " * 20)], out)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("n" * 40 + "  ScheduleFailed  no room" in line for line in lines) == 1


def test_a_table_whose_first_columns_fill_the_terminal_has_a_line_for_each_row():
    out = io.StringIO()
    row = ("n" * 60, "ScheduleFailed", "no room " * 20)
    draw(("name", "state", "reason"), [row, ("iris", "ModelAvailable", "")], out)
    assert len(out.getvalue().splitlines()) == 3
    assert out.getvalue().startswith("NAME ")
