"""A scheduler on a real socket that keeps models as it is told, for the kubectl verbs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from seldon_core.proto import control_pb2, servers_pb2
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import ModelSpec

SINCE = 1_700_000_000
"""When everything came into its state: 2023-11-14T22:13:20Z."""


def a_model(
    name="iris",
    state="ModelAvailable",
    *,
    reason="",
    deleted=False,
    version=1,
    server="mlserver",
    spec=None,
):
    """Return the status of a model with one version, which is on replica 0 of `server`."""
    spec = spec or ModelSpec(name, f"/{name}", ("sklearn",), 102_400)
    message = message_of(spec)
    available = int(state == "ModelAvailable")
    seen = pb.ModelVersionStatus(
        version=version,
        serverName=server,
        kubernetesMeta=message.meta.kubernetesMeta,
        state=pb.ModelStatus(
            state=state,
            reason=reason,
            availableReplicas=available,
            unavailableReplicas=1 - available,
            lastChangeTimestamp={"seconds": SINCE},
        ),
        modelDefn=message,
    )
    if server:
        replica = "Available" if available else "LoadFailed"
        seen.modelReplicaState[0].CopyFrom(
            pb.ModelReplicaStatus(state=replica, lastChangeTimestamp={"seconds": SINCE})
        )
    return pb.ModelStatusResponse(modelName=name, versions=[seen], deleted=deleted)


def gone(name="iris"):
    """Return the status of a model that was deleted and is unloaded."""
    return a_model(name, "ModelTerminated", deleted=True)


def a_server(name="mlserver", *, available=1, expected=-1, loaded=1):
    """Return the status of a server whose replicas have 1000 bytes each."""
    resources = [
        pb.ServerReplicaResources(
            replicaIdx=index,
            totalMemoryBytes=1_000,
            availableMemoryBytes=600,
            numLoadedModels=loaded,
            overCommitPercentage=10,
        )
        for index in range(available)
    ]
    return pb.ServerStatusResponse(
        serverName=name,
        expectedReplicas=expected,
        availableReplicas=available,
        numLoadedModelReplicas=loaded * available,
        resources=resources,
    )


@dataclass
class ToyScheduler:
    """What it was asked, and what it answers.

    `models` has of each model the statuses that it goes through, one each time it is asked for by
    name; the last one stays. `afterwards` replaces them when the model is deleted. `refusals` has
    the code and the words for models that it refuses, `changes` what an apply changes. `updates`
    are what a watch yields after what there is.
    """

    address: str = ""
    asked: list[Any] = field(default_factory=list)
    models: dict[str, list[pb.ModelStatusResponse]] = field(default_factory=dict)
    afterwards: dict[str, list[pb.ModelStatusResponse]] = field(default_factory=dict)
    servers: dict[str, pb.ServerStatusResponse] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, tuple[grpc.StatusCode, str]] = field(default_factory=dict)
    updates: list[Any] = field(default_factory=list)
    described: dict[str, Any] = field(default_factory=dict)
    stories: dict[tuple[str, str], Any] = field(default_factory=dict)
    declared: Any = field(default_factory=servers_pb2.ListServersResponse)

    def keep(self, *statuses):
        """Let a model be in these states, one after the other."""
        self.models[statuses[0].modelName] = list(statuses)

    def apply(self, request, context):
        name = request.model.meta.name
        self._refuse(name, context)
        self.asked.append(("apply", request.model))
        return control_pb2.ApplyModelResponse(change=self.changes.get(name, "CREATED"))

    def unload(self, request, context):
        name = request.model.name
        self._refuse(name, context)
        self.asked.append(("unload", name))
        self.models[name] = self.afterwards.get(name, [gone(name)])
        return pb.UnloadModelResponse()

    def model_status(self, request, context) -> Iterator[pb.ModelStatusResponse]:
        if not request.HasField("model"):
            for statuses in self.models.values():
                shown = pb.ModelStatusResponse()
                shown.CopyFrom(statuses[0])
                if not request.allVersions:
                    del shown.versions[:-1]
                yield shown
            return
        self._refuse(f"status of {request.model.name}", context)
        if request.model.name not in self.models:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "model not found")
        statuses = self.models[request.model.name]
        yield statuses.pop(0) if len(statuses) > 1 else statuses[0]

    def server_status(self, request, context) -> Iterator[pb.ServerStatusResponse]:
        if not request.HasField("name"):
            yield from self.servers.values()
        elif request.name in self.servers:
            yield self.servers[request.name]
        else:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "server not found")

    def list_servers(self, request, context):
        return self.declared

    def change_server(self, request, context):
        self._refuse(request.name, context)
        self.asked.append((type(request).__name__, request.name))
        return servers_pb2.ServerChange(change=self.changes.get(request.name, "CREATED"))

    def delete_server(self, request, context):
        self._refuse(request.name, context)
        self.asked.append(("delete", request.name))
        self.servers.pop(request.name, None)
        return servers_pb2.ServerChange(change="DELETED")

    def watch_models(self, request, context) -> Iterator[pb.ModelStatusResponse]:
        yield from (statuses[0] for statuses in self.models.values())
        yield from self.updates

    def watch_servers(self, request, context) -> Iterator[pb.ServerStatusResponse]:
        yield from self.servers.values()
        yield from self.updates

    def describe(self, request, context):
        return self.described[request.name]

    def tell_story(self, request, context):
        self._refuse("stories", context)
        return control_pb2.StoryResponse(story=self.stories.get((request.kind, request.name)))

    def _refuse(self, name, context):
        if name in self.refusals:
            context.abort(*self.refusals[name])


@contextmanager
def toy_scheduler():
    toy = ToyScheduler()
    scheduler = {
        "UnloadModel": _unary(pb.UnloadModelRequest, toy.unload),
        "ModelStatus": _streaming(pb.ModelStatusRequest, toy.model_status),
        "ServerStatus": _streaming(pb.ServerStatusRequest, toy.server_status),
        "SubscribeModelStatus": _streaming(pb.ModelSubscriptionRequest, toy.watch_models),
        "SubscribeServerStatus": _streaming(pb.ServerSubscriptionRequest, toy.watch_servers),
    }
    control = {
        "ApplyModel": _unary(pb.LoadModelRequest, toy.apply),
        "DescribeModel": _unary(control_pb2.DescribeModelRequest, toy.describe),
        "TellStory": _unary(control_pb2.StoryRequest, toy.tell_story),
    }
    servers = {
        "ListServers": _unary(servers_pb2.ListServersRequest, toy.list_servers),
        "ApplyServer": _unary(servers_pb2.Server, toy.change_server),
        "ApplyServerConfig": _unary(servers_pb2.ServerConfig, toy.change_server),
        "DeleteServer": _unary(servers_pb2.ServerReference, toy.delete_server),
        "DeleteServerConfig": _unary(servers_pb2.ServerReference, toy.delete_server),
    }
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, options=[("grpc.so_reuseport", 0)])
        for service, methods in (
            ("seldon.mlops.scheduler.Scheduler", scheduler),
            ("seldon_core.control.Control", control),
            ("seldon_core.control.Servers", servers),
        ):
            handler = grpc.method_handlers_generic_handler(service, methods)
            server.add_generic_rpc_handlers((handler,))
        toy.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield toy
        finally:
            server.stop(0).wait()


def _unary(request, answer):
    return grpc.unary_unary_rpc_method_handler(
        answer, request.FromString, lambda message: message.SerializeToString()
    )


def _streaming(request, answer):
    return grpc.unary_stream_rpc_method_handler(
        answer, request.FromString, lambda message: message.SerializeToString()
    )
