"""The roles that a process can have."""

from enum import Enum

from seldon_core.errors import ConfigError


class Role(Enum):
    """One part of the platform. In time each may run in a process of its own."""

    SCHEDULER = "scheduler"
    ROUTER = "router"
    AGENT = "agent"


ALL = "all"


def parse_roles(text: str) -> frozenset[Role]:
    """Return the roles that `--role` names.

    Raises ConfigError for anything but `all`, which is what there is so far.
    """
    if text == ALL:
        return frozenset(Role)
    names = [role.value for role in Role]
    if text in names:
        raise ConfigError(
            f"--role={text}: a role cannot run in a process of its own yet; use --role={ALL}"
        )
    raise ConfigError(f"--role={text}: there is no such role; use --role={ALL}")
