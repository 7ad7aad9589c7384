"""Which settings may change while a process runs, and what becomes of those read again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from seldon_core.config.settings import Settings, build_settings, known_settings

LIVE: Final = frozenset(
    {
        *(
            f"listener.{field}"
            for field in (
                "connections",
                "streams",
                "resetsPerS",
                "settingsPerS",
                "pingsPerS",
                "emptyDataPerS",
                "windowUpdatesPerS",
                "headerBytes",
                "headerCount",
                "bodyBytes",
                "gzipRatio",
                "outstanding",
                "writeBufferBytes",
                "headTimeoutS",
                "bodyIdleTimeoutS",
                "bodyBytesPerS",
                "writeBytesPerS",
                "stallTimeoutS",
                "idleTimeoutS",
                "lingerS",
                "drainTimeoutS",
            )
        ),
        "payload.inFlightBytes",
        *(
            f"scaling.{field}"
            for field in (
                "models",
                "servers",
                "periodS",
                "lag",
                "inactivityS",
                "stableS",
                "upWindowS",
                "downWindowS",
                "wakeTimeoutS",
                "wakeQueue",
                "packing",
            )
        ),
        "log.level",
        "log.levels",
        "log.format",
    }
)
"""What changes while the process runs: limits of connections that begin from then on, scaling, and
the log. The rest is built into parts that live as long as the process."""


@dataclass(frozen=True, slots=True)
class Changed:
    """New settings: `settings` with what may change, the names of that, and of what may not."""

    settings: Settings
    taken: tuple[str, ...]
    refused: tuple[str, ...]


def merge(old: Settings, new: Settings) -> Changed:
    """Return `old` with those of the differences to `new` that may be while the process runs."""
    taken, refused = [], []
    tree: dict[str, dict[str, Any]] = {}
    for name, setting in known_settings().items():
        before, after = (_value(each, setting.group, setting.field) for each in (old, new))
        is_taken = name in LIVE and before != after
        if is_taken:
            taken.append(name)
        elif before != after:
            refused.append(name)
        tree.setdefault(setting.group, {})[setting.field] = after if is_taken else before
    return Changed(build_settings(tree), tuple(taken), tuple(refused))


def log_levels_between(old: Mapping[str, str], new: Mapping[str, str]) -> Mapping[str, str]:
    """Return what to set for components to log as `new` says: "" for those that are not in it."""
    return {**dict.fromkeys(old, ""), **new}


def _value(settings: Settings, group: str, field: str) -> object:
    return getattr(getattr(settings, group), field)
