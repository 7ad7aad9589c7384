"""How a pipeline is written down: as maps, lists, texts and numbers, and back."""

from collections.abc import Callable
from typing import Any

from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.scheduler.records import StoredPipeline, StoredPipelineVersion
from seldon_core.scheduler.store_models import plain_meta, read_meta
from seldon_core.scheduler.store_values import (
    fields,
    list_of,
    or_none,
    seconds,
    text,
    texts_by_name,
    truth,
    whole,
)


def plain_pipeline(pipeline: StoredPipeline) -> dict[str, Any]:
    """Return a pipeline as maps, lists, texts and numbers, which JSON and msgpack both know."""
    return {
        "name": pipeline.name,
        "versions": [_plain_version(version) for version in pipeline.versions],
        "deleted_at": pipeline.deleted_at,
    }


def read_pipeline(value: object) -> StoredPipeline:
    """Return what `plain_pipeline` was given. Raises ValueError if it cannot be a pipeline."""
    pipeline = StoredPipeline(**fields(value, _PIPELINE))
    check_pipeline(pipeline)
    return pipeline


def check_pipeline(pipeline: StoredPipeline) -> None:
    """Raise ValueError if something else reads the parts of `pipeline` than what they say."""
    numbers = [version.number for version in pipeline.versions]
    if not numbers or numbers[0] < 1 or sorted(set(numbers)) != numbers:
        raise ValueError(f"wanted versions of rising numbers from 1, found {numbers}")
    for version in pipeline.versions:
        if version.spec.name != pipeline.name:
            raise ValueError(f"version {version.number} of {pipeline.name!r} is of another one")


def _plain_version(version: StoredPipelineVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "uid": version.uid,
        "spec": _plain_spec(version.spec),
        "declared_at": version.declared_at,
        "terminated_at": version.terminated_at,
    }


def _plain_spec(spec: PipelineSpec) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(spec, name) for name in _SPEC}
    plain["steps"] = [_plain_part(step, _STEP) for step in spec.steps]
    plain["input"] = spec.input and _plain_part(spec.input, _INPUT)
    plain["output"] = spec.output and _plain_part(spec.output, _OUTPUT)
    plain["meta"] = plain_meta(spec.meta)
    return plain


def _plain_part(
    part: PipelineStep | PipelineInput | PipelineOutput, readers: dict[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    return {name: _plain_value(getattr(part, name)) for name in readers}


def _plain_value(value: Any) -> Any:
    if isinstance(value, JoinOp):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    return value


def _join(value: object) -> JoinOp:
    return JoinOp(text(value))


_STEP: dict[str, Callable[[Any], Any]] = {
    "name": text,
    "inputs": list_of(text),
    "inputs_join": _join,
    "join_window_ms": or_none(whole),
    "tensor_map": texts_by_name,
    "triggers": list_of(text),
    "triggers_join": _join,
    "batch_size": or_none(whole),
    "batch_window_ms": or_none(whole),
}
_INPUT: dict[str, Callable[[Any], Any]] = {
    "external_inputs": list_of(text),
    "external_triggers": list_of(text),
    "join": _join,
    "triggers_join": _join,
    "join_window_ms": or_none(whole),
    "tensor_map": texts_by_name,
}
_OUTPUT: dict[str, Callable[[Any], Any]] = {
    "steps": list_of(text),
    "join": _join,
    "join_window_ms": whole,
    "tensor_map": texts_by_name,
}
_SPEC: dict[str, Callable[[Any], Any]] = {
    "name": text,
    "steps": list_of(lambda value: PipelineStep(**fields(value, _STEP))),
    "input": or_none(lambda value: PipelineInput(**fields(value, _INPUT))),
    "output": or_none(lambda value: PipelineOutput(**fields(value, _OUTPUT))),
    "clean_topics_on_delete": truth,
    "allow_cycles": truth,
    "max_step_revisits": whole,
    "meta": read_meta,
}
_VERSION: dict[str, Callable[[Any], Any]] = {
    "number": whole,
    "uid": text,
    "spec": lambda value: PipelineSpec(**fields(value, _SPEC)),
    "declared_at": seconds,
    "terminated_at": or_none(seconds),
}
_PIPELINE: dict[str, Callable[[Any], Any]] = {
    "name": text,
    "versions": list_of(lambda value: StoredPipelineVersion(**fields(value, _VERSION))),
    "deleted_at": or_none(seconds),
}
