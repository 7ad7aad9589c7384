"""The kind Pipeline as a user writes it, checked by pydantic field by field."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from seldon_core.resources.declared_parts import DeclaredMetadata
from seldon_core.resources.manifest_parts import Manifest, Strict
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.resources.pipeline_checks import checked
from seldon_core.resources.words import did_you_mean, show

_MAX_UINT32: Final = 2**32 - 1
_JOINS: Final = tuple(join.value for join in JoinOp)


def _join_of(value: object) -> object:
    if value not in _JOINS:
        hint = did_you_mean(str(value), _JOINS) or f"; there are: {', '.join(_JOINS)}"
        raise ValueError(f"there is no join {show(value)}{hint}")
    return JoinOp(value)


Whole = Annotated[int, Field(ge=0, le=_MAX_UINT32, strict=True)]
Join = Annotated[JoinOp, BeforeValidator(_join_of)]


class Batch(Strict):
    """How many rows a step gathers. `rolling` has no effect, as in Seldon."""

    size: Whole | None = None
    window_ms: Whole | None = None
    rolling: StrictBool = False


class Step(Strict):
    """One model of the pipeline, and where its data comes from."""

    name: str
    inputs: list[str] = Field(default_factory=list)
    join_window_ms: Whole | None = None
    tensor_map: dict[str, str] = Field(default_factory=dict)
    triggers: list[str] = Field(default_factory=list)
    inputs_join_type: Join = JoinOp.INNER
    triggers_join_type: Join = JoinOp.INNER
    batch: Batch | None = None

    def to_step(self) -> PipelineStep:
        """Return the step as the process knows it."""
        batch = self.batch or Batch()
        return PipelineStep(
            self.name,
            tuple(self.inputs),
            self.inputs_join_type,
            self.join_window_ms,
            self.tensor_map,
            tuple(self.triggers),
            self.triggers_join_type,
            batch.size,
            batch.window_ms,
        )


class Input(Strict):
    """What feeds the pipeline besides its callers."""

    external_inputs: list[str] = Field(default_factory=list)
    external_triggers: list[str] = Field(default_factory=list)
    join_window_ms: Whole | None = None
    join_type: Join = JoinOp.INNER
    triggers_join_type: Join = JoinOp.INNER
    tensor_map: dict[str, str] = Field(default_factory=dict)

    def to_input(self) -> PipelineInput:
        """Return the input as the process knows it."""
        return PipelineInput(
            tuple(self.external_inputs),
            tuple(self.external_triggers),
            self.join_type,
            self.triggers_join_type,
            self.join_window_ms,
            self.tensor_map,
        )


class Output(Strict):
    """What the pipeline answers."""

    steps: list[str] = Field(default_factory=list)
    join_window_ms: Whole = 0
    steps_join: Join = JoinOp.INNER
    tensor_map: dict[str, str] = Field(default_factory=dict)

    def to_output(self) -> PipelineOutput:
        """Return the output as the process knows it."""
        return PipelineOutput(
            tuple(self.steps), self.steps_join, self.join_window_ms, self.tensor_map
        )


class PipelineDataflow(Strict):
    """What becomes of a pipeline's Kafka topics."""

    clean_topics_on_delete: StrictBool = False


class PipelineDeclaration(Strict):
    """The `spec` of a Pipeline."""

    input: Input | None = None
    steps: list[Step]
    output: Output | None = None
    dataflow: PipelineDataflow | None = None
    allow_cycles: StrictBool = False
    max_step_revisits: Whole = 0


class PipelineManifest(Manifest):
    """A Pipeline as Kubernetes would store it."""

    metadata: DeclaredMetadata
    spec: PipelineDeclaration

    def to_spec(self) -> PipelineSpec:
        """Return the declared pipeline, every reference in its full form.

        Raises InvalidResourceError if it is no valid pipeline.
        """
        spec = self.spec
        declared = PipelineSpec(
            name=self.metadata.name,
            steps=tuple(step.to_step() for step in spec.steps),
            input=None if spec.input is None else spec.input.to_input(),
            output=None if spec.output is None else spec.output.to_output(),
            clean_topics_on_delete=bool(spec.dataflow and spec.dataflow.clean_topics_on_delete),
            allow_cycles=spec.allow_cycles,
            max_step_revisits=spec.max_step_revisits,
            meta=self.metadata.to_meta(),
        )
        return checked(declared, "spec.")

    def notices(self) -> list[str]:
        """Return sentences about what has no effect here."""
        return [
            f"step {step.name!r}: batch.{field} has no effect, as in Seldon"
            for step in self.spec.steps
            if step.batch is not None
            for field, is_set in (
                ("rolling", step.batch.rolling),
                ("windowMs", step.batch.window_ms is not None),
            )
            if is_set
        ]


PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): PipelineManifest,
    ("spec",): PipelineDeclaration,
    ("spec", "input"): Input,
    ("spec", "steps"): Step,
    ("spec", "steps", "batch"): Batch,
    ("spec", "output"): Output,
    ("spec", "dataflow"): PipelineDataflow,
}
"""Each part of the manifest that refuses unknown fields, by its path without list indices."""
