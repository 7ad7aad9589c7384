"""What every resource that the scheduler shows can be asked, of whatever kind it is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from seldon_core.cli.durations import show_age
from seldon_core.resources.kubernetes import (
    CONFIG_MAP,
    EXPERIMENT,
    MODEL,
    PIPELINE,
    SECRET,
    SERVER,
    SERVER_CONFIG,
    Kind,
)

NOTHING: Final = "<none>"
"""What a table shows where there is nothing, as kubectl does."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A statement about a resource and whether it holds; `changed_at` is UTC seconds, 0 unknown."""

    type: str
    holds: bool
    reason: str = ""
    message: str = ""
    changed_at: float = 0.0

    @property
    def status(self) -> str:
        """Whether it holds, as Kubernetes writes it."""
        return "True" if self.holds else "False"

    def document(self) -> dict[str, object]:
        """Return the condition as it stands in a status."""
        document: dict[str, object] = {"type": self.type, "status": self.status}
        if self.changed_at:
            document["lastTransitionTime"] = show_time(self.changed_at)
        return document | {
            name: text
            for name, text in (("reason", self.reason), ("message", self.message))
            if text
        }


class Resource(Protocol):
    """What every kind of resource can be asked."""

    @property
    def kind(self) -> Kind:
        """Its kind."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def namespace(self) -> str:
        """Its namespace, "" if it is in all of them."""

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted, even if not all of it is gone yet."""

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted and nothing of it is left."""

    @property
    def state(self) -> str:
        """The name of its state, "" if its kind has none."""

    @property
    def summary(self) -> str:
        """Its state and the reason in a few words."""

    def conditions(self) -> list[Condition]:
        """Return what can be waited for, and whether it holds."""

    def cells(self, now: float) -> tuple[str, ...]:
        """Return its row in a table at `now`, UTC seconds; see `HEADERS`."""

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return its row in a wide table; see `WIDE_HEADERS`."""

    def document(self) -> dict[str, object]:
        """Return its manifest with its status."""


HEADERS: Final = {
    MODEL: ("NAME", "READY", "DESIRED", "AVAILABLE", "STATE", "CHANGED", "REASON"),
    SERVER: ("NAME", "READY", "REPLICAS", "MODELS", "MEMORY", "FREE"),
    SERVER_CONFIG: ("NAME", "MEMORY", "CAPABILITIES"),
    PIPELINE: ("NAME", "READY", "MODELS", "STATE", "CHANGED", "REASON"),
    EXPERIMENT: ("NAME", "READY", "DEFAULT", "SPLIT", "REASON"),
    SECRET: ("NAME", "TYPE", "DATA", "REMOTE"),
    CONFIG_MAP: ("NAME", "REMOTES", "PROBLEMS"),
}
WIDE_HEADERS: Final = {
    MODEL: (
        *HEADERS[MODEL][:-1],
        "VERSION",
        "SERVER",
        "MEMORY",
        "REQUIREMENTS",
        "STORAGE URI",
        HEADERS[MODEL][-1],
    ),
    SERVER: (*HEADERS[SERVER], "EXPECTED", "OVER-COMMIT"),
    SERVER_CONFIG: (*HEADERS[SERVER_CONFIG], "OVER-COMMIT", "PYTHON"),
    PIPELINE: (*HEADERS[PIPELINE][:-1], "VERSION", "GATEWAY", "STEPS", HEADERS[PIPELINE][-1]),
    EXPERIMENT: (
        *HEADERS[EXPERIMENT][:-1],
        "ACTIVE",
        "CANDIDATES",
        "MIRROR",
        "OF",
        HEADERS[EXPERIMENT][-1],
    ),
    SECRET: (*HEADERS[SECRET], "KEYS", "MODELS", "PROBLEM"),
    CONFIG_MAP: (*HEADERS[CONFIG_MAP], "SECRETS"),
}

_REASON: Final = 80  # characters of a reason in a table; a wide one has all of it


def cut(reason: str) -> str:
    """Return a reason as it fits into a table beside the rest."""
    return reason if len(reason) <= _REASON else f"{reason[: _REASON - 1]}…"


def name_of(enum: Any, number: int) -> str:
    """Return the name of a number of an enum; the number if only newer schedulers know it."""
    try:
        return str(enum.Name(number))
    except ValueError:
        return str(number)


def seconds_of(timestamp: Any) -> float:
    """Return a protobuf timestamp as UTC seconds; 0 for none and for Go's year 1."""
    seconds = timestamp.seconds + timestamp.nanos / 1e9
    return float(max(0.0, seconds))


def show_time(seconds: float) -> str:
    """Return an instant as Kubernetes writes it: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_since(seconds: float, now: float) -> str:
    """Return how long ago an instant is at `now`."""
    return show_age(now - seconds) if seconds else "<unknown>"


class Statusless:
    """What a resource without a status is in each view: one that is declared, or not shown."""

    __slots__ = ()

    @property
    def is_deleted(self) -> bool:
        """One that was deleted is not shown at all."""
        return False

    @property
    def is_gone(self) -> bool:
        """As above."""
        return False

    @property
    def state(self) -> str:
        """There is none."""
        return ""

    @property
    def summary(self) -> str:
        """That it is there."""
        return "declared"

    def conditions(self) -> list[Condition]:
        """Return nothing."""
        return []
