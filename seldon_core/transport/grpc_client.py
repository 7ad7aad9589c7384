"""A gRPC client of the data plane: `ModelInfer`, over one channel. Blocks."""

import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# Read when gRPC is imported: what goes wrong is told by the error, not by the library besides.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from seldon_core.errors import UpstreamError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.status import GRPC_CODES
from seldon_core.transport.control_client import RpcError
from seldon_core.transport.endpoints import (
    CONNECT_TIMEOUT_S,
    ClientTls,
    Endpoint,
    reach,
    read_pem,
)

INFER_METHOD = "/inference.GRPCInferenceService/ModelInfer"
_MAX_MESSAGE = 1000 * 1024 * 1024  # bytes; the data plane's limit

Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class GrpcReply:
    """How a call ended. `code` is gRPC's number, 0 when there is a `response` and no `error`.

    `headers` and `trailers` are in their order; values of binary ones are shown as Latin-1.
    """

    code: int
    error: RpcError | None
    response: pb.ModelInferResponse | None
    headers: tuple[tuple[str, str], ...]
    trailers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        """Return every value of `name` among the headers."""
        return [value for key, value in self.headers if key == name]


class GrpcClient:
    """Calls one endpoint over `channel`. `host` is what it says as :authority."""

    def __init__(self, channel: grpc.Channel, host: str) -> None:
        self.host = host
        self._infer = channel.unary_unary(
            INFER_METHOD,
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )

    def infer(self, request: pb.ModelInferRequest, metadata: Metadata) -> GrpcReply:
        """Send a request and wait for how it ends, as long as it takes."""
        entries = [_sendable(name, value) for name, value in metadata]
        try:
            response, call = self._infer.with_call(request, metadata=entries)
        except grpc.RpcError as error:
            return _reply(error, _told(error), None)
        return _reply(call, None, response)


@contextmanager
def open_grpc(endpoint: Endpoint) -> Iterator[GrpcClient]:
    """Hold a channel to `endpoint`.

    Raises UpstreamError if nobody is there, ConfigError if a file of TLS cannot be used.
    """
    reach(endpoint)
    host, port = endpoint.host_port
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", _MAX_MESSAGE),
        ("grpc.max_send_message_length", _MAX_MESSAGE),
        ("grpc.enable_http_proxy", 0),  # as for REST: the address is the one that is called
    ]
    if endpoint.authority:
        options.append(("grpc.default_authority", endpoint.authority))
    if endpoint.tls is None:
        channel = grpc.insecure_channel(target, options)
    else:
        credentials, name = _credentials(endpoint, endpoint.tls)
        if name:
            options.append(("grpc.ssl_target_name_override", name))
        channel = grpc.secure_channel(target, credentials, options)
    with channel:
        yield GrpcClient(channel, endpoint.authority or endpoint.address)


def _credentials(endpoint: Endpoint, tls: ClientTls) -> tuple[grpc.ChannelCredentials, str]:
    """Return the credentials, and the name to expect in the server's certificate, "" for its own.

    gRPC has no switch that skips verification. What does the same is to trust exactly the
    certificate that the server shows, by a name that stands in it.
    """
    endpoint.tls_context()  # its errors say which file is wrong, where gRPC's would not
    authorities = read_pem(tls.ca_path) if tls.ca_path else None
    key = read_pem(tls.key_path) if tls.key_path else None
    chain = read_pem(tls.crt_path) if tls.crt_path else None
    name = ""
    if not tls.verify:
        shown, name = _shown_certificate(endpoint)
        authorities = shown.encode()
    return grpc.ssl_channel_credentials(authorities, key, chain), name


def _shown_certificate(endpoint: Endpoint) -> tuple[str, str]:
    """Return the certificate that the server shows, as PEM, and a name in it."""
    try:
        with _handshake(endpoint, endpoint.tls_context()) as connection:
            pem = ssl.DER_cert_to_PEM_cert(connection.getpeercert(True) or b"")
        # A certificate is taken apart only where it is trusted: so it is made its own authority.
        trusting = ssl.create_default_context(cadata=pem)
        trusting.check_hostname = False
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if endpoint.tls and endpoint.tls.crt_path:
            trusting.load_cert_chain(endpoint.tls.crt_path, endpoint.tls.key_path)
        with _handshake(endpoint, trusting) as connection:
            return pem, _name_in(connection.getpeercert() or {})
    except OSError as error:  # ssl.SSLError too
        raise UpstreamError(f"{endpoint.address} cannot be spoken to by TLS: {error}") from error


def _handshake(endpoint: Endpoint, context: ssl.SSLContext | None) -> ssl.SSLSocket:
    assert context is not None
    raw = socket.create_connection(endpoint.host_port, CONNECT_TIMEOUT_S)
    try:
        return context.wrap_socket(raw, server_hostname=endpoint.host_port[0])
    except BaseException:
        raw.close()
        raise


def _name_in(certificate: dict[str, Any]) -> str:
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    common = [
        value
        for part in certificate.get("subject", ())
        for kind, value in part
        if kind == "commonName"
    ]
    return str([*names, *common, ""][0]).replace("*", "any", 1)


def _sendable(name: str, value: str) -> tuple[str, str | bytes]:
    lower = name.lower()
    return lower, value.encode() if lower.endswith("-bin") else value


def _told(error: Any) -> RpcError:
    return RpcError(GRPC_CODES[error.code().value[0]], error.details() or "")


def _reply(call: Any, error: RpcError | None, response: pb.ModelInferResponse | None) -> GrpcReply:
    return GrpcReply(
        call.code().value[0],
        error,
        response,
        _text(call.initial_metadata()),
        _text(call.trailing_metadata()),
    )


def _text(metadata: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (key, value.decode("latin-1") if isinstance(value, bytes) else value)
        for key, value in metadata or ()
    )
