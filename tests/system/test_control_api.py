"""The control ports of a real process, as foreign gRPC clients see them."""

import json
import shutil
import subprocess

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from seldon_core import __version__
from seldon_core.proto import agent_pb2, control_pb2, scheduler_pb2, secrets_pb2, servers_pb2
from seldon_core.proto import health_pb2 as seldons_health
from seldon_core.proto import scheduler_pb2 as pb

SCHEDULER = "seldon.mlops.scheduler.Scheduler"
SERVED = {
    "scheduler": [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "seldon.mlops.health.HealthCheckService",
        "seldon.mlops.scheduler.Scheduler",
        "seldon_core.control.Control",
        "seldon_core.control.Secrets",
        "seldon_core.control.Servers",
    ],
    "agent": [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "seldon.mlops.agent.AgentService",
        "seldon.mlops.health.HealthCheckService",
        "seldon_core.control.Control",
    ],
}


@pytest.fixture(params=["scheduler", "agent"])
def port(request, server):
    """A control port by its name and its address."""
    return request.param, f"127.0.0.1:{server.ports[request.param]}"


def test_each_control_port_says_what_it_serves_and_that_it_does(port):
    name, address = port
    with grpc.insecure_channel(address) as channel:
        assert sorted(ProtoReflectionDescriptorDatabase(channel).get_services()) == SERVED[name]
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_client_that_knows_nothing_learns_to_ask_by_reflection(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.ports['scheduler']}") as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName(SCHEDULER).FindMethodByName("ModelStatus")
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        call = channel.unary_stream(
            f"/{SCHEDULER}/ModelStatus",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        statuses = list(call(request(model={"name": "iris"}), timeout=10))
    (status,) = [MessageToDict(status) for status in statuses]
    (version,) = status["versions"]
    assert version["state"]["state"] == "ModelAvailable"
    assert version["serverName"] == "mlserver"


MODULES = (scheduler_pb2, agent_pb2, control_pb2, servers_pb2, secrets_pb2, seldons_health)


def ask_in_vain(channel, method):
    """Call a method with an empty request; return the status, or the first answer's type."""
    kind = f"{'stream' if method.client_streaming else 'unary'}_" + (
        "stream" if method.server_streaming else "unary"
    )
    call = getattr(channel, kind)(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=GetMessageClass(method.input_type).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    request = GetMessageClass(method.input_type)()
    try:
        answer = call(iter([request]) if method.client_streaming else request, timeout=3)
        return type(next(iter(answer), None) if method.server_streaming else answer).__name__
    except grpc.RpcError as error:
        return error.code()


def everything_declared(port):
    """The methods of the services that a port serves, as the .proto files have them."""
    for module in MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            if service.full_name in SERVED[port]:
                # Both ports have this service, each a part of it.
                own = SHARED.get(service.full_name, {}).get(port)
                yield from (each for each in service.methods if own is None or own(each.name))


OF_ROUTERS = ("SubscribeRoutes", "WakeModel")
SHARED = {
    "seldon_core.control.Control": {
        "scheduler": lambda name: name not in OF_ROUTERS,
        "agent": lambda name: name in OF_ROUTERS,
    }
}


def test_whatever_is_declared_is_there(port, server):
    name, address = port
    with grpc.insecure_channel(address) as channel:
        answers = {
            method.name: ask_in_vain(channel, method) for method in everything_declared(name)
        }
    assert len(answers) >= {"scheduler": 29, "agent": 6}[name]
    missing = [method for method, code in answers.items() if code is grpc.StatusCode.UNIMPLEMENTED]
    assert missing == []
    broken = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE)
    wrong = [method for method, code in answers.items() if code in broken]
    # To whom there is no such version, as Seldon's scheduler says it.
    assert wrong == (["ModelStatusEvent"] if name == "scheduler" else [])
    assert server.process.poll() is None


def test_a_model_gateway_takes_a_model_in(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.ports['scheduler']}") as channel:

        def call(kind, name, response):
            return getattr(channel, kind)(
                f"/{SCHEDULER}/{name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=response.FromString,
            )

        subscribe = call("unary_stream", "SubscribeModelStatus", pb.ModelStatusResponse)
        asked = pb.ModelSubscriptionRequest(subscriberName="gw-0", isModelGateway=True)
        orders = subscribe(asked, timeout=20)
        order = next(each for each in orders if each.modelName == "iris")
        assert order.operation == pb.ModelStatusResponse.ModelCreate
        update = pb.ModelUpdateMessage(
            op=pb.ModelUpdateMessage.Create,
            model="iris",
            version=order.versions[0].version,
            timestamp=order.timestamp,
            stream="gw-0",
        )
        answer = call("unary_unary", "ModelStatusEvent", pb.ModelUpdateStatusResponse)
        answer(pb.ModelUpdateStatusMessage(update=update, success=True), timeout=10)
        status = call("unary_stream", "ModelStatus", pb.ModelStatusResponse)
        about = pb.ModelStatusRequest(model=pb.ModelReference(name="iris"))
        (seen,) = status(about, timeout=10)
        orders.cancel()
    state = seen.versions[0].state
    assert (state.modelGwState, state.modelGwReason) == (
        pb.ModelStatus.ModelAvailable,
        "1/1 ready ",
    )


def grpcurl(*arguments):
    program = shutil.which("grpcurl")
    if program is None:
        pytest.skip(
            "grpcurl is not installed: "
            "go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest"
        )
    command = [program, "-plaintext", "-max-time", "10", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_grpcurl_lists_describes_calls_and_is_refused(server):
    address = f"127.0.0.1:{server.ports['scheduler']}"
    assert grpcurl(address, "list").stdout.split() == SERVED["scheduler"]
    described = grpcurl(address, "describe", "seldon.mlops.scheduler.ModelSpec").stdout
    assert "string uri = 1;" in described

    asked = grpcurl("-d", '{"subscriberName": "test"}', address, f"{SCHEDULER}/SchedulerStatus")
    assert json.loads(asked.stdout) == {"applicationVersion": __version__}
    healthy = grpcurl(address, "seldon.mlops.health.HealthCheckService/HealthCheck")
    assert json.loads(healthy.stdout) == {"ok": True}
    assert json.loads(grpcurl(address, "grpc.health.v1.Health/Check").stdout) == {
        "status": "SERVING"
    }

    refused = grpcurl("-d", '{"model": {"name": "no"}}', address, f"{SCHEDULER}/ModelStatus")
    assert refused.returncode != 0
    assert "Code: FailedPrecondition\n  Message: model 'no' not found" in refused.stderr
