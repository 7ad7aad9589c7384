"""How Secrets and the agents' ConfigMap are written down: as maps, lists and texts, and back.

Values are base64, as they are not text. What is wrong with one is said without showing it.
"""

import base64
import binascii
from typing import Any

from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import AGENT_CONFIG, AgentConfigSpec, SecretSpec
from seldon_core.scheduler.records import StoredAgentConfig, StoredSecret
from seldon_core.scheduler.store_models import plain_meta, read_meta
from seldon_core.scheduler.store_values import fields, list_of, text


def plain_secret(secret: StoredSecret) -> dict[str, Any]:
    """Return a Secret as maps and texts, which JSON and msgpack both know."""
    spec = secret.spec
    data = {key: base64.b64encode(value).decode() for key, value in spec.data.items()}
    return {"name": spec.name, "data": data, "meta": plain_meta(spec.meta)}


def read_secret(value: object) -> StoredSecret:
    """Return the Secret that `plain_secret` was given. Raises ValueError if it cannot be one."""
    spec = SecretSpec(**fields(_map(value), _SECRET))
    return StoredSecret(spec.name, spec)


def plain_agent_config(config: StoredAgentConfig) -> dict[str, Any]:
    """Return the ConfigMap as maps, lists and texts, which JSON and msgpack both know."""
    spec = config.spec
    return {
        "secret_names": list(spec.secret_names),
        "remotes": [
            {"name": remote.name, "type": remote.type, "parameters": dict(remote.parameters)}
            for remote in spec.remotes
        ],
        "meta": plain_meta(spec.meta),
    }


def read_agent_config(value: object) -> StoredAgentConfig:
    """Return what `plain_agent_config` was given. Raises ValueError if it cannot be one."""
    return StoredAgentConfig(AGENT_CONFIG, AgentConfigSpec(**fields(_map(value), _AGENT_CONFIG)))


def check_secret(secret: StoredSecret | StoredAgentConfig) -> None:
    """Raise ValueError if something else reads the parts of `secret` than what they say."""
    if secret.spec.name != secret.name:
        raise ValueError(f"the spec of {secret.name!r} is of another one")


def _encoded(value: object) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("wanted base64, found something else") from None


def _map(value: object) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError("wanted a map, found something else")
    return value


def _data(value: object) -> dict[str, bytes]:
    return {text(key): _encoded(each) for key, each in _map(value).items()}


def _parameters(value: object) -> dict[str, str]:
    parameters = _map(value)
    if not all(isinstance(each, str) for pair in parameters.items() for each in pair):
        raise ValueError("wanted texts only, found something else")
    return dict(parameters)


_SECRET = {"name": text, "data": _data, "meta": read_meta}
_REMOTE = {"name": text, "type": text, "parameters": _parameters}
_AGENT_CONFIG = {
    "secret_names": list_of(text),
    "remotes": list_of(lambda value: Remote(**fields(_map(value), _REMOTE))),
    "meta": read_meta,
}
