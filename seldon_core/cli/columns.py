"""Tables of aligned text, as kubectl prints them; a row that comes later keeps to the widths."""

from collections.abc import Iterable, Sequence

_GAP = 3  # spaces between two columns, as kubectl leaves

Row = Sequence[str]


class Columns:
    """The widths of a table, from its header and the rows that are known when it begins."""

    def __init__(self, header: Row, rows: Iterable[Row]) -> None:
        cells = zip(*(map(_one_line, row) for row in (header, *rows)), strict=True)
        self._widths = [max(map(len, column)) for column in cells]

    def line(self, row: Row) -> str:
        """Return a row as a line; a cell that is too long moves those behind it."""
        padded = zip(map(_one_line, row), self._widths, strict=True)
        return (" " * _GAP).join(cell.ljust(width) for cell, width in padded).rstrip()


def aligned(header: Row, rows: Sequence[Row], *, has_header: bool = True) -> str:
    """Return the lines of a table; white space in a cell becomes one space: a row is a line."""
    columns = Columns(header, rows)
    shown = (header, *rows) if has_header else rows
    return "\n".join(columns.line(row) for row in shown)


def _one_line(cell: str) -> str:
    return " ".join(cell.split())
