"""The settings of a model that Seldon does not have: what each is, its unit and its default.

In a manifest a knob is the annotation `seldon-core/<name>`, on the gRPC API the model's parameter
of that name. An unknown one is an error. None is passed on to the model. A knob is one field of
`Knobs`: everything else here, and the table in README.md, follows from these fields.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

PREFIX = "seldon-core/"

_WITHIN_A_DAY_MS = 86_400_000
"""More is a slip: nobody waits for an answer for longer than a day."""

_LONGEST_DELAY_MS = 60_000

_WITHIN_A_YEAR_S = 31_536_000

_MOST_CALLS = 1_000_000
"""More is a slip: so many connections there cannot be."""

_DECIMAL = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Knob:
    """How one knob is written. `name` is with the prefix, `values` says what is allowed.

    `default` is as one would write it, "" for none. `read` raises ValueError saying what is wrong.
    """

    name: str
    values: str
    default: str
    doc: str
    read: Callable[[str], object]


def _bool(doc: str) -> dict[str, Any]:
    return _one_of("true", "false", doc=doc, convert=lambda text: text == "true")


def _one_of(*words: str, doc: str, convert: Callable[[str], object] = str) -> dict[str, Any]:
    values = " or ".join(f"'{word}'" for word in words)

    def read(text: str) -> object:
        if text not in words:
            raise ValueError(f"must be {values}, not {text!r}")
        return convert(text)

    return {"values": values, "doc": doc, "read": read}


def _whole(lowest: int, highest: int, what: str, doc: str) -> dict[str, Any]:
    values = f"a whole number of {what} from {lowest} to {highest}"

    def read(text: str) -> int:
        # int() also reads '1_000', ' 1' and digits of other scripts, which no YAML number has.
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(highest))):
            raise ValueError(f"must be {values}, not {text!r}")
        value = int(text)
        if not lowest <= value <= highest:
            raise ValueError(f"must be {values}, not {text!r}")
        return value

    return {"values": values, "doc": doc, "read": read}


def _decimal(highest: int, what: str, doc: str) -> dict[str, Any]:
    values = f"a number of {what} above 0, up to {highest}, such as 2.5"

    def read(text: str) -> float:
        value = float(text) if _DECIMAL.fullmatch(text) else 0.0
        if not 0 < value <= highest:
            raise ValueError(f"must be {values}, not {text!r}")
        return value

    return {"values": values, "doc": doc, "read": read}


@dataclass(frozen=True, slots=True)
class Knobs:
    """A model's knobs. A number that is None is not limited."""

    keep_in_memory: bool = field(
        default=False,
        metadata=_bool("never evicted while it is loaded, however long nobody calls it"),
    )
    isolation: str = field(
        default="auto",
        metadata=_one_of(
            "auto",
            "process",
            doc="'process': loaded and run in a worker process only, never in the server's own",
        ),
    )
    timeout_ms: int | None = field(
        default=None,
        metadata=_whole(
            1,
            _WITHIN_A_DAY_MS,
            "milliseconds",
            "the longest that a call may wait for its answer, from its arrival at the replica; "
            "noticed up to 50 ms late, and the caller's own shorter one still counts",
        ),
    )
    max_batch_delay_ms: int = field(
        default=0,
        metadata=_whole(
            0,
            _LONGEST_DELAY_MS,
            "milliseconds",
            "the longest that a call waits for others to run with as one batch, unless that is "
            "full before; 0: only until the requests that have arrived are read",
        ),
    )
    max_concurrency: int | None = field(
        default=None,
        metadata=_whole(
            1,
            _MOST_CALLS,
            "calls",
            "so many calls are in the model at a time at most, together as one batch; more wait",
        ),
    )
    max_queue: int | None = field(
        default=None,
        metadata=_whole(
            0,
            _MOST_CALLS,
            "calls",
            "so many calls may wait while others are in the model; more get 503 with Retry-After",
        ),
    )
    target_rps: float | None = field(
        default=None,
        metadata=_decimal(
            _MOST_CALLS,
            "requests a second",
            "so many requests a second are for one replica: the model gets as many replicas as "
            "its rate asks for, from minReplicas to maxReplicas, and its server, too",
        ),
    )
    scale_to_zero: bool = field(
        default=False,
        metadata=_bool(
            "unloaded from every replica when nobody calls it for a while; the next call loads it, "
            "and waits for that"
        ),
    )
    scale_to_zero_after_s: int | None = field(
        default=None,
        metadata=_whole(
            1,
            _WITHIN_A_YEAR_S,
            "seconds",
            "for so long nobody calls a model before it is scaled to zero; without it as long as "
            "the setting `scaling.inactivityS` says",
        ),
    )


NO_KNOBS = Knobs()


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value).lower() if isinstance(value, bool) else str(value)


KNOBS: Mapping[str, Knob] = {
    one.name: Knob(
        PREFIX + one.name.replace("_", "-"),
        one.metadata["values"],
        _show(one.default),
        one.metadata["doc"],
        one.metadata["read"],
    )
    for one in fields(Knobs)
}
"""Every knob, by its field of `Knobs`."""

_FIELDS = {knob.name: name for name, knob in KNOBS.items()}


def parse_knobs(given: Mapping[str, str]) -> Knobs:
    """Return the knobs among annotations or parameters; other names are not looked at.

    Raises ValueError, naming the knob, if it is unknown or its value is wrong.
    """
    values: dict[str, Any] = {}
    for name, text in given.items():
        if not name.startswith(PREFIX):
            continue
        known = _FIELDS.get(name)
        if known is None:
            raise ValueError(f"there is no setting {name!r}, {_hint(name)}")
        try:
            values[known] = KNOBS[known].read(text)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from error
    if values.get("scale_to_zero_after_s") is not None and not values.get("scale_to_zero"):
        raise ValueError(
            f"{PREFIX}scale-to-zero-after-s has no effect without {PREFIX}scale-to-zero: 'true'"
        )
    return Knobs(**values) if values else NO_KNOBS


def _hint(name: str) -> str:
    import difflib  # here, since a process that knows its knobs can do without the 84 KiB

    words = [known.removeprefix(PREFIX) for known in _FIELDS]  # all names begin alike
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), words, n=1)
    if nearest:
        return f"did you mean {PREFIX}{nearest[0]}?"
    return f"known: {', '.join(_FIELDS)}"


def show_knobs(knobs: Knobs) -> dict[str, str]:
    """Return the knobs that differ from their default, as annotations."""
    return {
        knob.name: _show(getattr(knobs, name))
        for name, knob in KNOBS.items()
        if getattr(knobs, name) != getattr(NO_KNOBS, name)
    }
