"""Seldon Core 2's own variables: which settings each of them means here.

Its deployments set them on the containers of its agents and scheduler. One that is empty counts as
not set, as it does there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

_POD = re.compile(r"(?P<server>.+)-(?P<index>\d+)")

_LEVELS = {"trace": "debug", "warn": "warning", "fatal": "error", "panic": "error"}
"""Seldon's levels that have another name here."""


def _means(setting: str) -> Callable[[str], Mapping[str, object]]:
    return lambda value: {setting: value}


def _level(value: str) -> Mapping[str, object]:
    return {"log.level": _LEVELS.get(value.lower(), value)}


def _pod(value: str) -> Mapping[str, object]:
    """A pod of a StatefulSet is called after its server and the replica's index."""
    found = _POD.fullmatch(value)
    if found is None:
        return {}
    return {"agent.serverName": found["server"], "agent.replicaIdx": found["index"]}


def _protocol(value: str) -> Mapping[str, object]:
    """`SSL` or `PLAINTEXT`; anything else is refused as no truth."""
    return {"control.tls": {"SSL": True, "PLAINTEXT": False}.get(value.upper(), value)}


SELDON_NAMES: Final[Mapping[str, Callable[[str], Mapping[str, object]]]] = {
    "CONTROL_PLANE_CLIENT_TLS_CA_LOCATION": _means("control.clientCaPath"),
    "CONTROL_PLANE_CLIENT_TLS_CRT_LOCATION": _means("control.clientCrtPath"),
    "CONTROL_PLANE_CLIENT_TLS_KEY_LOCATION": _means("control.clientKeyPath"),
    "CONTROL_PLANE_SECURITY_PROTOCOL": _protocol,
    "CONTROL_PLANE_SERVER_TLS_CA_LOCATION": _means("control.serverCaPath"),
    "CONTROL_PLANE_SERVER_TLS_CRT_LOCATION": _means("control.serverCrtPath"),
    "CONTROL_PLANE_SERVER_TLS_KEY_LOCATION": _means("control.serverKeyPath"),
    "ENABLE_SERVER_AUTOSCALING": _means("scaling.servers"),
    "MEMORY_REQUEST": _means("agent.memory"),
    "POD_NAME": _pod,
    "SELDON_LOG_LEVEL": _level,
    "SELDON_METRICS_PORT": _means("admin.port"),
    "SELDON_MODEL_INACTIVE_SECONDS_THRESHOLD": _means("scaling.inactivityS"),
    "SELDON_MODEL_INFERENCE_LAG_THRESHOLD": _means("scaling.lag"),
    "SELDON_OVERCOMMIT_PERCENTAGE": _means("agent.overCommitPercentage"),
    "SELDON_SCALING_STATS_PERIOD_SECONDS": _means("scaling.periodS"),
    "SELDON_SCHEDULER_HOST": _means("scheduler.host"),
    "SELDON_SCHEDULER_PORT": _means("agent.port"),
    "SELDON_SERVER_CAPABILITIES": _means("agent.capabilities"),
    "SELDON_SERVER_HTTP_PORT": _means("listener.port"),
}
"""Each variable, and what of the settings its value says, by their names."""

TLS_PORT: Final = "SELDON_SCHEDULER_TLS_PORT"
"""What stands for SELDON_SCHEDULER_PORT where the control plane speaks TLS."""


def in_force(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the variables of `environ`, with the port that counts by its usual name."""
    if not environ.get(TLS_PORT):
        return environ
    port = environ[TLS_PORT]
    left = {name: value for name, value in environ.items() if name != TLS_PORT}
    if environ.get("CONTROL_PLANE_SECURITY_PROTOCOL", "").upper() != "SSL":
        return left
    return {**left, "SELDON_SCHEDULER_PORT": port}


WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("CONTROL_PLANE_CLIENT_TLS_SECRET_NAME", "CONTROL_PLANE_SERVER_TLS_SECRET_NAME"),
        "certificates are files: give the …_LOCATION variables or the paths of group control",
    ),
    **dict.fromkeys(
        (
            "SELDON_SERVER_GRPC_PORT",
            "SELDON_REVERSE_PROXY_HTTP_PORT",
            "SELDON_REVERSE_PROXY_GRPC_PORT",
        ),
        "REST and gRPC share listener.port, and there is no proxy",
    ),
    **dict.fromkeys(
        ("SELDON_DEBUG_GRPC_PORT", "SELDON_DRAINER_PORT", "SELDON_READINESS_PORT"),
        "health is on admin.port, and SIGTERM drains",
    ),
    **dict.fromkeys(
        ("SELDON_ENVOY_HOST", "SELDON_ENVOY_PORT"), "there is no Envoy; routers serve listener.port"
    ),
    **dict.fromkeys(
        (
            "SELDON_MAX_TIME_READY_SUB_SERVICE_AFTER_START_SECONDS",
            "SELDON_MAX_ELAPSED_TIME_READY_SUB_SERVICE_BEFORE_START_MINUTES",
            "SELDON_PERIOD_READY_SUB_SERVICE_SECONDS",
        ),
        "an agent has no other services to wait for",
    ),
    **dict.fromkeys(
        (
            "SELDON_MAX_LOAD_ELAPSED_TIME_MINUTES",
            "SELDON_MAX_LOAD_RETRY_COUNT",
            "SELDON_MAX_UNLOAD_ELAPSED_TIME_MINUTES",
            "SELDON_MAX_UNLOAD_RETRY_COUNT",
            "SELDON_UNLOAD_GRACE_PERIOD_SECONDS",
        ),
        "the scheduler decides when a load is tried again",
    ),
    "SELDON_REPLICA_CONFIG": "give the settings of group agent instead",
    "SELDON_SERVER_TYPE": "a server is what its capabilities say",
    "SELDON_USE_DEPLOYMENTS_FOR_SERVERS": "give agent.serverName and agent.replicaIdx instead",
}
"""Variables that mean nothing here, and what there is instead."""
