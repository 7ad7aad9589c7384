"""The tree of settings. Units, defaults and their reasons stand in `default.yaml`.

Field names are snake_case here and in the environment, camelCase in files. The tree is frozen, and
each part is given only its own group. It holds what something reads, and nothing else.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from seldon_core.config.sizes import parse_bytes


def _split_list(value: object) -> object:
    """Accept `a,b` where the environment or a flag gives a list."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


def _split_table(value: object) -> object:
    """Accept `a=1,b=2` where the environment or a flag gives a table."""
    if not isinstance(value, str):
        return value
    return dict(part.partition("=")[::2] for part in value.split(",") if part)


Level = Annotated[
    Literal["debug", "info", "warning", "error"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]
Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0)]


class Group(BaseModel):
    """Settings that belong together; one part of the process reads them."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, extra="forbid")


class ListenerSettings(Group):
    """The data port, and what one client may ask of it."""

    host: str
    port: Port
    backlog: Count
    connections: Count
    header_bytes: Bytes
    header_count: Count
    body_bytes: Bytes
    json_bytes: Bytes
    gzip_ratio: Count
    outstanding: Count
    requests_per_turn: Count
    write_buffer_bytes: Bytes
    request_timeout_s: Seconds
    head_timeout_s: Seconds
    body_idle_timeout_s: Seconds
    write_idle_timeout_s: Seconds
    idle_timeout_s: Seconds
    linger_s: Seconds
    drain_timeout_s: Seconds


class PayloadSettings(Group):
    """Limits on requests in flight."""

    in_flight_bytes: Bytes


class SchedulerSettings(Group):
    """The scheduler's gRPC port."""

    port: Port


class AgentSettings(Group):
    """The server replicas in this process."""

    port: Port
    memory: Bytes
    over_commit_percentage: Annotated[int, Field(ge=0)]
    trusted_prefixes: Annotated[tuple[str, ...], BeforeValidator(_split_list)]
    workers: Annotated[int, Field(ge=0)]


class AdminSettings(Group):
    """The admin port."""

    port: Port


class LogSettings(Group):
    """What is logged and how."""

    level: Level
    format: Literal["text", "json"]
    levels: Annotated[dict[str, Level], BeforeValidator(_split_table)]


class DataSettings(Group):
    """Where state is kept."""

    dir: str


class Settings(Group):
    """All settings of a process."""

    listener: ListenerSettings
    payload: PayloadSettings
    scheduler: SchedulerSettings
    agent: AgentSettings
    admin: AdminSettings
    log: LogSettings
    data: DataSettings
