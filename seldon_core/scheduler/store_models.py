"""How a model is written down: as maps, lists, texts and numbers, and back.

Knobs are in it as a manifest has them, those at their default left out.
"""

from typing import Any

from seldon_core.resources.knobs import PREFIX, Knobs, parse_knobs, show_knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.records import StoredModel, StoredVersion
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


def plain_model(model: StoredModel) -> dict[str, Any]:
    """Return a model as maps, lists, texts and numbers, which JSON and msgpack both know."""
    return {
        "name": model.name,
        "versions": [_plain_version(version) for version in model.versions],
        "fallback": model.fallback,
        "deleted_at": model.deleted_at,
    }


def read_model(value: object) -> StoredModel:
    """Return the model that `plain_model` was given. Raises ValueError if it cannot be one."""
    model = StoredModel(**fields(value, _MODEL))
    check_model(model)
    return model


def check_model(model: StoredModel) -> None:
    """Raise ValueError if something else reads the parts of `model` than what they say."""
    numbers = [version.number for version in model.versions]
    if not numbers or numbers[0] < 1 or sorted(set(numbers)) != numbers:
        raise ValueError(f"wanted versions of rising numbers from 1, found {numbers}")
    if model.fallback is not None and model.fallback not in numbers:
        raise ValueError(f"its fallback is version {model.fallback}, it has {numbers}")
    for version in model.versions:
        if version.spec.name != model.name:
            raise ValueError(f"version {version.number} of {model.name!r} is of another model")


def plain_meta(meta: KubernetesMeta | None) -> dict[str, Any] | None:
    """Return what Kubernetes knows of a resource as a map."""
    return None if meta is None else {name: getattr(meta, name) for name in _META}


def _plain_version(version: StoredVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "spec": _plain_spec(version.spec),
        "server": version.server,
        "declared_at": version.declared_at,
        "terminated_at": version.terminated_at,
    }


def _plain_spec(spec: ModelSpec) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(spec, name) for name in _SPEC}
    plain["requirements"] = list(spec.requirements)
    plain["knobs"] = show_knobs(spec.knobs)
    plain["meta"] = plain_meta(spec.meta)
    return plain


def _knobs(value: object) -> Knobs:
    texts = texts_by_name(value)
    for name in texts:
        if not name.startswith(PREFIX):  # which `parse_knobs` would pass over
            raise ValueError(f"there is no setting {name!r}")
    return parse_knobs(texts)


_META = {"namespace": text, "generation": whole}


def read_meta(value: object) -> KubernetesMeta | None:
    """Return what `plain_meta` was given. Raises ValueError if it cannot be that."""
    return None if value is None else KubernetesMeta(**fields(value, _META))


_SPEC = {
    "name": text,
    "storage_uri": text,
    "requirements": list_of(text),
    "memory_bytes": whole,
    "artifact_version": or_none(whole),
    "server": or_none(text),
    "storage_secret": text,
    "parameters": texts_by_name,
    "knobs": _knobs,
    "replicas": whole,
    "min_replicas": whole,
    "max_replicas": whole,
    "log_payloads": truth,
    "clean_topics_on_delete": truth,
    "meta": read_meta,
}
_VERSION = {
    "number": whole,
    "spec": lambda value: ModelSpec(**fields(value, _SPEC)),
    "server": text,
    "declared_at": seconds,
    "terminated_at": or_none(seconds),
}
_MODEL = {
    "name": text,
    "versions": list_of(lambda value: StoredVersion(**fields(value, _VERSION))),
    "fallback": or_none(whole),
    "deleted_at": or_none(seconds),
}
