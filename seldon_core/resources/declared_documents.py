"""Pipelines and experiments as the manifests that declare them, fields at their default left out.

Without pydantic, so that `get -o yaml` need not wait for it; reading is in `manifests`.
"""

from collections.abc import Mapping

from seldon_core.resources.experiment import ExperimentSpec, ResourceType
from seldon_core.resources.kubernetes import API_VERSION, EXPERIMENT, PIPELINE
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)


def pipeline_document(spec: PipelineSpec) -> dict[str, object]:
    """Return the manifest that declares a pipeline."""
    fields: dict[str, object] = {}
    if spec.input is not None:
        fields["input"] = _input(spec.input)
    fields["steps"] = [_step(step) for step in spec.steps]
    if spec.output is not None:
        fields["output"] = _output(spec.output)
    if spec.clean_topics_on_delete:
        fields["dataflow"] = {"cleanTopicsOnDelete": True}
    fields |= _given(allowCycles=spec.allow_cycles, maxStepRevisits=spec.max_step_revisits)
    return _document(PIPELINE, spec.name, spec.meta, fields)


def experiment_document(spec: ExperimentSpec) -> dict[str, object]:
    """Return the manifest that declares an experiment."""
    fields = _given(default=spec.default)
    fields["candidates"] = [
        {"name": candidate.name, "weight": candidate.weight} for candidate in spec.candidates
    ]
    if spec.mirror is not None:
        fields["mirror"] = {"name": spec.mirror.name, "percent": spec.mirror.percent}
    if spec.resource_type is not ResourceType.MODEL:
        fields["resourceType"] = spec.resource_type.value
    return _document(EXPERIMENT, spec.name, spec.meta, fields)


def _document(
    kind: str, name: str, meta: KubernetesMeta | None, spec: dict[str, object]
) -> dict[str, object]:
    metadata: dict[str, object] = {"name": name}
    if meta is not None:
        metadata |= _given(namespace=meta.namespace, generation=meta.generation)
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _step(step: PipelineStep) -> dict[str, object]:
    batch = _told(size=step.batch_size, windowMs=step.batch_window_ms)
    return {
        "name": step.name,
        **_given(inputs=list(step.inputs)),
        **_told(joinWindowMs=step.join_window_ms),
        **_given(tensorMap=dict(step.tensor_map), triggers=list(step.triggers)),
        **_joins(inputsJoinType=step.inputs_join, triggersJoinType=step.triggers_join),
        **_given(batch=batch),
    }


def _input(feed: PipelineInput) -> dict[str, object]:
    return {
        **_given(
            externalInputs=list(feed.external_inputs), externalTriggers=list(feed.external_triggers)
        ),
        **_told(joinWindowMs=feed.join_window_ms),
        **_joins(joinType=feed.join, triggersJoinType=feed.triggers_join),
        **_given(tensorMap=dict(feed.tensor_map)),
    }


def _output(output: PipelineOutput) -> dict[str, object]:
    return {
        "steps": list(output.steps),
        **_given(joinWindowMs=output.join_window_ms),
        **_joins(stepsJoin=output.join),
        **_given(tensorMap=dict(output.tensor_map)),
    }


def _joins(**joins: JoinOp) -> Mapping[str, object]:
    return {name: join.value for name, join in joins.items() if join is not JoinOp.INNER}


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}


def _told(**fields: int | None) -> dict[str, object]:
    """Numbers that may be 0 and still were given."""
    return {name: value for name, value in fields.items() if value is not None}
