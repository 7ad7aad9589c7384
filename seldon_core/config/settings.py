"""The tree of settings. Units, defaults and their reasons stand in `default.yaml`.

Field names are snake_case here and in the environment, camelCase in files. The tree is frozen, and
each part is given only its own group. It holds what something reads, and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_type_hints

from seldon_core.config import values

_read_level = values.one_of("debug", "info", "warning", "error")

# A type and how it is read; what reads it raises ValueError.
Text = Annotated[str, values.text]
Level = Annotated[str, _read_level]
Port = Annotated[int, values.whole(0, 65535)]
Count = Annotated[int, values.whole(1)]
# For the system's calls and HTTP/2's settings, which have no more than 31 or 32 bits for it.
WireCount = Annotated[int, values.whole(1, 2**31 - 1)]
WireBytes = Annotated[int, values.size_up_to(2**31 - 1)]
Seconds = Annotated[float, values.seconds]
Bytes = Annotated[int, values.size]


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """The data port, and what one client may ask of it."""

    host: Text
    port: Port
    backlog: WireCount
    connections: Count
    streams: WireCount
    resets_per_s: Count
    settings_per_s: Count
    pings_per_s: Count
    empty_data_per_s: Count
    window_updates_per_s: Count
    header_bytes: WireBytes
    header_count: Count
    body_bytes: Bytes
    json_bytes: Bytes
    typed_bytes: Bytes
    gzip_ratio: Count
    outstanding: Count
    requests_per_turn: Count
    write_buffer_bytes: Bytes
    request_timeout_s: Seconds
    head_timeout_s: Seconds
    body_idle_timeout_s: Seconds
    body_bytes_per_s: Bytes
    write_idle_timeout_s: Seconds
    write_bytes_per_s: Bytes
    stall_timeout_s: Seconds
    idle_timeout_s: Seconds
    linger_s: Seconds
    drain_timeout_s: Seconds
    stream_format: Annotated[str, values.one_of("triton", "mlserver")]


@dataclass(frozen=True, slots=True)
class PayloadSettings:
    """Limits on requests in flight."""

    in_flight_bytes: Bytes


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """Where the scheduler is, and how patient it is."""

    host: Text
    port: Port
    ready_timeout_s: Seconds


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Where the control plane's ports are open, and how they and their clients speak TLS."""

    host: Text
    insecure: Annotated[bool, values.truth]
    tls: Annotated[bool, values.truth]
    server_crt_path: Text
    server_key_path: Text
    server_ca_path: Text
    client_crt_path: Text
    client_key_path: Text
    client_ca_path: Text
    agent_subjects: Annotated[tuple[str, ...], values.texts]
    server_name: Text


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The server replicas in this process, and the port on which others meet the scheduler."""

    port: Port
    host: Text
    server_name: Text
    replica_idx: Annotated[int, values.whole(0, 2**31 - 1)]
    capabilities: Annotated[tuple[str, ...], values.texts]
    environments: Text
    labels: Annotated[Mapping[str, str], values.table(values.text)]
    processes: Annotated[int, values.whole(0)]
    parent: Annotated[int, values.whole(0)]
    memory: Bytes
    over_commit_percentage: Annotated[int, values.whole(0)]
    trusted_prefixes: Annotated[tuple[str, ...], values.texts]
    workers: Annotated[int, values.whole(0)]


@dataclass(frozen=True, slots=True)
class ScalingSettings:
    """When models and servers get more replicas, and when fewer."""

    models: Annotated[bool, values.truth]
    servers: Annotated[bool, values.truth]
    period_s: Seconds
    lag: Count
    inactivity_s: Seconds
    stable_s: Annotated[int, values.whole(0)]
    up_window_s: Annotated[int, values.whole(0)]
    down_window_s: Annotated[int, values.whole(0)]
    wake_timeout_s: Seconds
    wake_queue: Count
    packing: Annotated[float, values.share]


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin port."""

    port: Port


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged and how."""

    level: Level
    format: Annotated[str, values.one_of("text", "json")]
    levels: Annotated[Mapping[str, str], values.table(_read_level)]
    audit: Text = ""


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Where state is kept."""

    dir: Text


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process."""

    listener: ListenerSettings
    payload: PayloadSettings
    scheduler: SchedulerSettings
    control: ControlSettings
    agent: AgentSettings
    scaling: ScalingSettings
    admin: AdminSettings
    log: LogSettings
    data: DataSettings


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's place in the tree, and what reads its value or raises ValueError."""

    group: str
    field: str
    read: Callable[[object], object]


@cache
def known_settings() -> Mapping[str, Setting]:
    """Return every setting by its name in files and flags, such as `listener.headerBytes`."""
    return {
        f"{group}.{_camel(field)}": Setting(group, field, hint.__metadata__[0])
        for group, kind in get_type_hints(Settings).items()
        for field, hint in get_type_hints(kind, include_extras=True).items()
    }


def build_settings(tree: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return the settings of a complete tree of values that have been read."""
    groups = get_type_hints(Settings)
    return Settings(**{group: kind(**tree[group]) for group, kind in groups.items()})


def show_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """Return `settings` as a file would have them, by group and name, for another process."""
    shown: dict[str, dict[str, object]] = {}
    for setting in known_settings().values():
        value = getattr(getattr(settings, setting.group), setting.field)
        plain = list(value) if isinstance(value, tuple) else value
        shown.setdefault(setting.group, {})[_camel(setting.field)] = plain
    return shown


def _camel(field: str) -> str:
    first, *others = field.split("_")
    return first + "".join(map(str.capitalize, others))
