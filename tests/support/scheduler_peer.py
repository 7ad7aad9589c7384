"""A gRPC server that answers as told: the scheduler's calls and ModelInfer, on a real socket."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from seldon_core.proto import control_pb2
from seldon_core.proto import open_inference_pb2 as oip
from seldon_core.proto import scheduler_pb2 as pb

SCHEDULER = "seldon.mlops.scheduler.Scheduler"
CONTROL = "seldon_core.control.Control"
INFERENCE = "inference.GRPCInferenceService"


@dataclass
class SchedulerPeer:
    """What it was asked, and the statuses to answer; a model that has none is refused.

    `models` has of each model the statuses to answer one after the other; the last one stays.
    So have `pipelines` and `experiments`.
    """

    address: str = ""
    requests: list[Any] = field(default_factory=list)
    models: dict[str, Any] = field(default_factory=dict)
    servers: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)
    experiments: dict[str, Any] = field(default_factory=dict)

    def set_model(self, name, *states, reason=""):
        """Let a model be in these states, one after the other."""
        self.models[name] = [
            pb.ModelStatusResponse(
                modelName=name,
                versions=[{"version": 1, "state": {"state": state, "reason": reason}}],
            )
            for state in states
        ]

    def load(self, request, context):
        self.requests.append(request)
        if request.model.meta.name == "refused":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no such luck")
        return pb.LoadModelResponse()

    def unload(self, request, context):
        self.requests.append(request)
        return pb.UnloadModelResponse()

    def model_status(self, request, context):
        self.requests.append(request)
        if not request.HasField("model"):
            yield from (statuses[0] for statuses in self.models.values())
            return
        statuses = self.models.get(request.model.name)
        if statuses is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not known")
        if statuses:
            yield statuses.pop(0) if len(statuses) > 1 else statuses[0]

    def note(self, answer):
        """A call that is noted and answered so."""

        def call(request, context):
            self.requests.append(request)
            return answer()

        return call

    def follow(self, statuses):
        """A call about all of them, or the one that it names."""

        def call(request, context):
            self.requests.append(request)
            if not request.HasField("name"):
                yield from (each[0] for each in statuses.values())
                return
            its = statuses.get(request.name)
            if its is None:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not known")
            yield its.pop(0) if len(its) > 1 else its[0]

        return call

    def watch(self, statuses):
        """Tell of all of them, as they are one after the other, and end."""

        def call(request, context):
            self.requests.append(request)
            for its in list(statuses.values()):
                yield from its

        return call

    def server_status(self, request, context):
        self.requests.append(request)
        if not request.HasField("name"):
            yield from self.servers.values()
        elif request.name in self.servers:
            yield self.servers[request.name]


@contextmanager
def scheduler_peer():
    peer = SchedulerPeer()
    methods = {
        "LoadModel": _unary(pb.LoadModelRequest, peer.load),
        "UnloadModel": _unary(pb.UnloadModelRequest, peer.unload),
        "ModelStatus": _streaming(pb.ModelStatusRequest, peer.model_status),
        "ServerStatus": _streaming(pb.ServerStatusRequest, peer.server_status),
        "LoadPipeline": _unary(pb.LoadPipelineRequest, peer.note(pb.LoadPipelineResponse)),
        "UnloadPipeline": _unary(pb.UnloadPipelineRequest, peer.note(pb.UnloadPipelineResponse)),
        "StartExperiment": _unary(pb.StartExperimentRequest, peer.note(pb.StartExperimentResponse)),
        "StopExperiment": _unary(pb.StopExperimentRequest, peer.note(pb.StopExperimentResponse)),
        "PipelineStatus": _streaming(pb.PipelineStatusRequest, peer.follow(peer.pipelines)),
        "ExperimentStatus": _streaming(pb.ExperimentStatusRequest, peer.follow(peer.experiments)),
    }
    methods |= {
        "SubscribePipelineStatus": _streaming(
            pb.PipelineSubscriptionRequest, peer.watch(peer.pipelines)
        ),
        "SubscribeExperimentStatus": _streaming(
            pb.ExperimentSubscriptionRequest, peer.watch(peer.experiments)
        ),
    }
    changed = peer.note(lambda: control_pb2.ApplyModelResponse(change="CONFIGURED"))
    own = {
        "ApplyPipeline": _unary(pb.LoadPipelineRequest, changed),
        "ApplyExperiment": _unary(pb.StartExperimentRequest, changed),
    }
    with _grpc_server(SCHEDULER, methods, own=own) as address:
        peer.address = address
        yield peer


@contextmanager
def inference_peer(answer, credentials=None):
    """Serve ModelInfer by `answer(request, context)`; yields the address."""
    methods = {"ModelInfer": _unary(oip.ModelInferRequest, answer)}
    with _grpc_server(INFERENCE, methods, credentials) as address:
        yield address


def _unary(request, answer):
    return grpc.unary_unary_rpc_method_handler(
        answer, request.FromString, lambda message: message.SerializeToString()
    )


def _streaming(request, answer):
    return grpc.unary_stream_rpc_method_handler(
        answer, request.FromString, lambda message: message.SerializeToString()
    )


@contextmanager
def _grpc_server(service, methods, credentials=None, own=None):
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
        if own:
            handler = grpc.method_handlers_generic_handler(CONTROL, own)
            server.add_generic_rpc_handlers((handler,))
        bind = "127.0.0.1:0"
        port = (
            server.add_secure_port(bind, credentials)
            if credentials
            else server.add_insecure_port(bind)
        )
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()
