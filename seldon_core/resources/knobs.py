"""The settings of a model that Seldon does not have: what each is, its unit and its default.

In a manifest a knob is the annotation `seldon-core/<name>`, on the gRPC API the model's parameter
of that name. An unknown one is an error. None is passed on to the model.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

PREFIX = "seldon-core/"


@dataclass(frozen=True, slots=True)
class Knobs:
    """A model's knobs.

    `keep_in_memory`: never evicted while it is loaded, however long nobody calls it.
    """

    keep_in_memory: bool = False


NO_KNOBS = Knobs()


def _read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"must be 'true' or 'false', not {text!r}")
    return text == "true"


def _show_bool(value: bool) -> str:
    return "true" if value else "false"


_READERS: Mapping[str, Callable[[str], object]] = {"keep_in_memory": _read_bool}
_NAMES = {field.name: PREFIX + field.name.replace("_", "-") for field in fields(Knobs)}
_FIELDS = {name: field for field, name in _NAMES.items()}


def parse_knobs(given: Mapping[str, str]) -> Knobs:
    """Return the knobs among annotations or parameters; other names are not looked at.

    Raises ValueError, naming the knob, if it is unknown or its value is wrong.
    """
    values: dict[str, object] = {}
    for name, text in given.items():
        if not name.startswith(PREFIX):
            continue
        field = _FIELDS.get(name)
        if field is None:
            nearest = difflib.get_close_matches(name, _FIELDS, n=1)
            hint = f", did you mean {nearest[0]}?" if nearest else ""
            raise ValueError(f"there is no setting {name!r}{hint}")
        try:
            values[field] = _READERS[field](text)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
    return Knobs(**values) if values else NO_KNOBS  # type: ignore[arg-type]  # read by its reader


def show_knobs(knobs: Knobs) -> dict[str, str]:
    """Return the knobs that differ from their default, as annotations."""
    return {
        name: _show_bool(getattr(knobs, field))
        for field, name in _NAMES.items()
        if getattr(knobs, field) != getattr(NO_KNOBS, field)
    }
