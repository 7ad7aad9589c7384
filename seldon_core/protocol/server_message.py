"""Servers and their configs as messages of our own `Servers` service, and back.

Checked by hand, as models are: see `model_message`.
"""

from typing import Any

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import servers_pb2 as pb
from seldon_core.protocol.model_message import checked_name, kubernetes_message, kubernetes_meta
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.server import ServerConfigSpec, ServerSpec

_MAX_COUNT = 2**31 - 1
_MAX_MEMORY_BYTES = 2**63 - 1
_MAX_DECLARATION_BYTES = 256 * 1024  # as of a model


def server_of(message: pb.Server) -> ServerSpec:
    """Return what `message` declares. Raises InvalidResourceError with the field's path."""
    name = _checked(message)
    _check_scaling(message)
    return ServerSpec(
        name=name,
        config_name=message.configName,
        extra_capabilities=tuple(message.extraCapabilities),
        replicas=message.replicas,
        min_replicas=message.minReplicas,
        max_replicas=message.maxReplicas,
        disable_auto_update=message.disableAutoUpdate,
        meta=_meta(message),
        **_process_fields(message.process),
    )


def server_config_of(message: pb.ServerConfig) -> ServerConfigSpec:
    """Return what `message` declares. Raises InvalidResourceError with the field's path."""
    return ServerConfigSpec(
        name=_checked(message), meta=_meta(message), **_process_fields(message.process)
    )


def server_message_of(spec: ServerSpec) -> pb.Server:
    """Return the message that declares `spec`."""
    return pb.Server(
        name=spec.name,
        configName=spec.config_name,
        process=_process(spec),
        extraCapabilities=spec.extra_capabilities,
        replicas=spec.replicas,
        minReplicas=spec.min_replicas,
        maxReplicas=spec.max_replicas,
        disableAutoUpdate=spec.disable_auto_update,
        kubernetesMeta=kubernetes_message(spec.meta),
    )


def server_config_message_of(spec: ServerConfigSpec) -> pb.ServerConfig:
    """Return the message that declares `spec`."""
    return pb.ServerConfig(
        name=spec.name, process=_process(spec), kubernetesMeta=kubernetes_message(spec.meta)
    )


def _process(spec: ServerSpec | ServerConfigSpec) -> pb.ServerProcess:
    return pb.ServerProcess(
        capabilities=spec.capabilities,
        memoryBytes=spec.memory_bytes,
        overCommitPercentage=spec.over_commit_percentage,
        python=spec.python,
        environmentVariables=spec.environment_variables,
        environmentName=spec.environment_name,
        deviceCount=spec.device_count,
        labels=spec.labels,
    )


def _process_fields(message: pb.ServerProcess) -> dict[str, Any]:
    over_commit = None
    if message.HasField("overCommitPercentage"):
        over_commit = _counted(message.overCommitPercentage, "process.overCommitPercentage")
    if message.memoryBytes > _MAX_MEMORY_BYTES:
        raise InvalidResourceError(
            "process.memoryBytes",
            f"{message.memoryBytes} is too large, the most is {_MAX_MEMORY_BYTES}",
        )
    if "\0" in message.python:
        raise InvalidResourceError("process.python", f"{message.python!r} cannot be a path")
    for name, value in message.environmentVariables.items():
        if not name or "=" in name or "\0" in name + value:
            raise InvalidResourceError(
                "process.environmentVariables", f"{name!r} cannot be a variable of a process"
            )
    return {
        "capabilities": tuple(message.capabilities),
        "memory_bytes": message.memoryBytes,
        "over_commit_percentage": over_commit,
        "python": message.python,
        "environment_variables": dict(message.environmentVariables),
        "environment_name": message.environmentName,
        "device_count": _counted(message.deviceCount, "process.deviceCount"),
        "labels": dict(message.labels),
    }


def _checked(message: pb.Server | pb.ServerConfig) -> str:
    """Return the name, which is one, of a declaration that is not too large."""
    if message.ByteSize() > _MAX_DECLARATION_BYTES:
        raise InvalidResourceError(
            "process",
            f"the declaration has {message.ByteSize()} bytes, {_MAX_DECLARATION_BYTES} is the most",
        )
    return checked_name(message.name, "name")


def _meta(message: pb.Server | pb.ServerConfig) -> KubernetesMeta | None:
    if not message.HasField("kubernetesMeta"):
        return None
    return kubernetes_meta(message.kubernetesMeta, "kubernetesMeta")


def _counted(count: int, path: str) -> int:
    if count > _MAX_COUNT:
        raise InvalidResourceError(path, f"{count} is too large, the most is {_MAX_COUNT}")
    return count


def _check_scaling(message: pb.Server) -> None:
    replicas, least, most = message.replicas, message.minReplicas, message.maxReplicas
    for field, count in (("minReplicas", least), ("maxReplicas", most), ("replicas", replicas)):
        _counted(count, field)
    if most and least > most:
        raise InvalidResourceError("minReplicas", f"{least} is more than maxReplicas {most}")
    if replicas < least:
        raise InvalidResourceError("replicas", f"{replicas} is less than minReplicas {least}")
    if most and replicas > most:
        raise InvalidResourceError("replicas", f"{replicas} is more than maxReplicas {most}")
