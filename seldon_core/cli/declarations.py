"""What the files that Seldon's tool is given declare, or name."""

from collections.abc import Sequence
from dataclasses import replace

from seldon_core.cli.files import folder_of, source_of
from seldon_core.cli.seldon_click import read_file
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.declared_kinds import Spec, kind_of
from seldon_core.resources.model import KubernetesMeta, ModelSpec

Named = tuple[str, str]
"""A kind and a name."""


def read_declared(file: str, kinds: Sequence[str]) -> list[Spec]:
    """Return what a file declares, with its paths made absolute and Kubernetes' part there.

    Raises InvalidResourceError if any part of it is wrong or of another kind than `kinds`, or
    nothing is declared.
    """
    # 0.13 s, for pydantic, that `status` and `list` are spared.
    from seldon_core.resources.manifests import parse_declarations, with_base

    folder = folder_of(file)
    specs: list[Spec] = []
    for declaration in parse_declarations(read_file(file), source_of(file)):
        spec = declaration.spec
        _check(kind_of(spec), kinds, declaration.source)
        spec = replace(spec, meta=spec.meta or KubernetesMeta())
        specs.append(with_base(spec, folder) if isinstance(spec, ModelSpec) else spec)
    if not specs:
        raise InvalidResourceError(source_of(file), "declares nothing")
    return specs


def read_named(file: str, kinds: Sequence[str]) -> list[Named]:
    """Return what a file is about, whatever else it says. Raises as `read_declared` does."""
    from seldon_core.resources.manifests import parse_references

    source = source_of(file)
    named = []
    for reference in parse_references(read_file(file), source):
        _check(reference.kind, kinds, source)
        named.append((reference.kind, reference.name))
    if not named:
        raise InvalidResourceError(source, "declares nothing")
    return named


def _check(kind: str, kinds: Sequence[str], source: str) -> None:
    if kind not in kinds:
        raise InvalidResourceError(
            source, f"kind {kind} cannot be given here; give {' or '.join(kinds)}"
        )
