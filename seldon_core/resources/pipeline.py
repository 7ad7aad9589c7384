"""A Pipeline as the process knows it: models as steps, and how data goes from one to the next.

References are texts, `step.outputs` or `step.outputs.tensor`: see `pipeline_references`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from seldon_core.resources.model import DEFAULT_NAMESPACE, KubernetesMeta


class JoinOp(Enum):
    """How messages of several sources become one: all of them, those that came in time, any."""

    INNER = "inner"
    OUTER = "outer"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """One call of the model `name`.

    Without `inputs` it gets what the pipeline was given. `triggers` must have come as well, and
    their data is not used. `join_window_ms` is None for the engine's own. `tensor_map` renames
    tensors on the way in, by reference. `batch_size` rows are gathered, for `batch_window_ms` at
    most; None where it is not given.
    """

    name: str
    inputs: tuple[str, ...] = ()
    inputs_join: JoinOp = JoinOp.INNER
    join_window_ms: int | None = None
    tensor_map: Mapping[str, str] = field(default_factory=dict)
    triggers: tuple[str, ...] = ()
    triggers_join: JoinOp = JoinOp.INNER
    batch_size: int | None = None
    batch_window_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PipelineInput:
    """What feeds a pipeline besides its callers: outputs, or parts, of other pipelines."""

    external_inputs: tuple[str, ...] = ()
    external_triggers: tuple[str, ...] = ()
    join: JoinOp = JoinOp.INNER
    triggers_join: JoinOp = JoinOp.INNER
    join_window_ms: int | None = None
    tensor_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PipelineOutput:
    """What a pipeline answers. `join_window_ms` is 0 for the engine's own."""

    steps: tuple[str, ...] = ()
    join: JoinOp = JoinOp.INNER
    join_window_ms: int = 0
    tensor_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """What a user declared. Without an `output` nobody is answered.

    `max_step_revisits` bounds how often a message passes a step where `allow_cycles` lets it come
    back, 0 for no bound of its own.
    """

    name: str
    steps: tuple[PipelineStep, ...] = ()
    input: PipelineInput | None = None
    output: PipelineOutput | None = None
    clean_topics_on_delete: bool = False
    allow_cycles: bool = False
    max_step_revisits: int = 0
    meta: KubernetesMeta | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the pipeline is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE

    @property
    def models(self) -> tuple[str, ...]:
        """The models that its steps call."""
        return tuple(step.name for step in self.steps)


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One generation of a pipeline: the spec, its number from 1, and an id that no other has."""

    spec: PipelineSpec
    version: int
    uid: str
