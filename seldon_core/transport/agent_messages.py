"""The messages between scheduler and agents, as what they mean and back.

What an agent of Seldon's sends is understood as well; what is only ours is left out for it.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import agent_pb2 as pb
from seldon_core.proto import scheduler_pb2
from seldon_core.protocol.model_message import checked_name, message_of, spec_of
from seldon_core.resources.knobs import NO_KNOBS
from seldon_core.resources.model import ModelVersion
from seldon_core.resources.remote import Remote, parse_remote, show_remote
from seldon_core.transport.control import (
    HeldModel,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
)

MOST_BYTES: Final = 2**63 - 1

_MAX_PORT = 65535
# What an agent calls itself that was not told its name: it is where it calls from.
_LONGEST_HOST = 253
_HOST = re.compile(rf"[!-~]{{1,{_LONGEST_HOST}}}")
_ANYWHERE = ("", "0.0.0.0", "::", "[::]")


@dataclass(frozen=True, slots=True)
class Hello:
    """What an agent of ours says of itself.

    It understands `oldest_protocol` to `protocol`. `version` is the program's, `instance` another
    one at each start. `admin_port` is for the process that started it, 0 if there is none.
    """

    protocol: int
    oldest_protocol: int
    version: str
    instance: str
    admin_port: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an agent subscribes with. `hello` is None for an agent of Seldon's.

    `unknown` are the versions among those that it holds which cannot be understood, as they came,
    each with the reason.
    """

    replica: ReplicaId
    config: ReplicaConfig
    hello: Hello | None
    unknown: tuple[tuple[pb.ModelVersion, str], ...] = ()

    def is_of_same_agent(self, other: "Subscription") -> bool:
        """Return whether both come from the same start of an agent of ours."""
        if self.hello is None or other.hello is None or not self.hello.instance:
            return False
        return self.hello.instance == other.hello.instance


def subscribe_message(
    replica: ReplicaId, config: ReplicaConfig, hello: Hello
) -> pb.AgentSubscribeRequest:
    """Return what an agent of ours subscribes with; a config without an address has no ports."""
    address = config.address or ReplicaAddress("", 0, 0)
    available = config.memory_bytes if config.available_bytes is None else config.available_bytes
    return pb.AgentSubscribeRequest(
        serverName=replica.server,
        shared=config.is_shared,
        replicaIdx=replica.replica_idx,
        replicaConfig=pb.ReplicaConfig(
            inferenceSvc=address.host,
            inferenceHttpPort=address.http_port,
            inferenceGrpcPort=address.grpc_port,
            memoryBytes=config.memory_bytes,
            capabilities=config.capabilities,
            overCommitPercentage=config.over_commit_percentage,
        ),
        loadedModels=[_version_message(held.version) for held in config.held],
        availableMemoryBytes=available,
        hello=pb.AgentHello(
            protocol=hello.protocol,
            oldestProtocol=hello.oldest_protocol,
            version=hello.version,
            instance=hello.instance,
            adminPort=hello.admin_port,
        ),
    )


def subscription_of(message: pb.AgentSubscribeRequest, peer: str) -> Subscription:
    """Return what an agent subscribes with; `peer` is where it calls from (`10.0.0.7:51234`).

    Raises InvalidResourceError if its name, its memory or a port cannot be what it says.
    """
    replica = replica_of(message.serverName, message.replicaIdx)
    given = message.replicaConfig
    hello = _hello(message) if message.HasField("hello") else None
    if given.memoryBytes > MOST_BYTES:
        raise InvalidResourceError(
            "replicaConfig.memoryBytes",
            f"{given.memoryBytes} is too large, the most is {MOST_BYTES}",
        )
    if given.memoryBytes * given.overCommitPercentage // 100 > MOST_BYTES:
        raise InvalidResourceError(
            "replicaConfig.overCommitPercentage",
            f"{given.overCommitPercentage} of {given.memoryBytes} bytes is too large, the most is "
            f"{MOST_BYTES} bytes",
        )
    held: dict[tuple[str, int], HeldModel] = {}
    unknown: list[tuple[pb.ModelVersion, str]] = []
    for each in message.loadedModels:
        try:
            version = version_of(without_remote(each))
        except InvalidResourceError as error:
            unknown.append((each, str(error)))
        else:
            held[version.spec.name, version.version] = HeldModel(version)
    config = ReplicaConfig(
        capabilities=tuple(filter(None, map(str.strip, given.capabilities))),
        memory_bytes=given.memoryBytes,
        over_commit_percentage=given.overCommitPercentage,
        is_shared=message.shared,
        address=_address(given, peer, is_ours=hello is not None),
        held=tuple(held.values()),
        available_bytes=min(message.availableMemoryBytes, MOST_BYTES),
    )
    return Subscription(replica, config, hello, tuple(unknown))


