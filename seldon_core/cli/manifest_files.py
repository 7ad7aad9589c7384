"""The manifests that `-f` names: files, folders, or standard input."""

import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seldon_core.cli.files import STDIN, folder_of, read_text, source_of
from seldon_core.cli.kinds import Target
from seldon_core.cli.kubectl_click import FaultsError
from seldon_core.errors import ConfigError, InvalidResourceError
from seldon_core.resources.declared_kinds import Spec, kind_of
from seldon_core.resources.kubernetes import KINDS, Kind
from seldon_core.resources.model import KubernetesMeta, ModelSpec

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class _Manifest:
    source: str  # as errors call it
    folder: str  # what its relative paths are relative to, absolute
    text: str


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource that a manifest declares. `notices` say what of it has no effect."""

    target: Target
    spec: Spec
    notices: Sequence[str]


def read_specs(files: Sequence[str], recursive: bool, namespace: str | None) -> list[Declared]:
    """Return what is declared there, with absolute paths, in the order of the files.

    `namespace` is that of resources whose manifest says none. Raises FaultsError if any part of
    any file is wrong, a resource is declared twice, or says another namespace; ConfigError if
    there is no such file, or nothing in it.
    """
    # Only who has a manifest waits for pydantic, which checks it.
    from seldon_core.resources.manifests import parse_declarations, with_base

    declared_in: dict[Target, str] = {}
    found: list[Declared] = []

    def read(manifest: _Manifest) -> None:
        for declaration in parse_declarations(manifest.text, manifest.source):
            kind = KINDS[kind_of(declaration.spec)]
            spec = _in_namespace(declaration.spec, kind, namespace, manifest.source)
            target = Target(kind, spec.name)
            if target in declared_in:
                raise InvalidResourceError(
                    manifest.source,
                    f"declares {kind.singular} {spec.name!r} a second time; the first is in "
                    f"{declared_in[target]}",
                )
            declared_in[target] = manifest.source
            if isinstance(spec, ModelSpec):
                spec = with_base(spec, manifest.folder)
            found.append(Declared(target, spec, declaration.notices))

    _read_each(files, recursive, read)
    if not found:
        raise _empty(files)
    return found


def read_targets(files: Sequence[str], recursive: bool) -> list[Target]:
    """Return what the manifests are about, each resource once. Raises as `read_specs` does."""
    from seldon_core.resources.manifests import parse_references

    targets: dict[Target, None] = {}

    def read(manifest: _Manifest) -> None:
        for reference in parse_references(manifest.text, manifest.source):
            kind = KINDS[reference.kind]
            targets[Target(kind, reference.name, reference.namespace)] = None

    _read_each(files, recursive, read)
    if not targets:
        raise _empty(files)
    return list(targets)


def _read_each(files: Sequence[str], recursive: bool, read: Callable[[_Manifest], None]) -> None:
    """Call `read` with every manifest, and only then raise what was wrong with them."""
    faults: list[str] = []
    for name in files:
        for manifest in _manifests(name, recursive):
            try:
                read(manifest)
            except InvalidResourceError as error:
                faults.append(str(error))
    if faults:
        raise FaultsError(faults)


def _empty(files: Sequence[str]) -> ConfigError:
    sources = ", ".join(map(source_of, files))
    return ConfigError(f"{sources}: nothing is declared there")


def _in_namespace(spec: Spec, kind: Kind, namespace: str | None, source: str) -> Spec:
    meta = spec.meta or KubernetesMeta()  # as Seldon's tool sends it, which is no change then
    if namespace is None:
        return replace(spec, meta=meta)
    if meta.namespace not in ("", namespace):
        raise InvalidResourceError(
            f"{source}: metadata.namespace",
            f"{meta.namespace!r} of {kind.singular} {spec.name!r} is not the namespace "
            f"{namespace!r} that -n asks for",
        )
    return replace(spec, meta=replace(meta, namespace=namespace))


def _manifests(name: str, recursive: bool) -> Iterator[_Manifest]:
    try:
        is_folder = name != STDIN and stat.S_ISDIR(Path(name).stat().st_mode)
        for file in _files(Path(name), recursive) if is_folder else [name]:
            yield _Manifest(source_of(file), folder_of(file), read_text(file))
    except FileNotFoundError as error:
        remote = "; only files of this machine are read" if "://" in name else ""
        raise ConfigError(f"the path {name!r} does not exist{remote}") from error
    except OSError as error:
        raise ConfigError(f"{error.filename or name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source_of(file)} is not text in UTF-8: {error.reason}") from error


def _files(folder: Path, recursive: bool) -> list[str]:
    """Return the manifests of a folder by name, those of its folders too if `recursive`."""
    paths = folder.rglob("*") if recursive else folder.iterdir()
    files = sorted(path for path in paths if path.suffix in _SUFFIXES and path.is_file())
    if not files:
        deeper = "" if recursive else "; -R looks into its folders as well"
        wanted = ", ".join(f"*{suffix}" for suffix in _SUFFIXES)
        raise ConfigError(f"{folder} holds no manifest: looked for {wanted}{deeper}")
    return [str(file) for file in files]
