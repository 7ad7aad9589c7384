"""Where a client calls: an address, the name that it is called by, and TLS from files.

An address is `host:port`; without a port it is 80, with TLS 443. IPv6 is written `[::1]:9000`.
"""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from seldon_core.errors import ConfigError, UpstreamError

CONNECT_TIMEOUT_S = 10.0
_REFUSAL_S = 0.5
_PLAIN_TEXT = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_REFUSED_CLIENT = ("ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE")
_NOT_LET_IN = "it does not accept your certificate, or wants one"


@dataclass(frozen=True, slots=True)
class ClientTls:
    """The files of a TLS client, each "" if there is none.

    `ca_path` holds the authorities that are trusted (else the system's), `crt_path` and `key_path`
    what the client shows of itself. Without `verify` any certificate is accepted.
    """

    ca_path: str = ""
    crt_path: str = ""
    key_path: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server to call. `authority` is the Host or :authority to say, "" for the address itself."""

    address: str
    authority: str = ""
    tls: ClientTls | None = None

    @property
    def host_port(self) -> tuple[str, int]:
        """The host, without brackets, and the port. Raises ConfigError if they cannot be read."""
        if "://" in self.address:
            raise ConfigError(
                f"{self.address!r} is no address: leave out what is before ://; a config says "
                "whether it speaks TLS"
            )
        host, colon, port = self.address.rpartition(":")
        if not colon or "]" in port:
            host, port = self.address, "443" if self.tls else "80"
        elif ":" in host and not (host.startswith("[") and host.endswith("]")):
            raise ConfigError(f"{self.address!r} is no address: write IPv6 as [::1]:9000")
        host = host.removeprefix("[").removesuffix("]")
        if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(
                f"{self.address!r} is no address: wanted host:port, as localhost:9000"
            )
        return host, int(port)

    def tls_context(self) -> ssl.SSLContext | None:
        """Return how to speak TLS, None without. Raises ConfigError if a file cannot be used."""
        return None if self.tls is None else client_context(self.tls)

    def unreachable(self, error: OSError) -> UpstreamError:
        """Return the error that says that nobody answered at this address."""
        reason = error.strerror if error.strerror and error.errno else str(error)
        host, port = self.host_port
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return UpstreamError(
            f"cannot reach {where}: {reason or 'no answer'}; start `seldon-core serve`, or say "
            "where it is with --inference-host"
        )


def client_context(tls: ClientTls) -> ssl.SSLContext:
    """Return how to speak TLS as a client. Raises ConfigError if a file cannot be used."""
    authorities = read_pem(tls.ca_path).decode(errors="replace") if tls.ca_path else None
    try:
        context = ssl.create_default_context(cadata=authorities)
    except ssl.SSLError as error:
        raise ConfigError(f"{tls.ca_path} holds no certificates: {error.reason}") from error
    if tls.crt_path or tls.key_path:
        if not (tls.crt_path and tls.key_path):
            raise ConfigError(
                "TLS by a client's certificate needs both crtPath and keyPath; found "
                f"{tls.crt_path or tls.key_path} only"
            )
        read_pem(tls.key_path)  # ssl does not say which of the two files is missing
        read_pem(tls.crt_path)
        try:
            context.load_cert_chain(tls.crt_path, tls.key_path)
        except ssl.SSLError as error:
            raise ConfigError(
                f"{tls.crt_path} and {tls.key_path} are no certificate and its key: {error.reason}"
            ) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def read_pem(path: str) -> bytes:
    """Return what a certificate or key file holds. Raises ConfigError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def tls_trouble(endpoint: Endpoint) -> str:
    """Return why TLS cannot be spoken to a server, "" if that is not what is wrong.

    gRPC's library does not tell. Raises ConfigError if a file or the address cannot be used.
    """
    context = endpoint.tls_context()
    if context is None:
        return ""
    host, port = endpoint.host_port
    try:
        with (
            socket.create_connection((host, port), CONNECT_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=endpoint.authority or host) as spoken,
        ):
            return "" if _is_let_in(spoken) else _NOT_LET_IN
    except ssl.SSLError as error:
        return why_no_tls(error)
    except OSError:
        return ""


def _is_let_in(spoken: ssl.SSLSocket) -> bool:
    """Return whether a server goes on after the handshake, after which it looks at certificates."""
    spoken.settimeout(_REFUSAL_S)
    try:
        return bool(spoken.recv(1))
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def why_no_tls(error: ssl.SSLError) -> str:
    """Return in words why TLS could not be spoken."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    reason = error.reason or str(error)
    if reason in _PLAIN_TEXT:
        return "it speaks plain text where TLS is wanted"
    if reason.endswith(_REFUSED_CLIENT):
        return _NOT_LET_IN
    return f"TLS fails: {reason}"


def reach(endpoint: Endpoint) -> None:
    """Connect and hang up again, to hear in plain words if nobody is there.

    Raises UpstreamError if so, ConfigError if the address cannot be read.
    """
    try:
        socket.create_connection(endpoint.host_port, CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise endpoint.unreachable(error) from error
