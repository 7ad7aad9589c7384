"""What makes a pipeline valid. The checks are Seldon's, in its order, then those it lacks."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from seldon_core.resources.fault import Fault
from seldon_core.resources.pipeline import PipelineSpec, PipelineStep
from seldon_core.resources.pipeline_references import (
    external_fault,
    is_external_tensor,
    is_reference,
    is_tensor,
    normalised,
    source_of,
)

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_NAME: Final = 253  # characters, as Kubernetes allows
_FORMS: Final = "write step, step.outputs, step.inputs or one of their tensors, step.outputs.tensor"


def checked(spec: PipelineSpec, within: str = "") -> PipelineSpec:
    """Return a pipeline with every reference in its full form.

    Raises InvalidResourceError for the first thing that is wrong; `within` stands before its path.
    """
    full = normalised(spec)
    fault = pipeline_fault(full)
    if fault is not None:
        raise fault.error(within)
    return full


def pipeline_fault(spec: PipelineSpec) -> Fault | None:
    """Return the first thing that is wrong with a pipeline, None if nothing is.

    Its references are in their full form: see `normalised`.
    """
    return next(_faults(spec), None)


def _faults(spec: PipelineSpec) -> Iterator[Fault]:
    yield from _name_faults(spec)
    for field in ("inputs", "triggers"):
        for place, step in enumerate(spec.steps):
            yield from _reference_faults(spec, place, field, getattr(step, field))
    yield from _unknown_steps(spec)
    yield from _output_faults(spec)
    if not spec.allow_cycles:
        yield from _cycles(spec)
    for place, step in enumerate(spec.steps):
        yield from _overlaps(spec, place, step)
    yield from _external_faults(spec)
    yield from _tensor_maps(spec)


def _name_faults(spec: PipelineSpec) -> Iterator[Fault]:
    names = spec.models
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Fault(
                f"steps.{place}.name",
                f"step {name!r} is in pipeline {spec.name!r} more than once; a step is a model, "
                "and each model may be one step",
            )
    if len(spec.name) > _LONGEST_NAME or _NAME.fullmatch(spec.name) is None:
        yield Fault(
            "name",
            f"{spec.name[:_LONGEST_NAME]!r} must be lower-case letters, digits and '-', begin and "
            f"end with a letter or digit, and have at most {_LONGEST_NAME} characters",
        )
    if not names:
        yield Fault("steps", f"pipeline {spec.name!r} has no step; name at least one model")
    for place, name in enumerate(names):
        if name == spec.name:
            yield Fault(
                f"steps.{place}.name",
                f"step {name!r} is named like its pipeline, so that {name!r} in a reference could "
                "be either; rename one of them",
            )
        if not name or "." in name:
            yield Fault(
                f"steps.{place}.name",
                f"step {name!r} of pipeline {spec.name!r} is no name of a model: it must not be "
                "empty or have dots in it",
            )


def _reference_faults(
    spec: PipelineSpec, place: int, field: str, references: tuple[str, ...]
) -> Iterator[Fault]:
    step = spec.steps[place].name
    one = field.removesuffix("s")
    article = "an" if one == "input" else "a"
    for index, reference in enumerate(references):
        path = f"steps.{place}.{field}.{index}"
        if not reference or reference.startswith("."):
            yield Fault(
                path, f"step {step!r} of pipeline {spec.name!r} has an empty {one}; {_FORMS}"
            )
        elif not is_reference(reference):
            yield Fault(
                path,
                f"{reference!r} of step {step!r} of pipeline {spec.name!r} is not {article} "
                f"{one}; {_FORMS}",
            )


def _unknown_steps(spec: PipelineSpec) -> Iterator[Fault]:
    known = {*spec.models, spec.name}
    for place, step in enumerate(spec.steps):
        for field in ("inputs", "triggers"):
            for index, reference in enumerate(getattr(step, field)):
                if source_of(reference) not in known:
                    yield Fault(
                        f"steps.{place}.{field}.{index}",
                        f"{reference!r} of step {step.name!r} names {source_of(reference)!r}, "
                        f"which is no step of pipeline {spec.name!r}; {_there_are(spec)}",
                    )
    for index, reference in enumerate(spec.output.steps if spec.output else ()):
        if source_of(reference) not in spec.models:
            yield Fault(
                f"output.steps.{index}",
                f"{reference!r} names {source_of(reference)!r}, which is no step of pipeline "
                f"{spec.name!r}; {_there_are(spec)}",
            )


def _there_are(spec: PipelineSpec) -> str:
    return f"there are: {', '.join(spec.models)}"


def _output_faults(spec: PipelineSpec) -> Iterator[Fault]:
    for index, reference in enumerate(spec.output.steps if spec.output else ()):
        if not is_reference(reference):
            yield Fault(
                f"output.steps.{index}",
                f"{reference!r} of pipeline {spec.name!r} is not an output; {_FORMS}",
            )


def _cycles(spec: PipelineSpec) -> Iterator[Fault]:
    """Take away, again and again, the steps that wait for none that is left: a cycle stays."""
    waits = {
        step.name: {source_of(each) for each in (*step.inputs, *step.triggers)} - {spec.name}
        for step in spec.steps
    }
    while free := [name for name, sources in waits.items() if not sources & waits.keys()]:
        for name in free:
            del waits[name]
    if waits:
        cycle = _one_cycle(waits)
        yield Fault(
            "steps",
            f"the steps of pipeline {spec.name!r} wait for each other: {' -> '.join(cycle)}; "
            "break the circle, or set allowCycles",
        )


def _one_cycle(waits: Mapping[str, set[str]]) -> list[str]:
    """Return the steps of a cycle in the order in which data would go round, the first again."""
    path: dict[str, None] = {}
    name = next(iter(waits))
    while name not in path:
        path[name] = None
        name = min(source for source in waits[name] if source in waits)
    steps = list(path)
    circle = steps[steps.index(name) :]
    return [name, *reversed(circle)]


def _overlaps(spec: PipelineSpec, place: int, step: PipelineStep) -> Iterator[Fault]:
    for index, trigger in enumerate(step.triggers):
        if trigger in step.inputs:
            yield Fault(
                f"steps.{place}.triggers.{index}",
                f"{trigger!r} is both an input and a trigger of step {step.name!r} of pipeline "
                f"{spec.name!r}; leave the trigger out, since the step waits for its inputs anyway",
            )


def _external_faults(spec: PipelineSpec) -> Iterator[Fault]:
    feed = spec.input
    if feed is None:
        return
    if not feed.external_inputs:
        yield Fault(
            "input.externalInputs",
            f"pipeline {spec.name!r} has an input that names no external one; name one, or leave "
            "input out: callers need none",
        )
    for field, references in (
        ("externalInputs", feed.external_inputs),
        ("externalTriggers", feed.external_triggers),
    ):
        for index, reference in enumerate(references):
            problem = external_fault(reference)
            if problem:
                yield Fault(
                    f"input.{field}.{index}",
                    f"{reference!r} of pipeline {spec.name!r}: {problem}; write pipeline.outputs, "
                    "pipeline.inputs or pipeline.step.NAME.outputs, with a tensor behind it or "
                    "without",
                )


def _tensor_maps(spec: PipelineSpec) -> Iterator[Fault]:
    maps = [(f"steps.{place}", step.tensor_map) for place, step in enumerate(spec.steps)]
    if spec.output is not None:
        maps.append(("output", spec.output.tensor_map))
    for path, tensor_map in maps:
        for key, name in tensor_map.items():
            if not is_tensor(key) or not name:
                yield _map_fault(spec, path, key, name, "step.outputs.tensor")
    for key, name in spec.input.tensor_map.items() if spec.input else ():
        if not is_external_tensor(key) or not name:
            yield _map_fault(spec, "input", key, name, "pipeline.outputs.tensor")


def _map_fault(spec: PipelineSpec, path: str, key: str, name: str, form: str) -> Fault:
    return Fault(
        f"{path}.tensorMap",
        f"{key!r}: {name!r} of pipeline {spec.name!r} renames nothing; write {form}: new name",
    )
