"""What the model repository extension tells of models."""

from dataclasses import dataclass
from enum import Enum


class IndexState(Enum):
    """The state of a model in the repository's index, by Triton's names."""

    UNKNOWN = "UNKNOWN"
    READY = "READY"
    UNAVAILABLE = "UNAVAILABLE"
    LOADING = "LOADING"
    UNLOADING = "UNLOADING"


@dataclass(frozen=True, slots=True)
class ModelIndex:
    """One version of a model. `reason` says why it is not ready, "" if it is."""

    name: str
    version: str
    state: IndexState
    reason: str = ""
