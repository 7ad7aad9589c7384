"""How what scaling chose for a model is written down: as maps, texts and numbers, and back."""

from dataclasses import fields as fields_of
from typing import Any

from seldon_core.scheduler.records import StoredScaling
from seldon_core.scheduler.store_values import fields, seconds, text, whole


def plain_scaling(scaling: StoredScaling) -> dict[str, Any]:
    """Return what was chosen as a map of texts and numbers."""
    return {field.name: getattr(scaling, field.name) for field in fields_of(scaling)}


def read_scaling(value: object) -> StoredScaling:
    """Return what `plain_scaling` was given. Raises ValueError if it cannot be that."""
    scaling = StoredScaling(**fields(value, _SCALING))
    check_scaling(scaling)
    return scaling


def check_scaling(scaling: StoredScaling) -> None:
    """Raise ValueError if nothing can have been chosen like that."""
    if scaling.version < 1 or scaling.replicas < 0:
        raise ValueError(
            "wanted a version of at least 1 and replicas of at least 0, found version "
            f"{scaling.version} with {scaling.replicas} replicas"
        )


_SCALING = {
    "name": text,
    "namespace": text,
    "version": whole,
    "replicas": whole,
    "why": text,
    "at": seconds,
}
