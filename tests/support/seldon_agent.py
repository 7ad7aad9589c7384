"""An agent as Seldon's is, made with gRPC's own library: it knows nothing of our additions.

Its wire format is written down here once more, by hand, so that a change of ours cannot change it.
"""

import asyncio
from contextlib import asynccontextmanager

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

AGENT = "/seldon.mlops.agent.AgentService"

_TYPES = descriptor_pb2.FieldDescriptorProto
_U32, _U64, _I32 = _TYPES.TYPE_UINT32, _TYPES.TYPE_UINT64, _TYPES.TYPE_INT32
_TEXT, _FLAG, _ENUM = _TYPES.TYPE_STRING, _TYPES.TYPE_BOOL, _TYPES.TYPE_INT32

# Number, name, type or message, and whether it is repeated.
_MESSAGES = {
    "MetaData": [(1, "name", _TEXT)],
    "ParameterSpec": [(1, "name", _TEXT), (2, "value", _TEXT)],
    "StorageConfig": [(1, "storageSecretName", _TEXT), (2, "storageRcloneConfig", _TEXT)],
    "ModelSpec": [
        (1, "uri", _TEXT),
        (4, "requirements", _TEXT, True),
        (5, "memoryBytes", _U64),
        (3, "storageConfig", "StorageConfig"),
        (8, "parameters", "ParameterSpec", True),
    ],
    "DeploymentSpec": [(1, "replicas", _U32), (2, "minReplicas", _U32), (3, "maxReplicas", _U32)],
    "Model": [
        (1, "meta", "MetaData"),
        (2, "modelSpec", "ModelSpec"),
        (3, "deploymentSpec", "DeploymentSpec"),
    ],
    "ModelVersion": [(1, "model", "Model"), (2, "version", _U32)],
    "ReplicaConfig": [
        (1, "inferenceSvc", _TEXT),
        (2, "inferenceHttpPort", _I32),
        (3, "inferenceGrpcPort", _I32),
        (4, "memoryBytes", _U64),
        (5, "capabilities", _TEXT, True),
        (6, "overCommitPercentage", _U32),
    ],
    "AgentSubscribeRequest": [
        (1, "serverName", _TEXT),
        (2, "shared", _FLAG),
        (3, "replicaIdx", _U32),
        (4, "replicaConfig", "ReplicaConfig"),
        (5, "loadedModels", "ModelVersion", True),
        (6, "availableMemoryBytes", _U64),
    ],
    "ModelOperationMessage": [
        (1, "operation", _ENUM),
        (2, "modelVersion", "ModelVersion"),
        (3, "autoscalingEnabled", _FLAG),
    ],
    "ModelEventMessage": [
        (1, "serverName", _TEXT),
        (2, "replicaIdx", _U32),
        (3, "modelName", _TEXT),
        (4, "modelVersion", _U32),
        (5, "event", _ENUM),
        (6, "message", _TEXT),
        (7, "availableMemoryBytes", _U64),
    ],
    "ModelEventResponse": [],
    "AgentDrainRequest": [(1, "serverName", _TEXT), (2, "replicaIdx", _U32)],
    "AgentDrainResponse": [(1, "success", _FLAG)],
}

LOAD, UNLOAD = 1, 2
LOADED, LOAD_FAILED, UNLOADED, UNLOAD_FAILED = 2, 3, 4, 5


def _classes():
    file = descriptor_pb2.FileDescriptorProto(
        name="seldons.proto", package="seldons", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind, *repeated in fields:
            added = message.field.add(name=field, number=number)
            added.label = _TYPES.LABEL_REPEATED if repeated else _TYPES.LABEL_OPTIONAL
            if isinstance(kind, str):
                added.type, added.type_name = _TYPES.TYPE_MESSAGE, f".seldons.{kind}"
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"seldons.{name}"))
        for name in _MESSAGES
    }


MESSAGES = _classes()


def seldons_version(name, version=1, uri="", storage=None):
    """A version as Seldon's scheduler and agents name it to each other."""
    spec = {"uri": uri or f"/models/{name}", "storageConfig": storage}
    model = {"meta": {"name": name}, "modelSpec": spec}
    return MESSAGES["ModelVersion"](model=model, version=version)


class SeldonAgent:
    """Subscribes as a replica and does as it is told, with `held` as (name, version).

    `faults` has by name why a load fails. `orders` are the operations in their order, as
    `load iris 1`; `answers` whether it reports what it did by itself.
    """

    def __init__(self, channel, server="mlserver", idx=0, *, held=(), memory=1000, answers=True):
        self.held = dict.fromkeys(held)
        self.faults = {}
        self.orders = []
        self.messages = []
        self.refusals = []
        self.answers = answers
        self._channel = channel
        self._server, self._idx, self._memory = server, idx, memory
        self._changed = asyncio.Event()

    def request(self, **fields):
        return MESSAGES["AgentSubscribeRequest"](
            serverName=self._server,
            shared=True,
            replicaIdx=self._idx,
            replicaConfig={
                "inferenceSvc": "127.0.0.1",
                "inferenceHttpPort": 9001,
                "inferenceGrpcPort": 9501,
                "memoryBytes": self._memory,
                "capabilities": ["mlserver", "sklearn"],
            },
            loadedModels=[seldons_version(*held) for held in self.held],
            availableMemoryBytes=self._memory,
            **fields,
        )

    async def serve(self):
        """Obey until the scheduler ends the stream."""
        subscribe = self._channel.unary_stream(
            f"{AGENT}/Subscribe",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=MESSAGES["ModelOperationMessage"].FromString,
        )
        async for message in subscribe(self.request()):
            self.messages.append(message)
            await self._obey(message)
            self._changed.set()

    async def has(self, is_so):
        """Wait until `is_so()`, which is looked at after each order."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    async def report(self, name, version, event, message=""):
        """Report; returns gRPC's code and the text if it was refused, else None."""
        call = self._channel.unary_unary(
            f"{AGENT}/AgentEvent",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=MESSAGES["ModelEventResponse"].FromString,
        )
        told = MESSAGES["ModelEventMessage"](
            serverName=self._server,
            replicaIdx=self._idx,
            modelName=name,
            modelVersion=version,
            event=event,
            message=message,
            availableMemoryBytes=self._memory,
        )
        try:
            await call(told, timeout=5)
        except grpc.aio.AioRpcError as error:
            self.refusals.append((error.code(), error.details()))
            return self.refusals[-1]
        return None

    async def drain(self):
        call = self._channel.unary_unary(
            f"{AGENT}/AgentDrain",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=MESSAGES["AgentDrainResponse"].FromString,
        )
        asked = MESSAGES["AgentDrainRequest"](serverName=self._server, replicaIdx=self._idx)
        return (await call(asked, timeout=5)).success

    async def _obey(self, message):
        name, version = message.modelVersion.model.meta.name, message.modelVersion.version
        if message.operation == LOAD:
            self.orders.append(f"load {name} {version}")
            fault = self.faults.get(name)
            event = LOAD_FAILED if fault else LOADED
            if not fault:
                self.held[name, version] = None
        elif message.operation == UNLOAD:
            self.orders.append(f"unload {name} {version}")
            self.held.pop((name, version), None)
            event, fault = UNLOADED, ""
        else:
            return
        if self.answers:
            await self.report(name, version, event, fault or "")


@asynccontextmanager
async def a_channel(port):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
