"""What a run of a scenario leaves behind, and its form as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from perf.harness.figures import Owed, Row, Series


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of one scenario and how they came about. `failure` says why there are none."""

    scenario: str
    title: str
    date: str
    commit: str
    command: str
    machine: str
    versions: dict[str, str]
    seconds: float
    rounds: int
    rows: tuple[Row, ...] = ()
    failure: str = ""


def to_json(result: Result) -> str:
    """Every measured value, the bounds, and what was made of them."""
    content = asdict(result)
    for row, encoded in zip(result.rows, content["rows"], strict=True):
        encoded["value"], encoded["verdict"] = row.value, row.verdict
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Result:
    """The reverse of `to_json`; what was made of the values is made again."""
    content = json.loads(text)
    rows = tuple(_row(row) for row in content.pop("rows"))
    return Result(**content, rows=rows)


def save(result: Result, folder: Path) -> None:
    """Replace the scenario's file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.scenario}.json").write_text(to_json(result))


def read_all(folder: Path) -> list[Result]:
    """The results in `folder`, in the order of the scenarios' numbers."""
    results = [from_json(path.read_text()) for path in folder.glob("P*.json")]
    return sorted(results, key=lambda result: int(result.scenario[1:]))


def save_profile(scenario: str, text: str, folder: Path) -> None:
    """Replace a scenario's profile in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"profile-{scenario}.txt").write_text(text)


def read_profiles(folder: Path) -> list[str]:
    """The profiles in `folder`, in the order of the scenarios' numbers."""
    paths = folder.glob("profile-P*.txt")
    return [path.read_text() for path in sorted(paths, key=lambda path: int(path.stem[9:]))]


def _row(content: dict[str, Any]) -> Row:
    ours, beside, owed = content["ours"], content["beside"], content["owed"]
    return Row(
        content["scenario"],
        content["title"],
        _series(ours),
        _series(beside) if beside else None,
        Owed(**owed) if owed else None,
        content["kind"],
    )


def _series(content: dict[str, Any]) -> Series:
    return Series(**{**content, "values": tuple(content["values"])})
