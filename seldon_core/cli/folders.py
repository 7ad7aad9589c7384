"""Finds what to serve in a folder that the user named: manifests, and folders that hold a model.

A model folder needs no manifest: its name is the model's (or `name` in its model-settings.json),
and its files say which runtime it needs. One that a manifest points to is served once, as the
manifest says. Blocks; called before the loop runs.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from seldon_core.agent.repository import (
    SETTINGS,
    WELL_KNOWN,
    local_path,
    open_artifact,
    read_settings,
)
from seldon_core.errors import ConfigError, InvalidResourceError
from seldon_core.resources.model import KubernetesMeta, ModelSpec, RefusedModel

_MANIFESTS = frozenset({".yaml", ".yml"})
_TRITON_CONFIG = "config.pbtxt"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_SUFFIXES = (".model", ".experiment", ".pipeline")


@dataclass(slots=True)
class Found:
    """The models of some folders, by name, and what was found but cannot be served.

    `declared_by` is the manifest or the folder that each of them comes from. `strays` are the
    folders that hold files but nothing that can be a model, with the names of those files.
    `trusted` are the folders, and the local artifacts that their manifests point to: who names a
    folder to be served wants what it says to be loaded.
    """

    specs: dict[str, ModelSpec] = field(default_factory=dict)
    declared_by: dict[str, Path] = field(default_factory=dict)
    problems: list[RefusedModel] = field(default_factory=list)
    strays: dict[Path, list[str]] = field(default_factory=dict)
    trusted: list[Path] = field(default_factory=list)


def find_models(folders: Iterable[Path]) -> Found:
    """Return every model below `folders`; hidden folders and links to folders are not entered.

    Folders may overlap. Raises ConfigError if one does not exist or is a file.
    """
    found = Found()
    places: dict[Path, None] = {}  # in order, each once
    for folder in folders:
        if folder.is_file():
            raise ConfigError(f"--models: {str(folder)!r} is a file; name the folder it lies in")
        if not folder.is_dir():
            raise ConfigError(f"--models: there is no folder {str(folder)!r}")
        found.trusted.append(folder.resolve())
        places |= dict.fromkeys(_walk(folder.resolve(), found))
    # In a dict: a list of thousands would be searched for each of them.
    model_folders = {place: None for place in places if place.is_dir()}
    for path in places:
        if path not in model_folders:
            _add_manifests(path, found)
    declared = set(_local_folders(found.specs.values()))
    found.trusted += declared
    for path in model_folders:
        if path not in declared:
            _add_folder(path, found)
    found.strays = {
        folder: names
        for folder, names in found.strays.items()
        if not any(_overlap(folder, artifact) for artifact in declared)
    }
    return found


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _walk(folder: Path, found: Found) -> Iterator[Path]:
    """Yield the manifests and model folders at and below `folder`, by name."""
    try:
        if _holds_model(folder):
            yield folder
            return
        paths = sorted(folder.iterdir())
    except OSError as error:
        _refuse(folder, f"cannot be read: {error.strerror}", found)
        return
    paths = [path for path in paths if not path.name.startswith(".")]
    places = [place for path in paths for place in _walk_one(path, found)]
    yield from places
    files = [path.name for path in paths if path.is_file()]
    if files and not places:
        # Of a tree without a model it is enough to hear of its top.
        for inner in [stray for stray in found.strays if stray.is_relative_to(folder)]:
            del found.strays[inner]
        found.strays[folder] = files


def _walk_one(path: Path, found: Found) -> Iterator[Path]:
    if not path.is_dir():
        if path.suffix in _MANIFESTS:
            yield path
    elif not path.is_symlink():
        yield from _walk(path, found)
    elif not path.resolve().is_relative_to(found.trusted[-1]):
        problem = (
            f"is a link to a folder, which is not followed; --models {path.resolve()} "
            "serves what is there"
        )
        _refuse(path, problem, found)


def _refuse(path: Path, problem: str, found: Found, name: str = "") -> None:
    found.problems.append(RefusedModel(str(path), f"{path}: {problem}", name))


def _holds_model(folder: Path) -> bool:
    return any(
        (folder / name).is_file() for name in (*WELL_KNOWN, SETTINGS, _TRITON_CONFIG)
    ) or any(
        (version / name).is_file()
        for version in folder.iterdir()
        if version.name.isdecimal()
        for name in WELL_KNOWN
    )


def _add_manifests(path: Path, found: Found) -> None:
    # Only who has a manifest waits for pydantic, which checks it: 110 ms, and 12 MiB.
    from seldon_core.resources.manifests import parse_manifests, with_base

    try:
        specs = parse_manifests(path.read_text(), str(path))
    except InvalidResourceError as error:
        found.problems.append(RefusedModel(str(path), str(error)))
        return
    except (OSError, UnicodeDecodeError) as error:
        _refuse(path, f"cannot be read: {error}", found)
        return
    for spec in specs:
        # As who applies the manifest sends it, so that this changes nothing then.
        declared = replace(spec, meta=spec.meta or KubernetesMeta())
        _add(with_base(declared, str(path.parent)), path, found)


def _add_folder(path: Path, found: Found) -> None:
    name = path.name
    try:
        if (path / SETTINGS).is_file():
            name = read_settings(path / SETTINGS).get("name", name)
        if _NAME.fullmatch(name) is None:
            raise InvalidResourceError(
                str(path), f"{name!r} cannot be a model's name: use letters, digits, '.', '_', '-'"
            )
        if name.endswith(_SUFFIXES):
            raise InvalidResourceError(
                str(path),
                f"{name!r} cannot be a model's name: {name.rpartition('.')[2]!r} after the last "
                "dot says what kind of thing a caller means",
            )
        spec = ModelSpec(name=name, storage_uri=str(path))
        runtime = open_artifact(name, spec, trusted=[path]).runtime
    except InvalidResourceError as error:
        found.problems.append(RefusedModel(str(path), str(error), name))
        return
    _add(ModelSpec(name=name, storage_uri=str(path), requirements=(runtime,)), path, found)


def _add(spec: ModelSpec, path: Path, found: Found) -> None:
    if spec.name in found.specs:
        first = found.declared_by[spec.name]
        problem = f"declares model {spec.name!r} a second time; the one of {first} is served"
        _refuse(path, problem, found, spec.name)
        return
    found.specs[spec.name] = spec
    found.declared_by[spec.name] = path


def _local_folders(specs: Iterable[ModelSpec]) -> Iterator[Path]:
    """The folders, links resolved, of those artifacts that lie on this machine."""
    for spec in specs:
        try:
            path = local_path(spec.storage_uri).resolve()
        except (InvalidResourceError, ValueError):  # elsewhere, or nowhere: its load will say so
            continue
        yield path.parent if path.is_file() else path
