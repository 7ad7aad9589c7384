"""Settings from their four places, each above the one before: `default.yaml`, the user's file, the
environment, the flags.

The layers are laid over each other by the settings' dotted names, and what then stands is read.
pydantic-settings is not used: it cannot say which layer a wrong value came from and has no word for
unknown environment variables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml

from seldon_core.config.seldon_names import SELDON_NAMES, WITHOUT_EFFECT, in_force
from seldon_core.config.settings import Settings, build_settings, known_settings
from seldon_core.config.sizes import memory_limit
from seldon_core.config.values import is_loopback
from seldon_core.errors import ConfigError

DEFAULTS = Path(__file__).with_name("default.yaml")

_OF_CLIENTS = frozenset(
    {
        "SELDON_INFER_HOST",
        "SELDON_SCHEDULE_HOST",
        "SELDON_KAFKA_BROKER",
        "SELDON_KAFKA_CONFIG_PATH",
        "SELDON_FORCE_CONTROL_PLANE",
    }
)
"""What the command line's other commands read: in the same shell it is no mistake."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and what their user should be told (shadowed or unknown variables)."""

    settings: Settings
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Value:
    value: object
    origin: str  # where a message says that it came from


def load_settings(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Loaded:
    """Read every layer. `flags` are values by dotted name (`listener.port`).

    Raises ConfigError if a file cannot be read, a name is unknown or a value is wrong; the text
    names the setting, where it was given and, for an unknown name, the nearest known one.
    """
    notices: list[str] = []
    layers = _from_file(DEFAULTS)
    if file is not None:
        layers |= _from_file(file)
    layers |= _from_environment(environ, notices)
    layers |= {
        _known(name, f"--set {name}"): _Value(value, "the command line")
        for name, value in flags.items()
    }
    return Loaded(_checked(layers), tuple(notices))


@cache
def _names() -> dict[str, str]:
    """Every setting: its variable in the environment and its dotted name."""
    return {
        f"SELDON_{setting.group}__{setting.field}".upper(): name
        for name, setting in known_settings().items()
    }


def _known(name: str, origin: str) -> str:
    known = known_settings()
    if name in known:
        return name
    nearest = get_close_matches(name, known, n=1, cutoff=0)
    raise ConfigError(f"{origin}: there is no setting {name!r}; the nearest is {nearest[0]!r}")


def _from_file(path: Path) -> dict[str, _Value]:
    try:
        content = yaml.safe_load(path.read_text()) or {}
    # The last ones are what PyYAML does about `!!timestamp x`, an impossible date, a deep nesting.
    except (
        OSError,
        yaml.YAMLError,
        ValueError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"the settings in {path} cannot be read: {reason}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: wanted a table of groups, found {content!r}")
    values = {}
    for group, fields in content.items():
        if not isinstance(fields, dict):
            raise ConfigError(f"{path}: wanted a table of settings in {group!r}, found {fields!r}")
        for field, value in fields.items():
            values[_known(f"{group}.{field}", str(path))] = _Value(value, str(path))
    return values


def _from_environment(environ: Mapping[str, str], notices: list[str]) -> dict[str, _Value]:
    ours: dict[str, _Value] = {}
    theirs: dict[str, _Value] = {}
    for variable, value in in_force(environ).items():
        if value.startswith("tcp://"):
            continue  # a Kubernetes service link: a service called seldon-… makes these
        if variable in SELDON_NAMES:
            if value:  # as Seldon's own: empty is not set
                means = SELDON_NAMES[variable](value)
                theirs |= {name: _Value(each, variable) for name, each in means.items()}
        elif variable in _names():
            ours[_names()[variable]] = _Value(value, variable)
        elif notice := _notice(variable):
            notices.append(notice)
    notices += [
        f"{theirs[name].origin} is ignored: {ours[name].origin} is set as well"
        for name in theirs.keys() & ours.keys()
    ]
    return theirs | ours


def _notice(variable: str) -> str:
    """Return what to say of a variable that sets nothing; "" if it is not about this program."""
    if variable in WITHOUT_EFFECT:
        return f"{variable} has no effect here: {WITHOUT_EFFECT[variable]}"
    if not variable.startswith("SELDON_") or variable in _OF_CLIENTS:
        return ""
    known = [*_names(), *SELDON_NAMES]
    nearest = get_close_matches(variable, known, n=1, cutoff=0)
    return f"{variable} is no known setting; the nearest is {nearest[0]}"


def _checked(layers: Mapping[str, _Value]) -> Settings:
    tree: dict[str, dict[str, object]] = {}
    for name, given in layers.items():
        setting = known_settings()[name]
        try:
            value = setting.read(given.value)
        except ValueError as error:
            raise ConfigError(f"{name} (from {given.origin}): {error}") from error
        tree.setdefault(setting.group, {})[setting.field] = value
    settings = build_settings(tree)
    _check_together(settings, layers)
    _check_open(settings, layers)
    _check_pairs(settings)
    return settings


def _check_open(settings: Settings, layers: Mapping[str, _Value]) -> None:
    """Refuse to open the control plane to other machines unless that is wished for in words."""
    control = settings.control
    is_mutual = control.tls and control.client_ca_path
    if not (control.insecure or is_mutual or is_loopback(control.host)):
        raise ConfigError(
            f"control.host (from {layers['control.host'].origin}): {control.host!r} opens the "
            "ports of the control plane to whoever reaches it, and a model that he loads runs "
            "code; have clients prove who they are by mutual TLS (control.tls, "
            "control.clientCaPath), or say that it is meant with --insecure-control "
            "(control.insecure)"
        )


def _check_pairs(settings: Settings) -> None:
    """Refuse half of a certificate and its key, and subjects where nobody has one."""
    control = settings.control
    if control.agent_subjects and not (control.tls and control.client_ca_path):
        raise ConfigError(
            "control.agentSubjects lists who may connect by a certificate, and nobody is asked for "
            "one: set control.tls and control.clientCaPath (mutual TLS)"
        )
    for side in ("server", "client"):
        crt, key = (getattr(control, f"{side}_{what}_path") for what in ("crt", "key"))
        if bool(crt) != bool(key):
            missing, given = ("Key", "Crt") if crt else ("Crt", "Key")
            raise ConfigError(
                f"control.{side}{given}Path is {crt or key!r}, and control.{side}{missing}Path is "
                "empty: a certificate and its key belong together"
            )


def _check_together(settings: Settings, layers: Mapping[str, _Value]) -> None:
    """Refuse limits of which one makes another senseless.

    The default of `jsonBytes` is one limit of two, and gives way to a smaller `bodyBytes`.
    """
    listener, in_flight = settings.listener, settings.payload.in_flight_bytes
    json, room = layers["listener.jsonBytes"], layers["payload.inFlightBytes"]
    if listener.json_bytes > listener.body_bytes and json.origin != str(DEFAULTS):
        raise ConfigError(
            f"listener.jsonBytes (from {json.origin}): {json.value!r} is more than "
            f"listener.bodyBytes, {listener.body_bytes} bytes, of which it is a part"
        )
    if in_flight < listener.header_bytes:
        raise ConfigError(
            f"payload.inFlightBytes (from {room.origin}): {room.value!r} is less than "
            f"listener.headerBytes, {listener.header_bytes} bytes, which one request may have "
            "before its body"
        )
    if in_flight > memory_limit():
        raise ConfigError(
            f"payload.inFlightBytes (from {room.origin}): {room.value!r} is more than the "
            f"{memory_limit()} bytes that this process may use, of which agent.memory takes "
            f"{settings.agent.memory}"
        )
