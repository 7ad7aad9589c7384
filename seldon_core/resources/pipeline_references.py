"""How a pipeline names data: of its own steps, of its own inputs, and of other pipelines.

    step, step.inputs, step.outputs, step.outputs.tensor       and with the pipeline's own name
    other, other.outputs[.tensor], other.step.s[.outputs[.tensor]]     outside

A bare step means its outputs, the pipeline's bare name its inputs.
"""

from dataclasses import replace
from typing import Final

from seldon_core.resources.pipeline import PipelineSpec, PipelineStep

INPUTS: Final = "inputs"
OUTPUTS: Final = "outputs"
SPECIFIERS: Final = (INPUTS, OUTPUTS)

_STEP: Final = "step"


def normalised(spec: PipelineSpec) -> PipelineSpec:
    """Return `spec` with every reference in its full form; malformed ones stay as they are."""
    feed, output = spec.input, spec.output
    if feed is not None:
        feed = replace(
            feed,
            external_inputs=tuple(map(full_external, feed.external_inputs)),
            external_triggers=tuple(map(full_external, feed.external_triggers)),
        )
    if output is not None:
        output = replace(output, steps=_full(output.steps, spec.name))
    steps = tuple(_normalised_step(step, spec.name) for step in spec.steps)
    return replace(spec, steps=steps, input=feed, output=output)


def full_external(reference: str) -> str:
    """Return a reference to another pipeline in its full form."""
    parts = reference.split(".")
    is_pipeline = len(parts) == 1
    is_step = len(parts) == 3 and parts[1] == _STEP
    return f"{reference}.{OUTPUTS}" if reference and (is_pipeline or is_step) else reference


def source_of(reference: str) -> str:
    """Return the step that a reference is about, or the pipeline's own name."""
    return reference.partition(".")[0]


def is_reference(reference: str) -> bool:
    """Return whether a full reference is `source.inputs|outputs[.tensor]`."""
    parts = reference.split(".")
    return len(parts) in (2, 3) and parts[1] in SPECIFIERS and all(parts)


def is_tensor(reference: str) -> bool:
    """Return whether a key of a tensor map is `source.inputs|outputs.tensor`.

    Names of tensors may have dots in them.
    """
    source, _, rest = reference.partition(".")
    specifier, _, tensor = rest.partition(".")
    return bool(source and tensor) and specifier in SPECIFIERS


def is_external_tensor(reference: str) -> bool:
    """Return whether a key of the input's tensor map is one tensor of another pipeline."""
    pipeline, _, rest = reference.partition(".")
    step = rest.removeprefix(f"{_STEP}.")
    return is_tensor(reference) or (bool(pipeline) and step != rest and is_tensor(step))


def external_fault(reference: str) -> str:
    """Return what is wrong with a full reference to another pipeline, "" if nothing is."""
    pipeline, *rest = reference.split(".")
    if not pipeline:
        return "the name of the pipeline is empty"
    if not all(rest):
        return "a part of it is empty"
    if rest[0] == _STEP:
        if len(rest) not in (3, 4) or rest[2] not in SPECIFIERS:
            return "after step it needs the step's name and then inputs or outputs"
        return ""
    if rest[0] not in SPECIFIERS:
        return f"{rest[0]!r} is not inputs, outputs or step"
    if len(rest) > 2:
        return "it has more parts than pipeline.outputs.tensor"
    return ""


def _normalised_step(step: PipelineStep, pipeline: str) -> PipelineStep:
    return replace(
        step, inputs=_full(step.inputs, pipeline), triggers=_full(step.triggers, pipeline)
    )


def _full(references: tuple[str, ...], pipeline: str) -> tuple[str, ...]:
    return tuple(_full_one(reference, pipeline) for reference in references)


def _full_one(reference: str, pipeline: str) -> str:
    if not reference or "." in reference:
        return reference
    return f"{reference}.{INPUTS if reference == pipeline else OUTPUTS}"
