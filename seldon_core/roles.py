"""The roles that a process can have."""

from enum import Enum

from seldon_core.errors import ConfigError


class Role(Enum):
    """One part of the platform. Each may run in a process of its own."""

    SCHEDULER = "scheduler"
    ROUTER = "router"
    AGENT = "agent"


ALL = "all"


def parse_roles(text: str) -> frozenset[Role]:
    """Return the roles that `--role` names: `all`, one, or several (`scheduler,router`).

    Raises ConfigError if there is no such role, or they make no sense together.
    """
    if text == ALL:
        return frozenset(Role)
    by_name = {role.value: role for role in Role}
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in by_name:
            raise ConfigError(
                f"--role={text}: there is no role {name!r}; there are {', '.join(by_name)}, "
                f"several of them (scheduler,router), and {ALL}"
            )
    roles = frozenset(by_name[name] for name in names)
    if roles == {Role.ROUTER, Role.AGENT}:
        raise ConfigError(
            f"--role={text}: a router and an agent without a scheduler are two processes"
        )
    return roles
