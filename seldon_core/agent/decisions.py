"""What a model pool asks of its shell, which carries each decision out in order."""

from dataclasses import dataclass
from enum import Enum


class Refusal(Enum):
    """Why a request may not run."""

    UNKNOWN = "unknown"  # no such model here
    REMOVED = "removed"  # the scheduler took the model away while the request waited
    LOAD_FAILED = "load failed"
    NO_ROOM = "no room"  # worth trying again later


@dataclass(frozen=True, slots=True)
class StartLoad:
    """Load `model`; answer with LoadFinished or LoadFailed.

    `is_reload` is True when it was here before and had been evicted: a cache miss.
    """

    model: str
    is_reload: bool = False


@dataclass(frozen=True, slots=True)
class StartUnload:
    """Unload `model`; answer with UnloadFinished. `is_eviction`: it stays registered."""

    model: str
    is_eviction: bool = True


@dataclass(frozen=True, slots=True)
class Admit:
    """Let `request` run: its model is in memory and stays there until `release`."""

    request: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell `request` that it cannot run; `reason` is a sentence."""

    request: int
    refusal: Refusal
    reason: str


@dataclass(frozen=True, slots=True)
class ReportLoaded:
    """Tell the scheduler that `model` serves."""

    model: str


@dataclass(frozen=True, slots=True)
class ReportLoadFailed:
    """Tell the scheduler that `model` could not be loaded and is forgotten."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportUnloaded:
    """Tell the scheduler that `model` is gone and forgotten."""

    model: str


Decision = (
    StartLoad | StartUnload | Admit | Refuse | ReportLoaded | ReportLoadFailed | ReportUnloaded
)
