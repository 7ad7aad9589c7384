"""Reads the plain values of records: each reader returns one or says what is wrong with it.

What reads a value returns it or raises ValueError: what was wanted, what was found.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def fields(value: object, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Read a map with exactly the fields of `readers`, each by its reader."""
    if not isinstance(value, dict) or value.keys() != readers.keys():
        found = sorted(map(str, value)) if isinstance(value, dict) else repr(value)
        raise ValueError(f"wanted the fields {sorted(readers)}, found {found}")
    read_fields = {}
    for name, read in readers.items():
        try:
            read_fields[name] = read(value[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return read_fields


def exactly(kind: type[T]) -> Callable[[object], T]:
    """Return the reader of values of one type, without its subtypes."""

    def read(value: object) -> T:
        if type(value) is not kind:  # a bool is an int, which is not what is meant
            raise ValueError(f"wanted {kind.__name__}, found {value!r}")
        return value

    return read


text = exactly(str)
"""Reads a text."""

whole = exactly(int)
"""Reads a whole number."""

truth = exactly(bool)
"""Reads true or false."""


def seconds(value: object) -> float:
    """Read a time."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        raise ValueError("wanted a time in seconds, found a number that is none") from None
    raise ValueError(f"wanted a time in seconds, found {value!r}")


def or_none(read: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the reader of what `read` reads, or of None."""
    return lambda value: None if value is None else read(value)


def list_of(read: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """Return the reader of lists of what `read` reads."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ValueError(f"wanted a list, found {value!r}")
        return tuple(map(read, value))

    return read_all


def texts_by_name(value: object) -> dict[str, str]:
    """Read a map of texts."""
    if not isinstance(value, dict):
        raise ValueError(f"wanted a map of texts, found {value!r}")
    return {text(name): text(found) for name, found in value.items()}