def load_message(
    version: ModelVersion, order: int, remote: Remote | None = None
) -> pb.ModelOperationMessage:
    """Return the order to load, from `remote`.

    `order` is 0 for an agent of Seldon's, which hears of no knobs.
    """
    if not order:
        version = replace(version, spec=replace(version.spec, knobs=NO_KNOBS))
    message = pb.ModelOperationMessage(
        operation=pb.ModelOperationMessage.LOAD_MODEL,
        autoscalingEnabled=version.spec.is_scaled,
        modelVersion=_version_message(version),
        order=order,
    )
    if remote is not None and order:
        message.remote.CopyFrom(
            pb.Remote(name=remote.name, type=remote.type, parameters=remote.parameters)
        )
    elif remote is not None:
        storage = message.modelVersion.model.modelSpec.storageConfig
        storage.storageRcloneConfig = show_remote(remote)
    return message


def remote_in(message: pb.ModelOperationMessage) -> Remote | None:
    """Return the remote that an order to load names, None if it names none.

    A scheduler of Seldon's names it as the model's own. Raises InvalidResourceError if that cannot
    be one.
    """
    if message.HasField("remote"):
        given = message.remote
        return Remote(given.name, given.type, dict(given.parameters))
    text = message.modelVersion.model.modelSpec.storageConfig.storageRcloneConfig
    if not text:
        return None
    try:
        return parse_remote(text)
    except ValueError as error:
        path = "modelSpec.storageConfig.storageRcloneConfig"
        raise InvalidResourceError(path, f"defines no remote: {error}") from None


def unload_message(version: pb.ModelVersion, order: int) -> pb.ModelOperationMessage:
    """Return the order to unload `version`, which is as it was ordered or held."""
    return pb.ModelOperationMessage(
        operation=pb.ModelOperationMessage.UNLOAD_MODEL, modelVersion=version, order=order
    )


def bare_version(model: str, version: int) -> pb.ModelVersion:
    """Return a version of which nothing is known but its name and number."""
    meta = scheduler_pb2.MetaData(name=model)
    return pb.ModelVersion(model=scheduler_pb2.Model(meta=meta), version=version)


def without_remote(version: pb.ModelVersion) -> pb.ModelVersion:
    """Return a version without the remote that a scheduler of Seldon's told of it."""
    if not version.model.modelSpec.storageConfig.HasField("storageRcloneConfig"):
        return version
    bare = pb.ModelVersion()
    bare.CopyFrom(version)
    bare.model.modelSpec.ClearField("storageConfig")
    return bare


def version_of(message: pb.ModelVersion) -> ModelVersion:
    """Return the version that a message declares.

    Raises InvalidResourceError if that is no model that is served, or it has no number.
    """
    if not message.version:
        raise InvalidResourceError("version", f"{message.model.meta.name!r} has none")
    return ModelVersion(spec_of(message.model), message.version)


def replica_of(server: str, replica_idx: int) -> ReplicaId:
    """Return a replica. Raises InvalidResourceError if the server's name cannot be one."""
    return ReplicaId(checked_name(server, "serverName"), replica_idx)


def _version_message(version: ModelVersion) -> pb.ModelVersion:
    return pb.ModelVersion(model=message_of(version.spec), version=version.version)


def _hello(message: pb.AgentSubscribeRequest) -> Hello:
    said = message.hello
    if said.adminPort > _MAX_PORT:
        raise InvalidResourceError("hello.adminPort", f"{said.adminPort} is no port")
    return Hello(said.protocol, said.oldestProtocol, said.version, said.instance, said.adminPort)


def _address(given: pb.ReplicaConfig, peer: str, *, is_ours: bool) -> ReplicaAddress:
    for field, port in (
        ("inferenceHttpPort", given.inferenceHttpPort),
        ("inferenceGrpcPort", given.inferenceGrpcPort),
    ):
        if not 0 <= port <= _MAX_PORT:
            raise InvalidResourceError(f"replicaConfig.{field}", f"{port} is no port")
    host = given.inferenceSvc.strip()
    if host in _ANYWHERE:
        host = peer.rpartition(":")[0].strip("[]")
    if _HOST.fullmatch(host) is None:
        raise InvalidResourceError(
            "replicaConfig.inferenceSvc",
            f"{host[:_LONGEST_HOST]!r} is no host: it needs 1 to {_LONGEST_HOST} visible ASCII "
            "characters",
        )
    return ReplicaAddress(host, given.inferenceHttpPort, given.inferenceGrpcPort, is_ours)
