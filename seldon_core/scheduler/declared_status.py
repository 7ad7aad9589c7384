"""What operators see of pipelines and experiments, as values that no later event changes."""

from dataclasses import dataclass

from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.declared_state import PipelineState


@dataclass(frozen=True, slots=True)
class PipelineVersionStatus:
    """One version of a pipeline; `changed_at` is UTC seconds.

    `state` is the side of what runs it, `gateway_state` that of what makes it callable.
    """

    version: PipelineVersion
    state: PipelineState
    reason: str
    gateway_state: PipelineState
    gateway_reason: str
    models_ready: bool
    changed_at: float

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        states = (self.state, self.gateway_state)
        return self.models_ready and all(state is PipelineState.READY for state in states)


@dataclass(frozen=True, slots=True)
class PipelineStatus:
    """A pipeline with its versions from the oldest to the latest."""

    name: str
    is_deleted: bool
    versions: tuple[PipelineVersionStatus, ...]

    @property
    def latest(self) -> PipelineVersionStatus:
        """The version that was declared last."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class ExperimentStatus:
    """An experiment. `description` says why it is not active, or that it is."""

    spec: ExperimentSpec
    is_deleted: bool
    is_active: bool
    candidates_ready: bool
    mirror_ready: bool
    description: str

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.spec.name
