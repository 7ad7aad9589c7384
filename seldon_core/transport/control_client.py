"""The scheduler's API from a client's side, for the command line: synchronous, over gRPC.

Importing this imports gRPC, a tenth of a second; who may do without it imports it late.
"""

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

# Read when gRPC starts: it would write about failed connections to standard error, and so do we.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import Message

from seldon_core.config.values import is_everywhere, is_loopback
from seldon_core.errors import ConfigError, UpstreamError
from seldon_core.proto import control_pb2, scheduler_pb2, secrets_pb2, servers_pb2
from seldon_core.protocol.status import GRPC_CODES
from seldon_core.transport.endpoints import ClientTls, Endpoint, read_pem, tls_trouble

T = TypeVar("T", bound=Message)

TIMEOUT_S: Final = 10.0
"""How long a call may take if nothing else is said: what Seldon's operator allows."""

_SCHEDULER: Final = "seldon.mlops.scheduler.Scheduler"
_CONTROL: Final = "seldon_core.control.Control"
_SERVERS: Final = "seldon_core.control.Servers"
_SECRETS: Final = "seldon_core.control.Secrets"

_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),  # the scheduler is near; proxies are for the world outside
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),  # a model may have many versions
    # Seldon's scheduler forbids more. Without it a watcher never hears that the machine has gone.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)

# How gRPC begins to say that there was no connection, as opposed to an answer UNAVAILABLE.
_NOT_CONNECTED: Final = (
    "failed to connect to all addresses",
    "DNS resolution failed",
    "errors resolving",
)


