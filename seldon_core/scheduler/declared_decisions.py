"""What the scheduler asks of its shell for pipelines and experiments."""

from dataclasses import dataclass, field

from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.acknowledgements import Operation
from seldon_core.scheduler.declared_events import Side


@dataclass(frozen=True, slots=True)
class PublishPipeline:
    """Tell whoever watches that a pipeline's status is another one; `told` says it in words."""

    pipeline: str
    told: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PublishExperiment:
    """Tell whoever watches that an experiment's status is another one; `told` says it in words."""

    experiment: str
    told: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class OrderPipeline:
    """Tell an engine or gateway to take a version in or to let it go; it echoes `timestamp`.

    `timestamp` 0 wants no answer: another member has what this one lets go.
    """

    side: Side
    member: str
    operation: Operation
    version: PipelineVersion
    timestamp: int


DeclaredDecision = PublishPipeline | PublishExperiment | OrderPipeline
