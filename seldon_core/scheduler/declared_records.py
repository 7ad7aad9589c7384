"""What the scheduler keeps of pipelines and experiments across restarts, as values."""

from dataclasses import dataclass

from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.pipeline import PipelineSpec


@dataclass(frozen=True, slots=True)
class StoredPipelineVersion:
    """One generation of a pipeline; times are UTC seconds.

    `terminated_at` is None while it may still run somewhere.
    """

    number: int
    uid: str
    spec: PipelineSpec
    declared_at: float
    terminated_at: float | None


@dataclass(frozen=True, slots=True)
class StoredPipeline:
    """A pipeline and its versions from the oldest to the latest, of which there is at least one.

    `deleted_at` is when somebody deleted it, None if nobody did.
    """

    name: str
    versions: tuple[StoredPipelineVersion, ...]
    deleted_at: float | None

    @property
    def namespace(self) -> str:
        """The namespace that the pipeline is in."""
        return self.versions[-1].spec.namespace


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """An experiment; `deleted_at` is when somebody stopped it, None if nobody did."""

    name: str
    spec: ExperimentSpec
    declared_at: float
    deleted_at: float | None

    @property
    def namespace(self) -> str:
        """The namespace that the experiment is in."""
        return self.spec.namespace
