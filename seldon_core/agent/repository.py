"""Finds a model's files and says which runtime they are for.

What a folder may look like, each shown by its main file:

    model.joblib  model.pickle  model.pkl  model.onnx      a flat folder
    model-settings.json with parameters.uri                MLServer's, the file anywhere
    1/model.onnx  2/model.onnx                             Triton's, numbered versions

and a single file may be given instead of a folder. Everything here blocks: call it on a thread.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from seldon_core.agent.runtimes.base import Artifact
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.model import ModelSpec

WELL_KNOWN = ("model.joblib", "model.pickle", "model.pkl", "model.onnx")
SETTINGS = "model-settings.json"

_RUNTIMES = {".joblib": "sklearn", ".pickle": "sklearn", ".pkl": "sklearn", ".onnx": "onnx"}
_IMPLEMENTATIONS = {"mlserver_sklearn.SKLearnModel": "sklearn"}
_RUN_CODE = frozenset({"sklearn"})
"""Runtimes whose files run code when they are read."""

_KNOWN_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "implementation": str,
    "platform": str,
    "versions": list,
    "inputs": list,
    "outputs": list,
    "max_batch_size": int,
    "max_batch_time": (int, float),
    "parameters": dict,
}
_KNOWN_PARAMETERS: dict[str, type | tuple[type, ...]] = {
    "uri": str,
    "version": str,
    "format": str,
    "content_type": str,
    "extra": dict,
}
_TYPE_NAMES = {str: "a string", list: "a list", int: "an integer", dict: "an object"}


def open_artifact(internal_name: str, spec: ModelSpec, trusted: Sequence[Path]) -> Artifact:
    """Find the files that `spec.storage_uri` points to; read settings, load nothing.

    Files of formats that run code (joblib, pickle) are accepted only inside the folders `trusted`,
    symbolic links resolved on both sides. Raises InvalidResourceError, whose path is the URI's or
    the settings file's, if there is no artifact, more than one, or one that cannot be used.
    """
    place = local_path(spec.storage_uri)
    try:
        return _open_artifact(place, internal_name, spec, trusted)
    except OSError as error:
        where = str(error.filename or place)
        raise InvalidResourceError(where, f"cannot be read: {error.strerror}") from error


def _open_artifact(
    place: Path, internal_name: str, spec: ModelSpec, trusted: Sequence[Path]
) -> Artifact:
    settings: dict[str, Any] = {}
    settings_file = place / SETTINGS
    if place.is_file():
        main = place
    elif not place.is_dir():
        raise InvalidResourceError(str(place), "there is no such file or folder")
    elif settings_file.is_file():
        settings = read_settings(settings_file)
        main = _main_file_by_settings(place, settings, spec.artifact_version)
    else:
        main = _main_file(place, spec.artifact_version)
    runtime = _runtime(main, settings, settings_file)
    if runtime in _RUN_CODE:
        _require_trust(main, trusted)
    folder = place if place.is_dir() else place.parent
    with main.open("rb") as file:  # a library would not say that it is the permission
        state = os.fstat(file.fileno())
    stamp = f"{state.st_mtime_ns}-{state.st_size}"
    return Artifact(internal_name, runtime, str(folder), str(main), settings, stamp)


def _read_whole(text: str) -> int:
    """Return a whole number, which has to reach worker processes in 64 bits."""
    number = int(text)
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"{text[:40]} is a number of more than 64 bits")
    return number


def read_settings(path: Path) -> dict[str, Any]:
    """Return a `model-settings.json` with every key kept.

    Raises InvalidResourceError if it cannot be read, is not a JSON object or a known key has a
    wrong type.
    """
    try:
        settings = json.loads(path.read_bytes(), parse_int=_read_whole)
    except OSError as error:
        raise InvalidResourceError(str(path), f"cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise InvalidResourceError(
            str(path), f"line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidResourceError(str(path), f"is not UTF-8: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits
        raise InvalidResourceError(str(path), f"cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise InvalidResourceError(str(path), "is not a JSON object")
    _check_types(settings, _KNOWN_KEYS, str(path))
    parameters = settings.get("parameters", {})
    _check_types(parameters, _KNOWN_PARAMETERS, f"{path}: parameters")
    for key in ("inputs", "outputs"):
        for index, tensor in enumerate(settings.get(key, [])):
            where = f"{path}: {key}[{index}]"
            if not isinstance(tensor, dict):
                raise InvalidResourceError(where, f"must be an object, is {tensor!r}")
            _check_types(
                tensor, {"name": str, "datatype": str, "shape": list, "parameters": dict}, where
            )
    return settings


def _check_types(
    values: dict[str, Any], known: dict[str, type | tuple[type, ...]], where: str
) -> None:
    """Check the known keys of `values`, and drop those that are null: null means not given."""
    for key, kind in known.items():
        value = values.get(key)
        if value is None:
            values.pop(key, None)
        elif not isinstance(value, kind) or isinstance(value, bool):
            name = _TYPE_NAMES[kind] if isinstance(kind, type) else "a number"
            raise InvalidResourceError(f"{where}: {key}", f"must be {name}, is {value!r}")


def local_path(uri: str) -> Path:
    """Return the absolute path of a local URI. Raises InvalidResourceError if it is none."""
    try:
        url = urlsplit(uri)
    except ValueError as error:
        raise InvalidResourceError(uri, f"is not a URL: {error}") from error
    if url.scheme == "file":
        if url.netloc not in ("", "localhost"):
            raise InvalidResourceError(
                uri, f"names the host {url.netloc!r}; a local file URL has three slashes"
            )
        path = Path(unquote(url.path))
    elif url.scheme:
        raise InvalidResourceError(
            uri,
            f"the scheme {url.scheme!r} is not yet supported here; "
            "use file:// or the absolute path of a local copy",
        )
    else:
        path = Path(uri)
    if not path.is_absolute():
        raise InvalidResourceError(
            uri or "storageUri",
            "must be an absolute path or a URL; relative paths are resolved where the manifest "
            "is read, by the command line or --models",
        )
    return path


def _main_file(folder: Path, version: int | None) -> Path:
    """Return the model file of a folder without settings."""
    flat = [folder / name for name in WELL_KNOWN if (folder / name).is_file()]
    if len(flat) > 1:
        names = " and ".join(path.name for path in flat)
        raise InvalidResourceError(
            str(folder), f"holds {names}: keep one, or name it by parameters.uri in {SETTINGS}"
        )
    numbered = _versions(folder)
    if version is not None:
        if version not in numbered:
            found = ", ".join(map(str, sorted(numbered))) or "none"
            raise InvalidResourceError(
                str(folder), f"has no version {version} (artifactVersion); versions found: {found}"
            )
        return _main_file_of_version(numbered[version])
    if flat:
        return flat[0]
    if numbered:
        return _main_file_of_version(numbered[max(numbered)])
    entries = sorted(path.name for path in folder.iterdir())
    raise InvalidResourceError(
        str(folder),
        f"holds no model: looked for {', '.join(WELL_KNOWN)}, {SETTINGS} and numbered folders; "
        f"found {', '.join(entries[:10]) or 'nothing'}",
    )


def _versions(folder: Path) -> dict[int, Path]:
    """Return the numbered subfolders; a leading zero is no number, as in Triton."""
    return {
        int(path.name): path
        for path in folder.iterdir()
        if path.name.isascii()
        and path.name.isdecimal()
        and not path.name.startswith("0")
        and path.is_dir()
    }


def _main_file_of_version(folder: Path) -> Path:
    found = [folder / name for name in WELL_KNOWN if (folder / name).is_file()]
    if len(found) == 1:
        return found[0]
    what = " and ".join(path.name for path in found) or f"none of {', '.join(WELL_KNOWN)}"
    raise InvalidResourceError(str(folder), f"must hold one model file; holds {what}")


def _main_file_by_settings(folder: Path, settings: dict[str, Any], version: int | None) -> Path:
    """Return what `parameters.uri` names, relative to the settings file; else what lies there."""
    parameters = settings.get("parameters", {})
    uri = parameters.get("uri")
    if uri is None:
        return _main_file(folder, None if str(version) == parameters.get("version") else version)
    where = f"{folder / SETTINGS}: parameters.uri"
    path = folder / uri if not urlsplit(uri).scheme else local_path(uri)
    if path.is_file():
        return path
    if path.is_dir():
        return _main_file(path, version)
    raise InvalidResourceError(where, f"{uri!r}: there is no such file or folder")


def _runtime(main: Path, settings: dict[str, Any], settings_file: Path) -> str:
    """Return the runtime for a file: what the settings ask for, else what its name says."""
    implementation = settings.get("implementation")
    if implementation is not None:
        if implementation not in _IMPLEMENTATIONS:
            raise InvalidResourceError(
                f"{settings_file}: implementation",
                f"{implementation!r} is not supported here; known: {', '.join(_IMPLEMENTATIONS)}",
            )
        return _IMPLEMENTATIONS[implementation]
    runtime = _RUNTIMES.get(main.suffix)
    if runtime is None:
        raise InvalidResourceError(
            str(main), f"is of no known format; known: {', '.join(_RUNTIMES)}"
        )
    return runtime


def _require_trust(main: Path, trusted: Sequence[Path]) -> None:
    real = main.resolve()
    if not any(real.is_relative_to(folder.resolve()) for folder in trusted):
        # The folders are not named: there may be one for each model, and a status repeats this.
        raise InvalidResourceError(
            str(main),
            f"{main.suffix[1:] or 'this'} files run code when they are loaded, and this one is "
            "in none of the trusted folders; start `serve` with --models FOLDER or "
            "--set agent.trustedPrefixes=FOLDER",
        )
