"""The scheduler API's Pipeline message: what it declares, and how one is echoed in statuses.

Unlike Seldon's statuses ours tell everything that was declared, `allowCycles` among it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.declaration_size import check_size
from seldon_core.protocol.model_message import kubernetes_message, kubernetes_meta
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
    PipelineVersion,
)
from seldon_core.resources.pipeline_checks import checked

# The same in each of the three messages that have an enum of their own for it.
_JOINS: Final[Sequence[JoinOp]] = (JoinOp.INNER, JoinOp.OUTER, JoinOp.ANY)


def pipeline_of(message: pb.Pipeline) -> PipelineSpec:
    """Return what `message` declares, every reference in its full form.

    Raises InvalidResourceError, with the path of the field in the message, if it is no valid
    pipeline.
    """
    check_size(message, "pipeline")
    declared = PipelineSpec(
        name=message.name,
        steps=tuple(_step(step, place) for place, step in enumerate(message.steps)),
        input=_input(message.input) if message.HasField("input") else None,
        output=_output(message.output) if message.HasField("output") else None,
        clean_topics_on_delete=message.dataflowSpec.cleanTopicsOnDelete,
        allow_cycles=message.allowCycles,
        max_step_revisits=message.maxStepRevisits,
        meta=kubernetes_meta(message.kubernetesMeta, "kubernetesMeta")
        if message.HasField("kubernetesMeta")
        else None,
    )
    return checked(declared)


def pipeline_message(spec: PipelineSpec) -> pb.Pipeline:
    """Return the message that declares `spec`; what has its default value is left out of it."""
    return pb.Pipeline(
        name=spec.name,
        steps=[_step_message(step) for step in spec.steps],
        input=None if spec.input is None else _input_message(spec.input),
        output=None if spec.output is None else _output_message(spec.output),
        kubernetesMeta=kubernetes_message(spec.meta),
        dataflowSpec=pb.DataflowSpec(cleanTopicsOnDelete=True)
        if spec.clean_topics_on_delete
        else None,
        allowCycles=spec.allow_cycles,
        maxStepRevisits=spec.max_step_revisits,
    )


def pipeline_version_message(version: PipelineVersion) -> pb.Pipeline:
    """Return the message of a version, with its number and id and, as Seldon's, sorted steps."""
    steps = sorted(version.spec.steps, key=lambda step: step.name)
    message = pipeline_message(replace(version.spec, steps=tuple(steps)))
    message.version, message.uid = version.version, version.uid
    return message


def _join(number: int, path: str) -> JoinOp:
    if not 0 <= number < len(_JOINS):
        raise InvalidResourceError(path, f"{number} is none of INNER (0), OUTER (1), ANY (2)")
    return _JOINS[number]


def _step(step: pb.PipelineStep, place: int) -> PipelineStep:
    path = f"steps.{place}"
    batch = step.batch
    return PipelineStep(
        step.name,
        tuple(step.inputs),
        _join(step.inputsJoin, f"{path}.inputsJoin"),
        step.joinWindowMs if step.HasField("joinWindowMs") else None,
        dict(step.tensorMap),
        tuple(step.triggers),
        _join(step.triggersJoin, f"{path}.triggersJoin"),
        batch.size if batch.HasField("size") else None,
        batch.windowMs if batch.HasField("windowMs") else None,
    )


def _input(feed: pb.PipelineInput) -> PipelineInput:
    return PipelineInput(
        tuple(feed.externalInputs),
        tuple(feed.externalTriggers),
        _join(feed.joinType, "input.joinType"),
        _join(feed.triggersJoin, "input.triggersJoin"),
        feed.joinWindowMs if feed.HasField("joinWindowMs") else None,
        dict(feed.tensorMap),
    )


def _output(output: pb.PipelineOutput) -> PipelineOutput:
    return PipelineOutput(
        tuple(output.steps),
        _join(output.stepsJoin, "output.stepsJoin"),
        output.joinWindowMs,
        dict(output.tensorMap),
    )


def _step_message(step: PipelineStep) -> pb.PipelineStep:
    has_batch = step.batch_size is not None or step.batch_window_ms is not None
    return pb.PipelineStep(
        name=step.name,
        inputs=step.inputs,
        joinWindowMs=step.join_window_ms,
        tensorMap=step.tensor_map,
        inputsJoin=step.inputs_join.name,
        triggers=step.triggers,
        triggersJoin=step.triggers_join.name,
        batch=pb.Batch(size=step.batch_size, windowMs=step.batch_window_ms) if has_batch else None,
    )


def _input_message(feed: PipelineInput) -> pb.PipelineInput:
    return pb.PipelineInput(
        externalInputs=feed.external_inputs,
        externalTriggers=feed.external_triggers,
        joinWindowMs=feed.join_window_ms,
        joinType=feed.join.name,
        triggersJoin=feed.triggers_join.name,
        tensorMap=feed.tensor_map,
    )


def _output_message(output: PipelineOutput) -> pb.PipelineOutput:
    return pb.PipelineOutput(
        steps=output.steps,
        joinWindowMs=output.join_window_ms,
        stepsJoin=output.join.name,
        tensorMap=output.tensor_map,
    )
