"""Durations as Go and kubectl write them: `300s`, `1m30s`; and how long something is ago."""

import re
from typing import Final

from seldon_core.errors import InvalidRequestError

_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"(\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})(ns|us|µs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"([+-]?)((?:{_PART.pattern})+|0)", re.ASCII)

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LENGTHS: Final = {"s": 1, "m": _MINUTE, "h": _HOUR, "d": _DAY}
_SHOWN: Final = (  # as kubectl does: below how many seconds, in which unit, with what besides
    (2 * _MINUTE, "s", ""),
    (10 * _MINUTE, "m", "s"),
    (3 * _HOUR, "m", ""),
    (8 * _HOUR, "h", "m"),
    (2 * _DAY, "h", ""),
    (8 * _DAY, "d", "h"),
)


def parse_duration(text: str, option: str) -> float:
    """Return the seconds that `text` says. `option` is where it was given, for the error.

    Raises InvalidRequestError if it is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise InvalidRequestError(
            f"{option}: {text!r} is no duration; write for example 300s, 5m or 1m30s"
        )
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(match[2]))
    return -seconds if match[1] == "-" else seconds


def show_age(seconds: float) -> str:
    """Return how long ago something is, in at most two units: `95s`, `4m10s`, `12d`."""
    whole = max(0, int(seconds))
    for limit, unit, smaller in _SHOWN:
        if whole < limit:
            count, rest = divmod(whole, _LENGTHS[unit])
            rest = rest // _LENGTHS[smaller] if smaller else 0
            return f"{count}{unit}" + (f"{rest}{smaller}" if rest else "")
    return f"{whole // _DAY}d"
