"""A store as text that people can read and edit: JSON lines. Pure.

The first line names the format, its schema, which is the records', and the time of the last write;
each line after it is a model, or what its only field names, in the order of first declaration.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind, Stored, StoredModel
from seldon_core.scheduler.store_records import (
    SCHEMA,
    check_schema,
    plain,
    read_now,
    read_plain,
)

FORMAT = "seldon-core store"


@dataclass(frozen=True, slots=True)
class Export:
    """What an export holds; `now` is the time of the last write before it, in UTC seconds."""

    now: float
    stored: tuple[Stored, ...]

    @property
    def models(self) -> tuple[StoredModel, ...]:
        """The models in it."""
        return tuple(each for each in self.stored if isinstance(each, StoredModel))


def write_export(export: Export) -> Iterator[str]:
    """Yield the lines of an export, without their ends; they are ASCII."""
    yield json.dumps({"format": FORMAT, "schema": SCHEMA, "now": export.now})
    for stored in export.stored:
        is_model = stored.kind is Kind.MODEL
        yield json.dumps(plain(stored) if is_model else {stored.kind.value: plain(stored)})


def read_export(lines: Iterable[str]) -> Export:
    """Return what `write_export` was given; empty lines are passed over.

    Raises StoreError, with the number of the line, if it is no export, one of a newer schema, or
    something in it is wrong.
    """
    found: dict[tuple[Kind, str], Stored] = {}
    now: float | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            if now is None:
                now = _read_header(line)
                continue
            stored = _read_stored(_parse(line))
            if (stored.kind, stored.name) in found:
                raise StoreError(f"{stored.kind.value} {stored.name!r} is in it twice")
        except StoreError as error:
            raise StoreError(f"line {number}: {error}") from error
        found[stored.kind, stored.name] = stored
    if now is None:
        raise StoreError(f"it is empty: wanted {FORMAT!r}, as `seldon-core store export` writes it")
    return Export(now, tuple(found.values()))


def _read_header(line: str) -> float:
    header = _parse(line)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError(f"wanted format {FORMAT!r}, as `seldon-core store export` writes it")
    check_schema(header.get("schema"))
    return read_now(header.get("now"))


def _read_stored(value: Any) -> Stored:
    """A model has a line of its own; anything else is the only field of one."""
    for kind in Kind:
        if isinstance(value, dict) and value.keys() == {kind.value}:
            return read_plain(value[kind.value], kind)
    return read_plain(value)


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"it is no JSON: {error}") from error
