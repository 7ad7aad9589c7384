"""The Secrets and the ConfigMap that the scheduler knows."""

from dataclasses import dataclass, field

from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec, remote_of


@dataclass(frozen=True, slots=True)
class SecretRecord:
    """A Secret and the remote that it defines, or the `problem`: why it defines none."""

    spec: SecretSpec
    remote: Remote | None
    problem: str = ""


@dataclass(slots=True)
class SecretState:
    """All of them. Nothing that prints it shows a value."""

    secrets: dict[str, SecretRecord] = field(default_factory=dict)
    agent_config: AgentConfigSpec | None = None


def record_of(spec: SecretSpec) -> SecretRecord:
    """Return what is known of a Secret; its definition is read once, here."""
    try:
        return SecretRecord(spec, remote_of(spec))
    except ValueError as error:
        return SecretRecord(spec, None, str(error))
