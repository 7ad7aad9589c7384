"""Kubernetes manifests of Seldon's kinds, read and checked.

A text holds any number of YAML documents (or JSON, which is YAML), and a document may be a `List`
of them. A field that Seldon does not know is an error with its path and the nearest known name.
What each kind may say is in `model_manifest` and its like; the way back to a manifest is in
`kubernetes`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.declared_kinds import Spec
from seldon_core.resources.experiment_manifest import PARTS as EXPERIMENT_PARTS
from seldon_core.resources.faults import describe_faults
from seldon_core.resources.kubernetes import (
    CONFIG_MAP,
    EXPERIMENT,
    KINDS,
    MODEL,
    PIPELINE,
    SECRET,
    SERVER,
    SERVER_CONFIG,
    UNSERVED_KINDS,
)
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.model_manifest import PARTS, ModelManifest
from seldon_core.resources.pipeline_manifest import PARTS as PIPELINE_PARTS
from seldon_core.resources.secret_manifest import CONFIG_MAP_PARTS, SECRET_PARTS
from seldon_core.resources.server_manifest import (
    SERVER_CONFIG_PARTS,
    SERVER_PARTS,
)
from seldon_core.resources.uris import resolve
from seldon_core.resources.words import did_you_mean, show

_LIST = "List"
# A text that may hold values which no error shall show.
_SECRET = re.compile(r"\b(Secret|ConfigMap)\b")
# Half of a character in UTF-16, which an escape or a byte that is no UTF-8 leads to.
_HALF = re.compile("[\ud800-\udfff]")
_MAY_HAVE_HALVES = re.compile("\\\\[uU]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What one document declares. `notices` are sentences about what of it has no effect here."""

    spec: Spec
    source: str
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource that a manifest names; `namespace` is "" if it does not say."""

    kind: str
    name: str
    namespace: str


def parse_declarations(text: str, source: str) -> list[Declaration]:
    """Return what the YAML documents in `text` declare, in their order.

    `source` names the text in errors. Relative storageUris stay as they are: see `with_base`.
    Raises InvalidResourceError naming the source, the document if there are several, and the
    field, if the text is not YAML or a document is not a valid resource.
    """
    return [_parse(document, where) for document, where in _known(text, source)]


def parse_manifests(text: str, source: str) -> list[ModelSpec]:
    """Return the models that the YAML documents in `text` declare, where only models may be.

    Raises as `parse_declarations` does, and if another kind is declared.
    """
    specs = []
    for document, where in _known(text, source):
        if document["kind"] != MODEL:
            raise InvalidResourceError(
                f"{where}: kind",
                f"kind {document['kind']} cannot be declared here, only Model; declare it with "
                "`seldon-core apply -f`",
            )
        specs.append(_parse_model(document, where))
    return specs


def parse_references(text: str, source: str) -> list[Reference]:
    """Return what the documents in `text` are about, whatever else they say.

    Raises InvalidResourceError, as `parse_manifests` does, if it is not YAML or a document has no
    known kind or no name.
    """
    return [_parse_reference(document, where) for where, document in _documents(text, source)]


def with_base(spec: ModelSpec, folder: str) -> ModelSpec:
    """Return `spec` with a relative storageUri made absolute against the absolute `folder`."""
    return replace(spec, storage_uri=resolve(spec.storage_uri, folder))


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, which YAML forbids and PyYAML does not see."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                hint = "; a line --- separates documents" if key.value == "apiVersion" else ""
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value!r} is given twice{hint}", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put in what `<<` merges, each key once: else a few lines make many millions of them."""
        super().flatten_mapping(node)
        unique = {
            (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else id(key): (key, value)
            for key, value in node.value
        }
        node.value = list(unique.values())


def _documents(text: str, source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each resource in `text` with the words that say where it stands."""
    documents = list(_load(text, source))
    may_have_halves = _MAY_HAVE_HALVES.search(text) is not None
    for index, document in enumerate(documents, start=1):
        where = source if len(documents) == 1 else f"{source}, document {index}"
        if may_have_halves:
            _check_texts(document, where)
        if document is None:  # what stands between two `---`
            continue
        if not isinstance(document, dict):
            raise InvalidResourceError(
                where, "must be a mapping with apiVersion, kind, metadata, spec"
            )
        if document.get("kind") == _LIST:
            yield from _items(document, where)
        else:
            yield where, document


def _check_texts(document: object, where: str) -> None:
    """Refuse halves of characters, which neither a message nor a file can have."""
    found: list[tuple[object, str]] = [(document, "")]
    seen: set[int] = set()
    while found:
        value, path = found.pop()
        if isinstance(value, str):
            half = _HALF.search(value)
            if half is not None:
                place = f"{where}: {path}" if path else where
                raise InvalidResourceError(place, f"has half of a character, {half[0]!a}")
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))  # aliases make a few values many
            names = value if isinstance(value, dict) else range(len(value))
            found += [(value[name], f"{path}.{name}".lstrip(".")) for name in names]
            found += [(name, path) for name in names]  # which are looked at before they are shown


def _items(document: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    items = document.get("items")
    if not isinstance(items, list):
        raise InvalidResourceError(f"{where}: items", f"must be a list, not {show(items)}")
    for index, item in enumerate(items, start=1):
        place = f"{where}, item {index}"
        if not isinstance(item, dict):
            raise InvalidResourceError(
                place, "must be a mapping with apiVersion, kind, metadata, spec"
            )
        yield place, item


def _load(text: str, source: str) -> Iterator[Any]:
    try:
        plain = text.removeprefix("\ufeff").lstrip()
        if plain.startswith("{"):  # JSON may have what YAML may not: tabs, half characters
            with suppress(ValueError, RecursionError):
                yield json.loads(plain, object_pairs_hook=_mapping)
                return
        yield from yaml.load_all(text, Loader=_Loader)
    # An impossible date is a ValueError; the others are what PyYAML does about `!!timestamp x`.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        has_secrets = _SECRET.search(text) is not None
        raise InvalidResourceError(
            source, f"is not YAML: {_one_line(error, tells_all=not has_secrets)}"
        ) from (None if has_secrets else error)


def _mapping(members: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(members)
    if len(mapping) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in mapping if names.count(name) > 1)
        raise yaml.YAMLError(f"{twice!r} is given twice")
    return mapping


def _one_line(error: Exception, *, tells_all: bool) -> str:
    """Return what is wrong; unless it `tells_all`, where alone, for there may stand a value."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        mark = error.problem_mark  # PyYAML counts from 0, and would quote a file without a name
        where = f"line {mark.line + 1}, column {mark.column + 1}"
        return f"{where}: {error.problem}" if tells_all else where
    if not tells_all:
        return type(error).__name__
    return " ".join(str(error).split()) or type(error).__name__


def _kind(document: dict[str, Any], where: str) -> str:
    """Return the document's kind, which is one that there is here."""
    kind = document.get("kind")
    if kind is None:
        raise InvalidResourceError(f"{where}: kind", "is missing; a model is of kind Model")
    if not isinstance(kind, str) or kind not in KINDS:
        if kind in UNSERVED_KINDS:
            raise InvalidResourceError(f"{where}: kind", f"{kind} is not served yet")
        hint = did_you_mean(str(kind), [*KINDS, *UNSERVED_KINDS])
        raise InvalidResourceError(
            f"{where}: kind",
            f"there is no kind {show(kind)}{hint or '; a model is of kind Model'}",
        )
    return kind


_KINDS: Mapping[str, Mapping[tuple[str, ...], type[BaseModel]]] = {
    MODEL: PARTS,
    SERVER: SERVER_PARTS,
    SERVER_CONFIG: SERVER_CONFIG_PARTS,
    PIPELINE: PIPELINE_PARTS,
    EXPERIMENT: EXPERIMENT_PARTS,
    SECRET: SECRET_PARTS,
    CONFIG_MAP: CONFIG_MAP_PARTS,
}
"""The parts of each kind's manifest; the whole of it is part ()."""


def _known(text: str, source: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each resource, which is of a kind there is, and where it stands."""
    for where, document in _documents(text, source):
        _kind(document, where)
        yield document, where


def _parse(document: dict[str, Any], where: str) -> Declaration:
    kind = document["kind"]
    if kind == MODEL:
        return Declaration(_parse_model(document, where), where)
    manifest = _validated(document, where)
    try:
        spec: Spec = manifest.to_spec()
    except InvalidResourceError as error:  # of fields that each are well, and not together
        raise InvalidResourceError(where, str(error)) from error
    return Declaration(spec, where, tuple(manifest.notices()))


def _validated(document: dict[str, Any], where: str) -> Any:
    """Return the manifest of a document, as the type of its kind."""
    parts = _KINDS[document["kind"]]
    try:
        return parts[()].model_validate(document)
    except ValidationError as error:
        (place, message), *others = describe_faults(error, parts)
        path = ": ".join(part for part in (where, place) if part)
        rest = "".join(f"; {': '.join(part for part in fault if part)}" for fault in others)
        raise InvalidResourceError(path, message + rest) from error


def _parse_model(document: dict[str, Any], where: str) -> ModelSpec:
    manifest: ModelManifest = _validated(document, where)
    for field, sort in (("explainer", "explainers"), ("llm", "language models")):
        if getattr(manifest.spec, field) is not None:
            raise InvalidResourceError(f"{where}: spec.{field}", f"{sort} are not served yet")
    return manifest.to_spec()


def _parse_reference(document: dict[str, Any], where: str) -> Reference:
    kind = _kind(document, where)
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace", "")
    if not isinstance(name, str) or not name:
        raise InvalidResourceError(f"{where}: metadata.name", f"must be text, not {show(name)}")
    return Reference(kind, name, namespace if isinstance(namespace, str) else "")
