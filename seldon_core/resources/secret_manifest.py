"""The kinds Secret and ConfigMap as a user writes them, checked by pydantic field by field.

No error repeats a value: which one it is about is said by its key.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seldon_core.resources.kubernetes import CORE_VERSION
from seldon_core.resources.manifest_parts import Metadata, Strict
from seldon_core.resources.remote import Remote, parse_remote
from seldon_core.resources.secret import (
    AGENT_CONFIG,
    MASK,
    MOST_BYTES,
    AgentConfigSpec,
    SecretSpec,
    remote_of,
)
from seldon_core.resources.words import did_you_mean, show
from seldon_core.resources.yaml_text import parse_text

_OPAQUE: Final = "Opaque"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_AGENT_FILES: Final = ("agent.yaml", "agent.json")
_AGENT_LISTS: Final = ("config_secrets", "config")
_MASKED: Final = f"{MASK} is what `get` shows in the place of a value; write the value itself"


def _mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be a mapping of keys to texts")  # pydantic would say what is there
    for key in value:
        if not isinstance(key, str) or _KEY.fullmatch(key) is None:
            raise ValueError(
                f"{show(key)} is no key: it must be 1 to 253 letters, digits, '-', '_' or '.'"
            )
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text; put it in quotes")
    if value == MASK:
        raise ValueError(_MASKED)
    return value


def _plain(value: object) -> bytes:
    return _text(value).encode()


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode("".join(_text(value).split()), validate=True)
    except binascii.Error:
        raise ValueError("must be base64; what is not belongs into stringData") from None


_Encoded = Annotated[bytes, BeforeValidator(_decoded)]
_Written = Annotated[bytes, BeforeValidator(_plain)]
_File = Annotated[str, BeforeValidator(_text)]


class SecretMetadata(Metadata):
    """The metadata of a kind of Kubernetes' own, whose names may have dots."""

    # Not read: kubectl writes the whole manifest there, values and all.
    annotations: Annotated[dict[str, str], BeforeValidator(lambda _: {})] = Field(
        default_factory=dict
    )

    @field_validator("name", "namespace")
    @classmethod
    def _is_name(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "namespace":
            return super()._is_name(value, info)
        if len(value) > 253 or _NAME.fullmatch(value) is None:
            raise ValueError(
                f"{show(value)} must be lower-case letters, digits, '-' and '.', begin and end "
                "with a letter or digit, and have at most 253 characters"
            )
        return value


class _CoreManifest(Strict):
    """A resource of Kubernetes' own."""

    model_config = ConfigDict(hide_input_in_errors=True)

    api_version: str
    kind: str
    metadata: SecretMetadata
    immutable: bool = False

    @field_validator("api_version")
    @classmethod
    def _is_core(cls, value: str) -> str:
        if value != CORE_VERSION:
            raise ValueError(f"must be {CORE_VERSION}, not {show(value)}")
        return value

    def notices(self) -> list[str]:
        """Return a sentence about each part that is without effect."""
        return ["immutable has no effect here"] if self.immutable else []


class SecretManifest(_CoreManifest):
    """A Secret as Kubernetes would store it."""

    type: str = _OPAQUE
    data: Annotated[dict[str, _Encoded], BeforeValidator(_mapping)] = Field(
        default_factory=dict, repr=False
    )
    string_data: Annotated[dict[str, _Written], BeforeValidator(_mapping)] = Field(
        default_factory=dict, repr=False
    )

    @field_validator("type")
    @classmethod
    def _is_opaque(cls, value: str) -> str:
        if value not in ("", _OPAQUE):
            raise ValueError(f"only {_OPAQUE} Secrets are served, not {show(value)}")
        return value

    @model_validator(mode="after")
    def _fits(self) -> "SecretManifest":
        size = sum(map(len, self.to_spec().data.values()))
        if size > MOST_BYTES:
            raise ValueError(f"the values have {size} bytes together, {MOST_BYTES} is the most")
        return self

    def to_spec(self) -> SecretSpec:
        """Return the declared Secret as the process knows it; `stringData` counts before `data`."""
        data = {**self.data, **self.string_data}
        return SecretSpec(self.metadata.name, data, self.metadata.to_meta())

    def notices(self) -> list[str]:
        """Return a sentence about each part that is without effect."""
        try:
            remote_of(self.to_spec())
        except ValueError as error:
            return [*super().notices(), f"no model can be loaded by it: {error}"]
        return super().notices()


class ConfigMapManifest(_CoreManifest):
    """The ConfigMap `seldon-agent` as Kubernetes would store it."""

    data: Annotated[dict[str, _File], BeforeValidator(_mapping)] = Field(
        default_factory=dict, repr=False
    )

    @field_validator("metadata")
    @classmethod
    def _is_the_agents(cls, value: SecretMetadata) -> SecretMetadata:
        if value.name != AGENT_CONFIG:
            raise ValueError(f"only the ConfigMap {AGENT_CONFIG!r} is served, not {value.name!r}")
        return value

    @field_validator("data")
    @classmethod
    def _is_one_file(cls, value: dict[str, str]) -> dict[str, str]:
        if len(value) > 1 or not value.keys() <= set(_AGENT_FILES):
            found = ", ".join(map(show, value))
            raise ValueError(f"must hold either {' or '.join(_AGENT_FILES)}; found {found}")
        for name, text in value.items():
            try:
                _read_agent_file(text)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return value

    def to_spec(self) -> AgentConfigSpec:
        """Return the declared ConfigMap as the process knows it."""
        names: tuple[str, ...] = ()
        remotes: tuple[Remote, ...] = ()
        for text in self.data.values():
            names, remotes = _read_agent_file(text)
        return AgentConfigSpec(names, remotes, self.metadata.to_meta())


def _read_agent_file(text: str) -> tuple[tuple[str, ...], tuple[Remote, ...]]:
    """Return the Secrets that an agent's file names, and the remotes that it defines.

    Raises ValueError with the path of what is wrong, and nothing that stands there.
    """
    rclone = _part(_part(parse_text(text), "", ("rclone",)).get("rclone"), "rclone", _AGENT_LISTS)
    names = _list(rclone, "config_secrets")
    remotes = []
    for place, definition in enumerate(_list(rclone, "config")):
        path = f"rclone.config.{place}"
        if definition == MASK:
            raise ValueError(f"{path}: {_MASKED}")
        try:
            remotes.append(parse_remote(definition))
        except ValueError as error:
            raise ValueError(f"{path} defines no remote: {error}") from None
    for place, name in enumerate(names):
        if _NAME.fullmatch(name) is None:
            raise ValueError(
                f"rclone.config_secrets.{place}: it is no name of a Secret; what defines a remote "
                "belongs into rclone.config"
            )
    return tuple(dict.fromkeys(names)), tuple(remotes)


def _part(value: object, path: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{path or 'it'} must be a mapping")
    for name in value:
        if name not in known:
            hint = did_you_mean(str(name), known) or f"; there are: {', '.join(known)}"
            raise ValueError(f"{path or 'it'} has a field that is not known{hint}")
    return value


def _list(rclone: Mapping[str, Any], name: str) -> list[str]:
    value = rclone.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"rclone.{name} must be a list of texts")
    return value


SECRET_PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {(): SecretManifest}
"""Each part of a Secret that refuses unknown fields, by its path without list indices."""

CONFIG_MAP_PARTS: Mapping[tuple[str, ...], type[BaseModel]] = {(): ConfigMapManifest}
"""The same of a ConfigMap."""
