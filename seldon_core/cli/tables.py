"""Tables: for a program separated by tabs as Seldon's tool does, for a person drawn to fit."""

from collections.abc import Sequence
from typing import TextIO

from seldon_core.cli.columns import aligned

_TAB = 8
_GAP = 2  # spaces between two columns that are drawn
_LEAST_FOLDED = 16  # characters; what is folded to less cannot be read

Row = Sequence[str]


def tabbed(header: Row, rows: Sequence[Row]) -> str:
    """Return the lines of a table whose cells are separated by tabs, with a rule below the header.

    Every column but the last is filled up by tabs to the next multiple of 8 behind its longest
    cell. White space in a cell becomes one space: a row is a line.
    """
    rule = ["-" * len(title) for title in header]
    lines = [[" ".join(cell.split()) for cell in row] for row in (header, rule, *rows)]
    widths = [
        (max(len(line[column]) for line in lines) // _TAB + 1) * _TAB
        for column in range(len(header) - 1)
    ]
    return "\n".join(
        "".join(
            cell + "\t" * -(-(width - len(cell)) // _TAB)
            for cell, width in zip(line, widths, strict=False)
        )
        + line[-1]
        for line in lines
    )


def draw(header: Row, rows: Sequence[Row], file: TextIO) -> None:
    """Draw a table on the terminal that `file` is; long cells of the last column are folded.

    If the others leave no room for that, a row is one long line, as kubectl prints it.
    """
    # 25 ms and 5 MiB that a pipe is spared.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=file, highlight=False)
    *widths, last = (max(map(len, column)) for column in zip(header, *rows, strict=True))
    if console.width - sum(widths) - _GAP * len(widths) < min(last, _LEAST_FOLDED):
        file.write(aligned([title.upper() for title in header], rows) + "\n")
        return
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="")
    for title in header[:-1]:
        table.add_column(title.upper(), no_wrap=True)
    table.add_column(header[-1].upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
