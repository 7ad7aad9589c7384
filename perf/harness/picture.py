"""The report as a picture: how far each row is, as a multiple of what is owed."""

from collections.abc import Sequence
from pathlib import Path

from perf.harness.figures import Row
from perf.harness.results import Result

MET, MISSED = "#2a7f62", "#c0392b"
ROW_INCHES = 0.42


def judged_rows(results: Sequence[Result]) -> list[Row]:
    """The rows that have a value and a bound."""
    return [row for result in results for row in result.rows if row.attainment is not None]


def label_of(row: Row) -> str:
    """What stands beside the bar: the row's number, what it is, and the other side."""
    against = f" / {row.beside.label}" if row.beside and row.kind == "ratio" else ""
    return f"{row.scenario} {row.title}{against}  ({row.owed})"


def draw(results: Sequence[Result], path: Path) -> None:
    """Write an SVG of horizontal bars, 1 being what is owed. Needs matplotlib.

    Text stays text and nothing in the file depends on the time, so that a diff shows figures only.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = judged_rows(results)
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "report", "font.size": 9}):
        figure = Figure(figsize=(11, 1.2 + ROW_INCHES * max(len(rows), 1)), layout="constrained")
        axes = figure.subplots()
        reached = [row.attainment or 0.0 for row in rows]
        colours = [MET if row.verdict == "met" else MISSED for row in rows]
        bars = axes.barh([label_of(row) for row in rows], reached, color=colours)
        axes.bar_label(bars, [f"{value:.2f}" for value in reached], padding=3)
        axes.axvline(1.0, color="black", linewidth=1)
        axes.set_xlim(0, max([1.2, *reached]) * 1.1)
        axes.set_xlabel("measured ÷ owed (owed ÷ measured where less is better); right of 1 is met")
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, format="svg", metadata={"Date": None})
