"""The command line's client, against a real gRPC server."""

import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from seldon_core.errors import ConfigError
from seldon_core.proto import control_pb2, scheduler_pb2
from seldon_core.transport.control_client import RpcError, SchedulerClient
from seldon_core.transport.endpoints import ClientTls
from tests.support.certificates import make_certificates

SCHEDULER = "seldon.mlops.scheduler.Scheduler"
CONTROL = "seldon_core.control.Control"


def unary(request, answer):
    return grpc.unary_unary_rpc_method_handler(
        answer, request.FromString, lambda message: message.SerializeToString()
    )


def streaming(request, answer):
    return grpc.unary_stream_rpc_method_handler(
        answer, request.FromString, lambda message: message.SerializeToString()
    )


@contextmanager
def a_server(scheduler=None, control=None, credentials=None):
    with ThreadPoolExecutor(4) as threads:
        server = grpc.server(threads, options=[("grpc.so_reuseport", 0)])
        for name, methods in ((SCHEDULER, scheduler or {}), (CONTROL, control or {})):
            handler = grpc.method_handlers_generic_handler(name, methods)
            server.add_generic_rpc_handlers((handler,))
        address = "127.0.0.1:0"
        port = (
            server.add_secure_port(address, credentials)
            if credentials
            else server.add_insecure_port(address)
        )
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


def remember(seen, answer):
    def handler(request, context):
        seen.append(request)
        return answer

    return handler


def test_every_unary_call_reaches_its_method():
    pb, seen = scheduler_pb2, []
    model = pb.Model(meta={"name": "iris"})
    applied = control_pb2.ApplyModelResponse(change=control_pb2.ApplyModelResponse.CREATED)
    described = control_pb2.DescribeModelResponse(status={"modelName": "iris"})
    told = control_pb2.StoryResponse(story=[{"eventId": 7}])
    status = pb.SchedulerStatusResponse(applicationVersion="1")
    scheduler = {
        "LoadModel": unary(pb.LoadModelRequest, remember(seen, pb.LoadModelResponse())),
        "UnloadModel": unary(pb.UnloadModelRequest, remember(seen, pb.UnloadModelResponse())),
        "SchedulerStatus": unary(pb.SchedulerStatusRequest, remember(seen, status)),
    }
    control = {
        "ApplyModel": unary(pb.LoadModelRequest, remember(seen, applied)),
        "DescribeModel": unary(control_pb2.DescribeModelRequest, remember(seen, described)),
        "TellStory": unary(control_pb2.StoryRequest, remember(seen, told)),
    }
    requests = [
        pb.LoadModelRequest(model=model),
        pb.LoadModelRequest(model=model),
        pb.UnloadModelRequest(model={"name": "iris"}),
        pb.SchedulerStatusRequest(subscriberName="cli"),
        control_pb2.DescribeModelRequest(name="iris"),
        control_pb2.StoryRequest(kind="pipeline", name="p"),
    ]
    with a_server(scheduler, control) as address, SchedulerClient(address) as client:
        methods = [
            client.load_model,
            client.apply_model,
            client.unload_model,
            client.scheduler_status,
            client.describe_model,
            client.tell_story,
        ]
        answers = [method(each) for method, each in zip(methods, requests, strict=True)]
    assert answers == [
        pb.LoadModelResponse(),
        applied,
        pb.UnloadModelResponse(),
        status,
        described,
        told,
    ]
    assert seen == requests


def test_every_streaming_call_yields_what_comes():
    pb = scheduler_pb2
    models = [pb.ModelStatusResponse(modelName=name) for name in ("iris", "wine")]
    servers = [pb.ServerStatusResponse(serverName=name) for name in ("mlserver", "triton")]
    scheduler = {
        "ModelStatus": streaming(pb.ModelStatusRequest, lambda *_: iter(models)),
        "SubscribeModelStatus": streaming(pb.ModelSubscriptionRequest, lambda *_: iter(models)),
        "ServerStatus": streaming(pb.ServerStatusRequest, lambda *_: iter(servers)),
        "SubscribeServerStatus": streaming(pb.ServerSubscriptionRequest, lambda *_: iter(servers)),
    }
    with a_server(scheduler) as address, SchedulerClient(address) as client:
        assert list(client.model_status(pb.ModelStatusRequest())) == models
        assert list(client.watch_models(pb.ModelSubscriptionRequest())) == models
        assert list(client.server_status(pb.ServerStatusRequest())) == servers
        assert list(client.watch_servers(pb.ServerSubscriptionRequest())) == servers


