"""The kind Experiment as a user writes it, checked by pydantic field by field."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field

from seldon_core.resources.declared_parts import DeclaredMetadata
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
    experiment_fault,
)
from seldon_core.resources.manifest_parts import Manifest, Strict, Text
from seldon_core.resources.words import did_you_mean, show

_MAX_UINT32: Final = 2**32 - 1
_TYPES: Final = tuple(sort.value for sort in ResourceType)


def _type_of(value: object) -> object:
    if value not in _TYPES:
        hint = did_you_mean(str(value), _TYPES) or f"; there are: {', '.join(_TYPES)}"
        raise ValueError(f"an experiment is not about {show(value)}{hint}")
    return ResourceType(value)


class Candidate(Strict):
    """A model or pipeline that may answer."""

    name: Text
    weight: Annotated[int, Field(ge=0, le=_MAX_UINT32, strict=True)]


class Mirror(Strict):
    """A model or pipeline that gets copies."""

    name: Text
    percent: Annotated[int, Field(ge=0, le=100, strict=True)]


class ExperimentDeclaration(Strict):
    """The `spec` of an Experiment."""

    default: Text | None = None
    candidates: list[Candidate]
    mirror: Mirror | None = None
    resource_type: Annotated[ResourceType, BeforeValidator(_type_of)] = ResourceType.MODEL


class ExperimentManifest(Manifest):
    """An Experiment as Kubernetes would store it."""

    metadata: DeclaredMetadata
    spec: ExperimentDeclaration

    def to_spec(self) -> ExperimentSpec:
        """Return the declared experiment.

        Raises InvalidResourceError if it is no valid experiment, whatever others there are.
        """
        spec = self.spec
        declared = ExperimentSpec(
            name=self.metadata.name,
            candidates=tuple(ExperimentCandidate(one.name, one.weight) for one in spec.candidates),
            default=spec.default,
            mirror=None
            if spec.mirror is None
            else ExperimentMirror(spec.mirror.name, spec.mirror.percent),
            resource_type=spec.resource_type,
            meta=self.metadata.to_meta(),
        )
        fault = experiment_fault(declared)
        if fault is not None:
            raise fault.error("spec.")
        return declared

    def notices(self) -> list[str]:
        """Return sentences about what has no effect here: nothing of an experiment."""
        return []


PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {
    (): ExperimentManifest,
    ("spec",): ExperimentDeclaration,
    ("spec", "candidates"): Candidate,
    ("spec", "mirror"): Mirror,
}
"""Each part of the manifest that refuses unknown fields, by its path without list indices."""
