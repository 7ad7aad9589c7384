"""Finds what to serve in a folder that the user named: manifests, and folders that hold a model.

A model folder needs no manifest: its name is the model's (or `name` in its model-settings.json),
and its files say which runtime it needs. One that a manifest points to is served once, as the
manifest says. Blocks; called before the loop runs.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seldon_core.agent.repository import SETTINGS, WELL_KNOWN, open_artifact, read_settings
from seldon_core.errors import ConfigError, InvalidResourceError
from seldon_core.resources.model import ModelSpec

_MANIFESTS = frozenset({".yaml", ".yml"})
_TRITON_CONFIG = "config.pbtxt"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


@dataclass(slots=True)
class Found:
    """The models of some folders, by name, and what was found but cannot be served.

    `trusted` are the folders, and the local artifacts that their manifests point to: who names a
    folder to be served wants what it says to be loaded.
    """

    specs: dict[str, ModelSpec] = field(default_factory=dict)
    problems: list[InvalidResourceError] = field(default_factory=list)
    trusted: list[Path] = field(default_factory=list)


def find_models(folders: Iterable[Path]) -> Found:
    """Return every model below `folders`; hidden folders and links to folders are not entered.

    Raises ConfigError if a folder does not exist.
    """
    found = Found()
    model_folders: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"--models: there is no folder {str(folder)!r}")
        found.trusted.append(folder.resolve())
        for path in _walk(folder.resolve()):
            if path.is_dir():
                model_folders.append(path)
            else:
                _add_manifests(path, found)
    declared = {_folder_of(spec) for spec in found.specs.values() if _is_local(spec)}
    found.trusted += declared
    for path in model_folders:
        if path not in declared:
            _add_folder(path, found)
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the manifests and model folders at and below `folder`, by name."""
    if _holds_model(folder):
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not path.name.startswith(".") and not path.is_symlink():
                yield from _walk(path)
        elif path.suffix in _MANIFESTS:
            yield path


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
        for spec in parse_manifests(path.read_text(), str(path)):
            _add(with_base(spec, str(path.parent)), path, found)
    except InvalidResourceError as problem:
        found.problems.append(problem)
    except (OSError, UnicodeDecodeError) as error:
        found.problems.append(InvalidResourceError(str(path), f"cannot be read: {error}"))


def _add_folder(path: Path, found: Found) -> None:
    try:
        name = path.name
        if (path / SETTINGS).is_file():
            name = read_settings(path / SETTINGS).get("name", name)
        if _NAME.fullmatch(name) is None:
            raise InvalidResourceError(
                str(path), f"{name!r} cannot be a model's name: use letters, digits, '.', '_', '-'"
            )
        spec = ModelSpec(name=name, storage_uri=str(path))
        runtime = open_artifact(name, spec, trusted=[path]).runtime
        _add(ModelSpec(name=name, storage_uri=str(path), requirements=(runtime,)), path, found)
    except InvalidResourceError as problem:
        found.problems.append(problem)


def _add(spec: ModelSpec, path: Path, found: Found) -> None:
    other = found.specs.setdefault(spec.name, spec)
    if other is not spec:
        raise InvalidResourceError(
            str(path), f"declares model {spec.name!r} a second time; {other.storage_uri} stays"
        )


def _is_local(spec: ModelSpec) -> bool:
    return spec.storage_uri.startswith(("/", "file:///"))


def _folder_of(spec: ModelSpec) -> Path:
    path = Path(spec.storage_uri.removeprefix("file://"))
    return path.parent if path.is_file() else path
