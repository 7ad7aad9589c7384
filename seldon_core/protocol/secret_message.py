"""Secrets and the ConfigMap `seldon-agent` as messages of our own `Secrets` service, and back.

Checked by hand, as models are: see `model_message`. No error repeats a value.
"""

import re
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import secrets_pb2 as pb
from seldon_core.protocol.declaration_size import check_size
from seldon_core.protocol.model_message import kubernetes_message, kubernetes_meta
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.remote import parse_remote, show_remote
from seldon_core.resources.secret import MOST_BYTES, AgentConfigSpec, SecretSpec

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_LONGEST_NAME: Final = 253


def secret_of(message: pb.Secret) -> SecretSpec:
    """Return what `message` declares. Raises InvalidResourceError with the field's path."""
    name = _checked_name(message.name)
    data = dict(message.data)
    for key in data:
        if _KEY.fullmatch(key) is None:
            raise InvalidResourceError(
                "data", f"{key[:_LONGEST_NAME]!r} must be 1 to 253 letters, digits, '-', '_' or '.'"
            )
    size = sum(map(len, data.values()))
    if size > MOST_BYTES:
        raise InvalidResourceError(
            "data", f"the values have {size} bytes together, {MOST_BYTES} is the most"
        )
    return SecretSpec(name, data, _meta(message))


def secret_message(spec: SecretSpec) -> pb.Secret:
    """Return the message that declares `spec`."""
    return pb.Secret(name=spec.name, data=spec.data, kubernetesMeta=kubernetes_message(spec.meta))


def agent_config_of(message: pb.AgentConfig) -> AgentConfigSpec:
    """Return what `message` declares. Raises InvalidResourceError with the field's path."""
    check_size(message, "remotes")
    for place, name in enumerate(message.secretNames):
        if not _is_name(name):
            raise InvalidResourceError(
                f"secretNames.{place}",
                "is no name of a Secret; what defines a remote belongs into remotes",
            )
    remotes = []
    for place, text in enumerate(message.remotes):
        try:
            remotes.append(parse_remote(text))
        except ValueError as error:
            raise InvalidResourceError(f"remotes.{place}", f"defines no remote: {error}") from None
    return AgentConfigSpec(
        tuple(dict.fromkeys(message.secretNames)), tuple(remotes), _meta(message)
    )


def agent_config_message(spec: AgentConfigSpec) -> pb.AgentConfig:
    """Return the message that declares `spec`."""
    return pb.AgentConfig(
        secretNames=spec.secret_names,
        remotes=map(show_remote, spec.remotes),
        kubernetesMeta=kubernetes_message(spec.meta),
    )


def _is_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def _checked_name(name: str) -> str:
    if not _is_name(name):
        shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
        raise InvalidResourceError(
            "name",
            f"{shown!r} must be lower-case letters, digits, '-' and '.', begin and end with a "
            f"letter or digit, and have at most {_LONGEST_NAME} characters",
        )
    return name


def _meta(message: pb.Secret | pb.AgentConfig) -> KubernetesMeta | None:
    if not message.HasField("kubernetesMeta"):
        return None
    return kubernetes_meta(message.kubernetesMeta, "kubernetesMeta")
