"""What all records of a store say together. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind, Stored, StoredModel
from seldon_core.scheduler.store_records import (
    HEAD_KEY,
    NewerSchemaError,
    decode_head,
    decode_record,
    record_key,
)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be read, by its key, and why: `is_newer`, or else it is damaged."""

    key: str
    problem: str
    is_newer: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is kept: its key, and its number in the order of the declarations, from 0."""

    key: bytes
    order: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What is kept, in the order of its first declaration, and what cannot be read.

    `schema` is that of the last write and `last_now` the newest `now` of all, both 0 if there was
    none. `records` is how many there are of any kind, readable or not, and `nbytes` the sum of
    their sizes.
    """

    stored: tuple[Stored, ...]
    places: Mapping[tuple[Kind, str], Place]
    schema: int
    last_now: float
    bad: tuple[BadRecord, ...]
    records: int
    nbytes: int

    @property
    def models(self) -> tuple[StoredModel, ...]:
        """The models among what is kept."""
        return tuple(each for each in self.stored if isinstance(each, StoredModel))


def read_records(items: Iterable[tuple[bytes, bytes]]) -> Contents:
    """Return what the records, by their keys, say. What cannot be read is told, not raised."""
    kept: dict[tuple[Kind, str], Stored] = {}
    places: dict[tuple[Kind, str], Place] = {}
    bad = []
    schema, last_now = 0, 0.0
    records, nbytes = 0, 0
    for key, data in items:
        records += 1
        nbytes += len(data)
        try:
            if key == HEAD_KEY:
                schema, last_now = decode_head(data)
            else:
                order, stored = _read_record(key, data, places)
                kept[stored.kind, stored.name] = stored
                places[stored.kind, stored.name] = Place(key, order)
        except StoreError as error:
            is_newer = isinstance(error, NewerSchemaError)
            bad.append(BadRecord(key.decode(errors="replace"), str(error), is_newer))
    if kept and not schema and not bad:
        problem = "it is missing, and whoever wrote the others wrote it too"
        bad.append(BadRecord(HEAD_KEY.decode(), problem, is_newer=False))
    ordered = sorted(kept.values(), key=lambda each: places[each.kind, each.name].order)
    return Contents(tuple(ordered), places, schema, last_now, tuple(bad), records, nbytes)


def _read_record(
    key: bytes, data: bytes, places: Mapping[tuple[Kind, str], Place]
) -> tuple[int, Stored]:
    order, stored = decode_record(key, data)
    what = f"{stored.kind.value} {stored.name!r}"
    place = places.get((stored.kind, stored.name))
    if place is not None:
        raise StoreError(f"it is a second record of {what}, which {place.key.decode()} has")
    if record_key(stored) != key:
        raise StoreError(f"it is {what}, which belongs elsewhere")
    return order, stored
