"""Remotes: where artifacts are and how one gets at them, as rclone defines them.

    name: s3
    type: s3
    parameters:
      provider: minio
      access_key_id: ...

in YAML or JSON. The part of a storageUri before its first colon names the remote that is meant:
`s3://models/iris` is on the remote `s3`. What stands in a definition is nobody's business, so no
message repeats any of it but the names of fields.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from seldon_core.resources.words import did_you_mean

_FIELDS: Final = ("name", "type", "parameters", "opt")
_OWN_MACHINE: Final = "file"
_WANTED: Final = "wanted name, type and parameters, as JSON or YAML"

MOST_BYTES: Final = 16 * 1024
"""Of a definition: reading YAML takes 10 µs a byte."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote: its name, rclone's name of its type, and that type's options, as texts."""

    name: str
    type: str
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)


def remote_name(uri: str) -> str:
    """Return the name of the remote that a storageUri is on, "" for a file of the machine."""
    name, colon, _ = uri.partition(":")
    if not colon or "/" in name or name == _OWN_MACHINE:
        return ""
    return name


def parse_remote(text: str) -> Remote:
    """Return the remote that `text` defines.

    Raises ValueError, which says what of it is wrong and nothing that stands in it.
    """
    value = _mapping(text)
    for name in value:
        if name not in _FIELDS:
            hint = did_you_mean(str(name), _FIELDS) if isinstance(name, str) else ""
            raise ValueError(f"it has a field that no remote has{hint or ';'} {_WANTED}")
    for name in ("name", "type"):
        if not isinstance(value.get(name), str) or not value[name].strip():
            raise ValueError(f"its {name!r} is missing or no text; {_WANTED}")
    parameters = value.get("parameters")
    if not isinstance(parameters, dict):
        raise ValueError(f"its 'parameters' are missing or no mapping; {_WANTED}")
    options = {
        _option(name): _text(f"parameters.{name}", given) for name, given in parameters.items()
    }
    return Remote(value["name"].strip(), value["type"].strip(), options)


def show_remote(remote: Remote) -> str:
    """Return the definition of a remote as JSON, which `parse_remote` reads and Seldon's agents."""
    return json.dumps(
        {"name": remote.name, "type": remote.type, "parameters": dict(remote.parameters)}
    )


def _mapping(text: str) -> dict[Any, Any]:
    if len(text) > MOST_BYTES:
        raise ValueError(f"it has {len(text)} characters, {MOST_BYTES} is the most")
    # Only who defines remotes waits for YAML.
    from seldon_core.resources.yaml_text import parse_text

    value = parse_text(text)
    if not isinstance(value, dict):
        raise ValueError(f"it is no mapping; {_WANTED}")
    return value


def _option(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError("one of its 'parameters' has no text for a name")
    return name


def _text(path: str, given: object) -> str:
    match given:
        case bool():
            return "true" if given else "false"
        case str():
            return given
        case int() | float():
            return str(given)
        case None:
            return ""
        case _:
            raise ValueError(f"its {path!r} is neither a text nor a number nor true or false")
