"""What can happen to pipelines and experiments. `now` and `actor` are as in `events`."""

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.scheduler.acknowledgements import Answer
from seldon_core.scheduler.records import StoredExperiment, StoredPipeline


class Side(Enum):
    """Who has to do with a pipeline, each with a state of its own: what runs it, what calls it."""

    ENGINE = "dataflow engine"
    GATEWAY = "pipeline gateway"


@dataclass(frozen=True, slots=True)
class PipelineRestored:
    """A pipeline that was kept when the scheduler ran last."""

    now: float
    stored: StoredPipeline


@dataclass(frozen=True, slots=True)
class PipelineLoadRequested:
    """Somebody declares a pipeline. It is answered by exactly one AnswerCaller.

    The spec is valid and its references are in their full form. `uid` is the id of the version that
    it may become. `only_if_changed`: what is declared already is no new version.
    """

    now: float
    spec: PipelineSpec
    uid: str
    caller: int
    actor: str = ""
    only_if_changed: bool = False


@dataclass(frozen=True, slots=True)
class PipelineUnloadRequested:
    """Somebody wants a pipeline gone. It is answered by exactly one AnswerCaller."""

    now: float
    pipeline: str
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class PipelineMemberJoined:
    """An engine or gateway is there, runs nothing yet, and takes orders."""

    now: float
    side: Side
    member: str


@dataclass(frozen=True, slots=True)
class PipelineMemberLeft:
    """An engine or gateway is gone."""

    now: float
    side: Side
    member: str


@dataclass(frozen=True, slots=True)
class PipelineAcknowledged:
    """An engine or gateway says what became of an order. Answered by exactly one AnswerCaller."""

    now: float
    side: Side
    member: str
    pipeline: str
    version: int
    uid: str
    timestamp: int
    answer: Answer
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentRestored:
    """An experiment that was kept when the scheduler ran last."""

    now: float
    stored: StoredExperiment


@dataclass(frozen=True, slots=True)
class ExperimentStartRequested:
    """Somebody declares an experiment. It is answered by exactly one AnswerCaller."""

    now: float
    spec: ExperimentSpec
    caller: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentStopRequested:
    """Somebody wants an experiment gone. It is answered by exactly one AnswerCaller."""

    now: float
    experiment: str
    caller: int
    actor: str = ""


DeclaredEvent = (
    PipelineRestored
    | PipelineLoadRequested
    | PipelineUnloadRequested
    | PipelineMemberJoined
    | PipelineMemberLeft
    | PipelineAcknowledged
    | ExperimentRestored
    | ExperimentStartRequested
    | ExperimentStopRequested
)


def declared_of(event: DeclaredEvent) -> str | None:
    """Return the route of the pipeline or experiment that an event is about, None for several."""
    match event:
        case PipelineRestored(stored=stored):
            return f"{stored.name}.pipeline"
        case PipelineLoadRequested(spec=spec):
            return f"{spec.name}.pipeline"
        case PipelineUnloadRequested(pipeline=name) | PipelineAcknowledged(pipeline=name):
            return f"{name}.pipeline"
        case ExperimentRestored(stored=kept):
            return f"{kept.name}.experiment"
        case ExperimentStartRequested(spec=split):
            return f"{split.name}.experiment"
        case ExperimentStopRequested(experiment=name):
            return f"{name}.experiment"
        case PipelineMemberJoined() | PipelineMemberLeft():
            return None
        case _:
            assert_never(event)
