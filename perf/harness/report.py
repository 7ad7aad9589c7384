"""The report in Markdown: what is owed, what was measured, by how much it misses. Pure."""

from collections.abc import Iterable, Sequence

from perf.harness.figures import Row, Series, amount
from perf.harness.results import Result

HEADER = """\
# Performance report

Written by `make bench`; every figure in it was measured, none is edited by hand. Absolute figures
drift with the machine; what counts is the ratio of two medians, taken side by side in alternating
rounds of one run. The spread is the lowest and the highest value of a single round.

![Measured against owed](report.svg)
"""
COLUMNS = ("#", "what", "measured", "beside", "value [spread]", "owed", "verdict")


PROFILES = """\
## Where the time goes

Samples of our server under a scenario's load (`python -m perf.profile P1 --save`), first by part,
then by function. The time of a function is also that of the system calls it makes.
"""


def render(results: Sequence[Result], profiles: Sequence[str] = ()) -> str:
    """The whole page."""
    rows = [cells for result in results for cells in _cells(result)]
    parts = [HEADER, table(COLUMNS, rows)]
    if profiles:
        parts += [PROFILES, *(f"```text\n{profile}```\n" for profile in profiles)]
    return "\n".join([*parts, "## Runs\n", _runs(results), *_environment(results)])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar in a cell is escaped and line ends become spaces."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def plain(results: Sequence[Result]) -> str:
    """The rows for a terminal: number, title, value, owed, verdict."""
    lines = []
    for result in results:
        for number, what, measured, beside, value, owed, verdict in _cells(result):
            lines.append(f"{number:4} {what}\n     {measured}  |  {beside}")
            lines.append(f"     {value}   owed {owed}   {verdict}")
    return "\n".join(lines)


def _cells(result: Result) -> list[tuple[str, ...]]:
    if result.failure:
        verdict = f"**did not run**: {_short(result.failure)}"
        return [(result.scenario, result.title, "-", "-", "-", "-", verdict)]
    return [
        (
            row.scenario,
            row.title,
            _measured(row.ours),
            _measured(row.beside) if row.beside else "-",
            _value(row),
            str(row.owed) if row.owed else "-",
            _verdict(row),
        )
        for row in result.rows
    ]


def _measured(series: Series) -> str:
    if series.absent:
        return f"{series.label}: absent"
    return f"{series.label}: {amount(series.median)} {series.unit}"


def _value(row: Row) -> str:
    value, spread = row.value, row.spread
    if value is None or spread is None:
        return "-"
    unit = "x" if row.kind == "ratio" else row.ours.unit
    return f"{amount(value)} {unit} [{amount(spread[0])} - {amount(spread[1])}]"


def _verdict(row: Row) -> str:
    verdict = row.verdict
    if not verdict:
        return "-"
    return verdict if verdict == "met" else f"**{_short(verdict)}**"


def _runs(results: Sequence[Result]) -> str:
    columns = ("#", "when", "commit", "rounds", "seconds a point", "command")
    rows = [
        (
            result.scenario,
            result.date,
            result.commit,
            str(result.rounds),
            f"{result.seconds:g}",
            f"`{result.command}`",
        )
        for result in results
    ]
    return table(columns, rows)


def _environment(results: Sequence[Result]) -> list[str]:
    """Machine and versions; once for all runs that share them."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for result in results:
        key = result.machine, tuple(result.versions.items())
        groups.setdefault(key, []).append(result.scenario)
    parts = []
    for (machine, versions), scenarios in groups.items():
        parts.append(f"## Machine and versions of {', '.join(scenarios)}\n")
        parts.append(f"{machine}\n")
        parts.append(", ".join(f"{name} {version}" for name, version in versions) + "\n")
    return parts


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("\n", " ").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _short(text: str, limit: int = 300) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
