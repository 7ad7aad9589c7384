"""What pydantic finds wrong with a manifest, as one sentence about one place each."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from seldon_core.resources.words import did_you_mean, show

_SHOWN = 10  # faults of one document; whoever makes more looks at the first ones anyway

_WANTED = {
    "list_type": "a list",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "int_type": "a whole number",
}


def describe_faults(
    error: ValidationError, models: Mapping[tuple[str, ...], type[BaseModel]]
) -> list[tuple[str, str]]:
    """Return each fault's place, as a dotted path, and a sentence about it.

    `models` are the models of the manifest by their path without list indices, for suggestions.
    """
    faults = [_describe(details, models) for details in error.errors()]
    hidden = len(faults) - _SHOWN
    return faults if hidden <= 0 else [*faults[:_SHOWN], ("", f"and {hidden} faults more")]


def _describe(
    details: ErrorDetails, models: Mapping[tuple[str, ...], type[BaseModel]]
) -> tuple[str, str]:
    place = ".".join(str(part) for part in details["loc"])
    kind, found, limits = details["type"], show(details["input"]), details.get("ctx", {})
    if kind in _WANTED:
        return place, f"must be {_WANTED[kind]}, not {found}"
    match kind:
        case "extra_forbidden":
            return place, "unknown field" + _suggestion(details["loc"], models)
        case "missing":
            return place, "is missing"
        case "value_error":
            return place, str(limits["error"])
        case "string_type":
            quotes = "; put it in quotes" if isinstance(details["input"], int | float) else ""
            return place, f"must be text, not {found}{quotes}"
        case "string_too_short":
            return place, "must not be empty"
        case "greater_than_equal":
            return place, f"must be at least {limits['ge']}, not {found}"
        case "less_than_equal":
            return place, f"must be at most {limits['le']}, not {found}"
        case _:
            message = details["msg"][0].lower() + details["msg"][1:]
            return place, f"{message}, not {found}"


def _suggestion(loc: Sequence[int | str], models: Mapping[tuple[str, ...], type[BaseModel]]) -> str:
    parents = tuple(str(part) for part in loc[:-1] if not isinstance(part, int))
    known = [to_camel(name) for name in models[parents].model_fields]
    return did_you_mean(str(loc[-1]), known)
