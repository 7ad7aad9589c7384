"""The configs of the command line: files that say where to call and how, by a key each.

    ~/.config/seldon/cli/configs.json
        {"configs": {"mine": "/path/to/mine.json"}, "active": "mine"}

A config file is JSON with the blocks `dataplane`, `controlplane` and `kafka`, all optional.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from seldon_core.errors import ConfigError
from seldon_core.resources.words import did_you_mean, show

_FOLDER = Path(".config/seldon/cli")  # below the user's home
_INDEX = "configs.json"

_KEYS: Final[Mapping[str, Mapping[str, type]]] = {
    "dataplane": {
        "inferHost": str,
        "tls": bool,
        "skipSSLVerify": bool,
        "keyPath": str,
        "crtPath": str,
        "caPath": str,
    },
    "controlplane": {
        "schedulerHost": str,
        "tls": bool,
        "keyPath": str,
        "crtPath": str,
        "caPath": str,
    },
    "kafka": {"bootstrap": str, "namespace": str, "topicPrefix": str},
}
_TYPE_NAMES = {str: "a text", bool: "true or false"}


class HomelessError(ConfigError):
    """There is no home folder to keep anything in."""


@dataclass(slots=True)
class Index:
    """Which config files there are, by key, and the key of the one in use, "" for none."""

    configs: dict[str, str] = field(default_factory=dict)
    active: str = ""

    def path(self, key: str) -> str:
        """Return the path of a config. Raises ConfigError, with the nearest key, if none has it."""
        if key not in self.configs:
            known = ", ".join(sorted(self.configs)) or "none yet, see `seldon config add`"
            hint = did_you_mean(key, self.configs) or f"; known are: {known}"
            raise ConfigError(f"there is no config {key!r}{hint}")
        return self.configs[key]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a config file says, by block and key; `path` is where it lies, "" for no file."""

    path: str = ""
    blocks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def text(self, block: str, key: str) -> str:
        """Return a text, "" if the file does not have it."""
        return str(self.blocks.get(block, {}).get(key, ""))

    def file(self, block: str, key: str) -> str:
        """Return a path, absolute: one that is relative is meant from the config's folder."""
        text = self.text(block, key)
        return text and os.path.join(os.path.dirname(self.path), os.path.expanduser(text))

    def switch(self, block: str, key: str) -> bool:
        """Return a switch, off if the file does not have it."""
        return bool(self.blocks.get(block, {}).get(key, False))


def cli_folder() -> Path:
    """Return the folder of what the command line keeps; it may not exist.

    Raises HomelessError if the user has no home that it could be in.
    """
    home = os.path.expanduser("~")
    if home == "~":
        raise HomelessError("this user has no home folder; name one by the variable HOME")
    return Path(home) / _FOLDER


def read_index() -> Index:
    """Return the index, empty if there is none. Raises ConfigError if it cannot be read."""
    try:
        path = cli_folder() / _INDEX
    except HomelessError:
        return Index()
    if not os.path.exists(path):  # False also if the home is somebody else's
        return Index()
    content = _read_object(path)
    configs, active = content.get("configs") or {}, content.get("active") or ""
    if not isinstance(configs, dict) or not isinstance(active, str):
        raise _broken(path, 'wanted {"configs": {"key": "path"}, "active": "key"}')
    return Index({str(key): str(value) for key, value in configs.items()}, active)


def write_index(index: Index) -> None:
    """Keep the index, at once or not at all; its folder is made.

    Raises ConfigError if it cannot be written.
    """
    content = {"configs": index.configs, "active": index.active}
    path = cli_folder() / _INDEX
    try:
        replace_file(path, json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def changing_index() -> Iterator[Index]:
    """Hold the index for a change, and keep it at the end of the block, unless that raises.

    Whoever else wants to change it waits. Raises ConfigError if it cannot be read or written.
    """
    folder = cli_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        with suppress(OSError):  # of a file system that has no locks
            fcntl.flock(held, fcntl.LOCK_EX)
        index = read_index()
        yield index
        write_index(index)
    finally:
        os.close(held)


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new; its folder is made.

    Of a link, what it leads to is written. Raises OSError if it cannot be.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def active_config() -> ConfigFile:
    """Return the config in use, an empty one if there is none.

    Raises ConfigError if the index or the file cannot be read or understood.
    """
    index = read_index()
    if not index.active:
        return ConfigFile()
    if index.active not in index.configs:
        raise ConfigError(
            f"{cli_folder() / _INDEX}: the active config {index.active!r} is not among the "
            "configs; `seldon config activate` another"
        )
    return read_config(Path(index.configs[index.active]))


def read_config(path: Path) -> ConfigFile:
    """Return what a config file says.

    As in Seldon's tool, case does not matter in keys. Raises ConfigError if the file cannot be
    read, a key is unknown (the nearest is named) or a value is of another type.
    """
    blocks: dict[str, dict[str, Any]] = {}
    for name, values in _read_object(path).items():
        block = _known(path, "", name, _KEYS)
        if not isinstance(values, dict):
            raise _broken(path, f"{name} must be a block of keys, not {show(values)}")
        blocks[block] = {}
        for given, value in values.items():
            key = _known(path, f"{name}.", given, _KEYS[block])
            wanted = _KEYS[block][key]
            if not isinstance(value, wanted):
                raise _broken(
                    path, f"{name}.{given} must be {_TYPE_NAMES[wanted]}, not {show(value)}"
                )
            blocks[block][key] = value
    return ConfigFile(str(path), blocks)


def _known(path: Path, prefix: str, given: str, known: Mapping[str, object]) -> str:
    for name in known:
        if name.lower() == given.lower():
            return name
    hint = did_you_mean(given, known) or f"; known are: {', '.join(known)}"
    raise _broken(path, f"there is no key {prefix}{given}{hint}")


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"the config {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _broken(path, str(error)) from error
    if not isinstance(content, dict):
        raise _broken(path, f"wanted an object, found {show(content)}")
    return content


def _broken(path: Path, problem: str) -> ConfigError:
    return ConfigError(f"the config {path} is wrong: {problem}")