def refusing(code, text):
    def handler(request, context):
        context.abort(code, text)

    return handler


def test_a_refusal_reads_as_gos_clients_write_it():
    handler = refusing(grpc.StatusCode.FAILED_PRECONDITION, "model 'iris' not found")
    scheduler = {"UnloadModel": unary(scheduler_pb2.UnloadModelRequest, handler)}
    with (
        a_server(scheduler) as address,
        SchedulerClient(address) as client,
        pytest.raises(RpcError) as refused,
    ):
        client.unload_model(scheduler_pb2.UnloadModelRequest())
    assert refused.value.code == "FailedPrecondition"
    assert refused.value.detail == "model 'iris' not found"
    assert str(refused.value) == (
        "rpc error: code = FailedPrecondition desc = model 'iris' not found"
    )


def test_a_stream_that_is_refused_raises_when_it_is_read():
    handler = refusing(grpc.StatusCode.UNAVAILABLE, "the disk is full")
    scheduler = {"ModelStatus": streaming(scheduler_pb2.ModelStatusRequest, handler)}
    with a_server(scheduler) as address, SchedulerClient(address) as client:
        statuses = client.model_status(scheduler_pb2.ModelStatusRequest())
        with pytest.raises(RpcError, match=r"^rpc error: code = Unavailable desc = the disk is "):
            list(statuses)


def test_who_does_not_answer_in_time_is_named():
    release = threading.Event()
    scheduler = {
        "ModelStatus": streaming(
            scheduler_pb2.ModelStatusRequest, lambda *_: iter([release.wait(5)])
        )
    }
    with a_server(scheduler) as address, SchedulerClient(address) as client:
        with pytest.raises(RpcError) as late:
            list(client.model_status(scheduler_pb2.ModelStatusRequest(), timeout_s=0.2))
        release.set()
    assert str(late.value) == (
        "rpc error: code = DeadlineExceeded desc = "
        f"the scheduler at {address} did not answer within 0.2 s"
    )


def test_a_deadline_of_the_servers_own_reads_as_it_says():
    handler = refusing(grpc.StatusCode.DEADLINE_EXCEEDED, "the first message took too long")
    scheduler = {"SubscribeModelStatus": streaming(scheduler_pb2.ModelSubscriptionRequest, handler)}
    with a_server(scheduler) as address, SchedulerClient(address) as client:
        statuses = client.watch_models(scheduler_pb2.ModelSubscriptionRequest())
        with pytest.raises(RpcError, match=r"desc = the first message took too long$"):
            list(statuses)


def test_leaving_a_stream_ends_its_call():
    ended = threading.Event()

    def endless(request, context):
        context.add_callback(ended.set)
        yield scheduler_pb2.ModelStatusResponse(modelName="iris")
        ended.wait(5)

    scheduler = {"SubscribeModelStatus": streaming(scheduler_pb2.ModelSubscriptionRequest, endless)}
    with a_server(scheduler) as address, SchedulerClient(address) as client:
        statuses = client.watch_models(scheduler_pb2.ModelSubscriptionRequest())
        assert next(statuses).modelName == "iris"
        statuses.close()
        assert ended.wait(5)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


# In a process of its own, because what gRPC says itself is settled when it is first imported.
CALLS_NOBODY = """
import sys
from seldon_core.errors import SeldonError
from seldon_core.proto import scheduler_pb2
from seldon_core.transport.control_client import SchedulerClient
from seldon_core.transport.endpoints import ClientTls
for tls in (None, ClientTls()):
    with SchedulerClient(sys.argv[1], tls=tls) as client:
        try:
            client.scheduler_status(scheduler_pb2.SchedulerStatusRequest(), timeout_s=5)
        except SeldonError as error:
            print(error)
"""


