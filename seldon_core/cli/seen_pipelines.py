"""Pipelines as the scheduler shows them: the cells of a table, conditions, a manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from seldon_core.cli.seen import Condition, cut, name_of, seconds_of, show_since
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.pipeline_message import pipeline_of
from seldon_core.resources.declared_documents import pipeline_document
from seldon_core.resources.kubernetes import KINDS, PIPELINE, Kind
from seldon_core.resources.model import DEFAULT_NAMESPACE

READY: Final = "PipelineReady"
_TERMINATED: Final = "PipelineTerminated"
_LEAVING: Final = frozenset(
    {"PipelineTerminate", "PipelineTerminating", _TERMINATED, "PipelineFailedTerminating"}
)


@dataclass(frozen=True, slots=True)
class SeenPipeline:
    """A pipeline as its status tells. The version meant is the latest."""

    status: pb.PipelineStatusResponse

    @property
    def kind(self) -> Kind:
        """Pipeline."""
        return KINDS[PIPELINE]

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.status.pipelineName

    @property
    def latest(self) -> pb.PipelineWithState:
        """The version that was declared last."""
        return self.status.versions[-1] if self.status.versions else pb.PipelineWithState()

    @property
    def namespace(self) -> str:
        """What its manifest says, else the default one."""
        return self.latest.pipeline.kubernetesMeta.namespace or DEFAULT_NAMESPACE

    @property
    def state(self) -> str:
        """The name of the state of what runs it, by Seldon."""
        return state_name(self.latest.state.status)

    @property
    def gateway_state(self) -> str:
        """The name of the state of what makes it callable, by Seldon."""
        return state_name(self.latest.state.pipelineGwStatus)

    @property
    def reason(self) -> str:
        """Why it does not answer, "" if nothing is in the way."""
        state = self.latest.state
        if self.state != READY:
            return state.reason
        if self.gateway_state != READY:
            return state.pipelineGwReason
        return "" if state.modelsReady else "some of its models are not available"

    @property
    def summary(self) -> str:
        """State and reason."""
        return ": ".join(part for part in (self.state, self.reason) if part)

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted."""
        return self.state in _LEAVING

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted and nobody has it any more."""
        return self.state == self.gateway_state == _TERMINATED

    @property
    def changed_at(self) -> float:
        """When its state changed last, UTC seconds; 0 if that is not known."""
        return seconds_of(self.latest.state.lastChangeTimestamp)

    def conditions(self) -> list[Condition]:
        """Return Seldon's three, and the `Ready` that every kind has."""
        state = self.latest.state
        message = " | ".join(
            part or "Empty reason" for part in (state.pipelineGwReason, state.reason)
        )
        models = "Models all available" if state.modelsReady else "Some models are not available"
        conditions = [
            Condition("PipelineReady", self.state == READY, self.state, message, self.changed_at),
            Condition(
                "PipelineGwReady",
                self.gateway_state == READY,
                self.gateway_state,
                message,
                self.changed_at,
            ),
            Condition("ModelsReady", state.modelsReady, "", models),
        ]
        failing = next((one for one in conditions if not one.holds), conditions[0])
        ready = Condition(
            "Ready", failing.holds, failing.reason, failing.message, failing.changed_at
        )
        return [*conditions, ready]

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table, the reason cut to what fits beside the rest."""
        return (*self._cells(now), cut(self.reason))

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        pipeline = self.latest.pipeline
        return (
            *self._cells(now),
            str(pipeline.version),
            self.gateway_state,
            ",".join(step.name for step in pipeline.steps),
            self.reason,
        )

    def _cells(self, now: float) -> tuple[str, ...]:
        *_, models, ready = self.conditions()
        return (
            self.name,
            ready.status,
            models.status,
            self.state,
            show_since(self.changed_at, now),
        )

    def document(self) -> dict[str, object]:
        """Return its manifest with its status, as Kubernetes shows it."""
        status: dict[str, object] = {}
        if self.latest.pipeline.kubernetesMeta.generation:
            status["observedGeneration"] = self.latest.pipeline.kubernetesMeta.generation
        status["conditions"] = [condition.document() for condition in self.conditions()]
        return pipeline_document(pipeline_of(self.latest.pipeline)) | {"status": status}


def state_name(number: int) -> str:
    """Return the name of a pipeline's state; the number of one that only newer schedulers know."""
    return name_of(pb.PipelineVersionState.PipelineStatus, number)


def state_names() -> Iterator[str]:
    """Yield the names of the states that a pipeline can be in."""
    for name, number in pb.PipelineVersionState.PipelineStatus.items():
        if number:
            yield name
