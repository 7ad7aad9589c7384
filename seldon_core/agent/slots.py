"""A model's place in the pool: where it is in its life, who runs on it and who waits for it."""

from dataclasses import dataclass, field
from enum import Enum, auto

from seldon_core.agent.decisions import ReportLoadFailed, ReportUnloaded


class Residence(Enum):
    """Where a model is in its life. Every state but ABSENT takes memory."""

    ABSENT = auto()
    LOADING = auto()
    RESIDENT = auto()
    UNLOADING = auto()


@dataclass(slots=True, eq=False)
class Slot:
    """One registered model."""

    model: str
    nbytes: int
    max_waiting: int  # requests that may wait for it to come into memory
    residence: Residence = Residence.ABSENT
    admits: bool = False  # RESIDENT, not closed for another and not on its way out
    running: int = 0  # admitted requests and runs, and 1 while it is held; they pin the model
    waiting: dict[int, float] = field(default_factory=dict)  # request -> arrival, oldest first
    is_ordered: bool = True  # the scheduler still waits for the first load
    farewell: ReportUnloaded | ReportLoadFailed | None = (
        None  # said once it is gone, then forgotten
    )
    is_added_again: bool = False  # ordered once more while it was on its way out
    is_kept: bool = False  # never evicted: from its load on it is held, so it is never idle
    is_held: bool = False  # its own pin, which no request ever gives back

    @property
    def is_awaited(self) -> bool:
        """Whether the scheduler waits for a load that has not begun."""
        return self.is_ordered and self.farewell is None and self.residence is Residence.ABSENT
