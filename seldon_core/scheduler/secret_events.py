"""What can happen to Secrets and to the ConfigMap `seldon-agent`; see `events`.

No `repr` of an event shows what is in them.
"""

from dataclasses import dataclass

from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.scheduler.records import Kind, StoredAgentConfig, StoredSecret


@dataclass(frozen=True, slots=True)
class SecretRestored:
    """A Secret, or the ConfigMap, that was kept when the scheduler ran last."""

    now: float
    stored: StoredSecret | StoredAgentConfig


@dataclass(frozen=True, slots=True)
class SecretDeclared:
    """Somebody declares a Secret, or the ConfigMap. It is answered by exactly one AnswerCaller."""

    now: float
    spec: SecretSpec | AgentConfigSpec
    caller: int
    actor: str = ""

    @property
    def resource(self) -> str:
        """What it is about, as the command line names it."""
        return resource_name(_KINDS[type(self.spec)], self.spec.name)


@dataclass(frozen=True, slots=True)
class SecretUnloadRequested:
    """Somebody wants a Secret, or the ConfigMap, gone. It is answered by one AnswerCaller.

    `kind` is SECRET or AGENT_CONFIG.
    """

    now: float
    kind: Kind
    name: str
    caller: int
    actor: str = ""

    @property
    def resource(self) -> str:
        """What it is about, as the command line names it."""
        return resource_name(self.kind, self.name)


AboutSecrets = SecretRestored | SecretDeclared | SecretUnloadRequested

_KINDS: dict[type[SecretSpec | AgentConfigSpec], Kind] = {
    SecretSpec: Kind.SECRET,
    AgentConfigSpec: Kind.AGENT_CONFIG,
}


def resource_name(kind: Kind, name: str) -> str:
    """Return how the command line names one of the two kinds: `secret/minio`."""
    return f"configmap/{name}" if kind is Kind.AGENT_CONFIG else f"secret/{name}"


def tell_secret_event(event: AboutSecrets) -> str:
    """Return what happened in words."""
    match event:
        case SecretRestored(stored=stored):
            return f"{resource_name(stored.kind, stored.name)} restored from the store"
        case SecretDeclared():
            return f"{event.resource} declared by {event.actor or 'this process'}"
        case SecretUnloadRequested():
            return f"{event.resource} deleted by {event.actor or 'this process'}"