class RpcError(UpstreamError):
    """A call was refused or not answered; reads as `rpc error: code = Unavailable desc = …`.

    `code` is a gRPC code as Go spells it (`FailedPrecondition`, `DeadlineExceeded`), `detail` the
    server's sentence, or one about the connection.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {detail}")
        self.code = code
        self.detail = detail

    @property
    def is_out_of_reach(self) -> bool:
        """Whether the server cannot do anything at present, so that asking for more is in vain."""
        return self.code in ("Unavailable", "DeadlineExceeded")


class SchedulerClient:
    """A connection to the scheduler at `address` (`host:port`), made when it is first used.

    A context manager; closing it ends the calls under way. Every method takes `timeout_s`, None
    for no end, and raises RpcError. What yields messages calls at once and raises while it is
    iterated over; closing the iterator ends the call.

    Raises ConfigError if the address is none, or a file of `tls` cannot be read.
    """

    def __init__(self, address: str, *, authority: str = "", tls: ClientTls | None = None) -> None:
        self._address = _checked(address)
        self._endpoint = Endpoint(address, authority, tls)
        options = [*_OPTIONS, *([("grpc.default_authority", authority)] if authority else [])]
        self._channel = (
            grpc.insecure_channel(address, options)
            if tls is None
            else grpc.secure_channel(address, _credentials(address, tls), options)
        )

    @property
    def overheard_at(self) -> str:
        """The address, if what is told goes to another machine in plain text, "" if not."""
        host = self._address.rpartition(":")[0].strip("[]")
        is_here = host == "unix" or is_loopback(host) or is_everywhere(host)
        return "" if is_here or self._endpoint.tls is not None else self._address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()

    def load_model(
        self, request: scheduler_pb2.LoadModelRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.LoadModelResponse:
        """Declare a model; returns when that is stored, before it is loaded."""
        response = scheduler_pb2.LoadModelResponse
        return self._call(_SCHEDULER, "LoadModel", request, response, timeout_s)

    def apply_model(
        self, request: scheduler_pb2.LoadModelRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> control_pb2.ApplyModelResponse:
        """Declare a model and hear what that changed."""
        response = control_pb2.ApplyModelResponse
        return self._call(_CONTROL, "ApplyModel", request, response, timeout_s)

    def unload_model(
        self, request: scheduler_pb2.UnloadModelRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.UnloadModelResponse:
        """Delete a model; returns when that is stored."""
        response = scheduler_pb2.UnloadModelResponse
        return self._call(_SCHEDULER, "UnloadModel", request, response, timeout_s)

    def model_status(
        self, request: scheduler_pb2.ModelStatusRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> Iterator[scheduler_pb2.ModelStatusResponse]:
        """Yield the status of the model asked for, or of each."""
        response = scheduler_pb2.ModelStatusResponse
        return self._stream(_SCHEDULER, "ModelStatus", request, response, timeout_s)

    def server_status(
        self, request: scheduler_pb2.ServerStatusRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> Iterator[scheduler_pb2.ServerStatusResponse]:
        """Yield the status of the server asked for, or of each."""
        response = scheduler_pb2.ServerStatusResponse
        return self._stream(_SCHEDULER, "ServerStatus", request, response, timeout_s)

    def scheduler_status(
        self, request: scheduler_pb2.SchedulerStatusRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.SchedulerStatusResponse:
        """Return the scheduler's version."""
        response = scheduler_pb2.SchedulerStatusResponse
        return self._call(_SCHEDULER, "SchedulerStatus", request, response, timeout_s)

    def apply_server(
        self, request: servers_pb2.Server, *, timeout_s: float | None = TIMEOUT_S
    ) -> servers_pb2.ServerChange:
        """Declare a server that the scheduler's process runs, and hear what that changed."""
        response = servers_pb2.ServerChange
        return self._call(_SERVERS, "ApplyServer", request, response, timeout_s)

    def delete_server(
        self, request: servers_pb2.ServerReference, *, timeout_s: float | None = TIMEOUT_S
    ) -> servers_pb2.ServerChange:
        """Delete a declared server; returns when that is stored."""
        response = servers_pb2.ServerChange
        return self._call(_SERVERS, "DeleteServer", request, response, timeout_s)

    def apply_server_config(
        self, request: servers_pb2.ServerConfig, *, timeout_s: float | None = TIMEOUT_S
    ) -> servers_pb2.ServerChange:
        """Declare what servers have in common, and hear what that changed."""
        response = servers_pb2.ServerChange
        return self._call(_SERVERS, "ApplyServerConfig", request, response, timeout_s)

    def delete_server_config(
        self, request: servers_pb2.ServerReference, *, timeout_s: float | None = TIMEOUT_S
    ) -> servers_pb2.ServerChange:
        """Delete a server config; returns when that is stored."""
        response = servers_pb2.ServerChange
        return self._call(_SERVERS, "DeleteServerConfig", request, response, timeout_s)

    def list_servers(
        self, request: servers_pb2.ListServersRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> servers_pb2.ListServersResponse:
        """Return declared servers and configs, and how the processes fare that run them."""
        response = servers_pb2.ListServersResponse
        return self._call(_SERVERS, "ListServers", request, response, timeout_s)

    def apply_secret(
        self, request: secrets_pb2.Secret, *, timeout_s: float | None = TIMEOUT_S
    ) -> secrets_pb2.SecretChange:
        """Declare a Secret."""
        return self._call(_SECRETS, "ApplySecret", request, secrets_pb2.SecretChange, timeout_s)

    def delete_secret(
        self, request: secrets_pb2.SecretReference, *, timeout_s: float | None = TIMEOUT_S
    ) -> secrets_pb2.SecretChange:
        """Delete a Secret."""
        return self._call(_SECRETS, "DeleteSecret", request, secrets_pb2.SecretChange, timeout_s)

    def apply_agent_config(
        self, request: secrets_pb2.AgentConfig, *, timeout_s: float | None = TIMEOUT_S
    ) -> secrets_pb2.SecretChange:
        """Declare the ConfigMap `seldon-agent`."""
        response = secrets_pb2.SecretChange
        return self._call(_SECRETS, "ApplyAgentConfig", request, response, timeout_s)

    def delete_agent_config(
        self, request: secrets_pb2.SecretReference, *, timeout_s: float | None = TIMEOUT_S
    ) -> secrets_pb2.SecretChange:
        """Delete the ConfigMap `seldon-agent`."""
        response = secrets_pb2.SecretChange
        return self._call(_SECRETS, "DeleteAgentConfig", request, response, timeout_s)

    def list_secrets(
        self, request: secrets_pb2.ListSecretsRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> secrets_pb2.ListSecretsResponse:
        """Return the Secrets and the ConfigMap that were declared, without values."""
        response = secrets_pb2.ListSecretsResponse
        return self._call(_SECRETS, "ListSecrets", request, response, timeout_s)

    def load_pipeline(
        self, request: scheduler_pb2.LoadPipelineRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.LoadPipelineResponse:
        """Declare a pipeline, as a new version; returns when that is stored."""
        response = scheduler_pb2.LoadPipelineResponse
        return self._call(_SCHEDULER, "LoadPipeline", request, response, timeout_s)

    def apply_pipeline(
        self, request: scheduler_pb2.LoadPipelineRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> control_pb2.ApplyModelResponse:
        """Declare a pipeline, as a new version if it differs, and hear what that changed."""
        response = control_pb2.ApplyModelResponse
        return self._call(_CONTROL, "ApplyPipeline", request, response, timeout_s)

    def unload_pipeline(
        self, request: scheduler_pb2.UnloadPipelineRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.UnloadPipelineResponse:
        """Delete a pipeline; returns when that is stored."""
        response = scheduler_pb2.UnloadPipelineResponse
        return self._call(_SCHEDULER, "UnloadPipeline", request, response, timeout_s)

    def pipeline_status(
        self, request: scheduler_pb2.PipelineStatusRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> Iterator[scheduler_pb2.PipelineStatusResponse]:
        """Yield the status of the pipeline asked for, or of each."""
        response = scheduler_pb2.PipelineStatusResponse
        return self._stream(_SCHEDULER, "PipelineStatus", request, response, timeout_s)

    def start_experiment(
        self, request: scheduler_pb2.StartExperimentRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.StartExperimentResponse:
        """Declare an experiment; returns when that is stored."""
        response = scheduler_pb2.StartExperimentResponse
        return self._call(_SCHEDULER, "StartExperiment", request, response, timeout_s)

    def apply_experiment(
        self, request: scheduler_pb2.StartExperimentRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> control_pb2.ApplyModelResponse:
        """Declare an experiment and hear what that changed."""
        response = control_pb2.ApplyModelResponse
        return self._call(_CONTROL, "ApplyExperiment", request, response, timeout_s)

    def stop_experiment(
        self, request: scheduler_pb2.StopExperimentRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> scheduler_pb2.StopExperimentResponse:
        """Delete an experiment; returns when that is stored."""
        response = scheduler_pb2.StopExperimentResponse
        return self._call(_SCHEDULER, "StopExperiment", request, response, timeout_s)

    def experiment_status(
        self, request: scheduler_pb2.ExperimentStatusRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> Iterator[scheduler_pb2.ExperimentStatusResponse]:
        """Yield the status of the experiment asked for, or of each."""
        response = scheduler_pb2.ExperimentStatusResponse
        return self._stream(_SCHEDULER, "ExperimentStatus", request, response, timeout_s)

    def watch_pipelines(
        self, request: scheduler_pb2.PipelineSubscriptionRequest, *, timeout_s: float | None = None
    ) -> Iterator[scheduler_pb2.PipelineStatusResponse]:
        """Yield every pipeline's latest version, then each that changes, until the server stops."""
        response = scheduler_pb2.PipelineStatusResponse
        return self._stream(_SCHEDULER, "SubscribePipelineStatus", request, response, timeout_s)

    def watch_experiments(
        self,
        request: scheduler_pb2.ExperimentSubscriptionRequest,
        *,
        timeout_s: float | None = None,
    ) -> Iterator[scheduler_pb2.ExperimentStatusResponse]:
        """Yield every experiment, then each that changes, until the scheduler stops."""
        response = scheduler_pb2.ExperimentStatusResponse
        return self._stream(_SCHEDULER, "SubscribeExperimentStatus", request, response, timeout_s)

    def describe_model(
        self, request: control_pb2.DescribeModelRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> control_pb2.DescribeModelResponse:
        """Return why a model is where it is, and what happened to it."""
        response = control_pb2.DescribeModelResponse
        return self._call(_CONTROL, "DescribeModel", request, response, timeout_s)

    def tell_story(
        self, request: control_pb2.StoryRequest, *, timeout_s: float | None = TIMEOUT_S
    ) -> control_pb2.StoryResponse:
        """Return what happened to a resource of any kind, event by event."""
        response = control_pb2.StoryResponse
        return self._call(_CONTROL, "TellStory", request, response, timeout_s)

    def watch_models(
        self, request: scheduler_pb2.ModelSubscriptionRequest, *, timeout_s: float | None = None
    ) -> Iterator[scheduler_pb2.ModelStatusResponse]:
        """Yield every model's latest version, then each that changes, until the server stops."""
        response = scheduler_pb2.ModelStatusResponse
        return self._stream(_SCHEDULER, "SubscribeModelStatus", request, response, timeout_s)

    def watch_servers(
        self, request: scheduler_pb2.ServerSubscriptionRequest, *, timeout_s: float | None = None
    ) -> Iterator[scheduler_pb2.ServerStatusResponse]:
        """Yield every server, then each that changes, until the scheduler stops."""
        response = scheduler_pb2.ServerStatusResponse
        return self._stream(_SCHEDULER, "SubscribeServerStatus", request, response, timeout_s)

    def _call(
        self,
        service: str,
        method: str,
        request: Message,
        response: type[T],
        timeout_s: float | None,
    ) -> T:
        call = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        try:
            answer: T = call(request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise self._told(error, timeout_s) from error
        return answer

    def _stream(
        self,
        service: str,
        method: str,
        request: Message,
        response: type[T],
        timeout_s: float | None,
    ) -> Iterator[T]:
        call = self._channel.unary_stream(
            f"/{service}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        return self._messages(call(request, timeout=timeout_s), timeout_s)

    def _messages(self, call: Any, timeout_s: float | None) -> Iterator[Any]:
        try:
            yield from call
        except grpc.RpcError as error:
            raise self._told(error, timeout_s) from error
        finally:
            call.cancel()

    def _told(self, error: Any, timeout_s: float | None) -> RpcError:
        """Return gRPC's error as ours, and say of a connection what to do about it."""
        code, detail = error.code(), error.details() or ""
        if code is grpc.StatusCode.UNAVAILABLE and detail.startswith(_NOT_CONNECTED):
            trouble = self._endpoint.tls and tls_trouble(self._endpoint)
            cause = trouble or detail.rpartition(": ")[2].rstrip("]")
            detail = (
                f"no scheduler can be reached at {self._address} ({cause}); start one with "
                "`seldon-core serve`, or say where it is with --scheduler-host"
            )
        elif code is grpc.StatusCode.DEADLINE_EXCEEDED and timeout_s is not None:
            detail = f"the scheduler at {self._address} did not answer within {timeout_s:g} s"
        elif code is grpc.StatusCode.UNAVAILABLE and "Socket closed" in detail:
            detail = f"the scheduler at {self._address} has stopped: its connection is closed"
        return RpcError(GRPC_CODES[code.value[0]], detail)


def _checked(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if "://" in address or not (colon and host and (port.isdecimal() or host == "unix")):
        raise ConfigError(
            f"the scheduler's address {address!r} must be host:port, for example 127.0.0.1:9004"
        )
    if host != "unix":
        _ = Endpoint(address).host_port  # raises for what gRPC would only fail to reach
    return address


def _credentials(address: str, tls: ClientTls) -> Any:
    if not tls.verify:
        raise ConfigError(
            "the scheduler's certificate is always verified: leave skipSSLVerify out, and name the "
            "authority that signed it as caPath"
        )
    Endpoint(address, tls=tls).tls_context()  # its errors say which file is wrong; gRPC has none
    authorities, key, chain = [
        read_pem(path) if path else None for path in (tls.ca_path, tls.key_path, tls.crt_path)
    ]
    return grpc.ssl_channel_credentials(authorities, key, chain)