def call_nobody(address):
    command = [sys.executable, "-c", CALLS_NOBODY, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_nobody_at_the_address_is_told_with_what_to_do_and_nothing_else():
    address = f"127.0.0.1:{closed_port()}"
    plain, tls = call_nobody(address)
    assert plain == tls
    assert plain == (
        "rpc error: code = Unavailable desc = no scheduler can be reached at "
        f"{address} (Connection refused); start one with `seldon-core serve`, or say where it "
        "is with --scheduler-host"
    )


def test_a_port_that_speaks_no_tls_is_told_so():
    status = scheduler_pb2.SchedulerStatusResponse(applicationVersion="1")
    answer = unary(scheduler_pb2.SchedulerStatusRequest, lambda *_: status)
    with a_server({"SchedulerStatus": answer}) as address:
        (only_tls,) = call_nobody(address)
    assert f"no scheduler can be reached at {address} (" in only_tls


class Unavailable:
    """What gRPC says of a connection."""

    def __init__(self, details):
        self._details = details

    def code(self):
        return grpc.StatusCode.UNAVAILABLE

    def details(self):
        return self._details


@pytest.mark.parametrize(
    ("details", "told"),
    [
        (
            (
                "errors resolving a:1: [field:hostname lookup error:address lookup failed for a:1: "
                "Domain name not found]"
            ),
            (
                "no scheduler can be reached at a:1 (Domain name not found); start one with "
                "`seldon-core serve`, or say where it is with --scheduler-host"
            ),
        ),
        (
            "Stream removed (Socket closed)",
            "the scheduler at a:1 has stopped: its connection is closed",
        ),
        ("the process is stopping", "the process is stopping"),
    ],
    ids=["unknown host", "killed", "its own words"],
)
def test_what_grpc_says_of_a_connection_is_a_sentence(details, told):
    with SchedulerClient("a:1") as client:
        assert client._told(Unavailable(details), None).detail == told


@pytest.mark.parametrize(
    "address", ["localhost", "http://localhost:9004", ":9004", "localhost:", ""]
)
def test_an_address_without_host_or_port_is_none(address):
    with pytest.raises(ConfigError, match=r"must be host:port, for example 127\.0\.0\.1:9004$"):
        SchedulerClient(address)


def test_the_authority_is_sent():
    seen = []

    def handler(request, context):
        seen.append(context._rpc_event.call_details.host.decode())
        return scheduler_pb2.SchedulerStatusResponse()

    scheduler = {"SchedulerStatus": unary(scheduler_pb2.SchedulerStatusRequest, handler)}
    with a_server(scheduler) as address, SchedulerClient(address, authority="seldon") as client:
        client.scheduler_status(scheduler_pb2.SchedulerStatusRequest())
    assert seen == ["seldon"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_server(certificates):
    status = scheduler_pb2.SchedulerStatusResponse(applicationVersion="1")
    answer = unary(scheduler_pb2.SchedulerStatusRequest, lambda *_: status)
    credentials = grpc.ssl_server_credentials(
        [(Path(certificates.server_key).read_bytes(), Path(certificates.server).read_bytes())],
        Path(certificates.ca).read_bytes(),
        require_client_auth=True,
    )
    with a_server({"SchedulerStatus": answer}, credentials=credentials) as address:
        yield address


def test_both_sides_know_each_other_by_their_certificates(tls_server, certificates):
    tls = ClientTls(certificates.ca, certificates.client, certificates.client_key)
    with SchedulerClient(tls_server, tls=tls) as client:
        answer = client.scheduler_status(scheduler_pb2.SchedulerStatusRequest())
    assert answer.applicationVersion == "1"


def test_a_server_that_nobody_vouches_for_is_not_called(tls_server):
    with SchedulerClient(tls_server, tls=ClientTls()) as client, pytest.raises(RpcError) as refused:
        client.scheduler_status(scheduler_pb2.SchedulerStatusRequest(), timeout_s=5)
    assert refused.value.code == "Unavailable"


def test_a_file_that_is_not_there_is_named(tmp_path):
    missing = str(tmp_path / "ca.pem")
    with pytest.raises(ConfigError) as refused:
        SchedulerClient("localhost:9004", tls=ClientTls(missing))
    assert str(refused.value) == f"{missing} cannot be read: No such file or directory"


def test_a_file_that_holds_no_certificate_is_named(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(ConfigError, match=f"^{empty} holds no certificates: "):
        SchedulerClient("localhost:9004", tls=ClientTls(str(empty)))


def test_the_schedulers_certificate_is_always_verified():
    with pytest.raises(ConfigError, match=r"^the scheduler's certificate is always verified: "):
        SchedulerClient("localhost:9004", tls=ClientTls(verify=False))


@pytest.mark.parametrize("address", ["::1:9004", "localhost:99999", "localhost:0", "a/b:1"])
def test_an_address_that_cannot_be_is_not_tried(address):
    with pytest.raises(ConfigError, match="is no address"):
        SchedulerClient(address)
