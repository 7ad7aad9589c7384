from seldon_core.cli.columns import Columns, aligned

HEADER = ("NAME", "REASON")


def test_columns_are_as_wide_as_their_longest_cell():
    assert aligned(HEADER, [("iris", "none"), ("tfsimple", "")]) == (
        "NAME       REASON\niris       none\ntfsimple"
    )


def test_the_header_may_be_left_out():
    assert aligned(HEADER, [("iris", "none")], has_header=False) == "iris   none"


def test_a_row_is_one_line_whatever_is_in_it():
    assert aligned(HEADER, [("iris", "one\n two\tthree ")]) == "NAME   REASON\niris   one two three"


def test_a_row_that_comes_later_keeps_to_the_widths():
    columns = Columns(HEADER, [("iris", "")])
    assert columns.line(("a", "b")) == "a      b"
    assert columns.line(("tfsimple", "b")) == "tfsimple   b"
