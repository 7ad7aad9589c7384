"""How an experiment is written down: as maps, lists, texts and numbers, and back."""

from typing import Any

from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
    experiment_fault,
)
from seldon_core.scheduler.records import StoredExperiment
from seldon_core.scheduler.store_models import plain_meta, read_meta
from seldon_core.scheduler.store_values import (
    fields,
    list_of,
    or_none,
    seconds,
    text,
    truth,
    whole,
)


def plain_experiment(experiment: StoredExperiment) -> dict[str, Any]:
    """Return an experiment as maps, lists, texts and numbers, which JSON and msgpack both know."""
    spec = experiment.spec
    return {
        "name": experiment.name,
        "spec": {
            "name": spec.name,
            "candidates": [{"name": one.name, "weight": one.weight} for one in spec.candidates],
            "default": spec.default,
            "mirror": spec.mirror and {"name": spec.mirror.name, "percent": spec.mirror.percent},
            "resource_type": spec.resource_type.value,
            "sticky_sessions": spec.sticky_sessions,
            "meta": plain_meta(spec.meta),
        },
        "declared_at": experiment.declared_at,
        "deleted_at": experiment.deleted_at,
    }


def read_experiment(value: object) -> StoredExperiment:
    """Return what `plain_experiment` was given. Raises ValueError if it cannot be one."""
    experiment = StoredExperiment(**fields(value, _EXPERIMENT))
    check_experiment(experiment)
    return experiment


def check_experiment(experiment: StoredExperiment) -> None:
    """Raise ValueError if something else reads the parts of `experiment` than what they say."""
    if experiment.spec.name != experiment.name:
        raise ValueError(f"the spec of {experiment.name!r} is of another experiment")
    fault = experiment_fault(experiment.spec)
    if fault is not None:
        raise ValueError(f"{fault.path}: {fault.message}")


_SPEC = {
    "name": text,
    "candidates": list_of(
        lambda value: ExperimentCandidate(**fields(value, {"name": text, "weight": whole}))
    ),
    "default": or_none(text),
    "mirror": or_none(
        lambda value: ExperimentMirror(**fields(value, {"name": text, "percent": whole}))
    ),
    "resource_type": lambda value: ResourceType(text(value)),
    "sticky_sessions": truth,
    "meta": read_meta,
}
_EXPERIMENT = {
    "name": text,
    "spec": lambda value: ExperimentSpec(**fields(value, _SPEC)),
    "declared_at": seconds,
    "deleted_at": or_none(seconds),
}
