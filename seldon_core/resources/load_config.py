"""What a client may say when it loads a model: Triton's `config`, as far as it can be kept.

`config` is a Triton model configuration as JSON. Of its fields those are taken that mean one of our
knobs; any other would have no effect, so it is refused by name rather than ignored.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from seldon_core.errors import InvalidRequestError, UnsupportedError
from seldon_core.resources.knobs import KNOBS, PREFIX, Knobs, parse_knobs, show_knobs
from seldon_core.resources.model import ModelSpec

CONFIG = "config"

_TAKEN = (
    "name, dynamic_batching.max_queue_delay_microseconds, "
    f"dynamic_batching.default_queue_policy.max_queue_size and parameters '{PREFIX}…'"
)
_LONGEST = 65_536  # characters of a configuration: what is wrong in it is told as it is
_LONGEST_NUMBER = 18  # digits: all fit 64 bits, and `int` refuses thousands in its own words
_CAPITAL = re.compile("[A-Z]")


def configured(spec: ModelSpec, parameters: Mapping[str, str]) -> ModelSpec:
    """Return `spec` as the parameters of a request to load it want it.

    Raises InvalidRequestError if `config` cannot be read or is another model's, UnsupportedError
    if a parameter or a field of it would have no effect.
    """
    for name in parameters:
        if name != CONFIG:
            raise UnsupportedError(
                f"a model cannot be loaded with the parameter {name[:100]!r}, "
                f"only with {CONFIG!r}: its files are those of its folder"
            )
    text = parameters.get(CONFIG, "")
    if not text:
        return spec
    changes: dict[str, str] = {}
    for field, value in _object(_parsed(text), CONFIG).items():
        if field == "name":
            _check_name(value, spec.name)
        else:
            changes |= _read(_FIELDS, field, value, field)
    return replace(spec, knobs=_changed(spec.knobs, changes))


def _parsed(text: str) -> object:
    if len(text) > _LONGEST:
        raise InvalidRequestError(
            f"the parameter {CONFIG!r} has {len(text)} characters, at most {_LONGEST} are taken"
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"the parameter {CONFIG!r} is no JSON: {error}") from error


def _object(value: object, path: str) -> dict[str, Any]:
    """Return the fields of a JSON object by their names in snake case: protobuf takes both."""
    if not isinstance(value, dict):
        raise InvalidRequestError(f"{path} must be an object, found {value!r}")
    return {
        _CAPITAL.sub(lambda found: f"_{found[0].lower()}", key): it for key, it in value.items()
    }


def _check_name(value: object, name: str) -> None:
    if value != name:
        raise InvalidRequestError(f"{CONFIG} is of model {value!r}, and {name!r} is to be loaded")


def _changed(knobs: Knobs, changes: Mapping[str, str]) -> Knobs:
    try:
        return parse_knobs({**show_knobs(knobs), **changes})
    except ValueError as error:
        raise InvalidRequestError(f"{CONFIG}: {error}") from error


_Reader = Callable[[object, str], dict[str, str]]


def _read(fields: Mapping[str, _Reader], field: str, value: object, path: str) -> dict[str, str]:
    """Return the knobs, as annotations, that a field of the configuration sets."""
    read = fields.get(field)
    if read is None:
        raise UnsupportedError(f"{CONFIG}: {path} has no effect here; what is taken is {_TAKEN}")
    return read(value, path)


def _within(fields: Mapping[str, _Reader]) -> _Reader:
    def read(value: object, path: str) -> dict[str, str]:
        changes: dict[str, str] = {}
        for field, inner in _object(value, path).items():
            changes |= _read(fields, field, inner, f"{path}.{field}")
        return changes

    return read


def _number(value: object, path: str) -> int:
    """Return a whole number, which protobuf's JSON may give as text."""
    text = str(value)
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    if isinstance(value, bool) or not is_number:
        raise InvalidRequestError(f"{CONFIG}: {path} must be a whole number, found {value!r}")
    return int(text)


def _delay(value: object, path: str) -> dict[str, str]:
    microseconds = _number(value, path)
    if microseconds % 1000:
        raise InvalidRequestError(
            f"{CONFIG}: {path} must be whole milliseconds, found {microseconds} microseconds"
        )
    return {KNOBS["max_batch_delay_ms"].name: str(microseconds // 1000)}


def _queue_size(value: object, path: str) -> dict[str, str]:
    size = _number(value, path)
    if not size:  # Triton's word for no limit, where ours would let nobody wait
        raise UnsupportedError(f"{CONFIG}: {path} 0 means no limit, and there always is one here")
    return {KNOBS["max_queue"].name: str(size)}


def _parameters(value: object, path: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidRequestError(f"{path} must be an object, found {value!r}")
    changes: dict[str, str] = {}
    for name, given in value.items():
        if not name.startswith(PREFIX):
            raise UnsupportedError(
                f"{CONFIG}: {path}[{name!r}] has no effect here; what is taken is {_TAKEN}"
            )
        text = _object(given, f"{path}[{name!r}]").get("string_value")
        if not isinstance(text, str):
            raise InvalidRequestError(
                f"{CONFIG}: {path}[{name!r}] must have a text as 'string_value', found {given!r}"
            )
        changes[name] = text
    return changes


_FIELDS: Mapping[str, _Reader] = {
    "dynamic_batching": _within(
        {
            "max_queue_delay_microseconds": _delay,
            "default_queue_policy": _within({"max_queue_size": _queue_size}),
        }
    ),
    "parameters": _parameters,
}
