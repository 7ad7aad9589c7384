"""A Server and a ServerConfig as the process knows them, after their manifests were validated.

A Server is a named group of equal replicas. A ServerConfig is what several servers have in common:
what a server does not say itself is taken from the config that it names (`combine`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seldon_core.resources.model import DEFAULT_NAMESPACE, KubernetesMeta


@dataclass(frozen=True, slots=True)
class ServerConfigSpec:
    """What the servers that name this config have in common.

    `capabilities` empty: what the default server of the config's name has, or of mlserver.
    `memory_bytes` 0 and `over_commit_percentage` None: as the agent's settings say. `python` is an
    interpreter's path and `environment_name` a named environment, "" for the process's own.
    `environment_variables` are set for each replica's process. `labels` say on which agents the
    replicas may be; `device_count` how many devices (GPUs) a replica has.
    """

    name: str
    capabilities: tuple[str, ...] = ()
    memory_bytes: int = 0
    over_commit_percentage: int | None = None
    python: str = ""
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    environment_name: str = ""
    device_count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    meta: KubernetesMeta | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the config is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What a user declared of a server; the fields of its config's names mean the same.

    `capabilities` empty: the config's, and `extra_capabilities` besides. `replicas` are wanted;
    `min_replicas` and `max_replicas` bound what scaling makes of it, `max_replicas` 0 is no bound.
    With `disable_auto_update` a changed config does not replace the replicas that run.
    """

    name: str
    config_name: str = ""
    capabilities: tuple[str, ...] = ()
    extra_capabilities: tuple[str, ...] = ()
    memory_bytes: int = 0
    over_commit_percentage: int | None = None
    replicas: int = 1
    min_replicas: int = 0
    max_replicas: int = 0
    python: str = ""
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    environment_name: str = ""
    device_count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    disable_auto_update: bool = False
    meta: KubernetesMeta | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the server is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE

    def runs_as(self, other: "ServerSpec") -> bool:
        """Return whether a replica of `other` is one of this server too, but for their number."""
        return self.process == other.process

    @property
    def process(self) -> "ServerSpec":
        """This spec without what a replica that runs does not depend on."""
        return replace(
            self, replicas=1, min_replicas=0, max_replicas=0, disable_auto_update=False, meta=None
        )


def combine(server: ServerSpec, config: ServerConfigSpec) -> ServerSpec:
    """Return `server` with what it does not say itself taken from `config`.

    Variables and labels are laid over the config's name by name; the result has no
    `extra_capabilities` any more, since they are among its `capabilities`.
    """
    capabilities = server.capabilities or _united(config.capabilities, server.extra_capabilities)
    over_commit = server.over_commit_percentage
    return replace(
        server,
        capabilities=capabilities,
        extra_capabilities=(),
        memory_bytes=server.memory_bytes or config.memory_bytes,
        over_commit_percentage=(
            config.over_commit_percentage if over_commit is None else over_commit
        ),
        python=server.python or config.python,
        environment_variables={**config.environment_variables, **server.environment_variables},
        environment_name=server.environment_name or config.environment_name,
        device_count=server.device_count or config.device_count,
        labels={**config.labels, **server.labels},
    )


def _united(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
