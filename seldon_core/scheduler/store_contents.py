"""What all records of a store say together. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seldon_core.errors import StoreError
from seldon_core.scheduler.records import StoredModel
from seldon_core.scheduler.store_records import (
    HEAD_KEY,
    MODEL_PREFIX,
    NewerSchemaError,
    decode_head,
    decode_model,
    model_key,
)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be read, by its key, and why: `is_newer`, or else it is damaged."""

    key: str
    problem: str
    is_newer: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is kept: its key, and its number in the order of the declarations, from 0."""

    key: bytes
    order: int


@dataclass(frozen=True, slots=True)
class Contents:
    """The models in the order of their first declaration, and what cannot be read.

    `schema` is that of the last write and `last_now` the newest `now` of all, both 0 if there was
    none. `records` is how many there are of any kind, readable or not, and `nbytes` the sum of
    their sizes.
    """

    models: tuple[StoredModel, ...]
    places: Mapping[str, Place]
    schema: int
    last_now: float
    bad: tuple[BadRecord, ...]
    records: int
    nbytes: int


def read_records(items: Iterable[tuple[bytes, bytes]]) -> Contents:
    """Return what the records, by their keys, say. What cannot be read is told, not raised."""
    models: dict[str, StoredModel] = {}
    places: dict[str, Place] = {}
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
                order, model = _read_model(key, data, places)
                models[model.name] = model
                places[model.name] = Place(key, order)
        except StoreError as error:
            is_newer = isinstance(error, NewerSchemaError)
            bad.append(BadRecord(key.decode(errors="replace"), str(error), is_newer))
    if models and not schema and not bad:
        problem = "it is missing, and whoever wrote the others wrote it too"
        bad.append(BadRecord(HEAD_KEY.decode(), problem, is_newer=False))
    ordered = sorted(models.values(), key=lambda model: places[model.name].order)
    return Contents(tuple(ordered), places, schema, last_now, tuple(bad), records, nbytes)


def _read_model(key: bytes, data: bytes, places: Mapping[str, Place]) -> tuple[int, StoredModel]:
    if not key.startswith(MODEL_PREFIX):
        raise NewerSchemaError("this program keeps nothing of that kind")
    order, model = decode_model(key, data)
    if model.name in places:
        other = places[model.name].key.decode()
        raise StoreError(f"it is a second record of model {model.name!r}, which {other} has")
    if model_key(model) != key:
        raise StoreError(f"it is model {model.name!r}, which belongs elsewhere")
    return order, model
