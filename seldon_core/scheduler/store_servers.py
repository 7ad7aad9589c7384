"""How servers and their configs are written down: as maps, lists, texts and numbers, and back."""

from collections.abc import Callable, Iterable
from typing import Any

from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.records import StoredServer, StoredServerConfig
from seldon_core.scheduler.store_models import plain_meta, read_meta
from seldon_core.scheduler.store_values import (
    fields,
    list_of,
    or_none,
    text,
    texts_by_name,
    truth,
    whole,
)


def plain_server(server: StoredServer) -> dict[str, Any]:
    """Return a server as maps, lists, texts and numbers, which JSON and msgpack both know."""
    plain: dict[str, Any] = {name: getattr(server, name) for name in _SERVER}
    plain["spec"] = None if server.spec is None else _plain_spec(server.spec)
    plain["replicas"] = list(server.replicas)
    plain["meta"] = plain_meta(server.meta)
    return plain


def read_server(value: object) -> StoredServer:
    """Return the server that `plain_server` was given. Raises ValueError if it cannot be one."""
    server = StoredServer(**fields(value, _SERVER))
    check_server(server)
    return server


def check_server(server: StoredServer) -> None:
    """Raise ValueError if something else reads the parts of `server` than what they say."""
    if server.spec is not None and server.spec.name != server.name:
        raise ValueError(f"the spec of {server.name!r} is of another server")
    if sorted(set(server.replicas)) != list(server.replicas):
        raise ValueError(f"wanted rising indices of replicas, found {list(server.replicas)}")


def plain_server_config(config: StoredServerConfig) -> dict[str, Any]:
    """Return a config as maps, lists, texts and numbers, which JSON and msgpack both know."""
    return {"name": config.name, "spec": _plain_process(config.spec, _CONFIG)}


def read_server_config(value: object) -> StoredServerConfig:
    """Return what `plain_server_config` was given. Raises ValueError if it cannot be one."""
    config = StoredServerConfig(**fields(value, _STORED_CONFIG))
    check_server_config(config)
    return config


def check_server_config(config: StoredServerConfig) -> None:
    """Raise ValueError if something else reads the parts of `config` than what they say."""
    if config.spec.name != config.name:
        raise ValueError(f"the spec of {config.name!r} is of another config")


def _plain_spec(spec: ServerSpec) -> dict[str, Any]:
    plain = _plain_process(spec, _SPEC)
    plain["extra_capabilities"] = list(spec.extra_capabilities)
    return plain


def _plain_process(spec: ServerSpec | ServerConfigSpec, names: Iterable[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(spec, name) for name in names}
    plain["capabilities"] = list(spec.capabilities)
    plain["environment_variables"] = dict(spec.environment_variables)
    plain["labels"] = dict(spec.labels)
    plain["meta"] = plain_meta(spec.meta)
    return plain


_CONFIG: dict[str, Callable[[object], Any]] = {
    "name": text,
    "capabilities": list_of(text),
    "memory_bytes": whole,
    "over_commit_percentage": or_none(whole),
    "python": text,
    "environment_variables": texts_by_name,
    "environment_name": text,
    "device_count": whole,
    "labels": texts_by_name,
    "meta": read_meta,
}
_SPEC: dict[str, Callable[[object], Any]] = {
    **_CONFIG,
    "config_name": text,
    "extra_capabilities": list_of(text),
    "replicas": whole,
    "min_replicas": whole,
    "max_replicas": whole,
    "disable_auto_update": truth,
}
_STORED_CONFIG: dict[str, Callable[[object], Any]] = {
    "name": text,
    "spec": lambda value: ServerConfigSpec(**fields(value, _CONFIG)),
}
_SERVER = {
    "name": text,
    "spec": or_none(lambda value: ServerSpec(**fields(value, _SPEC))),
    "expected_replicas": whole,
    "min_replicas": whole,
    "max_replicas": whole,
    "is_shared": truth,
    "replicas": list_of(whole),
    "meta": read_meta,
}
