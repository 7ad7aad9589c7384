"""TLS of the control plane: who may speak, read from files, and read again when they change.

With the authority of the clients' certificates a server asks each client for one (mutual TLS).
"""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seldon_core.config.settings import ControlSettings
from seldon_core.config.values import is_loopback
from seldon_core.errors import ConfigError
from seldon_core.transport.endpoints import ClientTls, client_context, read_pem

_log = logging.getLogger(__name__)

_PROTOCOLS: Final = ["h2", "http/1.1"]


@dataclass(frozen=True, slots=True)
class ServerTls:
    """The files of a TLS server: its certificate, the key, and whose clients it lets in.

    `client_ca_path` "" asks clients for no certificate.
    """

    crt_path: str
    key_path: str
    client_ca_path: str = ""


class ServerKeys:
    """How a server speaks TLS by now. Raises ConfigError if a file of `tls` cannot be used."""

    def __init__(self, tls: ServerTls) -> None:
        self.tls = tls
        self._context = server_context(tls)

    @property
    def context(self) -> ssl.SSLContext:
        """What the next connection speaks by."""
        return self._context

    @property
    def files(self) -> tuple[Path, ...]:
        """Where all of that is read from."""
        tls = self.tls
        return tuple(
            Path(each) for each in (tls.crt_path, tls.key_path, tls.client_ca_path) if each
        )

    def reload(self) -> None:
        """Read the files again, for the connections to come.

        Raises ConfigError if one cannot be used; then all stays as it was.
        """
        self._context = server_context(self.tls)
        _log.info("certificate read again crt_path=%s", self.tls.crt_path)


def server_context(tls: ServerTls) -> ssl.SSLContext:
    """Return how to speak TLS as a server. Raises ConfigError if a file cannot be used."""
    read_pem(tls.key_path)  # ssl does not say which of the two files is missing
    read_pem(tls.crt_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(_PROTOCOLS)
    try:
        # Without a word to say it, ssl would ask for a pass phrase on the terminal.
        context.load_cert_chain(tls.crt_path, tls.key_path, password=_no_pass_phrase)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise ConfigError(
            f"{tls.crt_path} and {tls.key_path} are no certificate and its key: {reason}"
        ) from error
    if tls.client_ca_path:
        authorities = read_pem(tls.client_ca_path).decode(errors="replace")
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error)
            raise ConfigError(f"{tls.client_ca_path} holds no certificates: {reason}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_pass_phrase() -> str:
    raise ValueError("the key is encrypted; give one without a pass phrase")


def server_keys(control: ControlSettings) -> ServerKeys | None:
    """Return how this process's control ports speak TLS, None if they speak plain text.

    Raises ConfigError if a file cannot be used, or there is none.
    """
    if not control.tls:
        return None
    if not control.server_crt_path:
        raise ConfigError(
            "control.tls is true, and control.serverCrtPath is empty: give the certificate of the "
            "control ports and its key (control.serverKeyPath)"
        )
    return ServerKeys(
        ServerTls(control.server_crt_path, control.server_key_path, control.client_ca_path)
    )


def client_tls(control: ControlSettings) -> ClientTls | None:
    """Return the files by which this process calls the scheduler, None in plain text.

    Without a certificate for clients it shows the server's.
    """
    if not control.tls:
        return None
    crt, key = control.client_crt_path, control.client_key_path
    if not crt:
        crt, key = control.server_crt_path, control.server_key_path
    return ClientTls(control.server_ca_path, crt, key)


@dataclass(frozen=True, slots=True)
class DialTls:
    """How a client of the control plane speaks TLS: its files, read at each new connection.

    `server_name` is what the server's certificate has to be for; "": the host that is called.
    """

    tls: ClientTls
    server_name: str = ""

    def context(self) -> ssl.SSLContext:
        """Return how to speak by now. Raises ConfigError if a file cannot be used."""
        context = client_context(self.tls)
        context.set_alpn_protocols(["h2"])
        return context


def dial_tls(control: ControlSettings) -> DialTls | None:
    """Return how this process speaks to the scheduler, None in plain text."""
    tls = client_tls(control)
    return None if tls is None else DialTls(tls, control.server_name)


def admin_keys(control: ControlSettings, keys: ServerKeys | None = None) -> ServerKeys | None:
    """Return how the admin port speaks TLS: by `keys`, or of its own, where others reach it.

    On this machine it speaks plain text, since who asks after health there has no certificate, as
    it does wherever that was asked for in words. Raises ConfigError as `server_keys`.
    """
    if is_loopback(control.host) or control.insecure:
        return None
    return keys or server_keys(control)
