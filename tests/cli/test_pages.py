from seldon_core.cli.pages import condition_lines, declaration_lines, field_line, table_lines
from seldon_core.cli.seen import Condition


def test_a_field_stands_behind_its_name():
    assert field_line("Name", "iris") == "Name:         iris"


def test_what_was_written_is_shown_with_its_annotations():
    manifest = {"metadata": {"name": "a", "annotations": {"x": "y"}}, "spec": {"uri": "/a"}}
    assert list(declaration_lines(manifest)) == [
        "Declared:",
        "  annotations:",
        "    x: y",
        "  uri: /a",
    ]
    assert list(declaration_lines({"metadata": {}, "spec": {"uri": "/a"}})) == [
        "Declared:",
        "  uri: /a",
    ]


def test_an_empty_table_says_that_there_is_nothing():
    assert list(table_lines("Steps", ("MODEL",), [])) == ["Steps:", "  <none>"]
    assert list(table_lines("Steps", ("MODEL",), [("a",)])) == ["Steps:", "  MODEL", "  a"]


def test_conditions_are_a_table():
    lines = list(condition_lines([Condition("Ready", True, "", "all is well")]))
    assert lines[0] == "Conditions:"
    assert lines[2].split() == ["Ready", "True", "-", "all", "is", "well"]
