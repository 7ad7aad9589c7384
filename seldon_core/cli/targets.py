"""Which server a command calls: the flag if given, else the config in use, the environment, 9000.

`0.0.0.0` as the address of a server means this machine, as it does for Seldon's tool.
"""

import os
from collections.abc import Mapping

from seldon_core.cli.configs import ConfigFile, active_config
from seldon_core.cli.seldon_options import ControlOptions
from seldon_core.transport.endpoints import ClientTls, Endpoint

DEFAULT_INFERENCE = "0.0.0.0:9000"
DEFAULT_SCHEDULER = "0.0.0.0:9004"


def scheduler_endpoint(
    options: ControlOptions, environ: Mapping[str, str] = os.environ
) -> Endpoint:
    """Return where the scheduler is; TLS if the config in use names a key or asks for it.

    Without a config that does, TLS is spoken where CONTROL_PLANE_SECURITY_PROTOCOL is SSL. Raises
    ConfigError if that config cannot be read.
    """
    config = active_config()
    address = (
        options.scheduler_host
        or config.text("controlplane", "schedulerHost")
        or environ.get("SELDON_SCHEDULE_HOST")
        or DEFAULT_SCHEDULER
    )
    speaks_tls = config.switch("controlplane", "tls") or config.text("controlplane", "keyPath")
    tls = _tls(config, "controlplane") if speaks_tls else _tls_of(environ)
    return Endpoint(address, options.authority, tls)


def inference_endpoint(
    host: str | None, authority: str, environ: Mapping[str, str] = os.environ
) -> Endpoint:
    """Return where inference is; TLS if the config in use says so.

    Raises ConfigError if that config cannot be read.
    """
    config = active_config()
    address = (
        host
        or config.text("dataplane", "inferHost")
        or environ.get("SELDON_INFER_HOST")
        or DEFAULT_INFERENCE
    )
    tls = _tls(config, "dataplane") if config.switch("dataplane", "tls") else None
    return Endpoint(address, authority, tls)


def _tls_of(environ: Mapping[str, str]) -> ClientTls | None:
    """Return what Seldon's variables say, as they are given to agents."""
    if environ.get("CONTROL_PLANE_SECURITY_PROTOCOL", "").upper() != "SSL":
        return None
    return ClientTls(
        ca_path=environ.get("CONTROL_PLANE_SERVER_TLS_CA_LOCATION", ""),
        crt_path=environ.get("CONTROL_PLANE_CLIENT_TLS_CRT_LOCATION", ""),
        key_path=environ.get("CONTROL_PLANE_CLIENT_TLS_KEY_LOCATION", ""),
    )


def _tls(config: ConfigFile, block: str) -> ClientTls:
    return ClientTls(
        ca_path=config.file(block, "caPath"),
        crt_path=config.file(block, "crtPath"),
        key_path=config.file(block, "keyPath"),
        verify=not config.switch(block, "skipSSLVerify"),
    )
