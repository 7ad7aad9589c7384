"""What can happen to a model pool. `now` is seconds on the monotonic clock.

`model` is an internal name (`iris_1`): another version of a model is another name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelAdded:
    """The scheduler wants `model` here. `nbytes` is its declared memory, 0 if it is to be measured.

    `is_kept`: once loaded it is never evicted. `max_waiting` requests may wait for it, None: as
    many as the pool allows. It ends with one ReportLoaded or ReportLoadFailed.
    """

    now: float
    model: str
    nbytes: int
    is_kept: bool = False
    max_waiting: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRemoved:
    """The scheduler wants `model` gone. It ends with one ReportUnloaded."""

    now: float
    model: str


@dataclass(frozen=True, slots=True)
class InferArrived:
    """A request needs `model`, which did not admit it at once. An Admit or a Refuse follows."""

    now: float
    model: str
    request: int


@dataclass(frozen=True, slots=True)
class InferAbandoned:
    """The request's client left before its Admit or Refuse, which then does not come."""

    now: float
    model: str
    request: int


@dataclass(frozen=True, slots=True)
class LoadFinished:
    """The runtime holds `model`, which takes `nbytes`."""

    now: float
    model: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class ModelGrew:
    """`model`, in memory or leaving it, takes `nbytes` more: it has a copy in a worker."""

    now: float
    model: str
    nbytes: int


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The runtime could not load `model` and holds none of its memory."""

    now: float
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnloadFinished:
    """The runtime has let go of `model` and its memory."""

    now: float
    model: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The instant that `next_wakeup` named has come."""

    now: float


Event = (
    ModelAdded
    | ModelRemoved
    | InferArrived
    | InferAbandoned
    | LoadFinished
    | ModelGrew
    | LoadFailed
    | UnloadFinished
    | Tick
)
